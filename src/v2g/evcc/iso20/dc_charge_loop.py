"""DC_ChargeLoop: the EV tells its target (scheduled) or limits (dynamic), the charger what it measures."""

from __future__ import annotations

from typing import Any, Final

from v2g.common.amounts import amperes, volts, watts
from v2g.evcc.facts import ChargerFact
from v2g.evcc.iso20.limits import dc_charge, dc_discharge, tell_limits
from v2g.evcc.iso20.loop import charge_loop, standby
from v2g.evcc.iso20.needs import departure_s, display, energy, tell_needs
from v2g.evcc.iso20.notification import meter_wanted
from v2g.evcc.iso20.ramp_down import ramp_down
from v2g.evcc.iso20.schedule import allowed_w
from v2g.evcc.iso20.terms import chosen, header
from v2g.evcc.output import tell_present
from v2g.evcc.session import Session
from v2gexi import iso20_dc as dc

_MODES: Final[dict[tuple[bool, bool], Any]] = {
    (False, False): dc.Scheduled_DC_CLReqControlModeType,
    (False, True): dc.BPT_Scheduled_DC_CLReqControlModeType,
    (True, False): dc.Dynamic_DC_CLReqControlModeType,
    (True, True): dc.BPT_Dynamic_DC_CLReqControlModeType,
}
"""Control mode of the request, by dynamic and bidirectional."""


def request(session: Session, power: bool) -> Any:
    """The request; without ``power`` no current is asked for, nor taken or given."""
    choice, battery = chosen(session), session.vehicle.battery
    values = energy(session) | dc_charge(battery)
    if choice.bidirectional:
        values |= dc_discharge(battery)
    if choice.dynamic:
        values["DepartureTime"] = departure_s(session)
        session.asked_a = min(battery.target_current_a, battery.maximum_current_a) if power else 0.0
        # What the EV would ask for in scheduled mode is what it can take at this moment.
        values["EVMaximumChargeCurrent"] = amperes(max(session.asked_a, 0.0))
        values["EVMaximumVoltage"] = volts(min(battery.target_voltage_v, battery.maximum_voltage_v))
    else:
        session.asked_a = target_a(session) if power else 0.0
        values["EVTargetCurrent"] = amperes(session.asked_a)
        values["EVTargetVoltage"] = volts(min(battery.target_voltage_v, battery.maximum_voltage_v))
    if not power:
        values |= dict.fromkeys(values.keys() & _POWERS, watts(0.0))
        values |= dict.fromkeys(values.keys() & _CURRENTS, amperes(0.0))
    return dc.DC_ChargeLoopReqType(
        Header=header(session),
        DisplayParameters=display(session),
        MeterInfoRequested=meter_wanted(session),
        EVPresentVoltage=volts(session.inlet_voltage_v or battery.voltage_v),
        CLReqControlMode=_MODES[choice.dynamic, choice.bidirectional](**values),
    )


_POWERS: Final = frozenset(
    ("EVMaximumChargePower", "EVMinimumChargePower", "EVMaximumDischargePower", "EVMinimumDischargePower")
)
_CURRENTS: Final = frozenset(("EVMaximumChargeCurrent", "EVMaximumDischargeCurrent"))


def target_a(session: Session) -> float:
    """Scheduled mode: what the EV asks for, by its own limit, the charger's and the schedule's."""
    battery = session.vehicle.battery
    voltage = max(session.inlet_voltage_v or 0.0, battery.voltage_v, 1.0)
    powers = (battery.maximum_power_w, session.known(ChargerFact.MAXIMUM_POWER_W), allowed_w(session))
    bounds: list[float | None] = [battery.maximum_current_a, session.known(ChargerFact.MAXIMUM_CURRENT_A)]
    bounds += [power / voltage for power in powers if power is not None]
    current = min(battery.target_current_a, *(max(bound, 0.0) for bound in bounds if bound is not None))
    if not chosen(session).bidirectional:
        return max(current, 0.0)
    back = min(battery.discharge_current_a, battery.discharge_power_w / voltage)
    most_back: float | None = session.known(ChargerFact.MAXIMUM_DISCHARGE_CURRENT_A)
    return max(current, -back if most_back is None else -min(back, abs(most_back)))


def tell_output(session: Session, response: Any) -> None:
    """Tell what a response says of the charger's output and limits."""
    tell_present(session, response)
    tell_limits(session, response.CLResControlMode)
    tell_needs(session, response.CLResControlMode)


STEP: Final = charge_loop(
    "DC",
    dc.DC_ChargeLoopResType,
    lambda session: request(session, True),
    tell_output,
    pace_ms=100,
    meaning="The charge loop: the EV's target or its limits, and what the charger measures.",
)
STANDBY: Final = standby("DC", dc.DC_ChargeLoopResType, request, tell_output)
RAMP_DOWN: Final = ramp_down("DC", dc.DC_ChargeLoopResType, request, tell_output)
