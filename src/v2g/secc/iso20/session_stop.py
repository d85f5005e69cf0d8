"""SessionStop: the end of a session, a pause, or another choice of services."""

from __future__ import annotations

from typing import Any, Final

from v2g.common.terms import LinkWish, Phase
from v2g.secc.effects import Milestone
from v2g.secc.facts import EvFact
from v2g.secc.iso20.terms import header, keep, terms
from v2g.secc.protocol import Exchange, Reply
from v2g.secc.session import Session
from v2gexi import iso20_common as common


def answer(session: Session, request: Any) -> Reply:
    """What the EV wants, if the station lets it."""
    session.checkpoint(900)
    if request.EVTerminationCode is not None or request.EVTerminationExplanation is not None:
        reason = {"code": request.EVTerminationCode, "explanation": request.EVTerminationExplanation}
        session.told(EvFact.TERMINATION, reason)
    agreed = terms(session)
    if request.ChargingSession == "ServiceRenegotiation":
        if not session.setup.service_renegotiation or not agreed.service:
            return Reply(response(session, "FAILED_NoServiceRenegotiationSupported"), "")
        session.station.renegotiate_service = False
        session.ongoing_since_ms.clear()
        agreed.terminate = False
        session.phase(Phase.PARAMETER)
        return Reply(response(session, "OK"), "WaitForServiceDiscovery")
    session.reached(Milestone.SESSION_STOP)
    session.paused = None
    if request.ChargingSession == "Pause":
        if not session.setup.pause or not agreed.service:
            return Reply(response(session, "FAILED_PauseNotAllowed"), "")
        session.pause(keep(session))
        session.link = LinkWish.PAUSE
    else:
        session.link = LinkWish.TERMINATE
    session.checkpoint(905)
    return Reply(response(session, "OK"), "")


def response(session: Session, code: common.responseCodeType) -> Any:
    """The response with a code."""
    return common.SessionStopResType(Header=header(session), ResponseCode=code)


EXCHANGE: Final = Exchange(
    request=common.SessionStopReqType,
    name="SessionStopReq",
    answer=answer,
    refuse=response,
    leads_to=("WaitForServiceDiscovery", ""),
    codes=("OK", "FAILED_NoServiceRenegotiationSupported", "FAILED_PauseNotAllowed"),
    meaning="the EV ends or pauses the session, or wants to choose services anew",
)
