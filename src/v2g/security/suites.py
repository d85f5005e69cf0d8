"""Algorithms of signatures in messages, by the key that signs."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from v2g.security.signed import SignatureError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes, PublicKeyTypes


@dataclass(frozen=True, slots=True)
class Suite:
    """Algorithms of one kind of key.

    Attributes:
        curve: the key's.
        signature: SignatureMethod's Algorithm.
        digest: DigestMethod's Algorithm.
        hash: the digest of bytes.
        number_size: bytes of each of ECDSA's two numbers in a SignatureValue; 0: the signature is whole.
        sets: message sets in which such a key signs.
    """

    curve: str
    signature: str
    digest: str
    hash: Callable[[bytes], bytes]
    number_size: int
    sets: frozenset[str]


def _sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def _sha512(data: bytes) -> bytes:
    return hashlib.sha512(data).digest()


def _shake256(data: bytes) -> bytes:
    return hashlib.shake_256(data).digest(64)


_ISO20: Final = frozenset({"iso20-common"})
SUITES: Final = (
    # Cars and providers in the field use these keys of ISO 15118-2 in -20 messages too.
    Suite(
        "secp256r1",
        "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256",
        "http://www.w3.org/2001/04/xmlenc#sha256",
        _sha256,
        32,
        _ISO20 | {"iso2"},
    ),
    # [V2G20-2473], [V2G20-2475]
    Suite(
        "secp521r1",
        "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512",
        "http://www.w3.org/2001/04/xmlenc#sha512",
        _sha512,
        66,
        _ISO20,
    ),
    # [V2G20-2474], [V2G20-2476]
    Suite(
        "ed448",
        "urn:iso:std:iso:15118:-20:Security:xmldsig#Ed448",
        "urn:iso:std:iso:15118:-20:Security:xmlenc#SHAKE256",
        _shake256,
        0,
        _ISO20,
    ),
)


def suite_of(key: PrivateKeyTypes | PublicKeyTypes, message_set: str) -> Suite:
    """The suite of a key.

    Raises:
        SignatureError: such keys do not sign in that message set.
    """
    from v2g.security.certificates import curve_of

    curve = curve_of(key)
    for suite in SUITES:
        if suite.curve == curve and message_set in suite.sets:
            return suite
    possible = ", ".join(suite.curve for suite in SUITES if message_set in suite.sets)
    raise SignatureError(f"a key of {curve} does not sign in {message_set}, but one of {possible}")


def signature_of(suite: Suite, key: Any, data: bytes) -> bytes:
    """A private key's signature of ``data``, as messages hold it."""
    if not suite.number_size:
        return bytes(key.sign(data))
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

    r, s = decode_dss_signature(key.sign(data, ec.ECDSA(_ecdsa_hash(suite))))
    return r.to_bytes(suite.number_size, "big") + s.to_bytes(suite.number_size, "big")


def verifies(suite: Suite, key: Any, value: bytes, data: bytes) -> bool:
    """Whether ``value`` is the key's signature of ``data``."""
    from cryptography.exceptions import InvalidSignature

    size = suite.number_size
    try:
        if not size:
            key.verify(value, data)
            return True
        if len(value) != 2 * size:
            return False
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

        r, s = int.from_bytes(value[:size], "big"), int.from_bytes(value[size:], "big")
        key.verify(encode_dss_signature(r, s), data, ec.ECDSA(_ecdsa_hash(suite)))
    except InvalidSignature:
        return False
    return True


def _ecdsa_hash(suite: Suite) -> Any:
    from cryptography.hazmat.primitives import hashes

    return hashes.SHA512() if suite.hash is _sha512 else hashes.SHA256()
