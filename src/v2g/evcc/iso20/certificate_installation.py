"""CertificateInstallation: a contract certificate comes from a backend."""

from __future__ import annotations

from typing import Any, Final

from v2g.common.terms import Phase
from v2g.evcc.contract import SigningKey
from v2g.evcc.facts import ChargerFact
from v2g.evcc.iso20.authorization_setup import authorize
from v2g.evcc.iso20.terms import ID, header, terms
from v2g.evcc.protocol import Go, Move, Step, Stop
from v2g.evcc.session import Session
from v2gexi import iso20_common as common

_MOST_CHAINS: Final = 1
"""Contract certificates that are wanted."""


def _ask(session: Session) -> Any:
    signer = session.signer
    if signer is None or not signer.provisioning_chain:
        return Stop("there is no OEM provisioning certificate")
    terms(session).installed = True
    session.sign_with = SigningKey.PROVISIONING
    leaf, *more = signer.provisioning_chain
    return common.CertificateInstallationReqType(
        Header=header(session),
        OEMProvisioningCertificateChain=common.SignedCertificateChainType(
            Id=ID,
            Certificate=leaf,
            SubCertificates=common.SubCertificatesType(Certificate=more) if more else None,
        ),
        ListOfRootCertificateIDs=common.ListOfRootCertificateIDsType(
            RootCertificateID=[
                common.X509IssuerSerialType(X509IssuerName=issuer, X509SerialNumber=serial)
                for issuer, serial in signer.roots
            ]
        ),
        MaximumContractCertificateChains=_MOST_CHAINS,
    )


def _take(session: Session, response: Any) -> Move:
    if response.ResponseCode.startswith("WARNING"):
        session.log(f"no certificate was issued: {response.ResponseCode}")
        return authorize(session)
    if response.EVSEProcessing != "Finished":
        return Go("CertificateInstallation")
    session.told(ChargerFact.CERTIFICATE, session.payload)
    signer = session.signer
    why = "no contract" if signer is None else signer.installed(session.payload, "iso20-common")
    if why:
        session.log(f"the issued certificate cannot be used: {why}")
    return authorize(session)


STEP: Final = Step(
    name="CertificateInstallation",
    request="CertificateInstallationReq",
    responses=(common.CertificateInstallationResType,),
    ask=_ask,
    take=_take,
    leads_to=("Authorization", "AuthorizationByContract", "SessionStop", ""),
    meaning="A contract certificate is asked for; repeated until the backend has answered.",
    phase=Phase.AUTH,
    limit="evcc_ongoing_ms",
)
