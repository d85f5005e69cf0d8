"""What is in a slot that does not run, by its own ``/etc/chargectl-release``.

RAUC knows what it has installed itself; what was flashed it does not.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from chargectl.system.release import PATH, ReleaseError, parse_release
from chargectl.update.ext4 import Ext4Error, is_ext, read_file

EMPTY: Final = ""
"""Instead of a version: the slot holds no file system."""


def version_in(device: str | Path) -> str | None:
    """Return the version of the system in a slot, EMPTY, or None when it does not tell; needs root.

    Nothing is mounted and nothing is locked: an installation into the slot may begin at any time.
    """
    try:
        slot = os.open(device, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:

        def read(offset: int, count: int) -> bytes:
            return os.pread(slot, count, offset)

        if not is_ext(read):
            return EMPTY
        text = read_file(read, str(PATH)).decode()
        return parse_release(text).version
    except (OSError, OverflowError, Ext4Error, UnicodeDecodeError, ReleaseError):
        return None
    finally:
        os.close(slot)
