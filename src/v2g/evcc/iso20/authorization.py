"""Authorization: until the customer is known; with a contract the charger's challenge is signed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from v2g.common.terms import Payment, Phase
from v2g.evcc.contract import SigningKey
from v2g.evcc.iso20.authorization_setup import CONTRACT, EXTERNAL, STEP_OF, externally
from v2g.evcc.iso20.terms import ID, header, may_install, terms
from v2g.evcc.protocol import Go, Move, Step, Stop
from v2g.evcc.session import Session
from v2gexi import iso20_common as common

WAITING: Final = "Ongoing_WaitingForCustomerInteraction"
"""EVSEProcessing while only the customer can end it: no time limit counts."""
_RENEWABLE: Final = frozenset(
    (
        "WARNING_CertificateExpired",
        "WARNING_CertificateNotYetValid",
        "WARNING_CertificateRevoked",
        "WARNING_CertificateValidationError",
        "WARNING_NoCertificateAvailable",
        "WARNING_NoContractMatchingPCIDFound",
    )
)
"""Codes after which another contract certificate may help."""


def _ask_externally(session: Session) -> Any:
    return common.AuthorizationReqType(
        Header=header(session),
        SelectedAuthorizationService=EXTERNAL,
        EIM_AReqAuthorizationMode=common.EIM_AReqAuthorizationModeType(),
    )


def _ask_by_contract(session: Session) -> Any:
    signer = session.signer
    if signer is None or not signer.contract_chain:
        return Stop("there is no contract certificate")
    session.sign_with = SigningKey.CONTRACT
    leaf, *more = signer.contract_chain
    return common.AuthorizationReqType(
        Header=header(session),
        SelectedAuthorizationService=CONTRACT,
        PnC_AReqAuthorizationMode=common.PnC_AReqAuthorizationModeType(
            Id=ID,
            GenChallenge=terms(session).challenge,
            ContractCertificateChain=common.ContractCertificateChainType(
                Certificate=leaf, SubCertificates=common.SubCertificatesType(Certificate=more)
            ),
        ),
    )


def _take(session: Session, response: Any) -> Move:
    code = response.ResponseCode
    if code.startswith("WARNING"):
        return _refused(session, code)
    if code == "OK_CertificateExpiresSoon":
        session.log_once("the contract certificate expires soon")
    if response.EVSEProcessing == "Finished":
        return Go("ServiceDiscovery")
    session.unlimited = response.EVSEProcessing == WAITING
    return Go(STEP_OF[session.payment])


def _refused(session: Session, code: str) -> Move:
    """A warning ends nothing: a contract may be replaced, or the customer be identified otherwise."""
    session.log(f"not authorised: {code}")
    if session.payment is Payment.EXTERNAL:
        return Stop(f"not authorised: {code}")
    if code in _RENEWABLE and may_install(session):
        return Go("CertificateInstallation")
    return externally(session)


def _step(
    payment: Payment, ask: Callable[[Session], Any], limit: str, more: tuple[str, ...], how: str
) -> Step:
    return Step(
        name=STEP_OF[payment],
        request="AuthorizationReq",
        responses=(common.AuthorizationResType,),
        ask=ask,
        take=_take,
        leads_to=("ServiceDiscovery", *more, "SessionStop", ""),
        meaning=f"{how}; repeated until the charger has finished the authorisation.",
        phase=Phase.AUTH,
        limit=limit,
        pace_ms=500,
        sent=530,
    )


EXTERNALLY: Final = _step(
    Payment.EXTERNAL, _ask_externally, "evcc_eim_ongoing_ms", (), "External identification means"
)
BY_CONTRACT: Final = _step(
    Payment.CONTRACT,
    _ask_by_contract,
    "evcc_ongoing_ms",
    ("CertificateInstallation", "Authorization"),
    "The contract and the signed challenge",
)
