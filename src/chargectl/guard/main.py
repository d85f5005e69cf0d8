"""The guard: feeds the hardware watchdog while portd, PID 1 and the boot are well, and holds the outputs safe
while portd does not. Run by systemd: ``micropython main.py [--run-dir DIR] [--watchdog DEVICE]``.

It shares no code, no interpreter and no library with what it watches.
"""

import gc
import select
import sys
import time

import libc
import manager
from observe import Sight, Taken
from outputs import Outputs
from policy import Policy
from report import error, name_of, note, warning
from watchdog import Watchdog

POLL_MS = 100
"""How often everything is looked at: five cycles of portd."""

FEED_MS = 1_000
"""How often the watchdog is fed: a tenth of its time."""

_OPTIONS = {"--run-dir": "/run/chargectl", "--watchdog": "/dev/watchdog0"}
_SIGINT, _SIGTERM = 2, 15


class Clock:
    """Milliseconds that never wrap, never stop and are never set."""

    def __init__(self):
        self._ticks = time.ticks_ms()
        self._now_ms = 0

    def now_ms(self):
        """Time since the start."""
        ticks = time.ticks_ms()
        self._now_ms += time.ticks_diff(ticks, self._ticks)
        self._ticks = ticks
        return self._now_ms


class Guard:
    """Everything wired up; :meth:`step` looks and acts once."""

    def __init__(self, folder, device, address):
        self._clock = Clock()
        now_ms = self._clock.now_ms()
        self._sight = Sight(folder)
        self._taken = Taken(folder)
        self._outputs = Outputs()
        self._watchdog = Watchdog(device)
        self._manager = manager.Manager(address, now_ms)
        self._policy = Policy(now_ms, self._taken.pid)
        self._feed_ms = now_ms
        self._held = False
        self._told = None
        self._ready = False
        self._bitten = False

    def step(self):
        """Look at everything, decide, act: the outputs first."""
        now_ms = self._clock.now_ms()
        policy = self._policy
        beat, holder, mark, boot = self._sight.look()
        policy.step(now_ms, beat, holder, mark, boot, self._manager.silent_ms(now_ms))
        # Before the outputs: a portd that wakes up in between has to find it.
        self._taken.tell(policy.taken)
        if policy.safe:
            self._outputs.make_safe(self._held)
            policy.outputs(now_ms, self._outputs.lost)
        self._held = policy.safe
        if not policy.feed:
            self._bitten = True
            self._watchdog.bite()
        self._tell(now_ms)
        # Last: a step that fails or hangs anywhere feeds nothing.
        if policy.feed and now_ms >= self._feed_ms:
            self._watchdog.feed()
            self._feed_ms = now_ms + FEED_MS

    def end(self):
        """The system shuts down, or this program is to be started anew: the watchdog goes on counting."""
        if not self._bitten:
            self._watchdog.feed()
            self._watchdog.outlive()
        self._manager.stopping()
        note("the guard ends; the watchdog goes on counting")

    def _tell(self, now_ms):
        policy = self._policy
        if policy.why != self._told:
            self._told = policy.why
            if policy.fault:
                error(f"{policy.fault}: outputs safe, the watchdog is not fed any more, the board resets")
            else:
                note(policy.why)
        self._manager.status(policy.why)
        self._manager.alive(now_ms)
        if self._watchdog.works and not self._ready:
            self._ready = True
            self._manager.ready()


def run(folder, device, address):
    """Watch until SIGTERM."""
    signals = libc.signal_fd((_SIGINT, _SIGTERM))
    poll = select.poll()
    poll.register(signals, select.POLLIN)
    try:
        libc.stay_in_memory()
    except OSError as problem:
        warning(f"memory cannot be locked ({name_of(problem)}): is LimitMEMLOCK= set?")
    guard = Guard(folder, device, address)
    while True:
        guard.step()
        gc.collect()
        if poll.poll(POLL_MS):
            guard.end()
            return


def parse(arguments):
    """Return the options' values by name. Raises ValueError."""
    options = dict(_OPTIONS)
    while arguments:
        name = arguments[0]
        if name not in options or len(arguments) < 2:
            raise ValueError(f"option {name}: allowed are {', '.join(sorted(options))}, each with a value")
        options[name] = arguments[1]
        arguments = arguments[2:]
    return options


def main(arguments):
    """Return the exit code."""
    try:
        options = parse(arguments)
    except ValueError as problem:
        error(str(problem))
        return 2
    address = manager.address()
    if not address:
        error("NOTIFY_SOCKET is not set: the service manager has to start this program, with Type=notify")
        return 2
    run(options["--run-dir"], options["--watchdog"], address)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
