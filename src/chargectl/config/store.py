"""Writes files such that a power cut leaves the old content or the new one, never a mixture."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

DIRECTORY = Path("/etc/secc")
"""Where the configuration files live on a device."""
BACKUPS = Path("/var/backups")
"""Where configd keeps the last good copy of each file (guide, 10.3)."""
LOCK_DEADLINE_S = 2.0
"""A change takes some 50 ms on the board; whoever holds the lock for longer hangs."""
_RETRY_S = 0.02


def write_atomic(path: Path, data: bytes, mode: int = 0o640) -> None:
    """Replace the content of a file; mode and (where allowed) owner of an existing one are kept, links are
    followed.

    The data goes to a temporary file in the same folder, to the disk (fsync), over the old name (rename),
    and the folder to the disk. Raises OSError when any step fails; the file then is the old one, or, when
    only the last step failed, the new one. ``mode`` is for a file that does
    not exist yet: a configuration may hold secrets, so it is not for
    everybody to read.
    """
    path = Path(os.path.realpath(path))
    temporary = path.with_name(_temporary_name(path.name, os.getpid()))
    try:
        old = path.stat()
    except FileNotFoundError:
        old = None
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
    descriptor = os.open(temporary, flags, 0o600)
    try:
        try:
            if old is not None and (old.st_uid, old.st_gid) != (os.geteuid(), os.getegid()):
                # A daemon may write a file that root has put there, but not as root's.
                with contextlib.suppress(PermissionError):
                    os.fchown(descriptor, old.st_uid, old.st_gid)
            os.fchmod(descriptor, mode if old is None else old.st_mode & 0o7777)
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(descriptor, rest) :]
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
    sync_directory(path.parent)


def sync_directory(directory: Path) -> None:
    """Bring the folder's entries to the disk, so that a rename outlives a power cut. Raises OSError."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def back_up(path: Path, backups: Path) -> bool:
    """Copy a file to the folder of backups under its own name, atomically; True when it differed.

    Raises OSError when that fails; an earlier backup then is still there.
    """
    data = path.read_bytes()
    backup = backups / path.name
    with contextlib.suppress(OSError):
        if backup.read_bytes() == data:
            return False
    backups.mkdir(parents=True, exist_ok=True)
    write_atomic(backup, data, mode=path.stat().st_mode & 0o7777)
    return True


@contextlib.contextmanager
def exclusive(directory: Path, deadline_s: float = LOCK_DEADLINE_S) -> Iterator[None]:
    """Hold the folder's lock: between reading a file and writing it back nobody else may change it.

    Raises TimeoutError when another process does not release it in time, OSError without the folder.
    """
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        give_up = time.monotonic() + deadline_s
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= give_up:
                    raise TimeoutError(f"{directory} is being changed by another program") from None
                time.sleep(_RETRY_S)
        yield
    finally:
        os.close(descriptor)


def remove_leftovers(directory: Path, name: str) -> list[Path]:
    """Remove temporary files of writes to ``name`` that a power cut interrupted; returns them."""
    removed = []
    for leftover in directory.glob(_temporary_name(name, "*")):
        leftover.unlink(missing_ok=True)
        removed.append(leftover)
    return removed


def _temporary_name(name: str, process: int | str) -> str:
    return f".{name}.{process}.new"
