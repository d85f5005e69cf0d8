"""SessionStop: the end of a session, or a pause that the EV may come back from."""

from __future__ import annotations

from typing import Any, Final

from v2g.common.terms import LinkWish
from v2g.secc.effects import Milestone
from v2g.secc.protocol import Exchange, Reply
from v2g.secc.session import Session
from v2gexi import iso2

PAUSES_IN: Final = ("WaitForSessionStop", "WaitForWeldingDetection")
"""States after PowerDeliveryReq (Stop), in which the EV may pause."""


def answer(session: Session, request: Any) -> Reply:
    """OK, unless the EV wants to pause where it cannot: then the session is over."""
    session.checkpoint(900)
    session.reached(Milestone.SESSION_STOP)
    if session.state == "WaitForCurrentDemand":
        session.reached(Milestone.CURRENT_DEMAND_FINISHED)
    if request.ChargingSession == "Pause":
        if not session.setup.pause or session.state not in PAUSES_IN:
            session.log(
                "the EV wants to pause; " + ("not here" if session.setup.pause else "pauses are not on offer")
            )
            return Reply(response(session, "FAILED"), "")
        session.pause({"mode": session.mode, "payment": session.payment})
        session.link = LinkWish.PAUSE
    else:
        session.link = LinkWish.TERMINATE
    session.checkpoint(905)
    return Reply(response(session, "OK"), "")


def response(session: Session, code: iso2.responseCodeType) -> Any:
    """The response with a code."""
    return iso2.SessionStopResType(ResponseCode=code)


EXCHANGE: Final = Exchange(
    request=iso2.SessionStopReqType,
    name="SessionStopReq",
    answer=answer,
    refuse=response,
    leads_to=("",),
    codes=("OK", "FAILED"),
    meaning="the EV ends the session or pauses it",
)
