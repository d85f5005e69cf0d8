"""AuthorizationSetup: the ways to be authorised, and whether certificates can be installed."""

from __future__ import annotations

from typing import Any, Final

from v2g.common.terms import Payment, Phase
from v2g.evcc.facts import ChargerFact
from v2g.evcc.iso20.terms import header, may_install, pay, terms
from v2g.evcc.protocol import Go, Move, Step, Stop
from v2g.evcc.session import Session
from v2gexi import iso20_common as common

CONTRACT: Final = "PnC"
EXTERNAL: Final = "EIM"
STEP_OF: Final = {Payment.CONTRACT: "AuthorizationByContract", Payment.EXTERNAL: "Authorization"}
"""The step that authorises, by the way of paying."""


def _ask(session: Session) -> Any:
    return common.AuthorizationSetupReqType(Header=header(session))


def _take(session: Session, response: Any) -> Move:
    agreed = terms(session)
    agreed.authorizations = tuple(response.AuthorizationServices)
    agreed.installation = response.CertificateInstallationService
    session.told(ChargerFact.PAYMENTS, agreed.authorizations)
    contracts = response.PnC_ASResAuthorizationMode
    if contracts is not None:
        agreed.challenge = contracts.GenChallenge
        providers = contracts.SupportedProviders
        _check_provider(session, () if providers is None else providers.ProviderID)
    if may_install(session) and CONTRACT in agreed.authorizations:
        return Go("CertificateInstallation")
    return authorize(session)


def authorize(session: Session) -> Move:
    """On to the authorisation: by contract if that is wished and possible, else externally."""
    if session.setup.payment is Payment.CONTRACT:
        why = _no_contract(session)
        if not why:
            pay(session, Payment.CONTRACT)
            return Go(STEP_OF[Payment.CONTRACT])
        session.log(f"no payment by contract: {why}")
    return externally(session)


def externally(session: Session) -> Move:
    """On to external identification, if the charger offers it."""
    offered = terms(session).authorizations
    if EXTERNAL not in offered:
        return Stop(f"no way to pay: the charger takes {', '.join(offered)}")
    pay(session, Payment.EXTERNAL)
    return Go(STEP_OF[Payment.EXTERNAL])


def _no_contract(session: Session) -> str:
    """Why a contract cannot pay; empty: it can."""
    signer = session.signer
    if not session.tls:
        return "the connection is not encrypted"
    if signer is None or not signer.contract_chain:
        return "there is no contract certificate"
    if CONTRACT not in terms(session).authorizations or not terms(session).challenge:
        return "the charger does not offer it"
    return ""


def _check_provider(session: Session, providers: Any) -> None:
    """Say so if the charger does not name the contract's provider; it may take the contract all the same."""
    signer = session.signer
    if not providers or signer is None or not signer.emaid:
        return
    emaid = _bare(signer.emaid)
    if not any(emaid.startswith(_bare(provider)) for provider in providers):
        session.log("the charger does not name the contract's provider among those that it supports")


def _bare(identifier: str) -> str:
    return "".join(filter(str.isalnum, identifier)).upper()


STEP: Final = Step(
    name="AuthorizationSetup",
    request="AuthorizationSetupReq",
    responses=(common.AuthorizationSetupResType,),
    ask=_ask,
    take=_take,
    leads_to=("CertificateInstallation", "Authorization", "AuthorizationByContract", "SessionStop", ""),
    meaning="The charger offers ways to be authorised, and perhaps to install certificates.",
    phase=Phase.AUTH,
)
