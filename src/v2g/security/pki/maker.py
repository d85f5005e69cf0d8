"""Makes the keys and certificates of a test PKI, in memory."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from v2g.security.certificates import normal_emaid
from v2g.security.contract_keys import PCID_SIZE
from v2g.security.pki.plan import (
    DEFAULT_EMAID,
    DEFAULT_PCID,
    EMAID_PLACE,
    PCID_PLACE,
    Entry,
    ancestors,
    entries,
)
from v2g.security.profiles import Generation

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

KEY_MODE: Final = 0o600
CERTIFICATE_MODE: Final = 0o644
FIRST_YEAR: Final = 1950
"""Certificates have two digits for earlier years of this kind, and no earlier one (RFC 5280, 4.1.2.5.1)."""
LAST_YEAR: Final = 9900
"""What begins later, with roots valid for decades, would end after the year 9999."""


class PkiError(ValueError):
    """Wishes that no PKI can be made for; the text says which and what is allowed."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the PKI is to be like.

    Attributes:
        generation: whose algorithms: ISO 15118-2 (P-256, SHA-256) or -20 (P-521, SHA-512).
        emaid: the contract's identifier.
        pcid: the car's provisioning identifier.
        organisation: O of all subjects.
        country: C of all subjects, two letters.
        start: when the certificates begin to be valid (UTC).
        days: how long leaves are valid; None: as the plan says.
        seed: makes serial numbers repeatable; None: they are random. Keys always are.
    """

    generation: Generation = Generation.ISO2
    emaid: str = DEFAULT_EMAID
    pcid: str = DEFAULT_PCID
    organisation: str = "v2g test"
    country: str = "DE"
    start: datetime = field(
        default_factory=lambda: datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
    )
    days: int | None = None
    seed: str | None = None

    def checked(self) -> Wishes:
        """Itself.

        Raises:
            PkiError: something cannot be.
        """
        if normal_emaid(self.emaid) is None:
            raise PkiError(
                f"eMAID {self.emaid!r}: two letters of the country, three of the provider, nine characters "
                "and a check digit are needed, such as DE-V2G-C12345678-X"
            )
        if len(self.pcid) != PCID_SIZE or not (self.pcid.isascii() and self.pcid.isalnum()):
            raise PkiError(f"PCID {self.pcid!r}: {PCID_SIZE} letters and digits are needed")
        if len(self.country) != 2 or not (self.country.isascii() and self.country.isalpha()):
            raise PkiError(f"country {self.country!r}: two letters from A to Z are needed")
        if not (1 <= len(self.organisation) <= 64 and self.organisation.isprintable()):
            raise PkiError("organisation: 1 to 64 printable characters are needed")
        if self.days is not None and not 1 <= self.days <= 14600:
            raise PkiError(f"{self.days} days: 1 to 14600 are possible")
        if not FIRST_YEAR <= self.start.year <= LAST_YEAR:
            raise PkiError(
                f"start {self.start.date().isoformat()}: from {FIRST_YEAR} to {LAST_YEAR} is possible"
            )
        return self


@dataclass(frozen=True, slots=True)
class File:
    """A file of the PKI: its name, what is in it, and who may read it."""

    name: str
    content: bytes = field(repr=False)
    mode: int


def make(wishes: Wishes) -> list[File]:
    """All files of a PKI: of each entry the certificate and key, of each leaf its chain too.

    Raises:
        PkiError: a wish cannot be fulfilled.
    """
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    wishes = wishes.checked()
    keys: dict[str, EllipticCurvePrivateKey] = {}
    made: dict[str, x509.Certificate] = {}
    files = []
    for entry in entries(wishes.generation):
        key = keys[entry.name] = _key(wishes.generation)
        issuer = made.get(entry.issuer)
        made[entry.name] = _certificate(entry, wishes, key, issuer, keys[entry.issuer])
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        files.append(File(f"{entry.name}.key", pem, KEY_MODE))
        files.append(File(f"{entry.name}.pem", made[entry.name].public_bytes(Encoding.PEM), CERTIFICATE_MODE))
        if entry.leaf:
            chain = b"".join(made[each.name].public_bytes(Encoding.PEM) for each in ancestors(entry))
            files.append(File(f"{entry.name}-chain.pem", chain, CERTIFICATE_MODE))
    return files


def _key(generation: Generation) -> EllipticCurvePrivateKey:
    from cryptography.hazmat.primitives.asymmetric import ec

    return ec.generate_private_key(ec.SECP256R1() if generation is Generation.ISO2 else ec.SECP521R1())


def _certificate(
    entry: Entry,
    wishes: Wishes,
    key: EllipticCurvePrivateKey,
    issuer: x509.Certificate | None,
    issuer_key: EllipticCurvePrivateKey,
) -> x509.Certificate:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.x509.oid import ExtendedKeyUsageOID

    subject = _name(entry, wishes)
    days = wishes.days if wishes.days is not None and entry.leaf else entry.days
    limit = entry.path_length if entry.path_length is not None and entry.path_length >= 0 else None
    identifier = _identifier(key, wishes.generation)
    above = identifier if issuer is None else _identifier(issuer_key, wishes.generation)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject if issuer is None else issuer.subject)
        .public_key(key.public_key())
        .serial_number(_serial(entry, wishes))
        .not_valid_before(wishes.start)
        .not_valid_after(wishes.start + timedelta(days=days))
        .add_extension(x509.BasicConstraints(not entry.leaf, limit), critical=True)
        .add_extension(_usage(entry.usage), critical=True)
        .add_extension(identifier, critical=False)
        .add_extension(x509.AuthorityKeyIdentifier(above.digest, None, None), critical=False)
    )
    if entry.extended_usage:
        known = {"serverAuth": ExtendedKeyUsageOID.SERVER_AUTH, "clientAuth": ExtendedKeyUsageOID.CLIENT_AUTH}
        builder = builder.add_extension(x509.ExtendedKeyUsage([known[entry.extended_usage]]), critical=False)
    algorithm = hashes.SHA256() if wishes.generation is Generation.ISO2 else hashes.SHA512()
    return builder.sign(issuer_key, algorithm)


def _identifier(key: EllipticCurvePrivateKey, generation: Generation) -> x509.SubjectKeyIdentifier:
    """Of 20 bytes, or for ISO 15118-20 of 8, as its encrypted contract keys need (RFC 5280 4.2.1.2, method
    2)."""
    from cryptography import x509

    full = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    if generation is Generation.ISO2:
        return full
    return x509.SubjectKeyIdentifier(bytes((0x40 | full.digest[-8] & 0x0F,)) + full.digest[-7:])


def _name(entry: Entry, wishes: Wishes) -> x509.Name:
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    plain = normal_emaid(wishes.emaid) or ""
    common = entry.common_name.replace(EMAID_PLACE, plain).replace(PCID_PLACE, wishes.pcid.upper())
    parts = [
        x509.NameAttribute(NameOID.COMMON_NAME, common),
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, wishes.organisation),
        x509.NameAttribute(NameOID.COUNTRY_NAME, wishes.country.upper()),
    ]
    if entry.domain_component:
        parts.append(x509.NameAttribute(NameOID.DOMAIN_COMPONENT, entry.domain_component))
    return x509.Name(parts)


def _serial(entry: Entry, wishes: Wishes) -> int:
    from cryptography import x509

    if wishes.seed is None:
        return x509.random_serial_number()
    digest = hashlib.sha256(f"{wishes.seed}/{wishes.generation.value}/{entry.name}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1 | 1


def _usage(usage: frozenset[str]) -> Any:
    from cryptography import x509

    return x509.KeyUsage(
        digital_signature="digitalSignature" in usage,
        content_commitment="nonRepudiation" in usage,
        key_encipherment="keyEncipherment" in usage,
        data_encipherment="dataEncipherment" in usage,
        key_agreement="keyAgreement" in usage,
        key_cert_sign="keyCertSign" in usage,
        crl_sign="cRLSign" in usage,
        encipher_only=False,
        decipher_only=False,
    )
