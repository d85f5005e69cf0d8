"""``python -m chargectl.sim serve``: run a simulated board, and a command that sees it as ``/sys``."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
from dataclasses import dataclass, field
from types import FrameType

from chargectl.sim import namespace
from chargectl.sim.control import ControlServer
from chargectl.sim.host import Host
from chargectl.sim.options import Options
from chargectl.sim.sysfs.fuse import UnmountedError

GRACE_S = 5.0
"""How long the command may take to end after it was asked to."""


@dataclass(slots=True)
class Plan:
    """What to serve: where the control socket is, which board, which time, and what to run in it."""

    socket: str
    options: Options = field(default_factory=Options)
    speed: float | None = 1.0
    """Times real time; None is virtual time."""
    command: list[str] = field(default_factory=list)
    inherit: bool = False
    """Mount in the private namespace that this process was started in, so that its parent sees the board."""


class Loop:
    """The one loop that serves files, control socket, time and the command."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._running = True
        self._command: subprocess.Popen[bytes] | None = None
        self._result = 0

    def run(self) -> int:
        """Serve until the command ends (its exit code is returned), the board is told to quit, or a signal.

        Raises UnavailableError when the board cannot be mounted here."""
        if not self._plan.inherit:
            namespace.enter()
        descriptor = namespace.mount()
        try:
            return self._serve(descriptor)
        finally:
            os.close(descriptor)
            namespace.unmount()

    def _serve(self, descriptor: int) -> int:
        host = Host(descriptor, self._plan.options, self._plan.speed)
        with selectors.DefaultSelector() as selector:
            wake_in, wake_out = os.pipe()
            os.set_blocking(wake_in, False)
            os.set_blocking(wake_out, False)
            selector.register(wake_in, selectors.EVENT_READ, lambda: _drain(wake_in))
            selector.register(descriptor, selectors.EVENT_READ, lambda: self._answer_files(host))
            signal.set_wakeup_fd(wake_out)
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD):
                signal.signal(number, self._on_signal)
            # Last: who can connect may also rely on a clean end by signal.
            control = ControlServer(self._plan.socket, host, selector, self._stop)
            try:
                self._start_command()
                self._turn(selector, host)
            finally:
                self._end_command(selector, host)
                control.close()
                signal.set_wakeup_fd(-1)
                os.close(wake_in)
                os.close(wake_out)
        return self._result

    def _turn(self, selector: selectors.BaseSelector, host: Host) -> None:
        while self._running:
            self._step(selector, host, host.seconds_to_next())
            if self._command and self._command.poll() is not None:
                self._running = False

    def _step(self, selector: selectors.BaseSelector, host: Host, timeout: float | None) -> None:
        for key, _ in selector.select(timeout):
            key.data()
        host.catch_up()

    def _answer_files(self, host: Host) -> None:
        try:
            while host.files.handle():
                pass
        except UnmountedError:
            self._running = False

    def _start_command(self) -> None:
        if self._plan.command:
            self._command = subprocess.Popen(self._plan.command)

    def _end_command(self, selector: selectors.BaseSelector, host: Host) -> None:
        """Wait for the command while still serving its files: it may want to switch everything off."""
        if self._command is None:
            return
        if self._command.poll() is None:
            self._command.terminate()
            host_steps = round(GRACE_S / 0.05)
            while self._command.poll() is None and host_steps > 0:
                self._step(selector, host, 0.05)
                host_steps -= 1
            if self._command.poll() is None:
                self._command.kill()
        code = self._command.wait()
        self._result = code if code >= 0 else 128 - code

    def _stop(self) -> None:
        self._running = False

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        # Ctrl-C reaches the command as well: it ends by itself, and this loop with it.
        if number == signal.SIGTERM or (number == signal.SIGINT and self._command is None):
            self._running = False


def _drain(descriptor: int) -> None:
    os.read(descriptor, 4096)
