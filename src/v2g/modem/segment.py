"""Simulated modems on real interfaces: reads what hosts send, asks the power line, writes what modems
give."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from types import TracebackType
from typing import Self

from v2g.modem.core import Modem
from v2g.modem.line import Delivery, Powerline
from v2g.net.interfaces import InterfaceError
from v2g.net.packet import EVERY_ETHERTYPE, PacketSocket

logger = logging.getLogger(__name__)


class Segment:
    """A power line whose modems sit at interfaces. Use as an asynchronous context manager, and watch
    :attr:`failed`."""

    def __init__(self, line: Powerline, ports: Iterable[tuple[Modem, str]]) -> None:
        """
        Args:
            line: with all modems attached.
            ports: each modem and the interface at which it sits (the modem's end of a veth pair).

        Raises:
            NetworkError: an interface is not there or not up, or raw sockets are not allowed.
        """
        self._line = line
        self._timer: asyncio.TimerHandle | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._sockets: dict[int, PacketSocket] = {}
        self._ports: list[tuple[Modem, PacketSocket]] = []
        try:
            for modem, interface in ports:
                port = PacketSocket(interface, EVERY_ETHERTYPE)
                self._sockets[id(modem)] = port
                self._ports.append((modem, port))
        except BaseException:
            self._close()
            raise

    async def __aenter__(self) -> Self:
        self.failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Gets the error when an interface goes away."""
        self._tasks = [asyncio.create_task(self._read(modem, port)) for modem, port in self._ports]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._timer:
            self._timer.cancel()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.failed.cancel()
        if self.failed.done() and not self.failed.cancelled():
            self.failed.exception()
        self._close()

    def _close(self) -> None:
        for port in self._sockets.values():
            port.close()

    async def _read(self, modem: Modem, port: PacketSocket) -> None:
        try:
            while True:
                data = await port.receive()
                self._write(self._line.from_host(modem, data, self._now_ms()))
                self._arm()
        except InterfaceError as error:
            if not self.failed.done():
                self.failed.set_exception(error)

    def _write(self, deliveries: list[Delivery]) -> None:
        for modem, data in ((each.modem, each.data) for each in deliveries):
            try:
                self._sockets[id(modem)].send(data)
            except InterfaceError as error:
                # The host's end may be down for a while; a modem's frames are lost then.
                logger.debug("%s", error)

    def _arm(self) -> None:
        at = self._line.deadline()
        if self._timer:
            self._timer.cancel()
            self._timer = None
        if at is not None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(max(at - self._now_ms(), 1) / 1000, self._tick)

    def _tick(self) -> None:
        self._timer = None
        self._write(self._line.due(self._now_ms()))
        self._arm()

    def _now_ms(self) -> int:
        return int(asyncio.get_running_loop().time() * 1000)
