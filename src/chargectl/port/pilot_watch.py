"""The control pilot as the port sees it: is an EV there, and is the line in order."""

from __future__ import annotations

from chargectl.declarations import errors
from chargectl.declarations.types import ErrorRow
from chargectl.pilot.levels import CpState
from chargectl.port.timing import PILOT_SETTLE_MS, PILOT_SHORTED_AFTER_MS

_EV_STATES = (CpState.B, CpState.C, CpState.D)
_LINE_STATES = (CpState.E, CpState.F)


class PilotWatch:
    """Tells connected from unplugged, also while the port itself holds the line at 0 V or -12 V.

    On a line in state E or F nobody can see an EV come or go: what was known before holds.
    """

    __slots__ = (
        "_bad_since",
        "_diode_missing",
        "_imposed",
        "_imposed_until",
        "connected",
        "known",
        "shorted",
        "state",
    )

    def __init__(self) -> None:
        self.state = CpState.A
        self.known = False
        """Whether the line was seen at all: after a start nobody knows yet what is plugged in."""
        self.connected = False
        self.shorted = False
        self._diode_missing = False
        self._imposed = False
        self._imposed_until = 0
        self._bad_since: int | None = None

    def seen(self, state: CpState, diode_ok: bool, now_ms: int) -> None:
        """Take the believed state."""
        self.state = state
        self.known = True
        if state in _EV_STATES:
            self.connected = True
            if not diode_ok:
                self._diode_missing = True
        elif state is CpState.A:
            self.connected = False
            self._diode_missing = False
        if state not in _LINE_STATES:
            self._bad_since = None
            self.shorted = False
        elif self._bad_since is None:
            self._bad_since = now_ms

    def imposed(self, imposed: bool, now_ms: int) -> None:
        """Take whether the port itself puts the line to E or F."""
        if self._imposed and not imposed:
            self._imposed_until = now_ms + PILOT_SETTLE_MS
        self._imposed = imposed

    def step(self, now_ms: int) -> None:
        """Let time pass."""
        due = self._shorted_at()
        if due is not None and now_ms >= due:
            self.shorted = True

    def _shorted_at(self) -> int | None:
        if self._bad_since is None or self._imposed or self.shorted:
            return None
        return max(self._bad_since, self._imposed_until) + PILOT_SHORTED_AFTER_MS

    def active_errors(self) -> tuple[ErrorRow, ...]:
        """Return the pilot's errors."""
        found: tuple[ErrorRow, ...] = ()
        if self.shorted:
            found += (errors.PILOT_SHORTED,)
        if self._diode_missing:
            found += (errors.PILOT_DIODE,)
        return found

    def deadline(self) -> int | None:
        """Return when time alone changes something next (ms)."""
        return self._shorted_at()
