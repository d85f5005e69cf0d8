"""The contract's private key on its way into a car, encrypted for it alone.

The sender (the mobility operator) makes a key pair for this one transfer, agrees on a secret with the
public key of the car's certificate by Diffie-Hellman, derives a session key from it and encrypts the
private key; the car does the same with its own key and the sender's public one. ISO 15118-2:2014 [V2G2-814]
to [V2G2-823]: P-256, AES-128-CBC. ISO 15118-20:2022, 7.9.2.5.2: P-521, AES-256-GCM.

The session key of ISO 15118-20 is derived as that of -2 is, with SHA-512 and 256 bits. No other stack does
this part, so that it has been compared with none.

IVs come from the caller's randomness, the sender's key pair from the library's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey, EllipticCurvePublicKey

KDF_INFO: Final = bytes((0x01, 0x55, 0x56))
"""What is mixed into session keys beside the secret: algorithm, sender U, receiver V ([V2G2-818])."""
ISO2_SCALAR: Final = 32
ISO2_IV: Final = 16
ISO2_KEY: Final = 16
ISO20_SCALAR: Final = 66
"""521 bits with seven leading zeros ([V2G20-2497])."""
ISO20_IV: Final = 12
ISO20_TAG: Final = 16
ISO20_KEY: Final = 32
PCID_SIZE: Final = 18

RandomBytes = Callable[[int], bytes]


class ContractKeyError(ValueError):
    """A contract key that cannot be encrypted or recovered; the text says why, and never holds the key."""


class Sealed(NamedTuple):
    """What goes into the message: DHpublickey (or DHPublicKey) and the encrypted private key."""

    public_key: bytes
    encrypted: bytes


def seal_iso2(
    contract_key: EllipticCurvePrivateKey, receiver: EllipticCurvePublicKey, random_bytes: RandomBytes
) -> Sealed:
    """Encrypt a contract's key for CertificateInstallationRes or CertificateUpdateRes of ISO 15118-2.

    Args:
        contract_key: what to encrypt (secp256r1).
        receiver: public key of the OEM provisioning certificate ([V2G2-820]), or of the contract
            certificate that is replaced ([V2G2-821]).
        random_bytes: gives so many random bytes.

    Raises:
        ContractKeyError: a key is of another curve.
    """
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    _on_curve(contract_key, "secp256r1", "contract key")
    public, secret = _agree(receiver, "secp256r1")
    iv = random_bytes(ISO2_IV)
    cipher = Cipher(algorithms.AES(_derive(secret, "sha256", ISO2_KEY)), modes.CBC(iv)).encryptor()
    scalar = contract_key.private_numbers().private_value.to_bytes(ISO2_SCALAR, "big")
    return Sealed(public, iv + cipher.update(scalar) + cipher.finalize())


def open_iso2(
    sealed: Sealed, receiver_key: EllipticCurvePrivateKey, contract: EllipticCurvePublicKey
) -> EllipticCurvePrivateKey:
    """Recover the contract's key of ISO 15118-2.

    The cipher does not show damage: that the key belongs to the contract certificate does ([V2G2-823]).

    Args:
        sealed: what the message has.
        receiver_key: the car's private key.
        contract: public key of the contract certificate in the same message.

    Raises:
        ContractKeyError: what comes out is not the contract's key.
    """
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    if len(sealed.encrypted) != ISO2_IV + ISO2_SCALAR:
        size = ISO2_IV + ISO2_SCALAR
        raise ContractKeyError(f"the encrypted key has {len(sealed.encrypted)} bytes, not {size}")
    secret = _agreed(sealed.public_key, receiver_key, "secp256r1")
    iv = sealed.encrypted[:ISO2_IV]
    cipher = Cipher(algorithms.AES(_derive(secret, "sha256", ISO2_KEY)), modes.CBC(iv)).decryptor()
    scalar = cipher.update(sealed.encrypted[ISO2_IV:]) + cipher.finalize()
    return _checked(scalar, "secp256r1", contract)


def seal_iso20(
    contract_key: EllipticCurvePrivateKey,
    receiver: EllipticCurvePublicKey,
    pcid: str,
    key_identifier: bytes,
    random_bytes: RandomBytes,
) -> Sealed:
    """Encrypt a contract's key for CertificateInstallationRes of ISO 15118-20 (SECP521_EncryptedPrivateKey).

    Args:
        contract_key: what to encrypt (secp521r1).
        receiver: public key of the OEM provisioning certificate.
        pcid: the provisioning certificate's identifier, its CN.
        key_identifier: the contract certificate's subject key identifier.
        random_bytes: gives so many random bytes.

    Raises:
        ContractKeyError: a key is of another curve, or the identifier is none.
    """
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    _on_curve(contract_key, "secp521r1", "contract key")
    public, secret = _agree(receiver, "secp521r1")
    iv = random_bytes(ISO20_IV)
    scalar = contract_key.private_numbers().private_value.to_bytes(ISO20_SCALAR, "big")
    cipher = AESGCM(_derive(secret, "sha512", ISO20_KEY))
    return Sealed(public, iv + cipher.encrypt(iv, scalar, additional_data(pcid, key_identifier)))


def open_iso20(
    sealed: Sealed,
    receiver_key: EllipticCurvePrivateKey,
    contract: EllipticCurvePublicKey,
    pcid: str,
    key_identifier: bytes,
) -> EllipticCurvePrivateKey:
    """Recover the contract's key of ISO 15118-20. Arguments as for ``seal_iso20`` and ``open_iso2``.

    Raises:
        ContractKeyError: it was changed on its way, is for another car, or is not the contract's key.
    """
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    size = ISO20_IV + ISO20_SCALAR + ISO20_TAG
    if len(sealed.encrypted) != size:
        raise ContractKeyError(f"the encrypted key has {len(sealed.encrypted)} bytes, not {size}")
    secret = _agreed(sealed.public_key, receiver_key, "secp521r1")
    cipher = AESGCM(_derive(secret, "sha512", ISO20_KEY))
    iv, data = sealed.encrypted[:ISO20_IV], sealed.encrypted[ISO20_IV:]
    try:
        scalar = cipher.decrypt(iv, data, additional_data(pcid, key_identifier))
    except InvalidTag:
        raise ContractKeyError("the encrypted key was changed, or is for another car or contract") from None
    return _checked(scalar, "secp521r1", contract)


def additional_data(pcid: str, key_identifier: bytes) -> bytes:
    """What AES-GCM protects beside the key ([V2G20-2492]).

    Raises:
        ContractKeyError: the PCID has not 18 letters and digits.
    """
    plain = "".join(character for character in pcid.upper() if character.isascii() and character.isalnum())
    if len(plain) != PCID_SIZE:
        raise ContractKeyError(f"PCID {pcid!r} has {len(plain)} letters and digits, not {PCID_SIZE}")
    return (plain + key_identifier.hex().upper()).encode()


def _agree(receiver: EllipticCurvePublicKey, curve: str) -> tuple[bytes, bytes]:
    """A fresh public key, uncompressed, and the secret agreed on with it."""
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    _on_curve(receiver, curve, "receiver's key")
    ephemeral = ec.generate_private_key(receiver.curve)
    public = ephemeral.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return public, ephemeral.exchange(ec.ECDH(), receiver)


def _agreed(public: bytes, receiver_key: EllipticCurvePrivateKey, curve: str) -> bytes:
    from cryptography.hazmat.primitives.asymmetric import ec

    _on_curve(receiver_key, curve, "car's key")
    try:
        point = ec.EllipticCurvePublicKey.from_encoded_point(receiver_key.curve, public)
    except ValueError:
        raise ContractKeyError(f"the sender's public key is no point of {curve}") from None
    return receiver_key.exchange(ec.ECDH(), point)


def _derive(secret: bytes, algorithm: str, size: int) -> bytes:
    """The concatenation key derivation of NIST SP 800-56A."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.kdf.concatkdf import ConcatKDFHash

    chosen = hashes.SHA256() if algorithm == "sha256" else hashes.SHA512()
    return ConcatKDFHash(chosen, size, KDF_INFO).derive(secret)


def _checked(scalar: bytes, curve: str, contract: EllipticCurvePublicKey) -> EllipticCurvePrivateKey:
    from cryptography.hazmat.primitives.asymmetric import ec

    _on_curve(contract, curve, "contract certificate's key")
    try:
        key = ec.derive_private_key(int.from_bytes(scalar, "big"), contract.curve)
    except ValueError:  # zero, or not below the curve's order
        key = None
    if key is None or key.public_key().public_numbers() != contract.public_numbers():
        raise ContractKeyError("the decrypted key is not that of the contract certificate")
    return key


def _on_curve(key: Any, curve: str, what: str) -> None:
    from v2g.security.certificates import curve_of

    found = curve_of(key)
    if found != curve:
        raise ContractKeyError(f"the {what} is {found}, not {curve}")
