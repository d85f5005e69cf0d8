"""Scripts: signed ones run, once; whatever they do, the board goes on."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest

from chargectl.system import autorun
from chargectl.system.autorun import AutorunError, Executed, run_script
from chargectl.system.stick_stop import Stop
from tests.simboard import wait_until
from tests.usb.device import Device, Sticks
from tests.usb.pki import sign

SIGNER = "vendor-signer"


def stick_with(sticks: Sticks, device: Device, script: str, **others: str) -> str:
    content = sticks.folder()
    sticks.signed(content, "autorun.sh", script, device.pki, SIGNER)
    for name, text in others.items():
        (content / name).write_text(text)
    return sticks.ext(content)


@pytest.mark.spec(268)
def test_it_runs_where_the_stick_is_mounted(device: Device, sticks: Sticks, tmp_path: Path) -> None:
    script = (
        f'exec >{tmp_path}/said\npwd\necho "$0 $# $(dirname "$0")"\ncat config.txt\nid -u\n'
        'echo "$PATH"; readlink /proc/$$/exe; read line || echo "no input"\n'
        "touch here 2>/dev/null || echo read-only\n"
    )
    device.plug(stick_with(sticks, device, script, **{"config.txt": "from the stick\n"}))
    said = (tmp_path / "said").read_text().splitlines()
    assert said[:4] == ["/run/chargectl/usb/stick", "autorun.sh 0 .", "from the stick", "0"]
    assert said[4].startswith("/usr/local/sbin:/usr/local/bin:")
    assert said[5] == os.path.realpath("/bin/sh")
    assert said[6:] == ["no input", "read-only"]


@pytest.mark.spec(268)
@pytest.mark.spec(272)
def test_a_script_of_somebody_else_does_not_run(device: Device, sticks: Sticks, tmp_path: Path) -> None:
    content = sticks.folder()
    sticks.signed(content, "autorun.sh", f"touch {tmp_path}/ran\n", device.pki, "owner-signer")
    assert "'autorun.sh': ignored: certificate verify error" in device.plug(sticks.ext(content))
    sign(content / "autorun.sh", device.pki, SIGNER)
    (content / "autorun.sh").write_text(f"touch {tmp_path}/ran; # changed\n")
    assert "'autorun.sh': ignored: digest failure" in device.plug(sticks.ext(content))
    assert not (tmp_path / "ran").exists()
    assert not device.executed.exists()


@pytest.mark.spec(269)
@pytest.mark.parametrize("status", [0, 3])
def test_it_runs_once_whatever_its_exit_status(
    device: Device, sticks: Sticks, tmp_path: Path, status: int
) -> None:
    script = f"echo run >>{tmp_path}/runs\nexit {status}\n"
    stick = stick_with(sticks, device, script)
    output = device.plug(stick, expected=int(status != 0))
    assert f"'autorun.sh': ended, exit status {status}" in output
    assert device.executed.read_text() == hashlib.md5(script.encode()).hexdigest() + "\n"
    assert "has run before and is unchanged" in device.plug(stick)
    assert (tmp_path / "runs").read_text() == "run\n"
    # A changed one is another one.
    device.plug(stick_with(sticks, device, script + "\n"), expected=int(status != 0))
    assert (tmp_path / "runs").read_text() == "run\nrun\n"
    assert len(device.executed.read_text().splitlines()) == 2


@pytest.mark.spec(269)
@pytest.mark.parametrize(
    "forget",
    [
        "rm /var/cache/usb-autorun/executed.list",
        "rm -r /var/cache/usb-autorun",
        "sed -i \"/$(md5sum <autorun.sh | cut -d' ' -f1)/d\" /var/cache/usb-autorun/executed.list",
    ],
)
def test_a_script_can_have_itself_run_again(
    device: Device, sticks: Sticks, tmp_path: Path, forget: str
) -> None:
    device.executed.parent.mkdir()
    other = hashlib.md5(b"other").hexdigest()
    device.executed.write_text(other + "\n")
    stick = stick_with(sticks, device, f"echo run >>{tmp_path}/runs\n{forget}\n")
    device.plug(stick)
    device.plug(stick)
    assert (tmp_path / "runs").read_text() == "run\nrun\n"
    if forget.startswith("sed"):
        assert device.executed.read_text() == other + "\n"


def test_the_verified_copy_runs_not_what_the_stick_says_later(
    device: Device, sticks: Sticks, tmp_path: Path
) -> None:
    """The medium changes while the script runs: what was read and verified once goes on."""
    marker = f"echo honest >>{tmp_path}/said"
    evil = marker.replace("honest", "evil__")
    script = f"touch {tmp_path}/inside\nwhile [ ! -e {tmp_path}/go ]; do sleep 0.01; done\n{marker}\n"
    stick = stick_with(sticks, device, script)
    with device.plugged(stick) as process:
        wait_until((tmp_path / "inside").exists, 20)
        with open(stick, "r+b") as medium:
            content = medium.read()
            assert content.count(marker.encode()) == 1
            medium.seek(content.index(marker.encode()))
            medium.write(evil.encode())
            medium.flush()
            os.fsync(medium.fileno())
        (tmp_path / "go").touch()
        process.communicate(timeout=20)
    assert (tmp_path / "said").read_text() == "honest\n"


@pytest.mark.parametrize(
    ("script", "expected", "line"),
    [
        ("if then fi (\n", 1, "exit status 2"),
        ("exit 256\n", None, "exit status"),
        ("kill -KILL $$\n", 1, "ended by signal 9"),
        ("kill -TERM $$\n", 1, "ended by signal 15"),
        ("set -e; false; true\n", 1, "exit status 1"),
        ("no-such-program\n", 1, "exit status 127"),
        ("trap 'exit 0' EXIT; false\n", 0, "exit status 0"),
        ("cd /; exec >/dev/null 2>&1 </dev/null; true\n", 0, "exit status 0"),
        ("#!/usr/bin/python3\ntrue\n", 0, "exit status 0"),
        ("umount -l /run/chargectl/usb/stick\n", 0, "exit status 0"),
        ("rm -rf /run/chargectl/usb\ntrue\n", 0, "exit status 0"),
    ],
)
def test_failing_scripts_are_told_and_nothing_else_breaks(
    device: Device, sticks: Sticks, script: str, expected: int | None, line: str
) -> None:
    stick = stick_with(sticks, device, script)
    if expected is None:  # shells differ in what they make of it
        with device.plugged(stick) as process:
            output, _ = process.communicate(timeout=30)
    else:
        output = device.plug(stick, expected)
    assert line in output
    assert "Traceback" not in output
    assert "done; the stick can be unplugged" in output


def test_what_it_leaves_in_the_background_is_not_waited_for(
    device: Device, sticks: Sticks, tmp_path: Path
) -> None:
    script = (
        f"(while [ ! -e {tmp_path}/go ]; do sleep 0.01; done; cat config.txt >{tmp_path}/late) &\n"
        f"echo $! >{tmp_path}/pid\n"
    )
    stick = stick_with(sticks, device, script, **{"config.txt": "still there\n"})
    with device.plugged(stick) as process:
        assert process.wait(30) == 0  # not communicate(): the script's child holds the output
        # The stick stays mounted for it alone; nobody else ever saw it.
        (tmp_path / "go").touch()
        wait_until(lambda: (tmp_path / "late").exists() and bool((tmp_path / "late").read_text()), 10)
    assert (tmp_path / "late").read_text() == "still there\n"


def test_a_script_that_fills_the_disk(device: Device, sticks: Sticks) -> None:
    """The list was written before, and the rest of the stick is still looked at."""
    content = sticks.folder()
    script = "mount -t tmpfs -o size=1m tmpfs /srv; cat /dev/zero >/srv/full; cat /dev/zero >/run/full\n"
    sticks.signed(content, "autorun.sh", script, device.pki, SIGNER)
    (content / "x.image").write_text("no image\n")
    stick = sticks.ext(content)
    # /run is small, as on the board.
    enter = 'mount -t tmpfs -o size=1m tmpfs /run; exec "$@"'
    words = device.usb_command(stick)
    at = words.index("device") + 1
    words[at:at] = ["sh", "-c", enter, "sh"]
    done = subprocess.run(words, env=device.env(), capture_output=True, text=True, check=False, timeout=60)
    output = done.stdout + done.stderr
    assert "'autorun.sh': ended, exit status 1" in output
    assert "images: not looked at: D-Bus" in output
    assert device.executed.read_text() == hashlib.md5(script.encode()).hexdigest() + "\n"


@pytest.mark.spec(269)
def test_a_script_that_cannot_be_noted_does_not_run(device: Device, sticks: Sticks, tmp_path: Path) -> None:
    device.executed.parent.parent.rmdir()
    device.executed.parent.parent.mkdir()
    device.executed.parent.write_text("a file where the folder should be\n")
    output = device.plug(stick_with(sticks, device, f"touch {tmp_path}/ran\n"), expected=1)
    assert "executed.list: cannot be" in output
    assert not (tmp_path / "ran").exists()


def test_a_huge_list_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "executed.list"
    path.write_bytes(bytes(autorun.LARGEST_LIST + 1))
    with pytest.raises(AutorunError, match="larger than"):
        Executed(path).contains("0" * 32)


@pytest.mark.spec(270)
def test_on_sigterm_later_lines_still_run_and_no_image_follows(
    device: Device, sticks: Sticks, tmp_path: Path
) -> None:
    """``reboot`` in a script: the service manager ends the program that waits for the script."""
    content = sticks.folder()
    script = (
        f"touch {tmp_path}/inside\nwhile [ ! -e {tmp_path}/go ]; do sleep 0.01; done\n"
        f"sleep 0.2; echo later >{tmp_path}/later\n"
    )
    sticks.signed(content, "autorun.sh", script, device.pki, SIGNER)
    (content / "x.image").write_text("no image\n")
    with device.plugged(sticks.ext(content)) as process:
        wait_until((tmp_path / "inside").exists, 20)
        process.send_signal(signal.SIGTERM)
        (tmp_path / "go").touch()
        output, _ = process.communicate(timeout=30)
    assert (tmp_path / "later").read_text() == "later\n"
    assert "exit status 0" in output
    assert "stopped" in output
    assert "image" not in output
    assert process.returncode == 1


class Clock:
    """Time that passes with each look at it."""

    def __init__(self, step_s: float) -> None:
        self.now, self._step = 0.0, step_s

    def monotonic(self) -> float:
        self.now += self._step
        return self.now


def hanging(tmp_path: Path, body: str) -> tuple[Path, Path]:
    """A script that says when it runs, then does ``body``."""
    script = tmp_path / "copy.sh"
    started = tmp_path / "started"
    script.write_text(f"echo $$ >{started}\n{body}\n")
    return script, started


@pytest.mark.parametrize("body", ["exec sleep 1000", "trap '' TERM; while :; do sleep 0.1; done"])
def test_a_script_without_an_end_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str) -> None:
    monkeypatch.setattr(autorun, "END_S", 0.2)
    monkeypatch.setattr(autorun, "_SLICE_S", 0.1)
    monkeypatch.setattr("chargectl.system.autorun.time.monotonic", Clock(100.0).monotonic)
    script, started = hanging(tmp_path, body)
    with pytest.raises(AutorunError, match="was ended: has run for 1800 s"):
        run_script(script, "autorun.sh", tmp_path, Stop())
    if started.exists():
        with pytest.raises(ProcessLookupError):
            os.kill(int(started.read_text()), 0)


def test_a_shutdown_shortens_what_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(autorun, "_SLICE_S", 0.05)
    monkeypatch.setattr(autorun, "SHUTDOWN_S", 0.2)
    stop = Stop()
    script, started = hanging(tmp_path, "exec sleep 1000")

    def shut_down() -> None:
        wait_until(started.exists, 10)
        stop.requested = True

    thread = threading.Thread(target=shut_down)
    thread.start()
    before = time.monotonic()
    with pytest.raises(AutorunError, match="the system shuts down"):
        run_script(script, "autorun.sh", tmp_path, stop)
    thread.join()
    assert time.monotonic() - before < 30
