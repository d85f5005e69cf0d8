"""Rules of the power path that hold in every session, checked over all that happened."""

from __future__ import annotations

from typing import Any

from tests.v2g.evcc.rig import Rig
from v2g.evcc import effects
from v2g.evcc.effects import Contactors
from v2g.evcc.facts import ChargerFact
from v2g.evcc.session import NO_CURRENT_A
from v2g.evcc.shutdown import CONTACTORS_OPEN_MS, CURRENT_OFF_MS


def check(rig: Rig) -> None:
    """Contactors close only where a step allows it and are open at the end; the lock opens after them."""
    steps = rig.protocol.steps
    state = ""
    closed = False
    fact: bool | None = rig.first_contactors
    closing_confirmed = True
    opened_ms = 0
    told_a = 0.0
    pilot_b_ms: int | None = None
    ended = 0
    timeline: list[tuple[int, int, Any]] = sorted(
        [(time, 1, effect) for time, effect in rig.happened]
        + [(time, 0, (name, value)) for time, name, value in rig.facts],
        key=lambda each: each[:2],
    )
    for time, _, item in timeline:
        match item:
            case ("contactors_closed", value):
                fact = value
                closing_confirmed = closing_confirmed or value is True
            case effects.StateChanged(name):
                state = name
            case effects.PilotState(pilot):
                pilot_b_ms = time if pilot == "B" else None
            case effects.ChargerTold(ChargerFact.PRESENT_CURRENT_A, value):
                told_a = value
            case effects.Contactors(True):
                assert steps[state].power, f"contactors closed in {state}"
                assert not ended
                closed, closing_confirmed = True, False
            case effects.Contactors(False):
                measured = rig.vehicle.present_current_a
                current = told_a if measured is None else measured
                waited = pilot_b_ms is not None and time - pilot_b_ms >= CURRENT_OFF_MS
                assert abs(current) < NO_CURRENT_A or waited, f"contactors opened under {current} A"
                closed, opened_ms = False, time
            case effects.LockConnector(False):
                assert not closed, "unlocked before the contactors were opened"
                never_closed = Contactors(True) not in rig.plant
                assert fact is False or (fact is None and never_closed), "unlocked without a confirmation"
                # What was open all the time has to stay so: it may have been on its way.
                assert closing_confirmed or time - opened_ms >= CONTACTORS_OPEN_MS
            case effects.MessageSeen(name=name, request=True) if name != "supportedAppProtocolReq":
                assert not ended, f"{name} after the end"
                assert not closed or steps[state].power, f"{name} in {state} with contactors closed"
            case effects.SessionEnded():
                ended += 1
                assert not closed, "ended with contactors closed"
            case _:
                pass
    assert ended <= 1
    if ended:
        plant = rig.plant
        pilots = [each for each in plant if isinstance(each, effects.PilotState)]
        assert not pilots or pilots[-1].state == "B"
