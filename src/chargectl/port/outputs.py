"""The pins that the port drives, as one value, and the way from one value to the next."""

from __future__ import annotations

from dataclasses import dataclass

from chargectl.pilot.duty import STEADY_CENTI
from chargectl.port.effects import DriveLock, Effect, LockMotion, SetPilot, SetRcdTest, SetRelay


@dataclass(frozen=True, slots=True)
class Outputs:
    """What the pins show; None stands for a pin that this installation does not have."""

    relay1: bool = False
    relay2: bool | None = False
    duty_centi: int | None = STEADY_CENTI
    """Hundredths of a percent; None puts the pilot to 0 V (state E)."""
    lock: LockMotion | None = LockMotion.OFF
    rcd_test: bool | None = False


def output_effects(before: Outputs | None, after: Outputs) -> list[Effect]:
    """Return the effects that lead from ``before`` (None: from anything) to ``after``.

    What takes power away comes first, primary contactor before secondary; what gives power comes last,
    secondary before primary. In between the pilot tells the EV, and the lock moves.
    """
    if after is before:
        return []
    effects: list[Effect] = []
    relay1 = before is None or before.relay1 != after.relay1
    relay2 = after.relay2 is not None and (before is None or before.relay2 != after.relay2)
    if relay1 and not after.relay1:
        effects.append(SetRelay(1, False))
    if relay2 and not after.relay2:
        effects.append(SetRelay(2, False))
    if before is None or before.duty_centi != after.duty_centi:
        effects.append(SetPilot(after.duty_centi))
    if after.lock is not None and (before is None or before.lock != after.lock):
        effects.append(DriveLock(after.lock))
    if after.rcd_test is not None and (before is None or before.rcd_test != after.rcd_test):
        effects.append(SetRcdTest(after.rcd_test))
    if relay2 and after.relay2:
        effects.append(SetRelay(2, True))
    if relay1 and after.relay1:
        effects.append(SetRelay(1, True))
    return effects
