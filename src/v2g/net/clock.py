"""The event loop's clock for the cores: whole milliseconds, and one alarm for a core's deadline."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


def now_ms() -> int:
    """Monotonic milliseconds, rounded up: what fires on time is not too early for a core."""
    return -int(-asyncio.get_running_loop().time() * 1000 // 1)


class Alarm:
    """Calls a function when a core's deadline has come; set anew after everything that happens to it."""

    __slots__ = ("_due_ms", "_handle", "_ring")

    def __init__(self, ring: Callable[[], None]) -> None:
        self._ring = ring
        self._handle: asyncio.TimerHandle | None = None
        self._due_ms: int | None = None

    def set(self, due_ms: int | None) -> None:
        """Ring at this time, or not at all."""
        if due_ms == self._due_ms and self._handle is not None:
            return
        self.cancel()
        if due_ms is not None:
            self._due_ms = due_ms
            self._handle = asyncio.get_running_loop().call_at(due_ms / 1000, self._rung)

    def cancel(self) -> None:
        """Do not ring."""
        if self._handle is not None:
            self._handle.cancel()
        self._handle = self._due_ms = None

    def _rung(self) -> None:
        self._handle = self._due_ms = None
        self._ring()
