"""What goes wrong between the program and the board's files, in one line a person can act on."""

from __future__ import annotations

import errno
import os
from typing import Final

_CAUSES: Final = {
    errno.EACCES: "is this user in the group that a udev rule gives the file to?",
    errno.EPERM: "is this user in the group that a udev rule gives the file to?",
    errno.EBUSY: "held by another program or by a kernel driver",
    errno.EINVAL: "the kernel refuses this value here",
    errno.EIO: "the device does not answer: a hardware or bus fault",
    errno.EREMOTEIO: "the device does not answer: a hardware or bus fault",
    errno.ETIMEDOUT: "the device does not answer: a hardware or bus fault",
}
_GONE: Final = frozenset({errno.ENOENT, errno.ENODEV, errno.ENXIO, errno.EBADF, errno.ESTALE, errno.ENOTCONN})


class BoardError(Exception):
    """One source of the board does not work.

    ``source`` is a short, stable name (``pilot_adc``, ``relay1_sense``), ``path`` the file or directory,
    ``errno`` the kernel's error number or None when the kernel was content and the answer was not. The text
    is put together when somebody asks for it: a fault that lasts costs the control loop no strings.
    """

    def __init__(
        self, source: str, path: str, error: int | None, *, problem: str = "", missing: str = ""
    ) -> None:
        super().__init__(source, path, error)
        self.source = source
        self.path = path
        self.errno = error
        self._problem = problem
        self._missing = missing

    @classmethod
    def of(cls, source: str, path: str, error: OSError, missing: str = "") -> BoardError:
        """Return the error for what the kernel said; ``missing`` is the likely cause if a file is gone."""
        problem = "" if error.errno is not None else str(error)
        return cls(source, path, error.errno, problem=problem, missing=missing)

    def __str__(self) -> str:
        problem = self._problem
        if not problem:
            problem = os.strerror(self.errno).lower() if self.errno is not None else "does not work"
        cause = self._missing if self.errno in _GONE else _CAUSES.get(self.errno or 0, "")
        return f"{self.source}: {self.path}: {problem}" + (f": {cause}" if cause else "")
