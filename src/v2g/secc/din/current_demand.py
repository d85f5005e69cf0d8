"""CurrentDemand: the charge loop."""

from __future__ import annotations

from typing import Any, Final

from v2g.secc.protocol import Exchange, Reply
from v2g.secc.session import Session
from v2g.secc.shared.current_demand import NO_TARGET, Target, follow, measured
from v2gexi import din


def answer(session: Session, request: Any) -> Reply:
    """Follow the EV's target within the limits; tell what is measured."""
    target = follow(session, request)
    if target is None:
        return Reply(response(session, "FAILED"), "")
    return Reply(response(session, "OK", target), "WaitForCurrentDemand")


def response(session: Session, code: din.responseCodeType, target: Target = NO_TARGET) -> Any:
    """The response with a code."""
    return din.CurrentDemandResType(ResponseCode=code, **measured(session, din, target))


EXCHANGE: Final = Exchange(
    request=din.CurrentDemandReqType,
    name="CurrentDemandReq",
    answer=answer,
    refuse=response,
    leads_to=("WaitForCurrentDemand", ""),
    codes=("OK", "FAILED"),
    meaning="the charge loop: the EV tells the current that it wants, the station what it measures",
)
