"""Network membership keys (NMK) and network identifiers (NID) of HomePlug AV.

Source: HomePlug AV specification, security: a NID is derived from the NMK, and keys from passwords, by
repeated SHA-256 (PBKDF1).
"""

from __future__ import annotations

import hashlib
from enum import IntEnum, unique

NMK_BYTES = 16
NID_BYTES = 7
_NID_ROUNDS = 5
_PASSWORD_ROUNDS = 1000
_NMK_SALT = bytes.fromhex("08856daf7cf58186")
_DAK_SALT = bytes.fromhex("08856daf7cf58185")


@unique
class SecurityLevel(IntEnum):
    """Two bits of a NID: whether stations may join by a button (SIMPLE_CONNECT) or by the key alone
    (SECURE). Networks of SLAC have SIMPLE_CONNECT."""

    SIMPLE_CONNECT = 0
    SECURE = 1


def nid_of(nmk: bytes, level: SecurityLevel = SecurityLevel.SIMPLE_CONNECT) -> bytes:
    """The NID (7 bytes) of an NMK: the first 52 bits of the key hashed five times, the security level in
    bits 4 and 5 of the last byte.

    Raises:
        ValueError: the key is not of 16 bytes.
    """
    if len(nmk) != NMK_BYTES:
        raise ValueError(f"an NMK has {NMK_BYTES} bytes, not {len(nmk)}")
    digest = _hashed(nmk, _NID_ROUNDS)
    return digest[:6] + bytes((level << 4 | digest[6] >> 4,))


def nmk_from_password(password: str) -> bytes:
    """The NMK (16 bytes) of a network password.

    Raises:
        ValueError: the password is empty or not ASCII.
    """
    return _hashed(_ascii(password) + _NMK_SALT, _PASSWORD_ROUNDS)[:NMK_BYTES]


def dak_from_password(password: str) -> bytes:
    """The device access key (16 bytes) of the password that is printed on a modem.

    Raises:
        ValueError: the password is empty or not ASCII.
    """
    return _hashed(_ascii(password) + _DAK_SALT, _PASSWORD_ROUNDS)[:NMK_BYTES]


def _ascii(password: str) -> bytes:
    if not password or not password.isascii():
        raise ValueError("a HomePlug password is ASCII text of at least one character")
    return password.encode("ascii")


def _hashed(data: bytes, rounds: int) -> bytes:
    for _ in range(rounds):
        data = hashlib.sha256(data).digest()
    return data
