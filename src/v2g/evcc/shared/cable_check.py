"""CableCheck: the charger tests the isolation of the cable, with the EV's contactors open."""

from __future__ import annotations

from typing import Any

from v2g.common.terms import Phase
from v2g.evcc.protocol import Go, Move, Step
from v2g.evcc.session import Session
from v2g.evcc.shared.status import ev_status, judge


def cable_check(module: Any) -> Step:
    """The step over a message set."""

    def ask(session: Session) -> Any:
        return module.CableCheckReqType(DC_EVStatus=ev_status(session, module))

    return Step(
        name="CableCheck",
        request="CableCheckReq",
        responses=(module.CableCheckResType,),
        ask=ask,
        take=_take,
        leads_to=("PreCharge", "SessionStop", ""),
        meaning="The connector is locked and the pilot in C; repeated until the isolation test is finished.",
        phase=Phase.PARAMETER,
        pilot="C",
        locked=True,
        limit="evcc_cable_check_ms",
        sent=560,
    )


def _take(session: Session, response: Any) -> Move:
    status = response.DC_EVSEStatus
    if move := judge(session, status):
        return move
    if response.EVSEProcessing != "Finished":
        return Go("CableCheck")
    isolation = status.EVSEIsolationStatus
    if isolation not in ("Valid", "No_IMD"):
        # Chargers in the field finish with "Invalid", "Warning" or nothing; only a fault ends the session.
        session.log(f"the cable check is finished with isolation status {isolation}")
    session.checkpoint(566)
    return Go("PreCharge")
