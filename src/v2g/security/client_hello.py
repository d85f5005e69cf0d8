"""The first message of a TLS handshake, as far as a station has to read it itself: does the car know TLS 1.3?

Python's ssl cannot say which version a handshake will have before it has one; a station that has
certificates for both versions has to choose before (RFC 8446 4.1.2, 4.2.1).
"""

from __future__ import annotations

from typing import Final

MOST_BYTES: Final = 8 << 10
"""Of a ClientHello with its records; real ones have a few hundred, or two thousand with a post-quantum key
share. Nobody may have a station keep more before it knows who asks."""
_HANDSHAKE, _CLIENT_HELLO = 22, 1
_RECORD_HEADER, _MESSAGE_HEADER = 5, 4
_SUPPORTED_VERSIONS: Final = 43
_TLS_1_3: Final = b"\x03\x04"


class HelloReader:
    """Reads the first bytes of a connection as they come, each of them once."""

    __slots__ = ("_at", "_data", "_hello")

    def __init__(self) -> None:
        self._data = bytearray()
        self._at = 0
        """Where the record begins that is not complete yet."""
        self._hello = bytearray()

    def data(self) -> bytes:
        """All that has come, for OpenSSL to read."""
        return bytes(self._data)

    def feed(self, data: bytes) -> bool | None:
        """Whether this is a car that knows TLS 1.3; None: more bytes are needed.

        Bytes that are no ClientHello give False: OpenSSL says what is wrong with them.
        """
        self._data += data
        held = self._data
        while self._at < len(held):
            begin = self._at + _RECORD_HEADER
            if held[self._at] != _HANDSHAKE:
                return False
            if begin > len(held):
                break
            size = int.from_bytes(held[begin - 2 : begin], "big")
            if not size or (not self._hello and begin < len(held) and held[begin] != _CLIENT_HELLO):
                return False
            if begin + size > len(held):
                break
            self._hello += held[begin : begin + size]
            self._at = begin + size
            if self._complete():
                return _versions(bytes(self._hello[_MESSAGE_HEADER:]))
        return False if len(held) >= MOST_BYTES else None

    def _complete(self) -> bool:
        size = int.from_bytes(self._hello[1:_MESSAGE_HEADER], "big")
        return len(self._hello) >= _MESSAGE_HEADER and len(self._hello) >= _MESSAGE_HEADER + size


def offers_tls_1_3(data: bytes) -> bool | None:
    """`HelloReader` for bytes that are all there."""
    return HelloReader().feed(data)


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
