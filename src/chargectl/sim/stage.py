"""All that a demonstration needs, in a folder of its own: broker, simulated board, configd and portd.

portd runs as the board's command, in the board's mount namespace, so the rest of the machine keeps its
``/sys``, and portd can switch its outputs off before the board goes. Every program is in a process group of
its own: Ctrl-C reaches only the caller, who then ends them in the right order.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from chargectl.sim.broker import BrokerError, PrivateBroker
from chargectl.sim.client import SimClient, SimError
from chargectl.sim.stage_settings import CUSTOMER, board_options, demonstration_text, errors_of

START_S: Final = 30.0
"""How long a program may take to answer after its start, on a busy machine."""
END_S: Final = 6.0
"""How long a program may take to end after it was asked to."""
SILENT_S: Final = 2.0
"""Between the last sign of a program and its end."""
TAIL_LINES: Final = 8
STATION_INTERFACE: Final = "eth1"
"""As on the board: the network interface of the station's modem."""
CAR_INTERFACE: Final = "car0"


class StageError(RuntimeError):
    """The demonstration cannot start or go on; the text says why and shows the end of the log."""


@dataclass(frozen=True, slots=True)
class StagePlan:
    """What to set up. ``config`` is a customer.json to use instead of the demonstration's."""

    variant: int = 200
    rotary: int = 0xB
    speed: float = 1.0
    """Of the board and the car, times real time; the firmware's own timers stay as they are."""
    config: Path | None = None
    options: dict[str, Any] = field(default_factory=dict)
    """Further options of the board, over those that follow from the configuration."""
    digital: bool = False
    """Station and car speak ISO 15118 over a simulated power line."""


@dataclass(frozen=True, slots=True)
class _Program:
    name: str
    process: subprocess.Popen[bytes]
    log: Path

    def failure(self) -> str | None:
        """How it ended, with the end of its log; None while it runs."""
        ended = _end_of(self.process.pid)
        if ended is None:
            return None
        exited = ended.si_code == os.CLD_EXITED
        how = f"exit code {ended.si_status}" if exited else signal.Signals(ended.si_status).name
        tail = self.log.read_text("utf-8", "replace").splitlines()[-TAIL_LINES:]
        return "\n".join([f"{self.name} has ended ({how}); the end of its log:", *_indented(tail)])

    def end(self) -> None:
        """End it, and whatever it started that did not end with it."""
        # Popen.terminate would wait for a program that has ended by itself, and so free its number too early.
        os.kill(self.process.pid, signal.SIGTERM)
        deadline = time.monotonic() + END_S
        while _end_of(self.process.pid) is None and time.monotonic() < deadline:
            time.sleep(0.01)
        # Not waited for so far, its number is still its own and that of its group.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def _indented(lines: list[str]) -> list[str]:
    return [f"    {line}" for line in lines] or ["    (empty)"]


