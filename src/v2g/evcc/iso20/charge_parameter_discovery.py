"""AC_ and DC_ChargeParameterDiscovery: both sides tell their limits (MCS: as DC)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from v2g.common.amounts import amperes
from v2g.common.terms import Phase
from v2g.evcc.facts import ChargerFact
from v2g.evcc.iso20.limits import ac_charge, ac_discharge, dc_charge, dc_discharge, tell_limits
from v2g.evcc.iso20.terms import chosen, header
from v2g.evcc.protocol import Go, Move, Step, Stop
from v2g.evcc.session import Session
from v2g.evcc.vehicle import EvError
from v2gexi import iso20_ac as ac
from v2gexi import iso20_dc as dc


def _ask_ac(session: Session) -> Any:
    charger = session.vehicle.charger
    values = ac_charge(charger)
    mode: Any = ac.AC_CPDReqEnergyTransferModeType
    if chosen(session).bidirectional:
        mode = ac.BPT_AC_CPDReqEnergyTransferModeType
        values |= ac_discharge(charger)
    return ac.AC_ChargeParameterDiscoveryReqType(
        Header=header(session), AC_CPDReqEnergyTransferMode=mode(**values)
    )


def _ask_dc(session: Session) -> Any:
    battery = session.vehicle.battery
    least = min(battery.minimum_current_a, battery.maximum_current_a)
    values = dc_charge(battery) | {"EVMinimumChargeCurrent": amperes(least)}
    mode: Any = dc.DC_CPDReqEnergyTransferModeType
    if chosen(session).bidirectional:
        mode = dc.BPT_DC_CPDReqEnergyTransferModeType
        least = min(battery.minimum_discharge_current_a, battery.discharge_current_a)
        values |= dc_discharge(battery) | {"EVMinimumDischargeCurrent": amperes(least)}
    return dc.DC_ChargeParameterDiscoveryReqType(
        Header=header(session),
        DC_CPDReqEnergyTransferMode=mode(**values, TargetSOC=battery.full_soc_percent),
    )


def _take_ac(session: Session, response: Any) -> Move:
    mode = response.AC_CPDResEnergyTransferMode
    return _judge(session, mode, ac.BPT_AC_CPDResEnergyTransferModeType) or Go("ScheduleExchange")


def _take_dc(session: Session, response: Any) -> Move:
    mode = response.DC_CPDResEnergyTransferMode
    if move := _judge(session, mode, dc.BPT_DC_CPDResEnergyTransferModeType):
        return move
    most = session.known(ChargerFact.MAXIMUM_VOLTAGE_V)
    # Chargers that do not know their limits yet say 0.
    if most and most < session.vehicle.battery.voltage_v:
        return Stop(f"{EvError.INCOMPATIBLE.value}: the charger gives at most {most:g} V")
    return Go("ScheduleExchange")


def _judge(session: Session, mode: Any, both_ways: type) -> Move | None:
    """Limits of discharging have to be there if the service is bidirectional."""
    tell_limits(session, mode)
    if chosen(session).bidirectional and not isinstance(mode, both_ways):
        return Stop("the charger gave no limits of discharging")
    return None


def _step(kind: str, response: type, ask: Callable[[Session], Any], take: Any) -> Step:
    return Step(
        name="ChargeParameterDiscovery",
        request=f"{kind}_ChargeParameterDiscoveryReq",
        responses=(response,),
        ask=ask,
        take=take,
        leads_to=("ScheduleExchange", "SessionStop", ""),
        meaning="Limits of both sides.",
        phase=Phase.PARAMETER,
        sent=540,
    )


AC_STEP: Final = _step("AC", ac.AC_ChargeParameterDiscoveryResType, _ask_ac, _take_ac)
DC_STEP: Final = _step("DC", dc.DC_ChargeParameterDiscoveryResType, _ask_dc, _take_dc)
