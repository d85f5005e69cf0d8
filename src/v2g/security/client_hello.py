"""The first message of a TLS handshake, as far as a station has to read it itself: does the car know TLS 1.3?

Python's ssl cannot say which version a handshake will have before it has one; a station that has
certificates for both versions has to choose before (RFC 8446 4.1.2, 4.2.1).
"""

from __future__ import annotations

from typing import Final

MOST_BYTES: Final = 1 << 15
"""Of a ClientHello with its records; real ones have a few hundred."""
_HANDSHAKE, _CLIENT_HELLO = 22, 1
_SUPPORTED_VERSIONS: Final = 43
_TLS_1_3: Final = b"\x03\x04"


def offers_tls_1_3(data: bytes) -> bool | None:
    """Whether these first bytes of a connection are of a car that knows TLS 1.3; None: more are needed.

    Bytes that are no ClientHello give False: OpenSSL says what is wrong with them.
    """
    hello = b""
    at = 0
    while True:
        if data[at : at + 1] not in (b"", bytes((_HANDSHAKE,))):
            return False
        if len(data) - at < 5:
            return None
        size = int.from_bytes(data[at + 3 : at + 5], "big")
        hello += data[at + 5 : at + 5 + size]
        if hello and hello[0] != _CLIENT_HELLO:
            return False
        if len(hello) >= 4 and len(hello) >= 4 + int.from_bytes(hello[1:4], "big"):
            return _versions(hello[4:])
        at += 5 + size
        if not size or at >= MOST_BYTES:
            return False


def _versions(hello: bytes) -> bool:
    try:
        at = 34  # client_version and random
        at += 1 + hello[at]  # session_id
        at += 2 + int.from_bytes(hello[at : at + 2], "big")  # cipher_suites
        at += 1 + hello[at]  # compression_methods
    except IndexError:
        return False
    end = at + 2 + int.from_bytes(hello[at : at + 2], "big")
    at += 2
    while at + 4 <= min(end, len(hello)):
        kind = int.from_bytes(hello[at : at + 2], "big")
        size = int.from_bytes(hello[at + 2 : at + 4], "big")
        if kind == _SUPPORTED_VERSIONS:
            versions = hello[at + 5 : at + 4 + size]
            return _TLS_1_3 in (versions[i : i + 2] for i in range(0, len(versions), 2))
        at += 4 + size
    return False
