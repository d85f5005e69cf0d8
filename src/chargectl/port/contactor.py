"""One contactor: its target, what its feedback says, the guard before closing again, welding."""

from __future__ import annotations

from chargectl.port.settings import Feedback
from chargectl.port.timing import CONTACTOR_GUARD_MS, CONTACTOR_REACTION_MS


class Contactor:
    """A switching device behind a relay.

    Without feedback its state is taken from its target once the reaction time has passed. A feedback that
    does not follow within the reaction time is a failure that stays (guide 3.3.4.1).
    """

    __slots__ = (
        "_closed",
        "_doubtful_until",
        "_feedback",
        "_guard_ms",
        "_off_since",
        "_unsettled_since",
        "failed",
        "target",
    )

    def __init__(self, feedback: Feedback, now_ms: int, guard_ms: int = CONTACTOR_GUARD_MS) -> None:
        self._feedback = feedback
        self._guard_ms = guard_ms
        self._closed: bool | None = None
        self._doubtful_until: int | None = None
        # A restart may have opened the contactor just now: the guard runs from the start.
        self._off_since = now_ms
        # Without feedback it counts as open once the reaction time has passed.
        self._unsettled_since: int | None = None if self.has_feedback else now_ms
        self.target = False
        self.failed = False

    @property
    def has_feedback(self) -> bool:
        """Whether anything tells the contactor's position."""
        return self._feedback is not Feedback.NONE

    @property
    def position_known(self) -> bool:
        """Whether the feedback tells the position now."""
        return self._closed is not None

    @property
    def off_since(self) -> int:
        """When it was last switched off, or last seen closed while switched off (ms)."""
        return self._off_since

    def sense(self, level: bool | None, now_ms: int) -> None:
        """Take the raw level of the sense input; None while it cannot be read (nothing is judged by it
        then).
        """
        if self._feedback is Feedback.NONE:
            return
        was = self._closed
        if level is None:
            self._closed = self._unsettled_since = None
            return
        self._closed = level if self._feedback is Feedback.NORMALLY_OPEN else not level
        if self._closed:
            self._doubtful_until = None
        if was and not self._closed and not self.target:
            self._off_since = now_ms
        self._judge(now_ms)

    def switch(self, on: bool, now_ms: int) -> None:
        """Set the target; closing is refused by a ValueError while :meth:`may_close` is False."""
        if on is self.target:
            return
        if on and not self.may_close(now_ms):
            raise ValueError("contactor switched on within its guard time or after a failure")
        self.target = on
        if not on:
            self._off_since = now_ms
            if self.has_feedback and not self._closed:
                # Switched off before it was seen to close: it may be closing just now.
                self._doubtful_until = now_ms + CONTACTOR_REACTION_MS
        self._unsettled_since = now_ms
        self._judge(now_ms)

    def may_close(self, now_ms: int) -> bool:
        """Whether closing is allowed: it works, it is open, and the guard time has passed."""
        return not self.failed and self.confirmed_open(now_ms) and now_ms >= self._off_since + self._guard_ms

    def confirmed_open(self, now_ms: int) -> bool:
        """Whether it is switched off and open, as far as anybody can know."""
        if self.target or self.failed:
            return False
        if self.has_feedback:
            doubtful = self._doubtful_until is not None and now_ms < self._doubtful_until
            return self._closed is False and not doubtful
        return now_ms >= self._off_since + CONTACTOR_REACTION_MS

    def presumed_open(self, now_ms: int) -> bool:
        """Whether it is off and nothing says otherwise: its feedback cannot be read, and time has passed."""
        off = not self.target and not self.failed and self._closed is None
        return off and now_ms >= self._off_since + CONTACTOR_REACTION_MS

    def confirmed_closed(self, now_ms: int) -> bool:
        """Whether it is switched on and closed, as far as anybody can know."""
        if not self.target:
            return False
        if self.has_feedback:
            return self._closed is True
        return self._unsettled_since is None

    def reported_closed(self) -> bool:
        """The state to publish: the feedback's, or the target's where there is none."""
        return bool(self._closed) if self.has_feedback else self.target

    def _judge(self, now_ms: int) -> None:
        if self.has_feedback:
            if self._closed is self.target or self._closed is None:
                self._unsettled_since = None
            elif self._unsettled_since is None:
                self._unsettled_since = now_ms

    def step(self, now_ms: int) -> None:
        """Notice that the reaction time has passed."""
        if self._unsettled_since is None or now_ms < self._unsettled_since + CONTACTOR_REACTION_MS:
            return
        self._unsettled_since = None
        if self.has_feedback:
            self.failed = True
            if self.target:
                self._off_since = now_ms
            self.target = False

    def deadline(self, now_ms: int) -> int | None:
        """Return when time alone changes something next (ms)."""
        times = [self._off_since + self._guard_ms]
        if self._unsettled_since is not None:
            times.append(self._unsettled_since + CONTACTOR_REACTION_MS)
        if self._doubtful_until is not None:
            times.append(self._doubtful_until)
        return min((time for time in times if time > now_ms), default=None)
