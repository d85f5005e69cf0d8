"""Which disk would be overwritten, and every reason not to."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_BLOCKS: Final = Path("/sys/class/block")
_SECTOR_BYTES: Final = 512
"""The unit of sysfs, whatever the disk's own is."""


class RefusedError(RuntimeError):
    """The device is not written to; the text says why and what would be."""


@dataclass(frozen=True, slots=True)
class Target:
    """What would be overwritten. ``name`` is the kernel's, empty for a regular file; ``size`` in bytes."""

    path: Path
    name: str
    size: int
    description: str
    parts: tuple[str, ...] = ()


def inspect(path: Path, *, file: bool = False, force_name: str = "") -> Target:
    """Look at a device. Raises RefusedError for all but an unused disk that can be taken out of the machine.

    ``file`` allows a regular file, ``force_name`` the disk of that name although it is built in.
    """
    real = Path(os.path.realpath(path))
    try:
        status = real.stat()
    except OSError as error:
        raise RefusedError(f"{path}: {(error.strerror or str(error)).lower()}") from None
    if stat.S_ISREG(status.st_mode):
        if not file:
            raise RefusedError(f"{path}: is a regular file; to write to it all the same: --file")
        return Target(real, "", 0, "a regular file")
    if not stat.S_ISBLK(status.st_mode):
        raise RefusedError(f"{path}: is no disk")
    block = _block_of(status.st_rdev, path)
    if (block / "partition").exists():
        raise RefusedError(f"{path}: is a partition; the whole disk is /dev/{block.parent.name}")
    parts = sorted(entry.name for entry in block.iterdir() if (entry / "partition").exists())
    _refuse_used(path, block, parts)
    if _attribute(block, "ro") == "1":
        raise RefusedError(f"{path}: is write-protected; is there a switch on it?")
    if _attribute(block, "removable") != "1" and force_name != block.name:
        raise RefusedError(
            f"{path}: is built into this machine, as far as the kernel knows; if it is the right one all the "
            f"same: --force-name {block.name} (make flash FORCE_NAME={block.name})"
        )
    size = int(_attribute(block, "size") or 0) * _SECTOR_BYTES
    if size == 0:
        raise RefusedError(f"{path}: no medium inside")
    words = [_attribute(block / "device", name) for name in ("vendor", "model", "name")]
    return Target(real, block.name, size, " ".join(word for word in words if word) or "a disk", tuple(parts))


def _refuse_used(path: Path, block: Path, parts: list[str]) -> None:
    numbers = {}
    for name, folder in ((block.name, block), *((part, block / part) for part in parts)):
        numbers[_attribute(folder, "dev")] = name
        holders = sorted(os.listdir(folder / "holders")) if (folder / "holders").is_dir() else []
        if holders:
            raise RefusedError(
                f"{path}: {name} is in use by {', '.join(holders)} (LVM, RAID or encryption of this machine)"
            )
    for number, place in _mounts():
        if number in numbers:
            raise RefusedError(
                f"{path}: {numbers[number]} is mounted on {place}; unmount it first, if you dare"
            )
    for swap in _swaps():
        if swap in numbers:
            raise RefusedError(f"{path}: {numbers[swap]} is swap space of this machine")


def _mounts() -> list[tuple[str, str]]:
    """Device numbers and mount points, of this namespace and the machine's."""
    found = []
    for table in ("/proc/self/mountinfo", "/proc/1/mountinfo"):
        try:
            text = Path(table).read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        for line in text.splitlines():
            words = line.split()
            found.append((words[2], words[4]))
            # Some file systems (btrfs) have numbers of their own: the device's name tells.
            source = words[words.index("-") + 2]
            number = _number(source)
            if number:
                found.append((number, words[4]))
    return found


def _swaps() -> list[str]:
    lines = Path("/proc/swaps").read_text(encoding="utf-8", errors="replace").splitlines()[1:]
    return [number for line in lines if (number := _number(line.split()[0]))]


def _number(path: str) -> str:
    """``major:minor`` of a block device, else empty."""
    try:
        status = os.stat(path)
    except OSError:
        return ""
    if not path.startswith("/") or not stat.S_ISBLK(status.st_mode):
        return ""
    return f"{os.major(status.st_rdev)}:{os.minor(status.st_rdev)}"


def _block_of(number: int, path: Path) -> Path:
    link = Path(f"/sys/dev/block/{os.major(number)}:{os.minor(number)}")
    if not link.exists():
        raise RefusedError(f"{path}: the kernel knows no such disk")
    return Path(os.path.realpath(link))


def _attribute(folder: Path, name: str) -> str:
    try:
        return (folder / name).read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
