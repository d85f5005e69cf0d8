"""Test PKIs in folders, and certificates that are wrong in one way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from v2g.security.certificates import Certificate, from_der, load_chain, load_key
from v2g.security.pki.folder import write
from v2g.security.pki.maker import Wishes, make
from v2g.security.profiles import Generation
from v2g.security.tls import Identity

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Pki:
    """A test PKI in a folder."""

    folder: Path

    def chain_file(self, name: str) -> Path:
        return self.folder / f"{name}-chain.pem"

    def root(self, name: str = "v2g-root") -> Path:
        return self.folder / f"{name}.pem"

    def identity(self, name: str) -> Identity:
        return Identity(self.chain_file(name), self.folder / f"{name}.key")

    def chain(self, name: str) -> list[Certificate]:
        return load_chain(self.chain_file(name))

    def leaf(self, name: str) -> Certificate:
        return load_chain(self.folder / f"{name}.pem")[0]

    def key(self, name: str) -> Any:
        return load_key(self.folder / f"{name}.key")


def write_pki(folder: Path, generation: Generation, **wishes: Any) -> Pki:
    write(folder, make(Wishes(generation, **wishes)))
    return Pki(folder)


Change = Callable[[x509.CertificateBuilder], x509.CertificateBuilder]


def reissue(
    old: Certificate,
    issuer: Certificate,
    issuer_key: Any,
    *,
    key: Any = None,
    names: dict[Any, str | None] | None = None,
    without: tuple[type, ...] = (),
    extensions: tuple[tuple[x509.ExtensionType, bool], ...] = (),
    valid: tuple[datetime, datetime] | None = None,
    algorithm: Any = None,
) -> Certificate:
    """A certificate like an old one, changed, and signed by an issuer."""
    public = old.x509.public_key() if key is None else key.public_key()
    subject = [
        each
        if names is None or each.oid not in names
        else x509.NameAttribute(each.oid, names[each.oid] or "")
        for each in old.x509.subject
        if names is None or names.get(each.oid, "") is not None
    ]
    begin, end = valid or (old.not_before, old.not_after)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name(subject))
        .issuer_name(issuer.x509.subject)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(end)
    )
    replaced = tuple(type(value) for value, _ in extensions) + without
    for extension in old.x509.extensions:
        if not isinstance(extension.value, replaced):
            builder = builder.add_extension(extension.value, extension.critical)
    for value, critical in extensions:
        builder = builder.add_extension(value, critical)
    plain = isinstance(issuer_key, ed448.Ed448PrivateKey)  # hashes by itself
    made = builder.sign(issuer_key, None if plain else algorithm or hashes.SHA256())
    return from_der(made.public_bytes(Encoding.DER), "reissued")


def usage(**bits: bool) -> x509.KeyUsage:
    """keyUsage with these bits."""
    none = dict.fromkeys(
        (
            "digital_signature",
            "content_commitment",
            "key_encipherment",
            "data_encipherment",
            "key_agreement",
            "key_cert_sign",
            "crl_sign",
            "encipher_only",
            "decipher_only",
        ),
        False,
    )
    return x509.KeyUsage(**{**none, **bits})


def foreign_root(like: Certificate) -> tuple[Certificate, Any]:
    """Another root of the same name."""
    key = ec.generate_private_key(ec.SECP256R1())
    return reissue(like, like, key, key=key), key


DOMAIN = NameOID.DOMAIN_COMPONENT
COMMON = NameOID.COMMON_NAME
DAY = timedelta(days=1)
