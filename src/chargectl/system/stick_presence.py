"""Whether a stick is still plugged in: an error that a pulled stick leaves behind is no fault of anybody."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Final

GONE_S: Final = 2.0
"""After a stick was pulled, reading fails at once; its device file goes when the hub has told of it (asked
every 256 ms at the slowest, USB 2.0, 11.23.1) and the kernel has taken the disk down."""
_STEP_S: Final = 0.05


class Presence:
    """The device file of a stick, as it is when this is made; gone for good if it is not there then.

    Another stick may get the name afterwards; it is not taken for the one that was here.
    """

    def __init__(self, device: Path) -> None:
        self._device = device
        self._identity = self._look()

    def gone(self, within_s: float = GONE_S) -> bool:
        """Whether the stick has been pulled, or is found to be within so many seconds."""
        deadline = time.monotonic() + within_s
        while self._identity is not None and self._look() == self._identity:
            if time.monotonic() >= deadline:
                return False
            time.sleep(_STEP_S)
        return True

    def _look(self) -> tuple[int, ...] | None:
        try:
            status = os.stat(self._device)
        except OSError:
            return None
        # The kernel makes the file anew for each device, and gives it another number while the old is in use.
        return status.st_dev, status.st_ino, status.st_rdev
