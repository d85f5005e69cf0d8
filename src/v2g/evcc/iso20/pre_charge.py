"""DC_PreCharge: the charger brings its output to the battery's voltage, then the contactors may close."""

from __future__ import annotations

from typing import Any, Final

from v2g.common.amounts import volts
from v2g.common.terms import Phase
from v2g.common.values import number
from v2g.evcc.facts import ChargerFact
from v2g.evcc.iso20.terms import header, terms
from v2g.evcc.protocol import Go, Move, Step, Stop
from v2g.evcc.session import Session
from v2gexi import iso20_dc as dc


def _ask(session: Session) -> Any:
    agreed = terms(session)
    agreed.pre_charged = session.round > 0 and session.pre_charged
    return dc.DC_PreChargeReqType(
        Header=header(session),
        EVProcessing="Finished" if agreed.pre_charged else "Ongoing",
        EVPresentVoltage=volts(session.inlet_voltage_v or 0.0),
        EVTargetVoltage=volts(session.vehicle.battery.voltage_v),
    )


def _take(session: Session, response: Any) -> Move:
    session.told(ChargerFact.PRESENT_VOLTAGE_V, number(response.EVSEPresentVoltage))
    if not terms(session).pre_charged:
        return Go("PreCharge")
    if not session.pre_charged:
        return Stop("the voltage did not stay after pre-charge")
    session.checkpoint(581)
    return Go("PowerDeliveryStart")


STEP: Final = Step(
    name="PreCharge",
    request="DC_PreChargeReq",
    responses=(dc.DC_PreChargeResType,),
    ask=_ask,
    take=_take,
    leads_to=("PowerDeliveryStart", "SessionStop", ""),
    meaning="Repeated until the voltage before the contactors is within 20 V of the battery's; the last "
    "request says so.",
    phase=Phase.PARAMETER,
    pilot="C",
    locked=True,
    limit="evcc_pre_charge_ms",
    pace_ms=100,
    sent=570,
    again=582,
)
