"""ChargeParameterDiscovery: limits of both sides, and the schedules."""

from __future__ import annotations

from typing import Any, Final

from v2g.common.terms import EnergyMode, Phase
from v2g.common.values import number, physical
from v2g.evcc.facts import ChargerFact
from v2g.evcc.protocol import Go, Move, Step, Stop
from v2g.evcc.session import Session
from v2g.evcc.shared.limits import dc_charge_parameter, judge_dc_parameter
from v2g.evcc.shared.status import judge
from v2gexi import iso2


def _ask(session: Session) -> Any:
    mode: Any = (session.mode or EnergyMode.DC_EXTENDED).value
    departure = session.vehicle.departure_s
    if session.setup.dc:
        parameter = dc_charge_parameter(session, iso2, DepartureTime=departure)
    else:
        charger = session.vehicle.charger
        parameter = iso2.AC_EVChargeParameterType(
            DepartureTime=departure,
            EAmount=physical(iso2, "Wh", charger.energy_wh),
            EVMaxVoltage=physical(iso2, "V", charger.maximum_voltage_v),
            EVMaxCurrent=physical(iso2, "A", charger.maximum_current_a),
            EVMinCurrent=physical(iso2, "A", charger.minimum_current_a),
        )
    return iso2.ChargeParameterDiscoveryReqType(
        MaxEntriesSAScheduleTuple=session.setup.most_schedules,
        RequestedEnergyTransferMode=mode,
        EVChargeParameter=parameter,
    )


def _take(session: Session, response: Any) -> Move:
    session.renegotiating = False
    dc = session.setup.dc
    parameter = response.EVSEChargeParameter
    if dc and isinstance(parameter, iso2.DC_EVSEChargeParameterType):
        move = judge_dc_parameter(session, parameter)
    elif not dc and isinstance(parameter, iso2.AC_EVSEChargeParameterType):
        session.told(ChargerFact.NOMINAL_VOLTAGE_V, number(parameter.EVSENominalVoltage))
        session.told(ChargerFact.MAXIMUM_CURRENT_A, number(parameter.EVSEMaxCurrent))
        move = judge(session, parameter.AC_EVSEStatus)
    else:
        return Stop(f"the charger gave no {'DC' if dc else 'AC'} charge parameters")
    if move:
        return move
    # Whoever asks for a renegotiation here gets one: this is it.
    session.renegotiation_asked = False
    if response.EVSEProcessing != "Finished":
        return Go("ChargeParameterDiscovery")
    schedules = response.SASchedules
    if isinstance(schedules, iso2.SAScheduleListType):
        session.told(ChargerFact.SCHEDULES, schedules)
        session.agreed["schedule"] = schedules.SAScheduleTuple[0]
        session.agreed["schedule_id"] = schedules.SAScheduleTuple[0].SAScheduleTupleID
    else:
        session.log("the charger gave no schedule")
        session.agreed.pop("schedule", None)
    return Go("CableCheck" if dc else "PowerDeliveryStart")


STEP: Final = Step(
    name="ChargeParameterDiscovery",
    request="ChargeParameterDiscoveryReq",
    responses=(iso2.ChargeParameterDiscoveryResType,),
    ask=_ask,
    take=_take,
    leads_to=("CableCheck", "PowerDeliveryStart", "SessionStop", ""),
    meaning="Repeated until the charger has made its limits and schedules.",
    phase=Phase.PARAMETER,
    limit="evcc_ongoing_ms",
    sent=540,
)
