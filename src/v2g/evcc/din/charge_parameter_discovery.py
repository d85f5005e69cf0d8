"""ChargeParameterDiscovery: limits of both sides, and the schedule."""

from __future__ import annotations

from typing import Any, Final

from v2g.common.terms import EnergyMode, Phase
from v2g.evcc.facts import ChargerFact
from v2g.evcc.protocol import Go, Move, Step, Stop
from v2g.evcc.session import Session
from v2g.evcc.shared.limits import dc_charge_parameter, judge_dc_parameter
from v2gexi import din


def _ask(session: Session) -> Any:
    mode: Any = (session.mode or EnergyMode.DC_EXTENDED).value
    return din.ChargeParameterDiscoveryReqType(
        EVRequestedEnergyTransferType=mode,
        EVChargeParameter=dc_charge_parameter(session, din),
    )


def _take(session: Session, response: Any) -> Move:
    parameter = response.EVSEChargeParameter
    if not isinstance(parameter, din.DC_EVSEChargeParameterType):
        return Stop("the charger gave no DC charge parameters")
    if move := judge_dc_parameter(session, parameter):
        return move
    if response.EVSEProcessing != "Finished":
        return Go("ChargeParameterDiscovery")
    schedules = response.SASchedules
    if isinstance(schedules, din.SAScheduleListType):
        session.told(ChargerFact.SCHEDULES, schedules)
        session.agreed["schedule"] = schedules.SAScheduleTuple[0]
    return Go("CableCheck")


STEP: Final = Step(
    name="ChargeParameterDiscovery",
    request="ChargeParameterDiscoveryReq",
    responses=(din.ChargeParameterDiscoveryResType,),
    ask=_ask,
    take=_take,
    leads_to=("CableCheck", "SessionStop", ""),
    meaning="Repeated until the charger has made its limits and schedule.",
    phase=Phase.PARAMETER,
    limit="evcc_ongoing_ms",
    sent=540,
)
