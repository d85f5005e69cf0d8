"""High-level charging (ISO 15118) as the port sees it: 5 % duty instead of an offer, and a session's wishes.

The V2G session lives in another process. What it says is a wish with a lease: a process that ends or hangs
loses it. A wish for power counts once: after power went off, for whatever reason, it has to be withdrawn
before it counts again, so that nothing which was wanted before a fault closes a contactor after it.
"""

from __future__ import annotations

from chargectl.declarations.port_link import LEASE_MS, SessionWish
from chargectl.pilot.duty import HLC_CENTI, STEADY_CENTI
from chargectl.port.timing import EV_STOP_MS, HIGH_LEVEL_STOP_MS, T_STEP_EF_MS, T_STEP_X1_MS

_NOTHING = SessionWish()


class HighLevel:
    """The wish with its lease, the pilot's 5 %, and the end of power."""

    __slots__ = (
        "_heard_ms",
        "_lost",
        "_pulse_until",
        "_routines",
        "_spent",
        "_steady_until",
        "_stop_since",
        "signalling",
        "wish",
    )

    def __init__(self) -> None:
        self.wish = _NOTHING
        self.signalling = False
        """Whether an EV is told by 5 % that communication is wanted."""
        self._lost = False
        """The wish for power was not withdrawn but lost, and the session's own end with it."""
        self._heard_ms: int | None = None
        self._spent = False
        self._routines: int | None = None
        self._pulse_until: int | None = None
        self._steady_until: int | None = None
        self._stop_since: int | None = None

    @property
    def power(self) -> bool:
        """Whether a session wants the contactor closed."""
        return self.wish.power and not self._spent

    @property
    def begun(self) -> bool:
        """Whether an EV communicates or has been asked to."""
        return self.signalling or self.wish.active

    @property
    def duty_centi(self) -> int | None:
        """What the pilot is to have: 5 %, 100 %, or 0 V (None)."""
        if self._pulse_until is not None:
            return None
        return HLC_CENTI if self.signalling else STEADY_CENTI

    @property
    def facts(self) -> tuple[object, ...]:
        """What other decisions look at."""
        return self.wish, self.signalling, self._spent, self._lost, self._pulse_until

    def hear(self, wish: SessionWish | None, now_ms: int) -> None:
        """Take what the session wishes; None: nobody speaks for one any more."""
        if wish is None:
            self._lose()
            return
        self._heard_ms = now_ms
        if not wish.power:
            self._spent = False
        known = self._routines is not None and wish.error_routines > self._routines
        if known and self.signalling and not wish.active:
            self._pulse_until = now_ms + T_STEP_EF_MS
        self._routines = wish.error_routines
        self.wish = wish

    def _lose(self) -> None:
        # A process that comes back with the old wish must not undo the end that has begun.
        self._lost = self._lost or self.power
        self._spent = self._spent or self.wish.power
        self.wish = _NOTHING
        self._heard_ms = self._routines = None

    def step(self, may_signal: bool, offered_a: float, powered: bool, now_ms: int) -> None:
        """Let time pass.

        Args:
            may_signal: nothing of the port's own speaks against 5 %.
            offered_a: without current to offer no session begins.
            powered: the contactor is to be closed.
            now_ms: the time.
        """
        if self._heard_ms is not None and now_ms >= self._heard_ms + LEASE_MS:
            self._lose()
        if not powered:
            self._lost = False
            self._stop_since = None
        if self._pulse_until is not None and (now_ms >= self._pulse_until or powered or not may_signal):
            self._pulse_until = None
        if self._steady_until is not None and now_ms >= self._steady_until:
            self._steady_until = None
        wanted = may_signal and self.wish.link_ready and (offered_a > 0 or self.wish.active)
        if self.signalling and not wanted:
            self._steady_until = now_ms + T_STEP_X1_MS
        self.signalling = wanted and self._steady_until is None

    def keep(self, possible: bool, allowed: bool, now_ms: int) -> bool:
        """Whether power that is on stays on.

        It ends at once when it is not ``possible`` (EV not in C or D, a fault) and when the session withdraws
        its wish, for then the EV has stopped or must not go on. When the port allows it no longer, or the
        session was lost, the EV is told to stop and has its time.
        """
        if not possible or not (self.power or self._lost):
            self._spent = self.wish.power
            return False
        if allowed and self.signalling and not self._lost:
            self._stop_since = None
            return True
        if self._stop_since is None:
            self._stop_since = now_ms
        if now_ms < self._stop_since + self._stop_ms():
            return True
        self._spent = self.wish.power
        return False

    def _stop_ms(self) -> int:
        """At 5 % the messages of a session tell the EV to stop; without them the end of the 5 % does."""
        return HIGH_LEVEL_STOP_MS if self.signalling and not self._lost else EV_STOP_MS

    def unplugged(self) -> None:
        """The next EV begins anew: it need not wait for what the last one left."""
        self.signalling = False
        self._steady_until = self._pulse_until = None

    def deadline(self) -> int | None:
        """Return when time alone changes something next (ms)."""
        times = (
            None if self._heard_ms is None else self._heard_ms + LEASE_MS,
            self._pulse_until,
            self._steady_until,
            None if self._stop_since is None else self._stop_since + self._stop_ms(),
        )
        return min((time for time in times if time is not None), default=None)
