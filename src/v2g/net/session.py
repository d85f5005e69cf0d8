"""What both sides of a session's shell do: one connection, one core, its effects and its alarm."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

from v2g.common.effects import Log
from v2g.common.session_effects import Disconnect, Link, Send
from v2g.common.terms import LinkWish
from v2g.net.clock import Alarm, now_ms
from v2g.net.guarded import guarded
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

PASSING_MS: Final = 100
"""A modem that leaves its network forwards no more: a connection's end gets this long to pass it before. Far
less than what there is for leaving (TP_match_leave, 1 s, ISO 15118-3:2015 Table A.1)."""

Opened = Callable[[str, str, bool], None]
"""Told of a connection: this side's place, the other's, and whether it is TLS."""


class Core(Protocol):
    """A session core, the station's or the car's. Its effects are those of its side."""

    def link_ready(self, now_ms: int) -> Sequence[Any]:
        """The data link stands."""

    def connected(
        self,
        now_ms: int,
        *,
        tls: bool = False,
        tls_version: str = "",
        peer_certificate: bytes | None = None,
    ) -> Sequence[Any]:
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


class SessionShell(ABC):
    """Runs a session core on its connections.

    Args:
        core: the core; its facts are the caller's to change, followed by :meth:`changed`.
        watch: gets every effect that writes no bytes.
        opened: is told of connections (recordings).
        safe: the effects that make the hardware safe, whatever the core thinks it is.
    """

    def __init__(
        self,
        core: Core,
        watch: Callable[[Any], None],
        opened: Opened | None = None,
        safe: Sequence[Any] = (),
    ) -> None:
        self._core = core
        self._watch = watch
        self._opened = opened
        self._safe = safe
        self._link: LinkShell | None = None
        self._stream: Stream | None = None
        self._alarm = Alarm(lambda: self._ask(self._core.tick))
        self._hung_up_ms: int | None = None
        self._parting: tuple[asyncio.TimerHandle, Command] | None = None
        self._queue: deque[Any] = deque()
        self._busy = False

    @property
    def connected(self) -> bool:
        """Whether there is a connection."""
        return self._stream is not None

    def changed(self) -> None:
        """Facts have changed."""
        self._ask(self._core.changed)

    def slac(self, effect: SlacEffect) -> None:
        """An effect of SLAC; goes on to ``watch``, after what is done for it here."""
        if isinstance(effect, DLinkReady):
            if not effect.ready and self._parting is not None:
                # The plug is out, or the modem has lost the network: there is nothing left to part from.
                self._parting[0].cancel()
                self._parting = None
            self._ready(effect.ready)
        self._tell(effect)

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
            self._hung_up_ms = now_ms()
        if self._link is not None:
            await asyncio.sleep(self._passing_ms() / 1000)
            self._parted()
            await self._link.close()
        await asyncio.sleep(0)

    def connection(self) -> Connection:
        """A receiver for a new connection."""
        return Connection(self)

    @abstractmethod
    def _ready(self, ready: bool) -> None:
        """The data link has come up or gone."""

    # ------------------------------------------------------------------ the connection

    def made(self, stream: Stream) -> None:
        """There is a connection. A second one beside it is refused: one car, one session."""
        if self._stream is not None:
            self._tell(Log(f"a second connection, from {stream.peer}, is refused"))
            stream.abort()
            return
        self._stream = stream
        self._tell(Log(f"connected to {stream.peer}, {stream.security}"))
        if self._opened is not None:
            guarded(self._opened, stream.own, stream.peer, stream.tls_version is not None)
        self._ask(
            lambda now: self._core.connected(
                now,
                tls=stream.tls_version is not None,
                tls_version=stream.tls_version or "",
                peer_certificate=stream.peer_certificate,
            )
        )

    def data(self, stream: Stream, data: bytes) -> None:
        """Bytes have come in; those of an earlier connection are nobody's."""
        if stream is self._stream:
            self._ask(lambda now: self._core.received(data, now))

    def lost(self, stream: Stream, reason: str) -> None:
        """A connection is gone. The core is told first: what is closed opens."""
        if stream is self._stream:
            self._stream = None
            self._ask(self._core.disconnected)
            self._tell(Log(f"connection ended{': ' + reason if reason else ''}"))

    def _hang_up(self) -> None:
        """Close the connection; what still comes on it is nobody's."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None
            self._hung_up_ms = now_ms()

    def _passing_ms(self) -> int:
        """How long the end of the connection may still need to get through the modem."""
        if self._hung_up_ms is None:
            return 0
        return max(self._hung_up_ms + PASSING_MS - now_ms(), 0)

    def _part(self, link: LinkShell, command: Command) -> None:
        """Tell the link what is wanted of it, but let a connection's end get through before."""
        wait_ms = self._passing_ms()
        if not wait_ms:
            link.happened(command)
            return
        later = asyncio.get_running_loop().call_later(wait_ms / 1000, self._parted)
        self._parting = later, command

    def _parted(self) -> None:
        """Tell the link what waits."""
        if self._parting is not None and self._link is not None:
            (later, command), self._parting = self._parting, None
            later.cancel()
            self._link.happened(command)

    def _ask(self, question: Callable[[int], Sequence[Any]]) -> None:
        """Ask the core, and do what it wants. After a fault of the core what is closed opens first; then the
        connection ends, and the core learns of that."""
        try:
            effects = question(now_ms())
        except Exception as error:  # noqa: BLE001  # whatever is wrong with it, power does not stay on
            self._do(self._safe)
            self._tell(Log(f"the session ends after a fault: {type(error).__name__}: {error}"))
            self._hang_up()
            effects = self._core.disconnected(now_ms())
        self._do(effects)

    def _do(self, effects: Sequence[Any]) -> None:
        """Carry out effects; what they make happen in turn comes after them.

        Whatever one of them runs into, the others are carried out, and the core is asked again in time."""
        self._enqueue(effects)
        if self._busy:
            return
        self._busy = True
        while self._queue:
            guarded(self._carry_out, self._queue.popleft())
        self._busy = False
        self._alarm.set(self._core.deadline())

    def _enqueue(self, effects: Sequence[Any]) -> None:
        self._queue.extend(effects)

    def _tell(self, effect: Any) -> None:
        guarded(self._watch, effect)

    def _carry_out(self, effect: Any) -> None:
        if isinstance(effect, Send):
            self.send(effect.data)
            return
        if isinstance(effect, Disconnect):
            self._hang_up()
        elif isinstance(effect, Link) and self._link is not None:
            self._part(self._link, _COMMANDS[effect.wish])
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
