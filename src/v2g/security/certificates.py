"""Certificates and private keys: from files or messages to objects that say what is in them."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from datetime import datetime

    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes, PublicKeyTypes
    from cryptography.x509 import BasicConstraints, Extensions

_PEM_CERTIFICATE: Final = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
_LARGEST_FILE: Final = 1 << 20
_EMAID: Final = re.compile(r"[A-Z]{2}[0-9A-Z]{3}[0-9A-Z]{9}[0-9A-Z]?")
"""Country, provider, instance and check digit, without hyphens (ISO 15118-2:2014 Annex H)."""
_USAGES: Final = {
    "digital_signature": "digitalSignature",
    "content_commitment": "nonRepudiation",
    "key_encipherment": "keyEncipherment",
    "data_encipherment": "dataEncipherment",
    "key_agreement": "keyAgreement",
    "key_cert_sign": "keyCertSign",
    "crl_sign": "cRLSign",
}
_PARTS: Final = (
    "subject",
    "issuer",
    "label",
    "domain_component",
    "serial",
    "not_before",
    "not_after",
    "signature_hash",
    "curve",
    "ca",
    "key_usage",
    "extended_key_usage",
    "subject_key_identifier",
)


class CertificateError(ValueError):
    """A file or value that is no certificate or key; the text says where and why."""


def normal_emaid(text: str) -> str | None:
    """A contract's identifier without hyphens and in capitals; None if it is none."""
    plain = text.replace("-", "").upper()
    return plain if _EMAID.fullmatch(plain) else None


@dataclass(frozen=True)
class Certificate:
    """An X.509 certificate.

    Attributes:
        der: its bytes.
        source: where it came from, for messages.
        x509: the parsed object.
    """

    der: bytes = field(repr=False)
    source: str
    x509: x509.Certificate = field(repr=False, compare=False)

    @cached_property
    def subject(self) -> str:
        """Its subject, as RFC 4514 writes names."""
        return self.x509.subject.rfc4514_string()

    @cached_property
    def issuer(self) -> str:
        """Its issuer's subject."""
        return self.x509.issuer.rfc4514_string()

    @cached_property
    def common_name(self) -> str:
        """Its subject's CN; empty if it has none."""
        from cryptography.x509.oid import NameOID

        return _first(self.x509, NameOID.COMMON_NAME)

    @cached_property
    def domain_component(self) -> str:
        """Its subject's DC, which says for what it is; empty if it has none."""
        from cryptography.x509.oid import NameOID

        return _first(self.x509, NameOID.DOMAIN_COMPONENT)

    @property
    def label(self) -> str:
        """How messages name it."""
        return f"CN={self.common_name}" if self.common_name else self.subject or "a certificate without name"

    @property
    def serial(self) -> int:
        """Its serial number."""
        return self.x509.serial_number

    @property
    def not_before(self) -> datetime:
        """Since when it is valid (UTC)."""
        return self.x509.not_valid_before_utc

    @property
    def not_after(self) -> datetime:
        """Until when it is valid (UTC)."""
        return self.x509.not_valid_after_utc

    @cached_property
    def public_key(self) -> PublicKeyTypes:
        """Its public key.

        Raises:
            CertificateError: the key is of a kind that nobody here knows.
        """
        from cryptography.exceptions import UnsupportedAlgorithm

        try:
            return self.x509.public_key()
        except (ValueError, UnsupportedAlgorithm) as error:
            raise CertificateError(f"{self.source}: {self.label}: {error}") from None

    @cached_property
    def curve(self) -> str:
        """Its key's curve (``secp256r1``, ``secp521r1``, ``ed448``, …), or the key's kind if it has none."""
        return curve_of(self.public_key)

    @cached_property
    def signature_hash(self) -> str:
        """The hash that it is signed with, such as ``sha256``; ``ed448`` for Ed448's own."""
        from cryptography.exceptions import UnsupportedAlgorithm

        try:
            algorithm = self.x509.signature_hash_algorithm
        except UnsupportedAlgorithm:
            return str(self.x509.signature_algorithm_oid.dotted_string)
        return "ed448" if algorithm is None else algorithm.name

    @cached_property
    def ca(self) -> bool | None:
        """Whether basicConstraints make it a CA; None if it has none."""
        found = self._constraints
        return None if found is None else found.ca

    @cached_property
    def path_length(self) -> int | None:
        """How many CAs may follow below it; None if it does not say."""
        found = self._constraints
        return None if found is None else found.path_length

    @cached_property
    def key_usage(self) -> frozenset[str] | None:
        """What its key is for, in X.509's names; None if it does not say."""
        from cryptography import x509

        found = self._extension(x509.KeyUsage)
        if found is None:
            return None
        return frozenset(name for attribute, name in _USAGES.items() if getattr(found, attribute))

    @cached_property
    def extended_key_usage(self) -> frozenset[str] | None:
        """``serverAuth``, ``clientAuth`` or other identifiers; None if it does not say."""
        from cryptography import x509
        from cryptography.x509.oid import ExtendedKeyUsageOID

        found = self._extension(x509.ExtendedKeyUsage)
        if found is None:
            return None
        known = {
            ExtendedKeyUsageOID.SERVER_AUTH: "serverAuth",
            ExtendedKeyUsageOID.CLIENT_AUTH: "clientAuth",
        }
        return frozenset(known.get(each, each.dotted_string) for each in found)

    @cached_property
    def subject_key_identifier(self) -> bytes | None:
        """Its subject key identifier; None if it has none."""
        from cryptography import x509

        found = self._extension(x509.SubjectKeyIdentifier)
        return None if found is None else bytes(found.digest)

    @property
    def self_signed(self) -> bool:
        """Whether its subject is its issuer, as a root's."""
        return self.x509.subject == self.x509.issuer

    @cached_property
    def sha256(self) -> str:
        """Its SHA-256 fingerprint, in hexadecimal digits."""
        from cryptography.hazmat.primitives.hashes import SHA256

        return self.x509.fingerprint(SHA256()).hex()

    @property
    def emaid(self) -> str | None:
        """The contract's identifier, if its CN is one: contract certificates ([V2G2-108])."""
        return normal_emaid(self.common_name)

    def critical(self, dotted_string: str) -> bool:
        """Whether it has the extension of that identifier, marked critical."""
        return any(each.critical for each in self._extensions if each.oid.dotted_string == dotted_string)

    def pem(self) -> bytes:
        """Itself as PEM."""
        from cryptography.hazmat.primitives.serialization import Encoding

        return self.x509.public_bytes(Encoding.PEM)

    @cached_property
    def _extensions(self) -> Extensions:
        from cryptography import x509

        try:
            return self.x509.extensions
        except (ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType) as error:
            raise CertificateError(f"{self.source}: {self.label}: {error}") from None

    @property
    def _constraints(self) -> BasicConstraints | None:
        from cryptography import x509

        found: BasicConstraints | None = self._extension(x509.BasicConstraints)
        return found

    def _extension(self, kind: Any) -> Any:
        from cryptography import x509

        try:
            return self._extensions.get_extension_for_class(kind).value
        except x509.ExtensionNotFound:
            return None


