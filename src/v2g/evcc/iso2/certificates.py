"""CertificateInstallation and CertificateUpdate: the contract certificate comes from a backend."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from v2g.common.terms import Phase
from v2g.evcc.contract import ContractSigner, SigningKey
from v2g.evcc.facts import ChargerFact
from v2g.evcc.iso2.signing import ID
from v2g.evcc.protocol import Go, Move, Step, Stop
from v2g.evcc.session import Session
from v2gexi import iso2


def _roots(signer: ContractSigner) -> Any:
    return iso2.ListOfRootCertificateIDsType(
        RootCertificateID=[
            iso2.X509IssuerSerialType(X509IssuerName=issuer, X509SerialNumber=serial)
            for issuer, serial in signer.roots
        ]
    )


def chain(certificates: Any) -> Any:
    """A ``ContractSignatureCertChain``: the leaf, then those above it."""
    more = list(certificates[1:])
    return iso2.CertificateChainType(
        Certificate=certificates[0],
        SubCertificates=iso2.SubCertificatesType(Certificate=more) if more else None,
    )


def _ask_installation(session: Session) -> Any:
    signer = session.signer
    if signer is None or not signer.provisioning_chain:
        return Stop("there is no OEM provisioning certificate")
    session.sign_with = SigningKey.PROVISIONING
    return iso2.CertificateInstallationReqType(
        Id=ID,
        OEMProvisioningCert=signer.provisioning_chain[0],
        ListOfRootCertificateIDs=_roots(signer),
    )


def _ask_update(session: Session) -> Any:
    signer = session.signer
    if signer is None or not signer.contract_chain:
        return Stop("there is no contract certificate")
    session.sign_with = SigningKey.CONTRACT
    return iso2.CertificateUpdateReqType(
        Id=ID,
        ContractSignatureCertChain=chain(signer.contract_chain),
        eMAID=signer.emaid,
        ListOfRootCertificateIDs=_roots(signer),
    )


def _take(session: Session, response: Any) -> Move:
    session.told(ChargerFact.CERTIFICATE, session.payload)
    signer = session.signer
    why = "no contract" if signer is None else signer.installed(session.payload, "iso2")
    return Stop(f"the certificate cannot be used: {why}") if why else Go("PaymentDetails")


def _step(name: str, response: type, ask: Callable[[Session], Any], meaning: str) -> Step:
    return Step(
        name=name,
        request=f"{name}Req",
        responses=(response,),
        ask=ask,
        take=_take,
        leads_to=("PaymentDetails", "SessionStop", ""),
        meaning=meaning,
        phase=Phase.INIT,
    )


INSTALLATION: Final = _step(
    "CertificateInstallation",
    iso2.CertificateInstallationResType,
    _ask_installation,
    "A contract certificate is asked for with the OEM provisioning certificate.",
)
UPDATE: Final = _step(
    "CertificateUpdate",
    iso2.CertificateUpdateResType,
    _ask_update,
    "A new contract certificate is asked for with the old one.",
)
