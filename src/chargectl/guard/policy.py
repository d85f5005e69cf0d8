"""What the guard decides: whether the watchdog is fed, and whether the outputs are held at their safe level.

Pure: everything that is known comes in with :meth:`Policy.step`, times are milliseconds of a clock that is
never set. Runs under MicroPython and CPython alike.
"""

SAFE_MS = 800
"""Heartbeat at a standstill this long: outputs are taken over. portd beats every 20 ms and reports a cycle of
200 ms as late; with the guard's own period of 100 ms the contactor is told to open within 1 s."""

HUNG_MS = 5_000
"""Standstill of a process that exists this long: it hangs, the board is reset. The outputs have been safe for
4 s by then, so this may be generous: a process that wakes up ends and is started anew, without a reset."""

RESTART_MS = 30_000
"""From the last heartbeat of a portd that crashed to the first of the next: the service manager's pause, and
up to 10 s in which an 800 MHz processor starts Python, with a reserve of two for a loaded system."""

ENDING_MS = 15_000
"""How long a portd that says it ends, or whose outputs were taken, may go on to exist: it closes its
connections; the service manager kills it after TimeoutStopSec."""

HEALTHY_MS = 300_000
"""From the guard's start to the boot found healthy. Long, because checking file systems after a power failure
takes minutes and is no fault."""

PID1_MS = 30_000
"""How long PID 1 may leave a question unanswered: reloading all units on a slow board takes seconds."""

LOST_MS = 1_000
"""How long a relay or motor line that obeyed before may refuse its safe level. Only a reset of the SoC, which
lets go of all lines, is left then."""

STARTING = "starting"
STOPPED = "stopped"
FAILED = "failed"
"""What portd writes into its heartbeat file: it has not beaten yet; it ended as it was asked to; it ended by
an error. While it runs, the file is empty."""

HEALTHY = "healthy"
DEGRADED = "degraded"
"""What is known of the boot, and the file in the run folder that says it: it was accepted; or no boot of this
board is, and it stays up for whoever comes to repair it. A reset would not make portd any better then."""


