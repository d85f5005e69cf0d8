"""Small steps on attribute files that several adapters share."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from typing import Final

from chargectl.board.errors import BoardError

Sleep = Callable[[float], None]

_SETTLE_STEPS: Final = 20
_SETTLE_STEP_S: Final = 0.05
"""udev gives a fresh export its group only some time after the kernel made it; a second is plenty."""

CONTENT: Final = "unexpected content"


def write_text(path: str, text: str, source: str, missing: str) -> None:
    """Write an attribute in one call. Raises BoardError."""
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
        try:
            os.write(fd, text.encode())
        finally:
            os.close(fd)
    except OSError as error:
        raise BoardError.of(source, path, error, missing) from None


def read_text(path: str, source: str, missing: str) -> str:
    """Read a small attribute without its line end. Raises BoardError."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            return os.read(fd, 4096).decode("ascii", "replace").strip()
        finally:
            os.close(fd)
    except OSError as error:
        raise BoardError.of(source, path, error, missing) from None


def open_file(path: str, flags: int, source: str, missing: str) -> int:
    """Open an attribute to be kept open. Raises BoardError."""
    try:
        return os.open(path, flags | os.O_CLOEXEC)
    except OSError as error:
        raise BoardError.of(source, path, error, missing) from None


def list_names(path: str, source: str, missing: str) -> list[str]:
    """Return the sorted names in a directory. Raises BoardError."""
    try:
        return sorted(os.listdir(path))
    except OSError as error:
        raise BoardError.of(source, path, error, missing) from None


def export(directory: str, number: int, exported: str, source: str, missing: str) -> bool:
    """Make ``exported`` appear by writing ``number`` to ``directory``/export; fine if it is there already.

    Returns whether it was newly made. Raises BoardError. python-periphery exports as well, but then takes the
    export back when the object goes, which would pull the file from under other programs that use it (and
    stop a PWM); what is exported before it looks, it leaves alone.
    """
    if os.path.isdir(exported):
        return False
    try:
        write_text(f"{directory}/export", str(number), source, missing)
    except BoardError as error:
        # Another program may have exported it since we looked. A line held by a driver is busy as well, but
        # then does not appear.
        if error.errno == errno.EBUSY and os.path.isdir(exported):
            return False
        raise BoardError(source, exported, error.errno, missing=missing) from None
    if not os.path.isdir(exported):
        raise BoardError(source, exported, errno.ENOENT, missing=missing)
    return True


def settle(action: Callable[[], None], fresh: bool, sleep: Sleep | None) -> None:
    """Run ``action``; after a fresh export wait for udev by ``sleep`` while permission is refused.

    Without ``sleep`` (in the control loop) there is one attempt; the next cycle brings the next one.
    """
    if fresh and sleep is not None:
        for _ in range(_SETTLE_STEPS):
            try:
                action()
            except BoardError as error:
                if error.errno != errno.EACCES:
                    raise
                sleep(_SETTLE_STEP_S)
            else:
                return
    action()