def curve_of(key: PublicKeyTypes | PrivateKeyTypes) -> str:
    """The name of a key's curve, or the key's kind."""
    from cryptography.hazmat.primitives.asymmetric import ec, ed448, rsa

    if isinstance(key, ec.EllipticCurvePublicKey | ec.EllipticCurvePrivateKey):
        return key.curve.name
    if isinstance(key, ed448.Ed448PublicKey | ed448.Ed448PrivateKey):
        return "ed448"
    if isinstance(key, rsa.RSAPublicKey | rsa.RSAPrivateKey):
        return f"RSA {key.key_size}"
    return type(key).__name__


def matches(certificate: Certificate, key: PrivateKeyTypes) -> bool:
    """Whether a private key belongs to a certificate."""
    return _public_bytes(certificate.public_key) == _public_bytes(key.public_key())


def from_der(der: bytes, source: str) -> Certificate:
    """The certificate in DER bytes.

    Raises:
        CertificateError: it is none.
    """
    from cryptography import x509

    try:
        certificate = Certificate(bytes(der), source, x509.load_der_x509_certificate(bytes(der)))
        # Parts are parsed when asked for: what is damaged shows here, not in the middle of a session.
        for part in _PARTS:
            getattr(certificate, part)
    except CertificateError:
        raise
    except (ValueError, OverflowError, x509.InvalidVersion) as error:
        raise CertificateError(f"{source}: no certificate: {_short(error)}") from None
    except Exception:  # noqa: BLE001  # whatever the parser meets in a stranger's bytes, it is no certificate
        # A name's string type that is none is a KeyError, and one that does not fit is a TypeError.
        raise CertificateError(f"{source}: no certificate: a value in it is of an unknown kind") from None
    return certificate


def load_chain(path: Path) -> list[Certificate]:
    """The certificates in a PEM file, in its order, or the one in a DER file.

    Raises:
        CertificateError: the file cannot be read, or there is none in it.
    """
    data = _read(path)
    parts = _PEM_CERTIFICATE.findall(data)
    if not parts:
        if b"-----BEGIN" in data:
            raise CertificateError(f"{path}: holds no certificate")
        return [from_der(data, str(path))]
    chain = []
    for number, part in enumerate(parts, 1):
        body = b"".join(line for line in part.splitlines()[1:-1] if b":" not in line)
        try:
            der = base64.b64decode(body, validate=True)
        except ValueError as error:
            raise CertificateError(f"{path}: certificate {number} is none: {error}") from None
        chain.append(from_der(der, f"{path}, certificate {number}" if len(parts) > 1 else str(path)))
    return chain


def load_key(path: Path, password: bytes | None = None) -> PrivateKeyTypes:
    """The private key in a PEM or DER file.

    Raises:
        CertificateError: the file cannot be read, is no key, or is encrypted otherwise.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization

    data = _read(path)
    pem = b"-----BEGIN" in data
    load = serialization.load_pem_private_key if pem else serialization.load_der_private_key
    try:
        return load(data, password)
    except TypeError:
        why = (
            "is encrypted: its password is needed"
            if password is None
            else "is not encrypted: no password, please"
        )
        raise CertificateError(f"{path}: {why}") from None
    except (ValueError, UnsupportedAlgorithm) as error:
        if b"ENCRYPTED" in data and password is not None:
            raise CertificateError(f"{path}: the password does not fit") from None
        if pem and b"PRIVATE KEY-----" not in data:
            raise CertificateError(f"{path}: holds no private key") from None
        raise CertificateError(f"{path}: no private key: {_short(error)}") from None


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST_FILE + 1)
    except OSError as error:
        raise CertificateError(f"{path}: {error.strerror}") from None
    if len(data) > _LARGEST_FILE:
        raise CertificateError(f"{path}: larger than {_LARGEST_FILE} bytes")
    if not data.strip():
        raise CertificateError(f"{path}: is empty")
    return data


def _first(certificate: x509.Certificate, oid: x509.ObjectIdentifier) -> str:
    found = certificate.subject.get_attributes_for_oid(oid)
    return str(found[0].value) if found else ""


def _public_bytes(key: PublicKeyTypes) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _short(error: Exception) -> str:
    """An error's first line, without links."""
    text = str(error).strip().split("\n")[0].split(" See http")[0]
    return text[:120] or type(error).__name__
