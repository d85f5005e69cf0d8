"""AuthorizationSetup: the ways to be authorised, and the challenge for a contract's signature."""

from __future__ import annotations

from typing import Any, Final

from v2g.common.terms import Payment
from v2g.secc.iso20.terms import header, terms
from v2g.secc.protocol import Exchange, Reply
from v2g.secc.session import Session
from v2gexi import iso20_common as common

_CHALLENGE_BYTES: Final = 16


def services(session: Session) -> tuple[common.authorizationType, ...]:
    """Authorisation services on offer; contracts need TLS and trust."""
    found: list[common.authorizationType] = []
    for payment in session.setup.payments:
        if payment is Payment.EXTERNAL:
            found.append("EIM")
        elif session.tls and session.station.trust is not None:
            found.append("PnC")
    return tuple(found)


def answer(session: Session, request: Any) -> Reply:
    """Offer what the station is set up for."""
    agreed = terms(session)
    agreed.authorizations = services(session)
    if not agreed.authorizations:
        session.log("no way to be authorised: contracts need TLS and trusted roots")
        return Reply(response(session, "FAILED"), "")
    agreed.challenge = session.random_bytes(_CHALLENGE_BYTES)
    return Reply(response(session, "OK"), "WaitForAuthorization")


def response(session: Session, code: common.responseCodeType) -> Any:
    """The response with a code."""
    agreed = terms(session)
    contract = code == "OK" and "PnC" in agreed.authorizations
    return common.AuthorizationSetupResType(
        Header=header(session),
        ResponseCode=code,
        AuthorizationServices=list(agreed.authorizations) if code == "OK" else ["EIM"],
        CertificateInstallationService=session.tls and session.setup.certificate_service,
        # Either of the two; with contracts on offer it is theirs ([V2G20-2567], [V2G20-2568]).
        EIM_ASResAuthorizationMode=None if contract else common.EIM_ASResAuthorizationModeType(),
        PnC_ASResAuthorizationMode=_contracts(session) if contract else None,
    )


def _contracts(session: Session) -> Any:
    providers = session.setup.providers
    return common.PnC_ASResAuthorizationModeType(
        GenChallenge=terms(session).challenge,
        SupportedProviders=common.SupportedProvidersListType(ProviderID=list(providers))
        if providers
        else None,
    )


EXCHANGE: Final = Exchange(
    request=common.AuthorizationSetupReqType,
    name="AuthorizationSetupReq",
    answer=answer,
    refuse=response,
    leads_to=("WaitForAuthorization", ""),
    codes=("OK", "FAILED"),
    meaning="the station offers the ways to be authorised, and certificate installation",
)
