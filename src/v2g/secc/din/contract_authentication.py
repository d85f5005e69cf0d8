"""ContractAuthentication: repeated until the station knows whether the customer may charge."""

from __future__ import annotations

from typing import Any, Final

from v2g.common.terms import Payment, Phase
from v2g.secc.effects import AuthorizationWanted
from v2g.secc.protocol import Exchange, Reply
from v2g.secc.session import Session
from v2g.secc.station import Authorization
from v2gexi import din

_ASKED: Final = "authorization"
_WORKING: Final = "authorization without the customer"


def answer(session: Session, request: Any) -> Reply:
    """Ongoing, until the station is authorised or the customer rejected."""
    session.checkpoint(530)
    if _ASKED not in session.ongoing_since_ms:
        session.tell(AuthorizationWanted(Payment.EXTERNAL))
    session.ongoing_ms(_ASKED)
    authorization = session.station.authorization
    if authorization is Authorization.REJECTED:
        return Reply(response(session, "FAILED", "Finished"), "")
    session.checkpoint(535)
    if authorization is Authorization.ACCEPTED:
        session.finished(_ASKED, _WORKING)
        session.checkpoint(538)
        session.phase(Phase.PARAMETER)
        return Reply(response(session, "OK", "Finished"), "WaitForChargeParameterDiscovery")
    # DIN SPEC 70121 has no word for a customer who is waited for; how long that may last is the EV's to say.
    if authorization is Authorization.WAITING_FOR_CUSTOMER:
        session.finished(_WORKING)
    elif session.ongoing_ms(_WORKING) >= session.protocol.times.secc_ongoing_ms:
        session.log("nobody has authorised the session in time")
        return Reply(response(session, "FAILED", "Finished"), "")
    return Reply(response(session, "OK", "Ongoing"), "WaitForContractAuthentication")


def response(
    session: Session, code: din.responseCodeType, processing: din.EVSEProcessingType = "Finished"
) -> Any:
    """The response with a code."""
    return din.ContractAuthenticationResType(ResponseCode=code, EVSEProcessing=processing)


EXCHANGE: Final = Exchange(
    request=din.ContractAuthenticationReqType,
    name="ContractAuthenticationReq",
    answer=answer,
    refuse=response,
    leads_to=("WaitForContractAuthentication", "WaitForChargeParameterDiscovery", ""),
    codes=("OK", "FAILED"),
    meaning="repeated until the customer is authorised",
)
