"""The command line: a board around a command, in real time, and its errors."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from chargectl.sim import namespace
from chargectl.sim.client import SimClient, SimError
from tests.simboard import wait_until

ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}

WATCH_SENSE = """
import os, select, sys, time
open("/sys/class/gpio/export", "w").write("131")
open("/sys/class/gpio/export", "w").write("76")
open("/sys/class/gpio/gpio131/edge", "w").write("rising")
value = os.open("/sys/class/gpio/gpio131/value", os.O_RDONLY)
os.read(value, 2)
open("/sys/class/gpio/gpio76/direction", "w").write("high")
poll = select.poll()
poll.register(value, select.POLLPRI | select.POLLERR)
asked = time.monotonic()
poll.poll(5000)
sys.exit(40 + (time.monotonic() - asked < 2) + 2 * (os.pread(value, 2, 0) == b"1\\n"))
"""


def board(socket: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "chargectl.sim", "serve", "--socket", str(socket), *arguments]


def start(socket: Path, *arguments: str) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(board(socket, *arguments), env=ENVIRONMENT, stderr=subprocess.PIPE)

    def answers() -> bool:
        assert process.poll() is None, process.communicate()[1]
        try:
            SimClient(str(socket)).close()
        except SimError:
            return False
        return True

    wait_until(answers, 10)
    return process


def finish(process: subprocess.Popen[bytes]) -> int:
    process.communicate(timeout=10)
    return process.returncode


def test_command_sees_the_board_in_real_time_and_its_exit_code_is_returned(tmp_path: Path) -> None:
    result = subprocess.run(
        board(tmp_path / "s", "--", sys.executable, "-c", WATCH_SENSE),
        env=ENVIRONMENT,
        timeout=20,
        check=False,
    )
    assert result.returncode == 43, "woken in time, and the level is high"
    assert not (tmp_path / "s").exists()


def test_the_rest_of_the_machine_keeps_its_sys(tmp_path: Path) -> None:
    chip = "/sys/class/pwm/pwmchip77"
    options = json.dumps({"pwm_index": {"20fc000.pwm": 77, "2084000.pwm": 1}})
    look = f"import os, sys; sys.exit(20 + os.path.isdir({chip!r}))"
    process = start(tmp_path / "s", "--options", options)
    assert not Path(chip).exists()
    process.terminate()
    assert finish(process) == 0
    inside = subprocess.run(
        board(tmp_path / "s", "--options", options, "--", sys.executable, "-c", look),
        env=ENVIRONMENT,
        timeout=20,
        check=False,
    )
    assert inside.returncode == 21


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_end_it_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    process = start(tmp_path / "s")
    process.send_signal(number)
    assert finish(process) == 0
    assert not (tmp_path / "s").exists()


def test_terminating_the_board_ends_its_command_which_can_still_switch_off(tmp_path: Path) -> None:
    done = tmp_path / "done"
    script = (
        "import signal, sys, time\n"
        "def off(*_):\n"
        f"    open({str(done)!r}, 'w').write(open('/sys/class/leds/green:boot/brightness').read())\n"
        "    sys.exit(3)\n"
        "signal.signal(signal.SIGTERM, off)\n"
        f"open({str(tmp_path / 'up')!r}, 'w').close()\n"
        "time.sleep(60)\n"
    )
    process = start(tmp_path / "s", "--", sys.executable, "-c", script)
    wait_until((tmp_path / "up").exists, 10)
    process.terminate()
    assert finish(process) == 3
    assert done.read_text() == "0\n"


def test_faster_than_real_time(tmp_path: Path) -> None:
    process = start(tmp_path / "s", "--speed", "1000")
    with SimClient(str(tmp_path / "s")) as client:
        before, started = client.now_ms(), time.monotonic()
        wait_until(lambda: client.now_ms() - before > 60_000, 5)
        assert time.monotonic() - started < 2
        with pytest.raises(SimError, match="real time"):
            client.advance(1)
        client.quit()
    assert finish(process) == 0


def test_subscriber_hears_events_and_other_clients_act(tmp_path: Path) -> None:
    process = start(tmp_path / "s", "--virtual-time")
    with SimClient(str(tmp_path / "s")) as listener:
        listener.subscribe()
        for arguments in (["press_emergency"], ["turn_rotary", "position=3"], ["plug", "cable_a=20"]):
            command = [
                sys.executable,
                "-m",
                "chargectl.sim",
                "do",
                "--socket",
                str(tmp_path / "s"),
                *arguments,
            ]
            subprocess.run(command, env=ENVIRONMENT, check=True, timeout=20)
        heard = [listener.wait_event(5) for _ in range(2)]
        assert heard == [
            {"at_ms": 0, "name": "emergency", "value": True},
            {"at_ms": 0, "name": "plugged", "value": True},
        ]
        assert listener.wait_event(0.01) is None
        shown = subprocess.run(
            [sys.executable, "-m", "chargectl.sim", "state", "--socket", str(tmp_path / "s")],
            env=ENVIRONMENT,
            check=True,
            timeout=20,
            capture_output=True,
        )
        assert json.loads(shown.stdout)["rotary"]["position"] == 3
        listener.quit()
    assert finish(process) == 0


def test_refusals_are_one_line_and_exit_code_1(tmp_path: Path) -> None:
    def run(*arguments: str) -> tuple[int, str]:
        command = [sys.executable, "-m", "chargectl.sim", *arguments]
        outside = {name: value for name, value in ENVIRONMENT.items() if name != namespace.MARK}
        result = subprocess.run(command, env=outside, capture_output=True, text=True, timeout=20, check=False)
        return result.returncode, result.stderr

    socket = str(tmp_path / "none")
    code, message = run("do", "plug", "--socket", socket)
    assert code == 1
    assert message == f"simulated board at {socket}: No such file or directory: is it running?\n"
    code, message = run("serve", "--socket", socket, "--lock", "PADLOCK")
    assert (code, message.count("\n")) == (1, 1)
    assert "PADLOCK" in message
    code, message = run("serve", "--socket", socket, "--options", '{"colour": 1}')
    assert (code, message.count("\n")) == (1, 1)
    code, message = run("serve", "--socket", socket, "--inherit-namespace")
    assert (code, message.count("\n")) == (1, 1)
    assert "private mount namespace" in message


def test_nonsense_on_the_control_socket_is_answered(sim_world: SimClient) -> None:
    for request in (
        {"do": "plug", "with": ["x"]},
        {"do": 5},
        {"gpio": 999},
        {"get": "money"},
        {"reset": {"variant": 1}},
        {"advance": -1},
        {"fault": "nothing"},
        {},
    ):
        with pytest.raises(SimError):
            sim_world.request(request)
    assert sim_world.now_ms() == 0
