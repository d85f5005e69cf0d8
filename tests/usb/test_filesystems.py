"""Each file system of the guide (11.2), made by its own tools, on loop devices.

A kernel without the driver cannot mount it: such a case is skipped, and proven on the emulated board.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from chargectl.update.stick_filesystem import EXFAT, EXT, FAT, NTFS, FileSystem, identify
from tests.rauc_rig import run, which
from tests.usb.device import Device, Sticks

MAKERS: list[tuple[str, FileSystem, tuple[str, ...]]] = [
    ("ext2", EXT, ("mke2fs", "-q", "-F", "-t", "ext2")),
    ("ext3", EXT, ("mke2fs", "-q", "-F", "-t", "ext3")),
    ("ext4", EXT, ("mke2fs", "-q", "-F", "-t", "ext4")),
    ("fat16", FAT, ("mkfs.vfat", "-F", "16")),
    ("fat32", FAT, ("mkfs.vfat", "-F", "32")),
    ("exfat", EXFAT, ("mkfs.exfat",)),
    ("ntfs", NTFS, ("mkntfs", "-q", "-F", "-Q")),
]


def formatted(folder: Path, name: str, maker: tuple[str, ...]) -> Path:
    if which(maker[0]) is None:
        pytest.skip(f"{maker[0]} is not on this machine")
    image = folder / f"{name}.img"
    folder.mkdir(parents=True, exist_ok=True)
    with image.open("wb") as file:
        file.truncate(64 << 20)
    run(*maker, image)
    return image


def can_mount(system: FileSystem) -> bool:
    names = Path("/proc/filesystems").read_text().split()
    if system.driver in names:
        return True
    subprocess.run(["modprobe", "-q", system.driver], check=False, capture_output=True)
    names = Path("/proc/filesystems").read_text().split()
    return system.driver in names or bool(system.fuse and "fuseblk" in names and which(system.fuse))


def fill(stick: str, name: str, content: Path, folder: Path) -> None:
    """Copy files onto a fresh stick as a workstation does: mounted for writing."""
    folder.mkdir()
    if name == "ntfs":
        run("ntfs-3g", stick, folder)
    else:
        run("mount", stick, folder)
    try:
        shutil.copytree(content, folder, dirs_exist_ok=True)
    finally:
        # A FUSE program writes back until its mount has gone; the device is free only then.
        run("umount", folder)
    deadline = time.monotonic() + 10
    while True:
        try:
            os.close(os.open(stick, os.O_RDONLY | os.O_EXCL))
            return
        except OSError:
            assert time.monotonic() < deadline, f"{stick} stays in use"
            time.sleep(0.05)


@pytest.mark.spec(241)
@pytest.mark.parametrize(("name", "system", "maker"), MAKERS, ids=[maker[0] for maker in MAKERS])
def test_the_file_system_is_known(
    tmp_path: Path, name: str, system: FileSystem, maker: tuple[str, ...]
) -> None:
    with formatted(tmp_path, name, maker).open("rb") as file:
        assert identify(file.read(4096)) is system


@pytest.mark.spec(241)
@pytest.mark.parametrize(("name", "system", "maker"), MAKERS, ids=[maker[0] for maker in MAKERS])
def test_a_stick_of_each_kind_is_read(
    device: Device,
    sticks: Sticks,
    tmp_path: Path,
    name: str,
    system: FileSystem,
    maker: tuple[str, ...],
) -> None:
    if not can_mount(system):
        pytest.skip(f"this kernel has no driver for {system.label} ({system.driver})")
    content = sticks.folder()
    sticks.signed(content, "autorun.sh", f"cp 'größe 1.txt' {tmp_path}/out\n", device.pki, "vendor-signer")
    owner = (device.pki / "owner.crt").read_bytes()
    sticks.signed(content, "fwupdate-keyring.pem", owner, device.pki, "owner-signer")
    (content / "größe 1.txt").write_text(name)
    stick = sticks.attach(formatted(tmp_path / "formatted", name, maker))
    fill(stick, name, content, tmp_path / "filled")
    output = device.plug(stick)
    assert f"a stick with {system.label}" in output
    assert "'fwupdate-keyring.pem': ignored: certificate verify error" in output
    assert (tmp_path / "out").read_text() == name
    assert "done; the stick can be unplugged" in output
    sticks.detach(stick)  # not busy: nothing is left mounted


@pytest.mark.spec(241)
@pytest.mark.parametrize("name", ["ext3", "ext4"])
def test_a_journal_that_was_not_closed_is_left_alone(
    device: Device, sticks: Sticks, tmp_path: Path, name: str
) -> None:
    """A stick pulled from a workstation while it wrote; and one with a write protection switch."""
    content = sticks.folder()
    sticks.signed(content, "autorun.sh", f"touch {tmp_path}/ran\n", device.pki, "vendor-signer")
    image = content.with_suffix(".img")
    run("mke2fs", "-q", "-F", "-t", name, "-d", content, image, "16M")
    stick = sticks.attach(image)
    folder = tmp_path / "writing"
    folder.mkdir()
    run("mount", stick, folder)
    (folder / "half").write_bytes(os.urandom(200_000))
    os.sync()
    pulled = tmp_path / "pulled.img"
    shutil.copy(image, pulled)
    run("umount", folder)
    header = run("dumpe2fs", "-h", pulled)
    assert "needs_recovery" in header
    before = pulled.read_bytes()
    assert device.plug(sticks.attach(pulled, "--read-only")).count("ext2/3/4") == 1
    assert (tmp_path / "ran").exists()
    device.plug(sticks.attach(pulled))
    assert pulled.read_bytes() == before, "not one byte was written to the stick"


@pytest.mark.parametrize("system", [FAT, EXFAT, NTFS], ids=lambda system: system.label)
def test_a_missing_driver_is_said(device: Device, sticks: Sticks, tmp_path: Path, system: FileSystem) -> None:
    maker = next(maker for maker in MAKERS if maker[1] is system)
    stick = sticks.attach(formatted(tmp_path / "formatted", maker[0], maker[2]))
    if system.fuse:
        # Without its FUSE program: a PATH that holds only the test's own things.
        (device.root / "sbin" / system.fuse).write_text("#!/bin/sh\nexit 12\n")
        (device.root / "sbin" / system.fuse).chmod(0o755)
    if system.driver in Path("/proc/filesystems").read_text().split():
        pytest.skip(f"this kernel has the driver {system.driver}")
    output = device.plug(stick, expected=1)
    expected = "refuses it, exit code 12" if system.fuse else "this system has no driver for it"
    assert f"{stick}: {system.label}: " in output
    assert expected in output
