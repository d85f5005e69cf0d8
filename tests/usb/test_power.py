"""The power goes at any moment: the keyring is the old one or the new one, the script runs at most once.

A device on a file system of its own works through a stick and is killed at one system call after the other;
what has reached the block device by then is all that is left, as after a power cut. strace does the killing.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.rauc_rig import run, which
from tests.usb.device import RUN_S, Device, Sticks, require

CHANGING = (
    *("rename", "renameat", "renameat2", "unlink", "unlinkat", "rmdir", "mkdir", "mkdirat", "fsync"),
    *("fchmod", "fchown", "write", "link", "symlink", "mount", "umount2", "unshare", "ftruncate"),
)
"""What changes files; the program is killed before each of them."""
OTHERS = 12
"""So many of the other system calls, evenly over the run."""
_CALL = re.compile(r"^(\w+)\(")


@contextmanager
def mounted(sticks: Sticks, image: Path, folder: Path) -> Iterator[Path]:
    """The device's disk."""
    folder.mkdir(exist_ok=True)
    disk = sticks.attach(image)
    run("mount", disk, folder)
    try:
        yield folder
    finally:
        run("umount", "--lazy", folder)
        # Free only when the last process on it has gone.
        sticks.detach(disk)


def trace(device: Device, stick: str, log: Path, *options: str) -> int:
    """One run under strace; returns its exit status, negative for the signal that ended it."""
    words = device.usb_command(stick)
    words[words.index(sys.executable) :] = [
        *("strace", "-o", str(log), *options, sys.executable, "-B", "-m", "chargectl.cli.main"),
        *("usb", "run", stick),
    ]
    done = subprocess.run(
        words,
        env={**device.env(), "PYTHONHASHSEED": "0"},
        capture_output=True,
        timeout=RUN_S,
        check=False,
    )
    return -signal.SIGKILL if done.returncode in (-9, 137) else done.returncode


def points(log: Path) -> list[tuple[str, int]]:
    """Where to kill: the name of a system call and which one of that name it is."""
    counted: Counter[str] = Counter()
    after_lock: list[tuple[str, int]] = []
    locked = False
    for line in log.read_text(errors="replace").splitlines():
        call = _CALL.match(line)
        if call is None:
            continue
        name = call[1]
        counted[name] += 1
        locked = locked or name == "flock"
        if locked and name != "exit_group":
            after_lock.append((name, counted[name]))
    changing = [point for point in after_lock if point[0] in CHANGING]
    others = [point for point in after_lock if point[0] not in CHANGING]
    return changing + others[:: max(1, len(others) // OTHERS)]


@pytest.mark.spec(267)
@pytest.mark.spec(269)
def test_whenever_the_power_goes_the_board_is_whole(sticks: Sticks, tmp_path: Path) -> None:
    require()
    if which("strace") is None:
        pytest.skip("strace is not on this machine")
    pristine = tmp_path / "pristine.img"
    run("mke2fs", "-q", "-F", "-t", "ext4", pristine, "8M")
    disk, image, cut = tmp_path / "disk", tmp_path / "disk.img", tmp_path / "cut.img"
    with mounted(sticks, pristine, disk):
        device = Device(disk / "device")
    runs = tmp_path / "runs"
    content = sticks.folder()
    new = (tmp_path / "new.pem", b"")
    with mounted(sticks, pristine, disk):
        old = device.keyring.read_bytes()
        new = (new[0], (device.pki / "owner.crt").read_bytes())
        sticks.signed(content, "fwupdate-keyring.pem", new[1], device.pki, "vendor-signer")
        script = f"echo run >>{runs}\n"
        sticks.signed(content, "autorun.sh", script, device.pki, "owner-signer")
    md5 = hashlib.md5(script.encode()).hexdigest()
    stick = sticks.ext(content)
    log = tmp_path / "strace.log"
    shutil.copy(pristine, image)
    with mounted(sticks, image, disk):
        assert trace(device, stick, log) == 0
        assert device.keyring.read_bytes() == new[1]
        assert runs.read_text() == "run\n"
    seen: Counter[str] = Counter()
    where = points(log)
    for name, number in where:
        shutil.copy(pristine, image)
        runs.unlink(missing_ok=True)
        with mounted(sticks, image, disk):
            status = trace(device, stick, log, "-e", f"inject={name}:signal=KILL:when={number}")
            shutil.copy(image, cut)  # what the disk holds at this moment, and no more
        if status != -signal.SIGKILL:
            seen["not reached"] += 1  # a run makes some calls more or less than the one before
            continue
        point = f"killed at {name} number {number}"
        with mounted(sticks, cut, disk):
            left = device.keyring.read_bytes()
            assert left in (old, new[1]), point
            seen["old keyring" if left == old else "new keyring"] += 1
            executed = device.executed.read_text() if device.executed.exists() else ""
            assert executed in ("", md5 + "\n"), point
            has_run = runs.read_text() if runs.exists() else ""
            assert has_run in ("", "run\n"), point
            assert not has_run or executed, f"{point}: it ran without being noted"
            seen["ran" if has_run else "noted, not run" if executed else "not noted"] += 1
            # The power comes back, the stick is still in.
            device.plug(stick)
            assert device.keyring.read_bytes() == new[1], point
            assert not device.keyring.is_symlink(), point
            assert device.executed.read_text() == md5 + "\n", point
            assert (runs.read_text() if runs.exists() else "") == (has_run if executed else "run\n"), point
            names = {path.name for path in device.keyring.parent.iterdir()}
            assert names <= {"keyring.pem"} | {name for name in names if name.startswith(".")}, point
    print(seen)
    reached = len(where) - seen["not reached"]
    assert reached >= 30, seen
    for outcome in ("old keyring", "new keyring", "not noted", "ran"):
        assert seen[outcome], f"no point left it like this: {outcome}: {seen}"
