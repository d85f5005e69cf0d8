"""A file whose modification time says that the control loop runs.

The guard watches it beside systemd and opens the contactor when it stands still. Because the time of day
may step, a watcher judges by whether the modification time changes, not by how old it is.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path

log = logging.getLogger(__name__)

DEFAULT_PATH = Path("/run/chargectl/portd.heartbeat")


class Heartbeat:
    """Touches one file, making its folder when missing; a failure is reported once, and retried each time."""

    def __init__(self, path: Path = DEFAULT_PATH) -> None:
        self._path = path
        self._file: int | None = None
        self._failed = False

    def beat(self) -> bool:
        """To be called once in each control cycle; two system calls. Returns whether the file shows it."""
        try:
            # Somebody may have removed the file: the open one would go on being touched, seen by nobody.
            if self._file is None or os.fstat(self._file).st_nlink == 0:
                self.close()
                self._path.parent.mkdir(parents=True, exist_ok=True)
                self._file = os.open(
                    self._path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644
                )
            os.utime(self._file)
        except OSError as error:
            if not self._failed:
                log.error("heartbeat %s: %s; who guards portd takes it for dead", self._path, error.strerror)
            self._failed = True
            return False
        if self._failed:
            log.info("heartbeat %s: works again", self._path)
        self._failed = False
        return True

    def close(self) -> None:
        """Release the file; it stays where it is, and stands still."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
