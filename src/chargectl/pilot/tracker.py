"""Belief in the control pilot: a reading becomes a state only after it repeats.

One sample is one pair of peaks per control cycle of 20 ms. A new state is believed with the third equal
sample in a row (``CONFIRMING_SAMPLES``): one or two disturbed samples, as a relay's inrush or a plug's bounce
cause, change nothing, and a car that leaves state C is acted on within 3 * 20 ms = 60 ms, which leaves the
contactor 40 ms of the 100 ms that IEC 61851-1 (Table A.6, sequence 8.1/9.1) grants for switching off. The
missing diode is believed the same way.

The states in which power is given need more than that: a line that wavers between two other states, or shows
C every third time only, never gives three equal samples, and must not stay energized for it. There three
samples against the believed state end it, unless three in a row have agreed with it in between.
"""

from __future__ import annotations

from typing import Final

from chargectl.pilot.levels import CpState, cp_state, diode_present

CONFIRMING_SAMPLES: Final = 3

_ENERGIZED: Final = (CpState.C, CpState.D)


class PilotTracker:
    """Turns raw peak samples into believed states."""

    __slots__ = ("_agreeing", "_candidate", "_count", "_diode_count", "_strikes", "diode_ok", "state")

    def __init__(self, state: CpState = CpState.A) -> None:
        self.state = state
        self.diode_ok = True
        self._candidate = state
        self._count = 0
        self._strikes = 0
        self._agreeing = 0
        self._diode_count = 0

    def feed(self, positive_mv: int, negative_mv: int, pwm_running: bool) -> bool:
        """Take one sample (mV); return True when the believed state or diode verdict changed.

        ``pwm_running`` says that the duty was neither 0 nor 100 % while the sample was taken: only then is
        there a negative half wave to judge the diode by. With no EV on the line (state A) there is none to
        judge.
        """
        state = cp_state(positive_mv, self.state)
        changed = self._weigh(state)
        if not pwm_running or self.state in (CpState.A, CpState.E, CpState.F):
            diode = True
        else:
            diode = diode_present(negative_mv)
        self._diode_count = 0 if diode is self.diode_ok else self._diode_count + 1
        if self._diode_count >= CONFIRMING_SAMPLES:
            self.diode_ok, self._diode_count = diode, 0
            changed = True
        return changed

    def _weigh(self, state: CpState) -> bool:
        """Count one sample for or against the believed state; return True when that changed."""
        if state is self.state:
            self._candidate, self._count = state, 0
            self._agreeing += 1
            if self._agreeing >= CONFIRMING_SAMPLES:
                self._strikes = 0
            return False
        self._agreeing = 0
        self._strikes += 1
        self._count = self._count + 1 if state is self._candidate else 1
        self._candidate = state
        lost = self.state in _ENERGIZED and self._strikes >= CONFIRMING_SAMPLES
        if self._count < CONFIRMING_SAMPLES and not lost:
            return False
        self.state = state
        self._count = self._strikes = 0
        return True

    def restart(self) -> None:
        """Forget a half-believed change: the output was switched and old peaks say nothing about it."""
        self._count = self._strikes = 0
        self._diode_count = 0
