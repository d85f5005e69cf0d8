"""AC_ChargeLoop: the EV tells its power, the charger what it is to be."""

from __future__ import annotations

from typing import Any, Final

from v2g.common.amounts import phases, watts
from v2g.evcc.facts import ChargerFact
from v2g.evcc.iso20.limits import ac_charge, ac_discharge, tell_limits
from v2g.evcc.iso20.loop import charge_loop, standby
from v2g.evcc.iso20.needs import departure_s, display, energy, tell_needs
from v2g.evcc.iso20.notification import meter_wanted
from v2g.evcc.iso20.ramp_down import ramp_down
from v2g.evcc.iso20.schedule import allowed_w
from v2g.evcc.iso20.terms import chosen, header, terms
from v2g.evcc.session import Session
from v2gexi import iso20_ac as ac

_MODES: Final[dict[tuple[bool, bool], Any]] = {
    (False, False): ac.Scheduled_AC_CLReqControlModeType,
    (False, True): ac.BPT_Scheduled_AC_CLReqControlModeType,
    (True, False): ac.Dynamic_AC_CLReqControlModeType,
    (True, True): ac.BPT_Dynamic_AC_CLReqControlModeType,
}
"""Control mode of the request, by dynamic and bidirectional."""


def power_w(session: Session) -> float:
    """Power that the EV may take now, over all phases; negative: it gives so much back.

    Bounded by the EV, the charger's limit and its target (in dynamic mode a command), and the schedule."""
    charger, target = session.vehicle.charger, terms(session).target_w
    bounds = (charger.maximum_power_w, session.known(ChargerFact.MAXIMUM_POWER_W), allowed_w(session))
    power = min(max(bound, 0.0) for bound in bounds if bound is not None)
    if target is not None:
        power = min(power, target)
    if power >= 0.0:
        return power if power >= charger.minimum_power_w else 0.0
    if not chosen(session).bidirectional:
        return 0.0
    most: float | None = session.known(ChargerFact.MAXIMUM_DISCHARGE_POWER_W)
    back = charger.discharge_power_w if most is None else min(charger.discharge_power_w, abs(most))
    return max(power, -back)


def request(session: Session, power: bool) -> Any:
    """The request."""
    choice, charger = chosen(session), session.vehicle.charger
    if not power:
        session.draw(0.0)
    values = energy(session) | ac_charge(charger)
    if choice.bidirectional:
        values |= ac_discharge(charger)
    if not power:
        values |= dict.fromkeys((name for name in values if name.endswith("Power")), watts(0.0))
    values["EVPresentActivePower"] = watts(charger.present_power_w)
    if choice.dynamic:
        values["DepartureTime"] = departure_s(session)
        values["EVPresentReactivePower"] = watts(0.0)
    return ac.AC_ChargeLoopReqType(
        Header=header(session),
        DisplayParameters=display(session),
        MeterInfoRequested=meter_wanted(session),
        CLReqControlMode=_MODES[choice.dynamic, choice.bidirectional](**values),
    )


def _ask(session: Session) -> Any:
    if wait := session.close_contactors():
        return wait
    charger = session.vehicle.charger
    volts_all = charger.phases * (session.known(ChargerFact.NOMINAL_VOLTAGE_V) or charger.maximum_voltage_v)
    session.draw(round(power_w(session) / volts_all, 1))
    return request(session, True)


def tell_target(session: Session, response: Any) -> None:
    """Tell what a response says of the power and the mobility needs."""
    mode = response.CLResControlMode
    target = phases(mode, "EVSETargetActivePower") if hasattr(mode, "EVSETargetActivePower") else None
    terms(session).target_w = target
    session.told(ChargerFact.TARGET_POWER_W, target)
    tell_limits(session, mode)
    tell_needs(session, mode)


STEP: Final = charge_loop(
    "AC",
    ac.AC_ChargeLoopResType,
    _ask,
    tell_target,
    pace_ms=250,
    meaning="The charge loop, with contactors closed: the EV's power, and what it is to be.",
)
STANDBY: Final = standby("AC", ac.AC_ChargeLoopResType, request, tell_target)
RAMP_DOWN: Final = ramp_down("AC", ac.AC_ChargeLoopResType, request, tell_target)
