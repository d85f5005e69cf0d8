"""DC_CableCheck: the charger tests the isolation of the cable, with the EV's contactors open."""

from __future__ import annotations

from typing import Any, Final

from v2g.common.terms import Phase
from v2g.evcc.iso20.terms import header
from v2g.evcc.protocol import Go, Move, Step
from v2g.evcc.session import Session
from v2gexi import iso20_dc as dc


def _ask(session: Session) -> Any:
    return dc.DC_CableCheckReqType(Header=header(session))


def _take(session: Session, response: Any) -> Move:
    if response.EVSEProcessing != "Finished":
        return Go("CableCheck")
    session.checkpoint(566)
    return Go("PreCharge")


STEP: Final = Step(
    name="CableCheck",
    request="DC_CableCheckReq",
    responses=(dc.DC_CableCheckResType,),
    ask=_ask,
    take=_take,
    leads_to=("PreCharge", "SessionStop", ""),
    meaning="The connector is locked and the pilot in C; repeated until the isolation test is finished.",
    phase=Phase.PARAMETER,
    pilot="C",
    locked=True,
    limit="evcc_cable_check_ms",
    sent=560,
)
