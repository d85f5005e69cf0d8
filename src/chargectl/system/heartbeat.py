"""A file whose modification time says that the control loop runs, and whose content says when it does not.

The guard watches it beside systemd and opens the contactor when it stands still. Because the time of day
may step, a watcher judges by whether the modification time changes, not by how old it is. The content is
empty while the loop runs; before and after that it is one word, so that the guard can tell a start, a wanted
end and a failure from a process that hangs.

In the other direction the guard writes into ``guard.taken`` beside it the number of the process whose outputs
it has taken over. That process must not go on: the outputs are not what it believes.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Final

log = logging.getLogger(__name__)

DEFAULT_PATH = Path("/run/chargectl/portd.heartbeat")
TAKEN_NAME: Final = "guard.taken"

STARTING: Final = b"starting\n"
STOPPED: Final = b"stopped\n"
FAILED: Final = b"failed\n"


class TakenOverError(RuntimeError):
    """The guard has taken the outputs over from this process."""


class Heartbeat:
    """Touches one file, making its folder when missing; a failure is reported once, and retried each time."""

    def __init__(self, path: Path = DEFAULT_PATH) -> None:
        self._path = path
        self._file: int | None = None
        self._failed = False
        self._marked = True
        """The content may be something else than what a running loop shows."""
        self._taken: int | None = None
        self._pid = b"%d" % os.getpid()

    def starting(self) -> None:
        """To be called before the outputs are first touched: the process is there, its loop not yet."""
        self._mark(STARTING)
        if self._taken is None:
            try:
                self._taken = os.open(self._path.with_name(TAKEN_NAME), os.O_RDONLY | os.O_CLOEXEC)
            except FileNotFoundError:
                return  # No guard runs here.
            except OSError as error:
                log.warning("%s: %s", self._path.with_name(TAKEN_NAME), error.strerror)

    def beat(self) -> bool:
        """To be called once in each control cycle; three system calls. Returns whether the file shows it.

        Raises TakenOverError when the guard has taken the outputs over from this process.
        """
        if self._taken is not None and os.pread(self._taken, 16, 0).strip() == self._pid:
            raise TakenOverError("the guard has taken the outputs over: the loop stood still for too long")
        try:
            file = self._open()
            if self._marked:
                os.ftruncate(file, 0)
                self._marked = False
            os.utime(file)
        except OSError as error:
            self._report(error)
            return False
        if self._failed:
            log.info("heartbeat %s: works again", self._path)
        self._failed = False
        return True

    def end(self, wanted: bool) -> None:
        """The loop has ended and the outputs are safe; ``wanted``: because it was asked to."""
        self._mark(STOPPED if wanted else FAILED)

    def close(self) -> None:
        """Release the files; the heartbeat stays where it is, and stands still."""
        for file in (self._file, self._taken):
            if file is not None:
                os.close(file)
        self._file = self._taken = None

    def _mark(self, content: bytes) -> None:
        self._marked = True
        try:
            file = self._open()
            os.ftruncate(file, 0)
            os.pwrite(file, content, 0)
        except OSError as error:
            self._report(error)

    def _open(self) -> int:
        # Somebody may have removed the file: the open one would go on being touched, seen by nobody.
        if self._file is not None and os.fstat(self._file).st_nlink == 0:
            os.close(self._file)
            self._file = None
        if self._file is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
            self._marked = True
        return self._file

    def _report(self, error: OSError) -> None:
        if not self._failed:
            log.error("heartbeat %s: %s; who guards portd takes it for dead", self._path, error.strerror)
        self._failed = True
