"""TLS for sessions: contexts for both sides of ISO 15118-2 (1.2) and ISO 15118-20 (1.3, both sides
authenticated).

ISO 15118-2 asks of a station for two suites: TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256, which is here, and
TLS_ECDH_ECDSA_WITH_AES_128_CBC_SHA256, a static Diffie-Hellman suite that OpenSSL has dropped: cars that
offer it alone cannot be served. Python before 3.15 can set one key exchange group or OpenSSL's own list: a
context for ISO 15118-20 has secp521r1, a car's for both standards has OpenSSL's list, in which
secp256r1, secp521r1 and x448 are. The suites of TLS 1.3 are OpenSSL's; TLS_AES_256_GCM_SHA384 is the first.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from v2g.security.certificates import CertificateError, from_der, load_chain, load_key, matches
from v2g.security.chains import leaf_problems
from v2g.security.profiles import SECC_LEAF, VEHICLE_LEAF, Generation, Profile

ISO2_SUITE: Final = "ECDHE-ECDSA-AES128-SHA256"
"""OpenSSL's name of the suite (ISO 15118-2:2014, 7.7.3, cipher suites)."""
ISO2_GROUP: Final = "prime256v1"
ISO20_GROUPS: Final = ("secp521r1", "X448")
"""ISO 15118-20:2022 Table 7."""

_TLS_1_2: Final = ssl.TLSVersion.TLSv1_2
_TLS_1_3: Final = ssl.TLSVersion.TLSv1_3


class TlsError(ValueError):
    """Files that no TLS can be made with; the text names the file and what is wrong."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Files of a certificate and its key.

    Attributes:
        chain: the leaf certificate and its sub-CAs, in this order (PEM).
        key: the leaf's private key (PEM).
        password: the key's, if it is encrypted.
    """

    chain: Path
    key: Path
    password: Path | None = None


@dataclass(frozen=True, slots=True)
class StationTls:
    """What a station speaks.

    Attributes:
        iso2: its certificate for cars of ISO 15118-2 (TLS 1.2); None: it serves none of those.
        iso20: its certificate for cars of ISO 15118-20 (TLS 1.3), which may be the same; None likewise.
        vehicle_roots: certificates (PEM) at which vehicle certificates have to end; needed for ``iso20``.
        any_group: let cars of ISO 15118-20 use other groups than the standard's, as those of test benches do.
        key_log: write the session keys there, to decrypt captures at the desk. Never in the field.
    """

    iso2: Identity | None = None
    iso20: Identity | None = None
    vehicle_roots: tuple[Path, ...] = ()
    any_group: bool = False
    key_log: Path | None = None


@dataclass(frozen=True, slots=True)
class CarTls:
    """What a car speaks.

    Attributes:
        roots: V2G root certificates (PEM) that it trusts.
        iso2: it takes TLS 1.2.
        iso20: its vehicle certificate for TLS 1.3; None: it speaks TLS 1.2 alone.
        any_group: as ``StationTls.any_group``.
        key_log: as ``StationTls.key_log``.
    """

    roots: tuple[Path, ...]
    iso2: bool = True
    iso20: Identity | None = None
    any_group: bool = False
    key_log: Path | None = None


class StationContext(ssl.SSLContext):
    """A station's context.

    Attributes:
        newest: the one for cars that know TLS 1.3, where that is another; who makes the connection chooses
            (``v2g.security.client_hello``).
    """

    newest: ssl.SSLContext | None = None


def station_context(settings: StationTls) -> StationContext:
    """The context with which a station listens.

    A station of both standards has one port: the versions that a car offers decide which certificate it is
    shown, and whether it has to show one itself.

    Raises:
        TlsError: a file cannot be used, or nothing is left to speak.
    """
    if settings.iso2 is None and settings.iso20 is None:
        raise TlsError("TLS needs a station certificate")
    if settings.iso20 is not None and not settings.vehicle_roots:
        raise TlsError("ISO 15118-20 needs root certificates of vehicles")
    if settings.iso2 is None:
        return _station(settings, settings.iso20, iso20=True)
    context = _station(settings, settings.iso2, iso20=False)
    if settings.iso20 is not None:
        context.newest = _station(settings, settings.iso20, iso20=True)
    return context


def _station(settings: StationTls, identity: Identity | None, *, iso20: bool) -> StationContext:
    context = StationContext(ssl.PROTOCOL_TLS_SERVER)
    _limit(context, not iso20, iso20, settings.any_group)
    context.options |= ssl.OP_NO_TICKET | ssl.OP_CIPHER_SERVER_PREFERENCE
    context.num_tickets = 0  # a session of a car is never resumed by TLS
    _identify(context, identity)
    if iso20:
        _trust(context, settings.vehicle_roots)
        context.verify_mode = ssl.CERT_REQUIRED
    if settings.key_log is not None:
        context.keylog_filename = str(settings.key_log)
    return context


def car_context(settings: CarTls) -> ssl.SSLContext:
    """The context with which a car connects.

    Raises:
        TlsError: a file cannot be used, or nothing is left to speak.
    """
    if not settings.iso2 and settings.iso20 is None:
        raise TlsError("ISO 15118-20 needs a vehicle certificate")
    if not settings.roots:
        raise TlsError("TLS needs a V2G root certificate")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False  # stations have no name; car_judge looks at the certificate
    context.verify_mode = ssl.CERT_REQUIRED
    _limit(context, settings.iso2, settings.iso20 is not None, settings.any_group)
    _trust(context, settings.roots)
    if settings.iso20 is not None:
        _identify(context, settings.iso20)
    if settings.key_log is not None:
        context.keylog_filename = str(settings.key_log)
    return context


