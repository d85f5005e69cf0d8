"""CurrentDemand: the charge loop of DC."""

from __future__ import annotations

from typing import Any, Final

from v2g.secc.iso2.status import loop_reply, meter_info
from v2g.secc.protocol import Exchange, Reply
from v2g.secc.session import Session
from v2g.secc.shared.current_demand import NO_TARGET, Target, follow, measured
from v2gexi import iso2


def answer(session: Session, request: Any) -> Reply:
    """Follow the EV's target within the limits; tell what is measured."""
    target = follow(session, request)
    if target is None:
        return Reply(response(session, "FAILED"), "")
    return loop_reply(session, response(session, "OK", target), "WaitForCurrentDemand")


def response(session: Session, code: iso2.responseCodeType, target: Target = NO_TARGET) -> Any:
    """The response with a code."""
    return iso2.CurrentDemandResType(
        ResponseCode=code,
        **measured(session, iso2, target),
        EVSEID=session.setup.evse_id,
        SAScheduleTupleID=session.agreed.get("schedule", 1),
        MeterInfo=meter_info(session.station.meter),
        ReceiptRequired=False,
    )


EXCHANGE: Final = Exchange(
    request=iso2.CurrentDemandReqType,
    name="CurrentDemandReq",
    answer=answer,
    refuse=response,
    leads_to=("WaitForCurrentDemand", "WaitForMeteringReceipt", ""),
    codes=("OK", "FAILED"),
    meaning="the charge loop of DC: the EV tells the current that it wants, the station what it measures",
)
