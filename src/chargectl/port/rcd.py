"""Residual current device: monitoring, its test, its three errors (guide 15.15).

``healthy`` is the feedback's meaning, not its voltage: ``rcd_monitor/polarity`` names the level of normal
operation, and whoever reads the pin has applied it.

The test: trigger on; after ``check_tripped`` the feedback must read tripped; trigger off after ``trigger``;
and ``check_normal`` later the feedback must read healthy again. Both checks may come on either side of the
trigger's end; the declared constraint keeps them in order. A test runs only with the contactor open: at
start, when an EV is connected, after 24 h, on request. What has to wait for an open contactor waits.
"""

from __future__ import annotations

from chargectl.declarations import errors
from chargectl.declarations.types import ErrorRow
from chargectl.port.settings import RcdSettings
from chargectl.port.timing import RCD_SPURIOUS_MS, RCD_TEST_INTERVAL_MS


class Rcd:
    """Watches the RCD and tests it."""

    __slots__ = (
        "_connected",
        "_due",
        "_ground_failure",
        "_healthy",
        "_requested",
        "_settings",
        "_started",
        "_tested",
        "_trigger_ended",
        "_tripped_since",
        "_tripped_was_seen",
        "error",
        "finished",
        "unanswered",
    )

    def __init__(self, settings: RcdSettings, now_ms: int) -> None:
        self._settings = settings
        self._healthy: bool | None = None
        self._connected = False
        self._ground_failure = False
        self._due = self.tests
        self._requested = False
        self._started: int | None = None
        self._trigger_ended: int | None = None
        self._tripped_was_seen = False
        self._tripped_since: int | None = None
        self._tested = now_ms
        self.error: ErrorRow | None = None
        self.unanswered = False
        """True after a request that no test can answer, until the caller resets it."""
        self.finished = False
        """True right after a test has ended, until the caller resets it."""

    @property
    def monitors(self) -> bool:
        """Whether there is feedback to watch."""
        return self._settings.enable

    @property
    def tests(self) -> bool:
        """Whether tests can be made."""
        return self._settings.enable and self._settings.test

    @property
    def testing(self) -> bool:
        """Whether a test is running."""
        return self._started is not None

    @property
    def healthy(self) -> bool:
        """Whether power that is on may stay on as far as the RCD is concerned."""
        return not self.monitors or (self._healthy is True and self.error is None)

    @property
    def ready(self) -> bool:
        """Whether power may be switched on: healthy, and no test is running or due."""
        return self.healthy and not self.testing and not self._due

    @property
    def tripped(self) -> bool:
        """The state to publish: tripped by a residual current; a test never shows (guide Table 73)."""
        shown = self.error in (errors.RCD_GROUND_FAILURE, errors.SPURIOUS_RCD)
        return shown and self._healthy is False and not self.testing

    @property
    def trigger(self) -> bool:
        """Level of the test output."""
        return self._started is not None and self._trigger_ended is None

    def feedback(self, healthy: bool | None) -> None:
        """Take the feedback; None while it cannot be read."""
        self._healthy = healthy
        if healthy is None and self._started is not None:
            # What cannot be read proves nothing: the test is made again.
            self._started = self._trigger_ended = None
            self._due = True

    def request(self) -> bool:
        """Ask for a test; it runs as soon as the contactor is open. False: a tripped RCD cannot be tested."""
        if self.tests and (self._healthy is not False or self.testing):
            self._due = self._requested = True
            return True
        return False

    def connected(self, connected: bool) -> None:
        """Take whether an EV is connected; a new one makes a test due, a gone one ends a ground failure."""
        if connected and not self._connected and self.tests:
            self._due = True
        if not connected and self._connected and self.error is errors.RCD_GROUND_FAILURE:
            # Not readable is not tripped; whether it is will show when it can be read again.
            self.error = errors.SPURIOUS_RCD if self._healthy is False else None
        if not connected:
            self._ground_failure = False
        self._connected = connected

    def step(self, now_ms: int, contactor_open: bool) -> None:
        """Let time pass; ``contactor_open`` says that a test disturbs nobody."""
        if not self.monitors:
            return
        if self._started is not None:
            self._step_test(now_ms, self._started)
        if self._started is None:
            self._watch(now_ms)
            if self.tests and now_ms >= self._tested + RCD_TEST_INTERVAL_MS:
                self._due = True
            if self._due and contactor_open and self._may_start():
                self._started = now_ms
                self._tripped_was_seen = False

    def _may_start(self) -> bool:
        # Out of an error only a requested test leads; and a tripped RCD cannot show that it trips.
        return self._healthy is True and (self.error is None or self._requested)

    def _watch(self, now_ms: int) -> None:
        if self._healthy is not False or self.error is not None:
            self._tripped_since = None
            return
        if self._connected:
            self.error = errors.RCD_GROUND_FAILURE
            self._ground_failure = True
            return
        if self._tripped_since is None:
            self._tripped_since = now_ms
        elif now_ms >= self._tripped_since + RCD_SPURIOUS_MS:
            self.error = errors.SPURIOUS_RCD

    def _step_test(self, now_ms: int, started: int) -> None:
        settings = self._settings
        if not self._tripped_was_seen and now_ms >= started + settings.check_tripped_ms:
            if self._healthy is not False:
                self._finish(now_ms, passed=False)
                return
            self._tripped_was_seen = True
        if self._trigger_ended is None:
            # The time that counts is when the output really falls, be the cycle late or not.
            if now_ms >= started + settings.trigger_ms:
                self._trigger_ended = now_ms
        elif now_ms >= self._trigger_ended + settings.check_normal_ms:
            self._finish(now_ms, passed=self._healthy is True)

    def _finish(self, now_ms: int, *, passed: bool) -> None:
        self._started = self._trigger_ended = None
        self._tested = now_ms
        self._due = self._requested = False
        if not passed:
            self.error = errors.RCD_TEST
        else:
            # A good RCD says nothing about the EV that tripped it: only unplugging ends a ground failure.
            self.error = errors.RCD_GROUND_FAILURE if self._ground_failure else None
        self.finished = True

    def deadline(self, now_ms: int) -> int | None:
        """Return when time alone changes something next (ms)."""
        if not self.monitors:
            return None
        times: list[int] = []
        if self._started is not None:
            settings = self._settings
            trigger_end = self._trigger_ended or self._started + settings.trigger_ms
            times += [
                self._started + settings.check_tripped_ms,
                trigger_end,
                trigger_end + settings.check_normal_ms,
            ]
        else:
            if self._tripped_since is not None:
                times.append(self._tripped_since + RCD_SPURIOUS_MS)
            if self.tests:
                times.append(self._tested + RCD_TEST_INTERVAL_MS)
        return min((time for time in times if time > now_ms), default=None)
