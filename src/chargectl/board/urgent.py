"""Waiting for an edge: the inputs that must be acted on at once wake the control loop."""

from __future__ import annotations

import contextlib
import select
from collections.abc import Sequence

from chargectl.board.gpio import InputLine


class UrgentInputs:
    """Input lines with edges, waited for together.

    The kernel reports an edge until the line is read again, so none is lost between a reading and the wait.
    """

    __slots__ = ("_epoll", "_lines", "_seen")

    def __init__(self, lines: Sequence[InputLine]) -> None:
        self._lines = tuple(lines)
        self._seen = [0] * len(self._lines)
        self._epoll = select.epoll()

    def fds(self) -> tuple[int, ...]:
        """Return the descriptors of the lines that work, to be polled for priority events."""
        return tuple(line.fd for line in self._lines if line.fd >= 0)

    def wait(self, timeout_s: float) -> bool:
        """Wait for an edge, at most ``timeout_s`` seconds. Returns whether there was one."""
        for index, line in enumerate(self._lines):
            if line.generation != self._seen[index] and line.fd >= 0:
                self._watch(line.fd)
                self._seen[index] = line.generation
        return bool(self._epoll.poll(max(timeout_s, 0.0)))

    def close(self) -> None:
        """Close what waits; the lines are left alone."""
        self._epoll.close()

    def _watch(self, fd: int) -> None:
        # A file that cannot be polled (no interrupt behind it) is still read in every cycle.
        with contextlib.suppress(PermissionError):
            self._epoll.register(fd, select.EPOLLPRI)
