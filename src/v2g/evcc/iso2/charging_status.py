"""ChargingStatus: the charge loop of AC, and its end."""

from __future__ import annotations

from typing import Any, Final

from v2g.common.terms import Phase
from v2g.common.values import number_or_none
from v2g.evcc.facts import ChargerFact
from v2g.evcc.iso2.metering_receipt import meter
from v2g.evcc.iso2.profile import entries, phases
from v2g.evcc.protocol import Go, Move, Step, Wait
from v2g.evcc.session import NO_CURRENT_A, Session
from v2g.evcc.shared.current_demand import RAMP_DOWN_MS
from v2g.evcc.shared.status import judge
from v2gexi import iso2

DRAW_OFF_MS: Final = 1_000
"""An on-board charger whose current is not measured takes none any more after this time. Our own bound."""


def allowed_a(session: Session) -> float:
    """Current that the EV may take per phase now, by its own limit, the charger's and the schedule."""
    charger = session.vehicle.charger
    current = charger.maximum_current_a
    told = session.known(ChargerFact.MAXIMUM_CURRENT_A)
    if told is not None:
        current = min(current, told)
    voltage = session.known(ChargerFact.NOMINAL_VOLTAGE_V) or charger.maximum_voltage_v
    since_s = (session.now_ms - session.agreed.get("power_since_ms", session.now_ms)) / 1000
    due = [power for start, power in entries(session) if start <= since_s]
    if due:
        current = min(current, due[-1] / (voltage * phases(session)))
    return round(max(current, 0.0), 1) if current >= charger.minimum_current_a else 0.0


def _ask(session: Session) -> Any:
    session.agreed.setdefault("power_since_ms", session.now_ms)
    if wait := session.close_contactors():
        return wait
    session.draw(allowed_a(session))
    return iso2.ChargingStatusReqType()


def _take(session: Session, response: Any) -> Move:
    session.told(ChargerFact.MAXIMUM_CURRENT_A, number_or_none(response.EVSEMaxCurrent))
    move = judge(session, response.AC_EVSEStatus)
    return move or meter(session, response, "ChargingStatus") or Go("ChargingStatus")


def ramp_down_ac(name: str, after: str, stop: str) -> Step:
    """Take no current until none flows; then ``after``. Nothing is sent here."""

    def ask(session: Session) -> Any:
        session.draw(0.0)
        session.agreed.pop("power_since_ms", None)
        current = session.vehicle.present_current_a
        if current is None:
            return Wait(name, DRAW_OFF_MS, Go(after))
        return Go(after) if abs(current) < NO_CURRENT_A else Wait(name, RAMP_DOWN_MS, Go(after))

    return Step(
        name=name,
        request="ChargingStatusReq",
        responses=(iso2.ChargingStatusResType,),
        ask=ask,
        take=_take,
        leads_to=(after, ""),
        meaning="No current is taken any more, until none flows; nothing is sent.",
        phase=Phase.CHARGE,
        pilot="C",
        power=True,
        stop=stop,
    )


STEP: Final = Step(
    name="ChargingStatus",
    request="ChargingStatusReq",
    responses=(iso2.ChargingStatusResType,),
    ask=_ask,
    take=_take,
    leads_to=("MeteringReceipt", "RampDownAc", "RampDownAcToRenegotiate", ""),
    meaning="The charge loop of AC.",
    phase=Phase.CHARGE,
    pilot="C",
    power=True,
    locked=True,
    stop="RampDownAc",
    pause=True,
    renegotiate="RampDownAcToRenegotiate",
    pace_ms=1_000,
    sent=700,
    again=710,
)
