"""The hardware watchdog. Once opened it resets the board unless it is fed; it is never switched off.

The magic close ('V') is never written: if this program ends in whatever way, the watchdog goes on counting.
"""

import libc
from report import error, name_of, note

TIMEOUT_S = 10
"""Unfed for this long, the board is reset: what a hung kernel may keep the contactor closed for at most. Long
enough for the service manager to start this program again."""

BITE_S = 1
"""The shortest time of the i.MX watchdog: the reset that is wanted now."""

SHUTDOWN_S = 120
"""For the rest of a shutdown after this program has ended; the i.MX watchdog counts to 128 s at most."""

_SETTIMEOUT = 0xC0045706
"""WDIOC_SETTIMEOUT, _IOWR('W', 6, int) of linux/watchdog.h."""


class Watchdog:
    """The device at ``path``. Nothing raises: a device that fails is opened anew with the next feeding."""

    def __init__(self, path):
        self._path = path
        self._fd = -1
        self._timeout_s = TIMEOUT_S
        self._failed = False
        self._bites = False

    @property
    def works(self):
        """Whether the device is open and took the last command."""
        return self._fd >= 0

    def feed(self):
        """Start it again from its full time; open it where it is not open yet."""
        try:
            if self._fd < 0:
                self._fd = libc.open_write(self._path)
                self._set_timeout()
            libc.write(self._fd, b"\0")
        except OSError as problem:
            self._fail(problem)
            return
        if self._failed:
            note(f"watchdog {self._path}: works again")
        self._failed = False

    def bite(self):
        """Let it reset the board as soon as it can; to be repeated until it works.

        Done once only: the kernel feeds the watchdog each time its timeout is set.
        """
        if self._bites:
            return
        try:
            if self._fd < 0:
                self._fd = libc.open_write(self._path)
            self._timeout_s = BITE_S
            self._set_timeout()
            self._bites = True
        except OSError as problem:
            # Where it was fed before, it bites all the same, after the time that it has.
            self._fail(problem)

    def outlive(self):
        """Leave it armed for the rest of a shutdown."""
        self._timeout_s = SHUTDOWN_S
        try:
            self._set_timeout()
        except OSError as problem:
            # It bites all the same, after the time that it has.
            self._fail(problem)

    def _set_timeout(self):
        libc.ioctl_int(self._fd, _SETTIMEOUT, self._timeout_s)

    def _fail(self, problem):
        if not self._failed:
            error(f"watchdog {self._path}: {name_of(problem)}: the board is not protected by it")
        self._failed = True
        if self._fd >= 0:
            libc.close(self._fd)
        self._fd = -1