class Stage:
    """The running programs. ``interrupted`` is called while waiting and may raise to give up."""

    def __init__(self, plan: StagePlan, interrupted: Callable[[], None] = lambda: None) -> None:
        self._plan = plan
        self._interrupted = interrupted
        self._programs: list[_Program] = []
        self.folder = Path(tempfile.mkdtemp(prefix="chargectl-sim-"))
        self.broker = PrivateBroker(self.folder / "broker")
        self.socket = str(self.folder / "board")
        """Path of the board's control socket."""

    @property
    def port(self) -> int:
        """Port of the broker on 127.0.0.1."""
        return self.broker.port

    @property
    def digital(self) -> bool:
        """Whether station and car speak ISO 15118."""
        return self._plan.digital

    @property
    def speed(self) -> float:
        """How much faster than real time the board runs."""
        return self._plan.speed

    def start(self) -> None:
        """Start everything. Raises StageError with cause and cure, and what ``interrupted`` raises."""
        directory, backups = self.folder / "etc", self.folder / "backups"
        directory.mkdir()
        self._write_configuration(directory / CUSTOMER.value)
        try:
            self.broker.start()
        except BrokerError as error:
            raise StageError(str(error)) from None
        options = {**board_options(directory, backups), **self._plan.options}
        if self._plan.digital:
            options["car"] = {"digital": True, **options.get("car", {})}
            self._start_power_line()
        configd = self.folder / "configd"
        folders = ["--config-dir", str(directory), "--backup-dir", str(backups)]
        mqtt = ["--mqtt-host", "127.0.0.1", "--mqtt-port", str(self.port)]
        self._run("configd", "chargectl.daemons.configd", [*folders, *mqtt, "--socket", str(configd)])
        self._wait("configd", lambda: _answers(configd))
        portd = [sys.executable, "-m", "chargectl.daemons.portd", *folders, *mqtt]
        portd += ["--variant", str(self._plan.variant), "--heartbeat", str(self.folder / "heartbeat")]
        if self._plan.digital:
            portd += ["--session-socket", str(self.folder / "session")]
        self._start_board(options, portd)
        if self._plan.digital:
            session = ["--session-socket", str(self.folder / "session"), "--interface", STATION_INTERFACE]
            self._run("iso15118d", "chargectl.daemons.iso15118d", [*folders, *mqtt, *session])
            car = ["--socket", self.socket, "--interface", CAR_INTERFACE]
            self._run("the car's communication", "chargectl.sim.car_session", car)

    def check(self) -> None:
        """Raise StageError when a program has ended, or what ``interrupted`` raises."""
        self._interrupted()
        for program in self._programs:
            failure = program.failure()
            if failure:
                raise StageError(failure)
        if self.broker.pid is None or _end_of(self.broker.pid) is not None:
            raise StageError("mosquitto has ended")

    def check_ending(self) -> None:
        """As :meth:`check` after a program has gone silent: its end may be a moment away."""
        deadline = time.monotonic() + SILENT_S
        while time.monotonic() < deadline:
            self.check()
            time.sleep(0.02)

    def close(self) -> None:
        """End everything that was started, the last first, and remove the folder."""
        for program in reversed(self._programs):
            program.end()
        self._programs.clear()
        self.broker.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _start_power_line(self) -> None:
        """The simulated modems of station and car, and the line between them."""
        line = ["modem", "--evse", STATION_INTERFACE, "--ev", CAR_INTERFACE]
        self._run("the simulated power line", "v2g.cli.main", line)
        self._wait("the simulated power line", lambda: _usable(STATION_INTERFACE) and _usable(CAR_INTERFACE))

    def _write_configuration(self, path: Path) -> None:
        given = self._plan.config
        if given is None:
            path.write_text(demonstration_text(digital=self._plan.digital), "utf-8")
            return
        try:
            errors = errors_of(given)
            shutil.copyfile(given, path)
        except OSError as error:
            raise StageError(f"{given}: {error.strerror}") from None
        if errors:
            raise StageError(f"{errors[0]} (all problems: chargectl check --as {CUSTOMER.value} {given})")

    def _start_board(self, options: dict[str, Any], command: list[str]) -> None:
        plan = self._plan
        arguments = ["serve", "--socket", self.socket]
        arguments += ["--variant", str(plan.variant), "--rotary", f"{plan.rotary:X}"]
        arguments += ["--speed", str(plan.speed), "--options", json.dumps(options), "--", *command]
        board = self._run("portd on the simulated board", "chargectl.sim", arguments)
        try:
            self._wait(board.name, lambda: _board_answers(self.socket))
        except StageError:
            # Its last line says what is missing on this machine, and how to cure it.
            lines = board.log.read_text("utf-8", "replace").splitlines()
            if lines and lines[-1].startswith(("simulated board:", "option ")):
                raise StageError(lines[-1]) from None
            raise

    def _run(self, name: str, module: str, arguments: list[str]) -> _Program:
        log = self.folder / f"{module}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", module, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                process_group=0,
            )
        program = _Program(name, process, log)
        self._programs.append(program)
        return program

    def _wait(self, name: str, answers: Callable[[], bool]) -> None:
        deadline = time.monotonic() + START_S
        while not answers():
            self.check()
            if time.monotonic() > deadline:
                raise StageError(f"{name} does not answer within {START_S:g} s")
            time.sleep(0.02)


def _usable(interface: str) -> bool:
    from v2g.net.interfaces import InterfaceError, usable_link_local

    try:
        usable_link_local(interface)
    except InterfaceError:
        return False
    return True


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as link:
        return link.connect_ex(str(path)) == 0


def _board_answers(path: str) -> bool:
    try:
        SimClient(path).close()
    except SimError:
        return False
    return True


def _end_of(pid: int) -> os.waitid_result | None:
    """How a child of this process has ended, or None. It is not waited for: its number stays its own."""
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