def station_judge(tls: ssl.SSLObject) -> list[str]:
    """What speaks against a car whose handshake is done: a certificate that it has shown has to be a
    vehicle's."""
    return _leaf_problems(tls, VEHICLE_LEAF, "the car's certificate") if tls.version() == "TLSv1.3" else []


def car_judge(tls: ssl.SSLObject) -> list[str]:
    """What speaks against a station whose handshake is done: its certificate has to be a station's
    ([V2G2-925])."""
    return _leaf_problems(tls, SECC_LEAF, "the station's certificate")


def _leaf_problems(tls: ssl.SSLObject, profile: Profile, source: str) -> list[str]:
    shown = tls.getpeercert(binary_form=True)
    if not shown:
        return [f"{source} was not shown"]
    generation = Generation.ISO20 if tls.version() == "TLSv1.3" else Generation.ISO2
    try:
        leaf = from_der(shown, source)
    except CertificateError as error:
        return [str(error)]
    return [str(problem) for problem in leaf_problems(leaf, profile, generation)]


def _limit(context: ssl.SSLContext, iso2: bool, iso20: bool, any_group: bool) -> None:
    context.minimum_version = _TLS_1_2 if iso2 else _TLS_1_3
    context.maximum_version = _TLS_1_3 if iso20 else _TLS_1_2
    if iso2:
        context.set_ciphers(ISO2_SUITE)
    if not iso20:
        context.set_ecdh_curve(ISO2_GROUP)
    elif not iso2 and not any_group:
        if hasattr(context, "set_groups"):  # Python 3.15
            context.set_groups(":".join(ISO20_GROUPS))
        else:
            context.set_ecdh_curve(ISO20_GROUPS[0])


def _identify(context: ssl.SSLContext, identity: Identity | None) -> None:
    assert identity is not None
    try:
        password = None if identity.password is None else identity.password.read_bytes().strip()
        chain = load_chain(identity.chain)
        key = load_key(identity.key, password)
    except OSError as error:
        raise TlsError(f"{error.filename}: {error.strerror}") from None
    except CertificateError as error:
        raise TlsError(str(error)) from None
    if not matches(chain[0], key):
        raise TlsError(f"{identity.key}: not the key of {chain[0].label} in {identity.chain}")
    try:
        context.load_cert_chain(identity.chain, identity.key, password)
    except ssl.SSLError as error:
        raise TlsError(f"{identity.chain}: {explain(error)}") from None


def _trust(context: ssl.SSLContext, roots: tuple[Path, ...]) -> None:
    for path in roots:
        try:
            context.load_verify_locations(cadata=b"".join(each.pem() for each in load_chain(path)).decode())
        except CertificateError as error:
            raise TlsError(str(error)) from None
        except ssl.SSLError as error:
            raise TlsError(f"{path}: {explain(error)}") from None


_REASONS: Final = {
    "NO_SHARED_CIPHER": "the car offers no cipher suite that this station has",
    "UNSUPPORTED_PROTOCOL": "the other side speaks another TLS version",
    "NO_PROTOCOLS_AVAILABLE": "the other side speaks another TLS version",
    "TLSV1_ALERT_PROTOCOL_VERSION": "the other side refuses this TLS version",
    "NO_SUITABLE_KEY_SHARE": "the other side offers no key exchange group that is allowed here",
    "NO_SHARED_GROUPS": "the other side offers no key exchange group that is allowed here",
    "NO_SUITABLE_GROUPS": "the other side offers no key exchange group that is allowed here",
    "NO_SUITABLE_SIGNATURE_ALGORITHM": "the other side takes no signature that this certificate can make",
    "SSLV3_ALERT_HANDSHAKE_FAILURE": "the other side has no cipher suite, group or signature in common",
    "PEER_DID_NOT_RETURN_A_CERTIFICATE": "the other side has shown no certificate",
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": "the other side wants a certificate, and none was shown",
    "TLSV1_ALERT_UNKNOWN_CA": "the other side does not trust the root of this certificate",
    "SSLV3_ALERT_BAD_CERTIFICATE": "the other side refuses this certificate",
    "SSLV3_ALERT_CERTIFICATE_UNKNOWN": "the other side refuses this certificate",
    "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE": "the other side cannot use this certificate",
    "SSLV3_ALERT_CERTIFICATE_EXPIRED": "for the other side this certificate has expired",
    "SSLV3_ALERT_CERTIFICATE_REVOKED": "for the other side this certificate is revoked",
    "TLSV1_ALERT_DECRYPT_ERROR": "the other side could not verify a signature",
    "WRONG_VERSION_NUMBER": "the other side does not speak TLS",
    "HTTP_REQUEST": "the other side does not speak TLS",
    "UNEXPECTED_EOF_WHILE_READING": "the other side has closed the connection",
    "NO_CIPHERS_AVAILABLE": "no cipher suite is left to speak",
    "NO_CERTIFICATE_OR_CRL_FOUND": "no PEM certificate in this file",
}
"""What OpenSSL's reasons mean for a session."""


def explain(error: ssl.SSLError) -> str:
    """An error of TLS in plain words, with OpenSSL's reason."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the other side's certificate is not valid: {error.verify_message}"
    reason = str(error.reason or error.strerror or error)
    known = _REASONS.get(reason)
    return reason.lower().replace("_", " ") if known is None else f"{known} ({reason})"
