"""Control pilot levels: from the two peak voltages to the states A to F (IEC 61851-1 Annex A).

Every state has a nominal level and a tolerance of 1 V at the charging station's output. Between two tolerance
windows lies a gap of 1 V; a level in the gap keeps the state that was seen before. The gap is the hysteresis,
so a level that a conforming EV can produce is never in doubt, and noise on a border cannot flip the state.
"""

from __future__ import annotations

from enum import Enum, unique
from typing import Final


@unique
class CpState(Enum):
    """State of the control pilot (IEC 61851-1 Table A.3)."""

    A = "A"
    """No EV connected."""
    B = "B"
    """EV connected, not ready."""
    C = "C"
    """EV ready, no ventilation required."""
    D = "D"
    """EV ready, ventilation required."""
    E = "E"
    """0 V: pilot shorted to earth or station without supply."""
    F = "F"
    """-12 V: charging station not available."""


TOLERANCE_MV: Final = 1000
"""Half width of every level's window at the station's output (IEC 61851-1 Table A.3)."""

_NOMINAL_MV: Final = (
    (CpState.A, 12_000),
    (CpState.B, 9_000),
    (CpState.C, 6_000),
    (CpState.D, 3_000),
    (CpState.E, 0),
    (CpState.F, -12_000),
)

DIODE_LIMIT_MV: Final = -10_000
"""A negative peak above this while the PWM runs means that no diode stands before the EV's resistor.

A conforming EV leaves the negative half wave at -12 V +-1 V; a bare 2.74 kOhm or 882 Ohm resistor pulls it to
-8.8 V or -5.6 V. The limit lies between, with room for the converter's error.
"""


def cp_state(positive_mv: int, previous: CpState) -> CpState:
    """Return the state that the positive peak (mV) stands for; ``previous`` decides within the gaps.

    Levels between state E's and state F's windows are no state at all: they read as E, the state in which
    nothing may be energised. Levels above state A's window read as A.
    """
    below: CpState | None = None
    for state, nominal in _NOMINAL_MV:
        if positive_mv > nominal + TOLERANCE_MV:
            if below is None or state is CpState.F:
                return CpState.A if below is None else CpState.E
            # In the gap between two windows.
            return previous if previous in (below, state) else state
        if positive_mv >= nominal - TOLERANCE_MV:
            return state
        below = state
    return CpState.F


def diode_present(negative_mv: int) -> bool:
    """Tell from the negative peak (mV), taken while the PWM runs, whether the EV's diode is there."""
    return negative_mv <= DIODE_LIMIT_MV
