"""The history of boots on the data partition, shared by both slots, and what this boot knows of itself.

A damaged file costs the history, never the boot: it is moved aside and a new one begun.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

from chargectl.config.store import exclusive, sync_directory, write_atomic
from chargectl.system.bootloader import Bootloader
from chargectl.system.slot_release import version_in
from chargectl.update.history import GivenUp, History, from_json, to_json

log = logging.getLogger(__name__)

PATH: Final = Path("/srv/chargectl/boots.json")
DAMAGED_SUFFIX: Final = ".damaged"
MAXIMUM_BYTES: Final = 128 * 1024
"""A full history has some 20 KiB; a larger file is none of ours and is not read into memory."""

HEALTHY: Final = Path("/run/chargectl/healthy")
"""Exists once this boot was found healthy and its slot marked good."""
DEGRADED: Final = Path("/run/chargectl/degraded")
"""Exists while this boot stays up although it was not found healthy, because another would be no better."""

BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")
COMMAND_LINE: Final = Path("/proc/cmdline")
PARTITIONS: Final = Path("/dev/disk/by-partuuid")
BOOT_STATUS: Final = Path("/sys/class/watchdog/watchdog0/bootstatus")
RAUC_STATUS: Final = Path("/srv/rauc/status")

_WATCHDOG_RESET: Final = 0x0020
"""WDIOF_CARDRESET of linux/watchdog.h: the last reset came from the watchdog."""
_SLOT_NAMES: Final = {"A": "rootfs.0", "B": "rootfs.1"}
"""RAUC's slot of each boot name, as in /etc/rauc/system.conf."""
_SLOT_PARTITIONS: Final = {"A": "-01", "B": "-02"}
"""The partition of each boot name, as the end of its PARTUUID (guide 11.1)."""


class BootHistory:
    """The file. Reading needs no privilege; only the steps of the boot, as root, change it."""

    def __init__(self, path: Path = PATH) -> None:
        self._path = path

    def read(self) -> History:
        """Return the boots, the oldest first: none when there is no file yet, or none that can be read."""
        try:
            return self._load()
        except FileNotFoundError:
            return ()
        except (OSError, ValueError) as error:
            log.warning("history of boots %s: %s", self._path, _reason(error))
            return ()

    def change(self, change: Callable[[History], History]) -> History:
        """Replace the history by what ``change`` makes of it, and return that.

        A damaged file is moved aside (``boots.json.damaged``) and the history begins anew. Raises OSError
        when the disk refuses.
        """
        self._path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        with exclusive(self._path.parent):
            before: History = ()
            try:
                before = self._load()
            except FileNotFoundError:
                pass
            except ValueError as error:
                aside = self._path.with_name(self._path.name + DAMAGED_SUFFIX)
                os.replace(self._path, aside)
                sync_directory(self._path.parent)
                log.error("history of boots %s: %s; kept as %s, begun anew", self._path, error, aside)
            after = change(before)
            if after != before:
                text = json.dumps(to_json(after), ensure_ascii=False, indent=1) + "\n"
                # Readable for all: the update daemon reads it, and nothing in it is secret.
                write_atomic(self._path, text.encode("utf-8"), mode=0o644)
            return after

    def _load(self) -> History:
        with self._path.open("rb") as file:
            data = file.read(MAXIMUM_BYTES + 1)
        if len(data) > MAXIMUM_BYTES:
            raise ValueError(f"larger than {MAXIMUM_BYTES} bytes")
        try:
            return from_json(json.loads(data))
        except RecursionError:
            raise ValueError("nested too deeply") from None


def boot_id(path: Path = BOOT_ID) -> str:
    """The kernel's id of the running boot. Raises OSError when the kernel does not tell."""
    return path.read_text(encoding="ascii").strip()


def running_slot(command_line: Path = COMMAND_LINE) -> str:
    """The boot name (A or B) that the bootloader has chosen; empty on a board without slots.

    Raises OSError when the kernel does not tell.
    """
    return _word(command_line, "rauc.slot=")


def watchdog_reset(boot_status: Path = BOOT_STATUS) -> bool:
    """Whether the watchdog ended the last boot, as far as its driver says so."""
    try:
        return bool(int(boot_status.read_text(encoding="ascii"), 0) & _WATCHDOG_RESET)
    except (OSError, ValueError):
        return False


def given_up(slot: str, bootloader: Bootloader | None, status: Path = RAUC_STATUS) -> GivenUp | None:
    """The slot that the bootloader prefers to the running one but has no tries left for, if there is one."""
    if bootloader is None:
        return None
    for name in bootloader.order:
        if name == slot:
            break
        if bootloader.left.get(name) == 0:
            version = _installed_version(name, status)
            # RAUC notes what it installs; what was flashed tells of itself.
            return GivenUp(name, version or version_in(_partition(name)) or "")
    return None


def _partition(slot: str) -> Path:
    """The device of a slot: on the disk of the running one, which the kernel was told by its PARTUUID."""
    try:
        running = _word(COMMAND_LINE, "root=PARTUUID=")
    except OSError:
        running = ""
    return PARTITIONS / (running.rpartition("-")[0] + _SLOT_PARTITIONS.get(slot, "-"))


def _word(command_line: Path, prefix: str) -> str:
    words = command_line.read_text(encoding="utf-8", errors="replace").split()
    return next((word.removeprefix(prefix) for word in words if word.startswith(prefix)), "")


def _installed_version(slot: str, status: Path) -> str:
    """The version of the bundle that RAUC installed in a slot last; empty when it does not say."""
    from configparser import ConfigParser, Error

    parser = ConfigParser(interpolation=None, strict=False)
    try:
        with status.open(encoding="utf-8", errors="replace") as file:
            parser.read_file(file)
    except (OSError, Error):
        return ""
    return parser.get(f"slot.{_SLOT_NAMES.get(slot, slot)}", "bundle.version", fallback="")


def _reason(error: Exception) -> str:
    return error.strerror if isinstance(error, OSError) and error.strerror else str(error)
