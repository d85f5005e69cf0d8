"""``chargectl sim run``: everything together, as ``make run`` starts it."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import select
import shutil
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from chargectl.cli.main import main
from chargectl.config.document import Document
from chargectl.config.edit import set_value
from chargectl.sim import namespace
from chargectl.sim.demo_steps import STEPS
from chargectl.sim.demo_steps_digital import DIGITAL_STEPS
from chargectl.sim.stage import Stage, StageError, StagePlan
from chargectl.sim.stage_settings import demonstration_text
from tests.simboard import wait_until

SPOIL = {
    "unshare": """
import ctypes
class Library:
    def unshare(self, flags):
        ctypes.set_errno(1)
        return -1
ctypes.CDLL = lambda *_args, **_named: Library()
""",
    "/dev/fuse": """
import os
real = os.open
def without(path, *rest, **named):
    if path == "/dev/fuse":
        raise FileNotFoundError(2, "No such file or directory", path)
    return real(path, *rest, **named)
os.open = without
""",
}
CURE = {"unshare": "run as root, or allow unprivileged user namespaces", "/dev/fuse": "modprobe fuse"}
COMMAND = [sys.executable, "-m", "chargectl.cli.main", "sim", "run"]
SESSION_S = 170


class Run:
    """A ``sim run`` whose temporary folder is below ``root``, so that what it leaves behind can be found."""

    def __init__(self, root: Path, *arguments: str, path: Path | None = None) -> None:
        self.root = root
        folders = [str(path), *sys.path] if path else sys.path
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(folders), "TMPDIR": str(root)}
        self.process = subprocess.Popen(
            [*COMMAND, *arguments],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            process_group=0,
        )
        self.output = ""

    def read_until(self, text: str) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.output += line
            if text in line:
                return
        pytest.fail(f"it ended without {text!r}:\n{self.output}")

    def finish(self) -> int:
        self.output += self.process.communicate(timeout=SESSION_S)[0]
        return self.process.returncode

    def pid_of(self, module: str) -> int:
        (pid,) = [pid for pid, words in processes(self.root).items() if words[1:3] == ["-m", module]]
        return pid


def processes(root: Path) -> dict[int, list[str]]:
    """Processes that have the folder in their command line, with its words."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                words = (entry / "cmdline").read_bytes().decode("utf-8", "replace").split("\0")
            except OSError:
                continue
            if any(str(root) in word for word in words):
                found[int(entry.name)] = words
    return found


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    """A folder in which nothing may be left, and that no process may use afterwards."""
    folder = tmp_path / "t"
    folder.mkdir()
    yield folder
    left = processes(folder)
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    assert left == {}
    assert list(folder.iterdir()) == []
    assert f" {namespace.FS_NAME} " not in Path("/proc/self/mountinfo").read_text() or namespace.mounted()


def configuration(path: Path, key: str, value: bool | int | str) -> str:
    document = set_value(Document(demonstration_text()), key, value)
    path.write_text(document.text)
    return str(path)


@pytest.mark.spec(40, 69, 98, 102)
def test_a_whole_session_is_seen_on_mqtt_and_on_the_pins(root: Path) -> None:
    run = Run(root)
    assert run.finish() == 0, run.output
    lines = run.output.splitlines()
    told = [match[1] for line in lines if (match := re.fullmatch(r" *[0-9.]+ s  ok +(.*)", line))]
    assert told == [step.title for step in STEPS]
    mqtt = [line for line in lines if line.startswith(" " * 10 + "MQTT  ")]
    pins = [line for line in lines if line.startswith(" " * 10 + "pins  ")]
    assert (len(mqtt), len(pins)) == (len(STEPS), len(STEPS))
    assert "contactor closed · 16.0 A flow" in run.output
    assert "duty 16.66 % · contactor closed · 10.0 A flow" in run.output
    assert lines[-1].endswith(f"all {len(STEPS)} steps were seen, on MQTT and on the pins")


@pytest.mark.spec(65, 152, 154, 171, 175)
def test_a_whole_session_of_iso_15118_is_seen_on_mqtt_and_on_the_pins(root: Path) -> None:
    pytest.importorskip("v2gexi._core", reason="the EXI engine is not compiled: make exi-core")
    run = Run(root, "--iso15118")
    assert run.finish() == 0, run.output
    lines = run.output.splitlines()
    told = [match[1] for line in lines if (match := re.fullmatch(r" *[0-9.]+ s  ok +(.*)", line))]
    assert told == [step.title for step in DIGITAL_STEPS]
    assert "duty 5.00 % · 16.0 A flow" in run.output
    assert "protocol ISO15118 · initialisation started · TCP connected" in run.output
    assert lines[-1].endswith(f"all {len(DIGITAL_STEPS)} steps were seen, on MQTT and on the pins")


