"""What the health check looks at, and where its result stands: the heartbeat, the disks, health.json."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from chargectl.config.store import write_atomic
from chargectl.update.health import Check, Disk, as_json, summary_of_json

DIRECTORIES: Final = (Path("/etc/secc"), Path("/srv/chargectl"), Path("/var/log"))
"""One directory on each file system that is written in service: the configuration on the root file system,
the data partition, the log partition."""
RESULT: Final = Path("/run/chargectl/health.json")
"""What the last check found, for whoever has to say why the boot failed; gone with the boot."""

_PROBE: Final = b"chargectl health check\n" * 200
"""More than one page and one block: 4600 bytes."""


def beat(path: Path) -> tuple[int, int] | None:
    """What tells one heartbeat from the next: the file's inode and time; None when it is missing."""
    try:
        status = os.stat(path, follow_symlinks=False)
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns


def probe(directory: Path) -> Disk:
    """Write a file, bring it to the disk, read it and let it go; then measure what is left.

    The file never has a name, so a power failure leaves nothing behind and two checks do not meet.
    """
    try:
        descriptor = os.open(directory, os.O_RDWR | os.O_TMPFILE | os.O_CLOEXEC, 0o600)
        try:
            rest = memoryview(_PROBE)
            while rest:
                rest = rest[os.write(descriptor, rest) :]
            os.fsync(descriptor)
            if os.pread(descriptor, len(_PROBE) + 1, 0) != _PROBE:
                return Disk(str(directory), "a file reads differently from what was written")
        finally:
            os.close(descriptor)
        space = os.statvfs(directory)
    except OSError as error:
        return Disk(str(directory), f"cannot be written: {error.strerror}")
    # File systems without a fixed number of inodes (btrfs) show none at all.
    files = space.f_favail if space.f_files else 1 << 32
    return Disk(str(directory), "", space.f_bavail * space.f_frsize, files)


def write_result(checks: Sequence[Check], path: Path = RESULT) -> None:
    """Leave the result for others. Raises OSError."""
    text = json.dumps(as_json(checks), ensure_ascii=False) + "\n"
    write_atomic(path, text.encode("utf-8"), mode=0o644)


def last_words(path: Path = RESULT) -> str:
    """What the last check of this boot found wrong, in one line; empty when nothing is known."""
    try:
        return summary_of_json(json.loads(path.read_bytes()))
    except (OSError, ValueError, RecursionError):
        return ""
