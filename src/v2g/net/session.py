"""What both sides of a session's shell do: one connection, one core, its effects and its alarm."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

from v2g.common.effects import Log
from v2g.common.terms import LinkWish
from v2g.net.clock import Alarm, now_ms
from v2g.net.link import LinkShell
from v2g.net.streams import Stream
from v2g.slac.effects import DLinkReady
from v2g.slac.effects import Effect as SlacEffect
from v2g.slac.events import Command

_COMMANDS: Final = {
    LinkWish.TERMINATE: Command.TERMINATE,
    LinkWish.ERROR: Command.ERROR,
    LinkWish.PAUSE: Command.PAUSE,
}

Opened = Callable[[str, str, bool], None]
"""Told of a connection: this side's place, the other's, and whether it is TLS."""


class Core(Protocol):
    """A session core, the station's or the car's. Its effects are those of its side."""

    def link_ready(self, now_ms: int) -> Sequence[Any]:
        """The data link stands."""

    def connected(self, now_ms: int, *, tls: bool = False) -> Sequence[Any]:
        """The connection is open."""

    def received(self, data: bytes, now_ms: int) -> Sequence[Any]:
        """Bytes have come in."""

    def disconnected(self, now_ms: int) -> Sequence[Any]:
        """The connection is gone."""

    def changed(self, now_ms: int) -> Sequence[Any]:
        """Facts have changed."""

    def tick(self, now_ms: int) -> Sequence[Any]:
        """Time has passed."""

    def deadline(self) -> int | None:
        """When a tick is wanted."""


class SessionShell:
    """Runs a session core on its connections.

    Args:
        core: the core; its facts are the caller's to change, followed by :meth:`changed`.
        sends, disconnects, links: the core's effects that write bytes, end the connection, and tell what
            becomes of the data link.
        watch: gets every effect that writes no bytes.
        opened: is told of connections (recordings).
    """

    def __init__(
        self,
        core: Core,
        sends: type,
        disconnects: type,
        links: type,
        watch: Callable[[Any], None],
        opened: Opened | None = None,
    ) -> None:
        self._core = core
        self._sends, self._disconnects, self._links = sends, disconnects, links
        self._watch = watch
        self._opened = opened
        self._link: LinkShell | None = None
        self._stream: Stream | None = None
        self._alarm = Alarm(lambda: self._do(self._core.tick(now_ms())))
        self._queue: deque[Any] = deque()
        self._busy = False

    @property
    def connected(self) -> bool:
        """Whether there is a connection."""
        return self._stream is not None

    def changed(self) -> None:
        """Facts have changed."""
        self._do(self._core.changed(now_ms()))

    def slac(self, effect: SlacEffect) -> None:
        """An effect of SLAC; goes on to ``watch``."""
        self._watch(effect)
        if isinstance(effect, DLinkReady):
            self._ready(effect.ready)

    def send(self, data: bytes) -> None:
        """Write to the connection, if there is one."""
        if self._stream is not None:
            self._stream.write(data)

    def break_off(self, *, reset: bool = False) -> None:
        """End the connection as the network would; the core learns of it as of any loss."""
        if self._stream is None:
            return
        if reset:
            self._stream.abort()
        else:
            self._stream.close()

    async def close(self) -> None:
        """End the connection and leave the network."""
        self._alarm.cancel()
        if self._stream is not None:
            self._stream.close()
        if self._link is not None:
            await self._link.close()
        await asyncio.sleep(0)

    def connection(self) -> Connection:
        """A receiver for a new connection."""
        return Connection(self)

    def _ready(self, ready: bool) -> None:
        """The data link has come up or gone."""
        raise NotImplementedError

    # ------------------------------------------------------------------ the connection

    def made(self, stream: Stream) -> None:
        """There is a connection."""
        self._stream = stream
        self._watch(Log(f"connected to {stream.peer}, {stream.security}"))
        if self._opened is not None:
            self._opened(stream.own, stream.peer, stream.tls_version is not None)
        self._do(self._core.connected(now_ms(), tls=stream.tls_version is not None))

    def data(self, stream: Stream, data: bytes) -> None:
        """Bytes have come in; those of an earlier connection are nobody's."""
        if stream is self._stream:
            self._do(self._core.received(data, now_ms()))

    def lost(self, stream: Stream, reason: str) -> None:
        """A connection is gone."""
        if stream is self._stream:
            self._stream = None
            self._watch(Log(f"connection ended{': ' + reason if reason else ''}"))
            self._do(self._core.disconnected(now_ms()))

    def _hang_up(self) -> None:
        """Close the connection; what still comes on it is nobody's."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def _do(self, effects: Sequence[Any]) -> None:
        """Carry out effects; what they make happen in turn comes after them."""
        self._queue.extend(effects)
        if self._busy:
            return
        self._busy = True
        try:
            while self._queue:
                self._carry_out(self._queue.popleft())
        finally:
            self._busy = False
        self._alarm.set(self._core.deadline())

    def _carry_out(self, effect: Any) -> None:
        if isinstance(effect, self._sends):
            self.send(effect.data)  # type: ignore[attr-defined]
            return
        if isinstance(effect, self._disconnects):
            self._hang_up()
        elif isinstance(effect, self._links) and self._link is not None:
            self._link.happened(_COMMANDS[effect.wish])  # type: ignore[attr-defined]
        self._watch(effect)


class Connection:
    """One TCP or TLS connection, as :mod:`v2g.net.streams` wants it."""

    def __init__(self, shell: SessionShell) -> None:
        self._shell = shell
        self._stream: Stream | None = None

    def connection_made(self, stream: Stream) -> None:
        """It stands."""
        self._stream = stream
        self._shell.made(stream)

    def data_received(self, data: bytes) -> None:
        """Bytes have come."""
        if self._stream is not None:
            self._shell.data(self._stream, data)

    def connection_lost(self, reason: str) -> None:
        """It has ended."""
        if self._stream is not None:
            self._shell.lost(self._stream, reason)
