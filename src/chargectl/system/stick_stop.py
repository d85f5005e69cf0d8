"""SIGTERM as an exception at once, or, around what must not be torn apart, as soon as that is done."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Stopped(BaseException):
    """The service manager wants this program to end."""


class Stop:
    """Whether the end is wanted. Nothing happens before :meth:`listen`."""

    def __init__(self) -> None:
        self.requested = False
        self._held = 0

    def listen(self) -> None:
        """Take SIGTERM from now on; only in the main thread."""
        signal.signal(signal.SIGTERM, self._arrived)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Inside, SIGTERM is only noted; on leaving without an error it raises Stopped."""
        self._held += 1
        try:
            yield
        finally:
            self._held -= 1
        if self.requested and not self._held:
            raise Stopped

    def _arrived(self, number: int, frame: FrameType | None) -> None:
        self.requested = True
        if not self._held:
            raise Stopped