class Policy:
    """Decides anew with every :meth:`step`; a fault that calls for a reset stays.

    ``safe``: hold the outputs at their safe levels now. ``feed``: feed the watchdog; otherwise let it bite.
    ``taken``: number of the process whose outputs were taken over, 0 for none. It must not go on as if it
    still drove them. ``why``: one line for people. ``fault``: why the board is to be reset, "" if it is not.
    """

    def __init__(self, now_ms: int, taken: int = 0) -> None:
        """``taken``: what the guard before this one has left."""
        self.safe = True
        self.feed = True
        self.taken = taken
        self.why = "waiting for portd"
        self.fault = ""
        self._start_ms = now_ms
        self._healthy = False
        self._beat: tuple[object, object] | None = None
        self._changed_ms = now_ms
        self._holder = 0
        self._holder_ms = now_ms
        self._away_ms: int | None = now_ms
        self._ending_ms: int | None = None
        self._lost_ms: int | None = None

    def outputs(self, now_ms: int, lost: str) -> None:
        """Tell how holding the outputs went: ``lost`` names a line that does not obey any more, or is ""."""
        if not lost:
            self._lost_ms = None
            return
        if self._lost_ms is None:
            self._lost_ms = now_ms
        if now_ms - self._lost_ms > LOST_MS and not self.fault:
            self.fault = f"{lost} cannot be put to its safe level"

    def step(
        self,
        now_ms: int,
        beat: tuple[object, object] | None,
        holder: int,
        mark: str,
        boot: str,
        pid1_silent_ms: int,
    ) -> None:
        """Look at everything once.

        ``beat``: identity and time of the heartbeat file, values that are only compared; None if
        it is no regular file.
        ``holder``: number of the process that holds portd's lock, 0 if there is none. ``mark``: the
        heartbeat file's content. ``boot``: `HEALTHY`, `DEGRADED` or "", not decided yet.
        ``pid1_silent_ms``: for how long PID 1 has owed an answer, 0 if it owes none.
        """
        self._healthy = self._healthy or boot == HEALTHY
        fresh = self._is_fresh(now_ms, beat)
        if holder != self._holder:
            self._holder, self._holder_ms = holder, now_ms
            self._ending_ms = None
        fault = self._portd(now_ms, fresh, mark) or self._boot(now_ms)
        if boot == DEGRADED and not self._healthy:
            fault = ""
        fault = fault or self._pid1(pid1_silent_ms)
        if fault and not self.fault:
            self.fault = fault
        if self.fault:
            self.safe, self.feed = True, False
            self.taken = holder or self.taken
            self.why = self.fault

    def _is_fresh(self, now_ms: int, beat: tuple[object, object] | None) -> bool:
        """Whether the same file shows another time than before. A file in its place is none at first."""
        if beat is None:
            return False
        fresh = self._beat is not None and beat[0] == self._beat[0] and beat[1] != self._beat[1]
        self._beat = beat
        if fresh:
            self._changed_ms = now_ms
        return fresh

    def _portd(self, now_ms: int, fresh: bool, mark: str) -> str:
        if not self._holder:
            return self._gone(now_ms, mark)
        if mark == STARTING:
            # It brings the outputs to their safe levels itself, before its first heartbeat.
            return self._hand_over(now_ms)
        if mark in (STOPPED, FAILED):
            return self._ending(now_ms, "portd ends", "portd has ended its work, but does not exit")
        if self._holder == self.taken:
            return self._taken(now_ms, fresh)
        if self._still_ms(now_ms) < SAFE_MS:
            self.safe, self.taken, self._away_ms = False, 0, None
            self.why = "portd is at work"
            return ""
        self.taken = self._holder
        return self._taken(now_ms, False)

    def _still_ms(self, now_ms: int) -> int:
        """For how long the process that is there has shown no sign of life."""
        return now_ms - max(self._changed_ms, self._holder_ms)

    def _gone(self, now_ms: int, mark: str) -> str:
        self.safe, self.taken = True, 0
        if mark == STOPPED:
            self._away_ms = None
            self.why = "portd is stopped on purpose: outputs safe"
            return ""
        self.why = "portd is not there: outputs safe, waiting for it to be started"
        return self._away_too_long(now_ms)

    def _hand_over(self, now_ms: int) -> str:
        self.safe, self.taken = False, 0
        self.why = "portd starts"
        return self._away_too_long(now_ms)

    def _away_too_long(self, now_ms: int) -> str:
        if self._away_ms is None:
            self._away_ms = now_ms
        # While the board boots everything is slow; that has its own limit.
        if not self._healthy or now_ms - self._away_ms <= RESTART_MS:
            return ""
        return f"portd has not come back within {RESTART_MS // 1000} s"

    def _taken(self, now_ms: int, fresh: bool) -> str:
        self.safe = True
        if fresh or self._ending_ms is not None:
            return self._ending(
                now_ms,
                "portd has woken up: outputs safe, it is to end",
                "portd goes on although its outputs were taken over",
            )
        self.why = "portd stands still: outputs safe"
        if self._still_ms(now_ms) <= HUNG_MS:
            return ""
        return f"portd hangs: no heartbeat for {HUNG_MS // 1000} s"

    def _ending(self, now_ms: int, why: str, fault: str) -> str:
        self.safe, self.why = True, why
        if self._ending_ms is None:
            self._ending_ms = now_ms
        return fault if now_ms - self._ending_ms > ENDING_MS else ""

    def _boot(self, now_ms: int) -> str:
        if self._healthy or now_ms - self._start_ms <= HEALTHY_MS:
            return ""
        return f"the boot was not found healthy within {HEALTHY_MS // 1000} s"

    def _pid1(self, silent_ms: int) -> str:
        return f"PID 1 has not answered for {PID1_MS // 1000} s" if silent_ms > PID1_MS else ""
