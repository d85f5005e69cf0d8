"""Waking an EV that sleeps: once a session the pilot is held at 0 V for a while (guide Table 48)."""

from __future__ import annotations

from chargectl.pilot.levels import CpState
from chargectl.port.timing import WAKE_UP_AFTER_MS, WAKE_UP_PULSE_MS


class WakeUp:
    """Decides when to pulse: at once with ``force``, else after 30 s of an offer that nobody takes."""

    __slots__ = ("_after_timeout", "_force", "_offered_since", "_pulse_until", "_spent")

    def __init__(self, force: bool, after_timeout: bool) -> None:
        self._force = force
        self._after_timeout = after_timeout
        self._offered_since: int | None = None
        self._pulse_until: int | None = None
        self._spent = False

    @property
    def pulsing(self) -> bool:
        """Whether the pilot is to be at 0 V now."""
        return self._pulse_until is not None

    def spend(self) -> None:
        """No wake-up in the rest of this session (it has charged, or the phase count was changed)."""
        self._spent = True

    def new_session(self) -> None:
        """An EV was unplugged: the next one may be woken up again."""
        self._spent = False
        self._offered_since = None
        self._pulse_until = None

    def step(self, offered: bool, state: CpState, now_ms: int) -> None:
        """Let time pass; ``offered`` says that current is on offer but for the pulse itself."""
        if not offered:
            self._offered_since = self._pulse_until = None
            return
        if self._pulse_until is not None:
            if now_ms >= self._pulse_until:
                self._pulse_until = None
            return
        if state is not CpState.B:
            self._offered_since = None
            if state in (CpState.C, CpState.D):
                self._spent = True
            return
        if self._offered_since is None:
            self._offered_since = now_ms
        if self._spent:
            return
        if self._force or (self._after_timeout and now_ms >= self._offered_since + WAKE_UP_AFTER_MS):
            self._spent = True
            self._pulse_until = now_ms + WAKE_UP_PULSE_MS

    def deadline(self) -> int | None:
        """Return when time alone changes something next (ms)."""
        if self._pulse_until is not None:
            return self._pulse_until
        if self._offered_since is not None and self._after_timeout and not self._spent:
            return self._offered_since + WAKE_UP_AFTER_MS
        return None
