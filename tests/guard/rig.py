"""The guard and portd as systemd runs them: real programs on a simulated board in real time, a watchdog
device, and a service manager that can stop answering."""

from __future__ import annotations

import array
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from chargectl.sim.client import SimClient, SimError
from tests.broker import wait_until
from tests.guard.watchdog_device import WatchdogDevice

ROOT = Path(__file__).parents[2]
GUARD = ROOT / "src" / "chargectl" / "guard"
START_S = 60.0
"""How long a program may take to do something on a busy machine, where no promise is made about it."""


class ServiceManager:
    """Listens as systemd does: takes messages, and answers a barrier by closing its descriptor."""

    def __init__(self, path: Path | str) -> None:
        self.path = path
        self.told: list[str] = []
        self.answering = True
        self._kept: list[int] = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self._ended = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._ended = True
        self._thread.join(10)
        self._socket.close()
        self.answer_late()

    def answer_late(self) -> None:
        """Answer what was not answered."""
        while self._kept:
            os.close(self._kept.pop())

    def stop_reading(self) -> None:
        """Let messages pile up."""
        self._ended = True
        self._thread.join(10)

    def last(self, prefix: str) -> str:
        """The latest message that begins so, "" if there is none."""
        return next((text for text in reversed(self.told) if text.startswith(prefix)), "")

    def count(self, message: str) -> int:
        return self.told.count(message)

    def _run(self) -> None:
        while not self._ended:
            if not select.select([self._socket], [], [], 0.1)[0]:
                continue
            size = socket.CMSG_SPACE(array.array("i").itemsize)
            data, control, _, _ = self._socket.recvmsg(4096, size)
            for level, kind, content in control:
                if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                    for descriptor in array.array("i", content[:4]):
                        if self.answering and data == b"BARRIER=1":
                            os.close(descriptor)
                        else:
                            self._kept.append(descriptor)
            self.told.append(data.decode())


class Program:
    """A running program with its log."""

    def __init__(self, command: list[str], log: Path, environment: dict[str, str]) -> None:
        self.may_fail = False
        """Its failure is what the test wants."""
        self._log = log
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env={**os.environ, **environment},
            )

    @property
    def log(self) -> str:
        return self._log.read_text("utf-8", "replace")

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def wait(self) -> int:
        """Wait for its end, of which a failure is no surprise; return the exit code."""
        self.may_fail = True
        return self.process.wait(START_S)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


class Station:
    """A board, a watchdog device and a service manager; ``start_portd`` and ``start_guard`` add the rest."""

    def __init__(self, folder: Path, micropython: str) -> None:
        self.folder = folder
        self.run = folder / "run"
        self.run.mkdir()
        self._micropython = micropython
        self._programs: list[Program] = []
        config = folder / "etc"
        config.mkdir()
        (config / "customer.json").write_text(json.dumps({"ports": [{"evse_current_limit": 16}]}), "utf-8")
        for name in ("leds.json", "rotaryencd.json"):
            (config / name).write_text("{}", "utf-8")
        # Before the board: its namespace begins as a copy of this one.
        self.watchdog = WatchdogDevice(folder / "dev")
        self.manager = ServiceManager(folder / "notify")
        self._sim = self._start(
            "sim", [sys.executable, "-m", "chargectl.sim", "serve", "--socket", str(folder / "board")]
        )
        self.board = self._connect()

    def _connect(self) -> SimClient:
        found: list[SimClient] = []

        def answers() -> bool:
            assert self._sim.process.poll() is None, self._sim.log
            try:
                found.append(SimClient(str(self.folder / "board")))
            except SimError:
                return False
            return True

        wait_until(answers, START_S, "the board answers")
        return found[0]

    def start_guard(self) -> Program:
        options = ["--run-dir", str(self.run), "--watchdog", str(self.watchdog.path)]
        return self.run_guard("main.py", *options)

    def run_guard(self, program: str, *options: str) -> Program:
        """Start a program of the guard on the board."""
        command = [self._micropython, str(GUARD / program), *options]
        return self._start("guard", self._on_board(command), {"NOTIFY_SOCKET": str(self.manager.path)})

    def start_portd(self) -> Program:
        command = [sys.executable, "-m", "chargectl.daemons.portd", "--heartbeat"]
        command += [str(self.run / "portd.heartbeat"), "--config-dir", str(self.folder / "etc")]
        # No broker: port 1 of this machine answers nobody. Charging needs none.
        command += ["--backup-dir", str(self.folder / "backups"), "--mqtt-port", "1"]
        return self._start("portd", self._on_board(command))

    def _on_board(self, command: list[str]) -> list[str]:
        return ["nsenter", f"--mount=/proc/{self._sim.process.pid}/ns/mnt", *command]

    def _start(self, name: str, command: list[str], environment: dict[str, str] | None = None) -> Program:
        path = os.pathsep.join(entry for entry in sys.path if entry)
        program = Program(command, self.folder / f"{name}.log", {"PYTHONPATH": path, **(environment or {})})
        self._programs.append(program)
        return program

    def charge(self) -> None:
        """Plug in; returns when the car draws current."""
        self.board.do("plug")
        self.wait(lambda: bool(self.fact("current_a")), "the car charges")

    def fact(self, name: str) -> Any:
        return self.board.fact(name)

    def status(self) -> str:
        """What the guard says of itself."""
        return self.manager.last("STATUS=").removeprefix("STATUS=")

    def wait(self, condition: Callable[[], bool], what: str) -> None:
        """Wait for something that nothing is promised about; the failure shows the logs."""

        def met() -> bool:
            for program in self._programs:
                code = program.process.poll()
                assert not code or code < 0 or program.may_fail, f"{what}: a program has ended ({code})"
            return condition()

        try:
            wait_until(met, START_S, what)
        except AssertionError as error:
            logs = "\n".join(f"{path.name}: {path.read_text()}" for path in self.folder.glob("*.log"))
            raise AssertionError(f"{error}; status {self.status()!r}; {logs}") from None

    def wait_status(self, text: str) -> None:
        self.wait(lambda: text in self.status(), f"the guard says {text!r}")

    def happened_ms(self, name: str, value: Any, since_ms: float) -> float | None:
        """When a fact of the board took this value, in the board's own time."""
        for event in self.board.history():
            if event["at_ms"] >= since_ms and (event["name"], event["value"]) == (name, value):
                return float(event["at_ms"])
        return None

    def wait_happened(self, name: str, value: Any, since_ms: float) -> float:
        """Wait for a fact to take this value; return how many ms after ``since_ms`` it did."""
        self.wait(lambda: self.happened_ms(name, value, since_ms) is not None, f"{name} is {value}")
        at_ms = self.happened_ms(name, value, since_ms)
        assert at_ms is not None
        return at_ms - since_ms

    def wait_fed(self, times: int = 3) -> None:
        """Wait until the watchdog has been fed that often from now on."""
        before = self.watchdog.feedings
        self.wait(lambda: self.watchdog.feedings >= before + times, "the watchdog is fed")

    def close(self) -> None:
        for program in reversed(self._programs):
            if program.process.poll() is None:
                # A stopped process would not notice anything milder.
                program.close()
        self.board.close()
        self.manager.close()
        self.watchdog.close()
