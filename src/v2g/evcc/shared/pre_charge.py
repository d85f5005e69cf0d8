"""PreCharge: the charger brings its output to the battery's voltage, then the contactors may close."""

from __future__ import annotations

from typing import Any, Final

from v2g.common.terms import Phase
from v2g.common.values import number, physical
from v2g.evcc.facts import ChargerFact
from v2g.evcc.protocol import Go, Move, Step
from v2g.evcc.session import Session
from v2g.evcc.shared.status import ev_status, judge

MOST_CURRENT_A: Final = 2.0
"""The inrush current in pre-charge (IEC 61851-23, Annex CC)."""


def pre_charge(module: Any) -> Step:
    """The step over a message set."""

    def ask(session: Session) -> Any:
        if session.round and session.vehicle.inlet_voltage_v is not None and session.pre_charged:
            return Go("PowerDeliveryStart")
        current = min(session.setup.pre_charge_current_a, MOST_CURRENT_A)
        return module.PreChargeReqType(
            DC_EVStatus=ev_status(session, module),
            EVTargetVoltage=physical(module, "V", session.vehicle.battery.voltage_v),
            EVTargetCurrent=physical(module, "A", current),
        )

    return Step(
        name="PreCharge",
        request="PreChargeReq",
        responses=(module.PreChargeResType,),
        ask=ask,
        take=_take,
        leads_to=("PowerDeliveryStart", "SessionStop", ""),
        meaning="Repeated until the voltage before the contactors is within 20 V of the battery's.",
        phase=Phase.PARAMETER,
        pilot="C",
        locked=True,
        limit="evcc_pre_charge_ms",
        pace_ms=100,
        sent=570,
        again=582,
    )


def _take(session: Session, response: Any) -> Move:
    session.told(ChargerFact.PRESENT_VOLTAGE_V, number(response.EVSEPresentVoltage))
    if move := judge(session, response.DC_EVSEStatus):
        return move
    if not session.pre_charged:
        return Go("PreCharge")
    session.checkpoint(581)
    return Go("PowerDeliveryStart")
