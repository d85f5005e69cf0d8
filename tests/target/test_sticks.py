"""USB sticks with each file system of the guide (11.2), plugged into the running board."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from tests.target.board import Board
from tests.target.bundles import Workshop
from tests.usb.pki import sign

FOUND_S = 60.0
FILE_SYSTEMS: dict[str, tuple[str, ...]] = {
    "ext2": ("mke2fs", "-q", "-F", "-t", "ext2"),
    "ext3": ("mke2fs", "-q", "-F", "-t", "ext3"),
    "ext4": ("mke2fs", "-q", "-F", "-t", "ext4"),
    "fat16": ("mkfs.vfat", "-F", "16"),
    "fat32": ("mkfs.vfat", "-F", "32"),
    "exfat": ("mkfs.exfat",),
    "ntfs": ("mkntfs", "-q", "-F", "-Q"),
}
MOUNT = {"exfat": ("mount.exfat-fuse",), "ntfs": ("ntfs-3g",)}
"""Programs that put files into an image of a file system the machine's own kernel may not know."""
MIB = 64
ENVIRONMENT = {**os.environ, "PATH": os.environ["PATH"] + ":/sbin:/usr/sbin", "MTOOLS_SKIP_CHECK": "1"}


def run(*words: str | Path, said: str | None = None) -> None:
    subprocess.run(words, check=True, input=said, text=True, env=ENVIRONMENT, capture_output=True)


def stick(folder: Path, kind: str, content: list[Path]) -> Path:
    """A stick with one partition of that file system that holds these files."""
    for program in (FILE_SYSTEMS[kind][0], *MOUNT.get(kind, ())):
        if shutil.which(program, path=ENVIRONMENT["PATH"]) is None:
            pytest.skip(f"{program} is not on this machine")
    system = folder / f"{kind}.fs"
    with open(system, "wb") as file:
        file.truncate((MIB - 1) << 20)
    run(*FILE_SYSTEMS[kind], system)
    if kind.startswith("fat"):
        run("mcopy", "-i", system, *content, "::")
    elif kind.startswith("ext"):
        for source in content:
            run("debugfs", "-w", "-R", f"write {source} {source.name}", system)
    else:
        mount = folder / "mount"
        mount.mkdir(exist_ok=True)
        # exfat-fuse takes nothing but a block device.
        words = ("losetup", "--find", "--show", str(system))
        device = subprocess.run(
            words, check=True, text=True, capture_output=True, env=ENVIRONMENT
        ).stdout.strip()
        run(*MOUNT[kind], device, mount)
        try:
            for source in content:
                shutil.copyfile(source, mount / source.name)
        finally:
            run("umount", mount)
            # The FUSE program goes on to write back what it still has.
            while subprocess.run(["pgrep", "-f", device], check=False, capture_output=True).returncode == 0:
                time.sleep(0.05)
            run("losetup", "--detach", device)
    image = folder / f"{kind}.img"
    with open(image, "wb") as file:
        file.truncate(MIB << 20)
    run("sfdisk", "--quiet", image, said="label: dos\nstart=1MiB\n")
    run("dd", f"if={system}", f"of={image}", "bs=1M", "seek=1", "conv=notrunc")
    return image


def test_the_board_is_up(board: Board) -> None:
    board.needs_emulator()
    board.up()


@pytest.mark.spec(241, 268)
@pytest.mark.parametrize("kind", FILE_SYSTEMS)
def test_its_signed_script_runs(board: Board, workshop: Workshop, kind: str) -> None:
    emulator = board.needs_emulator()
    script = board.folder / "autorun.sh"
    script.write_text(f"#!/bin/sh\ntouch /run/seen-{kind}\n")
    for name in ("usb.pem", "usb.key"):
        target = board.folder / name.replace(".pem", ".crt")
        shutil.copyfile(workshop.pki / name, target)
    signature = sign(script, board.folder, "usb")
    emulator.plug_stick(stick(board.folder, kind, [script, signature]), kind)
    board.console.wait_until(f"test -e /run/seen-{kind}", FOUND_S)
    emulator.pull_stick(kind)
    board.console.wait_until("! test -b /dev/sda", FOUND_S)