def test_a_step_missed_on_the_pins_alone_fails_the_run(root: Path) -> None:
    run = Run(root, "--patience", "0.5", "--options", '{"car": {"max_a": 13}}')
    assert run.finish() == 1
    assert "MISSED  the car asks for energy: the contactor closes and current flows" in run.output
    assert "pins  expected: 16.0 A flow; seen: 13.0 A flow" in run.output
    assert "MQTT  expected" not in run.output
    assert "step 5 of 15 was not seen" in run.output


def test_a_step_missed_on_mqtt_alone_fails_the_run(root: Path, tmp_path: Path) -> None:
    limited = configuration(tmp_path / "customer.json", "ports[0]/evse_current_limit", 13)
    run = Run(root, "--patience", "0.5", "--config", limited)
    assert run.finish() == 1
    assert "MISSED  plug in: the car is seen, the cable's rating counts" in run.output
    assert "MQTT  expected: physical limit 16 A; seen: physical limit 13 A" in run.output
    assert "pins  expected" not in run.output


def test_a_wrong_rcd_polarity_is_named_by_the_first_step(root: Path, tmp_path: Path) -> None:
    wrong = configuration(tmp_path / "customer.json", "ports[0]/rcd_monitor/polarity", "active_low")
    run = Run(root, "--patience", "0.5", "--config", wrong)
    assert run.finish() == 1
    assert "MISSED  start: the RCD is tested, nothing is plugged in" in run.output
    assert "MQTT  error SpuriousRcdError: the RCD reads tripped and no EV is connected" in run.output


@pytest.mark.parametrize("module", ["chargectl.daemons.portd", "chargectl.daemons.configd", "chargectl.sim"])
def test_a_program_that_dies_ends_the_run_with_its_name(root: Path, module: str) -> None:
    run = Run(root)
    run.read_until("ok      plug in")
    os.kill(run.pid_of(module), signal.SIGKILL)
    assert run.finish() == 1
    assert "MISSED  the RCD is tested before the session" in run.output
    name = "configd" if module.endswith("configd") else "portd on the simulated board"
    assert f"{name} has ended" in run.output
    assert "the end of its log:" in run.output


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("when", ["starting", "ok      authorise"])
def test_a_signal_ends_everything(root: Path, number: signal.Signals, when: str) -> None:
    run = Run(root)
    run.read_until(when)
    run.process.send_signal(number)
    assert run.finish() == 130
    assert "interrupted" in run.output


class Terminal:
    """A terminal of 80 columns and 24 lines with a ``sim run`` in it."""

    def __init__(self, root: Path) -> None:
        self._master, self._slave = pty.openpty()
        fcntl.ioctl(self._slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self.before = termios.tcgetattr(self._slave)
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "TMPDIR": str(root)}
        environment |= {"TERM": "xterm-256color"}
        for name in ("COLUMNS", "LINES", "NO_COLOR"):
            environment.pop(name, None)
        self.process = subprocess.Popen(
            COMMAND,
            env=environment,
            stdin=self._slave,
            stdout=self._slave,
            stderr=self._slave,
            process_group=0,
        )
        self.shown = ""

    def wait_for(self, text: str, timeout_s: float = 40) -> None:
        """Wait for text that is shown from now on."""
        self.shown = ""
        deadline = time.monotonic() + timeout_s
        while text not in self.shown:
            left = deadline - time.monotonic()
            if left <= 0:
                pytest.fail(f"no {text!r} on the screen, last: {self.shown[-3000:]}")
            self._read(left)

    def press(self, keys: str) -> None:
        os.write(self._master, keys.encode())

    def finish(self) -> int:
        """Read on until it has ended: a full terminal would stop it."""
        wait_until(lambda: self._read(0.05) or self.process.poll() is not None, 30)
        while self._read(0):
            pass
        return self.process.wait()

    def after(self) -> list[object]:
        return termios.tcgetattr(self._slave)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            self.finish()
        os.close(self._slave)
        os.close(self._master)

    def _read(self, wait_s: float) -> bool:
        if not select.select([self._master], [], [], wait_s)[0]:
            return False
        data = os.read(self._master, 65536).decode("utf-8", "replace")
        self.shown += re.sub(r"\x1b\[[0-9;]*m", "", data)
        return not data


@pytest.fixture
def terminal(root: Path) -> Iterator[Terminal]:
    running = Terminal(root)
    yield running
    running.close()


def test_the_screen_shows_both_sides_and_obeys_keys(terminal: Terminal) -> None:
    terminal.wait_for("as MQTT tells it")
    terminal.press("p")
    terminal.wait_for("pilot     9.0 V")
    terminal.press("a")
    terminal.wait_for("C, charging")
    terminal.wait_for("16.0 A, 3 phases, 11.0 kW")
    terminal.press("-\x1b[B")
    terminal.wait_for("14.0 A, 3 phases")
    terminal.wait_for("desk 14 A")
    terminal.press("u")
    terminal.wait_for("you: the plug is locked")
    terminal.press("e")
    terminal.wait_for("EmergencyShutdown")
    terminal.wait_for("pilot     0.00 %")
    terminal.press("q")
    assert terminal.finish() == 0
    assert terminal.shown.endswith("\x1b[?25h\x1b[?1049l")
    assert terminal.after() == terminal.before


