"""A stick that is pulled too early: an ordinary end, exit code 0; what fails with the stick in is a failure.

The device file is one of the test's own: it is removed, as the kernel does it when a stick is pulled.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
from pathlib import Path
from typing import Any

import pytest

from chargectl.system.stick_presence import Presence
from tests.rauc_rig import RaucRig
from tests.simboard import in_sys, wait_until
from tests.usb.device import Device, Sticks
from tests.usb.test_run import rig, second_mount, visible_to_rauc

__all__ = ["rig", "second_mount"]

YELLOW = "class/leds/yellow:programming"


def node(path: Path, device: str) -> Path:
    """A device file of the test's own for a device."""
    os.mknod(path, stat.S_IFBLK | 0o600, os.stat(device).st_rdev)
    return path


def test_a_device_file_that_was_removed_or_replaced_is_a_pulled_stick(sticks: Sticks, tmp_path: Path) -> None:
    first, second = (sticks.ext(sticks.folder()) for _ in range(2))
    file = node(tmp_path / "sda1", first)
    presence = Presence(file)
    assert not presence.gone(within_s=0)
    file.unlink()
    assert presence.gone(within_s=0)
    node(file, second)
    assert presence.gone(within_s=0), "that is another one"
    assert not Presence(file).gone(within_s=0)


def test_a_stick_that_is_not_there_any_more_is_no_failure(device: Device, tmp_path: Path) -> None:
    output = device.plug(str(tmp_path / "sda1"))
    [line] = [line for line in output.splitlines() if "yellow_led" not in line]
    assert "sda1: is not plugged in (any more): " in line


def test_a_stick_that_is_pulled_while_it_waits_for_another_is_no_failure(
    device: Device, sticks: Sticks, tmp_path: Path
) -> None:
    file = node(tmp_path / "sda1", sticks.ext(sticks.folder()))
    lock = device.root / "run/chargectl/usb.lock"
    lock.parent.mkdir(parents=True)
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with device.plugged(str(file)) as process:
            assert process.stdout is not None
            assert "waits for the stick before it" in process.stdout.readline()
            file.unlink()
            fcntl.flock(held, fcntl.LOCK_UN)
            output, _ = process.communicate(timeout=20)
    assert process.returncode == 0, output
    assert "sda1: is not plugged in (any more): " in output


@pytest.mark.parametrize("pulled", [False, True])
def test_what_cannot_be_read_is_a_failure_unless_the_stick_was_pulled(
    device: Device, sticks: Sticks, sim_world: Any, tmp_path: Path, pulled: bool
) -> None:
    content = sticks.folder()
    stick = sticks.ext(content)
    # The superblock is there, what it tells of is not: reading it is an input/output error.
    os.truncate(content.with_suffix(".ext4"), 4096)
    file = node(tmp_path / "sda1", stick)
    with device.plugged(str(file)) as process:
        if pulled:
            wait_until(lambda: in_sys(f"{YELLOW}/brightness") != "0", 20)
            file.unlink()
        output, _ = process.communicate(timeout=20)
    assert process.returncode == (0 if pulled else 1), output
    assert ("is not plugged in (any more)" in output) is pulled
    assert "Traceback" not in output
    assert in_sys(f"{YELLOW}/brightness") == "0"


@pytest.mark.parametrize("pulled", [False, True])
def test_an_installation_that_ends_early_is_a_failure_unless_the_stick_was_pulled(
    *, device: Device, sticks: Sticks, rig: RaucRig, tmp_path: Path, second_mount: Path, pulled: bool
) -> None:
    content = sticks.folder()
    shutil.copy(rig.bundle("2.0"), content / "update.image")
    stick = sticks.ext(content, mib=32)
    visible_to_rauc(rig, stick, second_mount)
    file = node(tmp_path / "sda1", stick)
    (tmp_path / "meanwhile").write_text(f"rm {file}\nexit 1\n" if pulled else "exit 1\n")
    output = device.plug(str(file), expected=0 if pulled else 1)
    assert "'update.image': not installed, the running system stays: " in output
    assert ("the stick was unplugged" in output) is pulled
    assert ("done; the stick can be unplugged" in output) is not pulled
    assert device.asked() == []


@pytest.mark.parametrize("status", [0, 7])
def test_a_script_that_fails_is_a_failure_even_when_its_stick_was_pulled(
    device: Device, sticks: Sticks, tmp_path: Path, status: int
) -> None:
    """It does not run again by itself, so somebody has to know."""
    file = tmp_path / "sda1"
    content = sticks.folder()
    script = f"rm {file}\nexit {status}\n"
    sticks.signed(content, "autorun.sh", script, device.pki, "vendor-signer")
    node(file, sticks.ext(content))
    output = device.plug(str(file), expected=1 if status else 0)
    assert f"'autorun.sh': ended, exit status {status}" in output
    assert "sda1: has been unplugged" in output
