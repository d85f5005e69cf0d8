"""CurrentDemand: the charge loop of DC, and its end with a demand of nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from v2g.common.terms import Phase
from v2g.common.values import physical
from v2g.evcc.facts import ChargerFact
from v2g.evcc.output import tell_present
from v2g.evcc.protocol import Go, Move, Step, Stop, Take
from v2g.evcc.session import NO_CURRENT_A, Session
from v2g.evcc.shared.limits import tell_limits
from v2g.evcc.shared.status import ev_status, judge

RAMP_DOWN_MS: Final = 5_000
"""The charger is to have no current left this long after it was asked for none; after that it is told to stop
all the same. Our own bound."""

_SINCE: Final = "ramp down since"


def request(session: Session, module: Any, current_a: float) -> Any:
    """A CurrentDemandReq for so much current."""
    battery = session.vehicle.battery
    session.asked_a = current_a
    full, bulk = battery.full_in_s, battery.bulk_in_s
    return module.CurrentDemandReqType(
        DC_EVStatus=ev_status(session, module),
        EVTargetCurrent=physical(module, "A", current_a),
        EVMaximumVoltageLimit=physical(module, "V", battery.maximum_voltage_v),
        EVMaximumCurrentLimit=physical(module, "A", battery.maximum_current_a),
        EVMaximumPowerLimit=physical(module, "W", battery.maximum_power_w),
        BulkChargingComplete=battery.bulk_full,
        ChargingComplete=battery.full,
        RemainingTimeToFullSoC=None if full is None else physical(module, "s", full),
        RemainingTimeToBulkSoC=None if bulk is None else physical(module, "s", bulk),
        EVTargetVoltage=physical(module, "V", min(battery.target_voltage_v, battery.maximum_voltage_v)),
    )


def tell_output(session: Session, response: Any) -> None:
    """Tell what a CurrentDemandRes says of the charger's output."""
    tell_present(session, response)
    tell_limits(session, response)


def current_demand(module: Any, take: Take, *leads_to: str, renegotiate: str = "") -> Step:
    """The charge loop over a message set; ``take`` says where a good response leads."""

    def ask(session: Session) -> Any:
        battery = session.vehicle.battery
        most = session.known(ChargerFact.MAXIMUM_CURRENT_A)
        current = min(battery.target_current_a, battery.maximum_current_a)
        return request(session, module, max(0.0, min(current, most) if most else current))

    def take_output(session: Session, response: Any) -> Move:
        tell_output(session, response)
        return judge(session, response.DC_EVSEStatus) or take(session, response)

    return Step(
        name="CurrentDemand",
        request="CurrentDemandReq",
        responses=(module.CurrentDemandResType,),
        ask=ask,
        take=take_output,
        leads_to=("RampDown", *leads_to, ""),
        meaning="The charge loop: target voltage and current, present voltage and current.",
        phase=Phase.CHARGE,
        pilot="C",
        power=True,
        locked=True,
        stop="RampDown",
        pause=True,
        renegotiate=renegotiate,
        pace_ms=100,
        sent=700,
        again=710,
    )


def ramp_down(
    module: Any,
    name: str,
    after: str,
    stop: str,
    first: Callable[[Session, Any], Move | None] = lambda session, response: None,
    leads_to: tuple[str, ...] = (),
) -> Step:
    """Ask for no current until none flows; then ``after``. ``first`` may have a response's own sequel."""

    def ask(session: Session) -> Any:
        session.agreed.setdefault(_SINCE, session.now_ms)
        if not session.asked_a and abs(session.current_a or 0.0) < NO_CURRENT_A:
            return leave(session)
        return request(session, module, 0.0)

    def leave(session: Session) -> Move:
        session.agreed.pop(_SINCE, None)
        return Go(after)

    def take(session: Session, response: Any) -> Move:
        tell_output(session, response)
        # What the charger asks for is on its way already; a fault still ends the session at once.
        move = judge(session, response.DC_EVSEStatus)
        if move is not None and not isinstance(move, Stop):
            return move
        if move := first(session, response):
            return move
        if abs(session.current_a or 0.0) < NO_CURRENT_A:
            return leave(session)
        if session.now_ms - session.agreed[_SINCE] >= RAMP_DOWN_MS:
            session.log(f"{session.current_a:g} A still flow after {RAMP_DOWN_MS} ms")
            return leave(session)
        return Go(name)

    return Step(
        name=name,
        request="CurrentDemandReq",
        responses=(module.CurrentDemandResType,),
        ask=ask,
        take=take,
        leads_to=(after, *leads_to, ""),
        meaning="No current is asked for any more, until none flows.",
        phase=Phase.CHARGE,
        pilot="C",
        power=True,
        stop=stop,
        pace_ms=100,
    )