def test_the_board_obeys_a_second_terminal(
    root: Path, terminal: Terminal, capsys: pytest.CaptureFixture[str]
) -> None:
    terminal.wait_for("as MQTT tells it")
    (board,) = root.glob("*/board")
    assert main(["sim", "do", "--socket", str(board), "plug", "cable_a=20"]) == 0
    terminal.wait_for("inserted, 20 A")
    assert main(["sim", "do", "--socket", str(board), "plug"]) == 1
    assert capsys.readouterr().err == "action plug: a plug is already inserted\n"
    assert main(["sim", "fault", "--socket", str(board), "gpio/131=1"]) == 0
    terminal.wait_for("PowerSwitchFailure")
    assert main(["sim", "state", "--socket", str(board)]) == 0
    assert json.loads(capsys.readouterr().out)["faults"] == ["gpio/131=1"]
    assert main(["sim", "clear", "--socket", str(board)]) == 0
    terminal.press("q")
    assert terminal.finish() == 0


def test_actions_and_faults_are_listed_without_a_board(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sim", "actions"]) == 0
    actions = capsys.readouterr().out
    assert main(["sim", "faults"]) == 0
    faults = capsys.readouterr().out
    assert "press_emergency " in actions
    assert "gpio/N:ERRNO " in faults


def test_talking_to_no_board_is_one_clear_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sim", "do", "--socket", str(tmp_path / "none"), "plug"]) == 1
    assert capsys.readouterr().err.endswith("No such file or directory: is it running?\n")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_terminal_is_restored_after_a_signal(terminal: Terminal, number: signal.Signals) -> None:
    terminal.wait_for("as MQTT tells it")
    assert terminal.after() != terminal.before
    terminal.process.send_signal(number)
    assert terminal.finish() == 130
    assert "\x1b[?1049l" in terminal.shown
    assert terminal.after() == terminal.before


def test_the_terminal_is_restored_when_a_program_dies(root: Path, terminal: Terminal) -> None:
    terminal.wait_for("as MQTT tells it")
    (portd,) = [pid for pid, words in processes(root).items() if "chargectl.daemons.portd" in words[2]]
    os.kill(portd, signal.SIGKILL)
    assert terminal.finish() == 1
    restored = terminal.shown.index("\x1b[?1049l")
    assert "portd on the simulated board has ended" in terminal.shown[restored:]
    assert terminal.after() == terminal.before


def test_without_mosquitto_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(shutil, "which", lambda *_args, **_named: None)
    stage = Stage(StagePlan())
    try:
        with pytest.raises(StageError, match="install the package mosquitto"):
            stage.start()
    finally:
        stage.close()
    assert not stage.folder.exists()


@pytest.mark.parametrize("missing", ["unshare", "/dev/fuse"])
def test_without_what_the_board_needs_it_says_what_and_how_to_get_it(
    root: Path, tmp_path: Path, missing: str
) -> None:
    """The board's process finds a system in which the call, or the device, fails as it does elsewhere."""
    spoiled = tmp_path / "spoiled"
    spoiled.mkdir()
    (spoiled / "sitecustomize.py").write_text(SPOIL[missing])
    (line,) = run_refused(root, path=spoiled)
    assert line.startswith("chargectl sim: simulated board: ")
    assert CURE[missing] in line


def test_a_board_option_that_does_not_exist_is_one_clear_line(root: Path) -> None:
    (line,) = run_refused(root, "--options", '{"cable_b": 3}')
    assert line.startswith("chargectl sim: option 'cable_b': one of cable_a, ")


def test_a_broken_configuration_is_one_clear_line(root: Path, tmp_path: Path) -> None:
    broken = tmp_path / "customer.json"
    broken.write_text('{"ports": [{"pluggable": tru}]}')
    (line,) = run_refused(root, "--config", str(broken))
    assert line.startswith(f"chargectl sim: {broken}:1:26: error: 'tru' is no JSON value")


def test_a_missing_configuration_is_one_clear_line(root: Path, tmp_path: Path) -> None:
    (line,) = run_refused(root, "--config", str(tmp_path / "none.json"))
    assert line == f"chargectl sim: {tmp_path / 'none.json'}: No such file or directory"


def run_refused(root: Path, *arguments: str, path: Path | None = None) -> list[str]:
    """What a run that must fail at once says, less the line that it starts."""
    run = Run(root, *arguments, path=path)
    assert run.finish() == 1
    return run.output.splitlines()[1:]


@pytest.mark.parametrize(
    "arguments",
    [
        ["--speed", "0.5"],
        ["--speed", "11"],
        ["--speed", "nan"],
        ["--rotary", "G"],
        ["--rotary", "-1"],
        ["--options", "[]"],
        ["--options", "{"],
        ["--patience", "0"],
        ["--variant", "150"],
    ],
)
def test_wrong_arguments_say_what_is_allowed(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["sim", "run", *arguments]) == 2
    assert "allowed" in capsys.readouterr().err.replace("choose from", "allowed")
