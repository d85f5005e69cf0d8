"""A receiver that writes down what happens to its connection."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from v2g.net.streams import Stream

LIMIT_S = 20.0
"""Nothing here takes so long: a test that waits longer fails."""


class Recorder:
    """Keeps the bytes of a connection and how it began and ended."""

    def __init__(self, echo: bool = False) -> None:
        self.echo = echo
        self.stream: Stream | None = None
        self.data = b""
        self.lost: str | None = None
        self._changed = asyncio.Event()

    def connection_made(self, stream: Stream) -> None:
        self.stream = stream
        self._changed.set()

    def data_received(self, data: bytes) -> None:
        self.data += data
        if self.echo and self.stream is not None:
            self.stream.write(data)
        self._changed.set()

    def connection_lost(self, reason: str) -> None:
        self.lost = reason
        self._changed.set()

    @property
    def ended(self) -> bool:
        return self.lost is not None

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait for something that this connection's events bring about."""
        async with asyncio.timeout(LIMIT_S):
            while not condition():
                self._changed.clear()
                if condition():
                    return
                await self._changed.wait()


class Side:
    """The receivers and log lines of a listener."""

    def __init__(self, echo: bool = False) -> None:
        self.receivers: list[Recorder] = []
        self.log: list[str] = []
        self._echo = echo
        self._changed = asyncio.Event()

    def receiver(self) -> Recorder:
        self.receivers.append(Recorder(self._echo))
        return self.receivers[-1]

    def write(self, line: str) -> None:
        self.log.append(line)
        self._changed.set()

    async def logged(self, count: int = 1) -> None:
        """Wait for so many lines."""
        async with asyncio.timeout(LIMIT_S):
            while len(self.log) < count:
                self._changed.clear()
                await self._changed.wait()
