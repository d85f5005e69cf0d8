"""The daemon's end of the connection to the port, for asyncio."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Final

from chargectl.declarations.port_link import LEASE_MS, RENEW_MS, PortStatus, SessionWish
from chargectl.system.port_link import MAXIMUM_LINE, Lines, PortLinkError, decode, encode

log = logging.getLogger(__name__)

RETRY_S: Final = 0.5


class PortLinkClient:
    """Keeps a connection to portd. ``told`` gets each status, and None when there is none to rely on."""

    def __init__(self, path: Path, told: Callable[[PortStatus | None], None]) -> None:
        self._path = path
        self._told = told
        self._wish = SessionWish()
        self._writer: asyncio.StreamWriter | None = None
        self._away = ""

    def wish(self, wish: SessionWish) -> None:
        """Tell portd, now and every RENEW_MS from now on."""
        self._wish = wish
        self._send()

    async def run(self) -> None:
        """Connect, listen, and connect again, until it is cancelled."""
        while True:
            try:
                await self._talk()
            except (OSError, TimeoutError, PortLinkError) as error:
                self._report(str(error) or "portd says nothing")
            await asyncio.sleep(RETRY_S)

    async def _talk(self) -> None:
        reader, writer = await asyncio.open_unix_connection(self._path)
        self._writer = writer
        renewing = asyncio.create_task(self._renew())
        try:
            log.info("portd: connected")
            self._away = ""
            lines = Lines()
            while True:
                async with asyncio.timeout(LEASE_MS / 1000):
                    data = await reader.read(16 * MAXIMUM_LINE)
                if not data:
                    raise ConnectionResetError("portd has closed the connection")
                for line in lines.feed(data):
                    self._told(decode(PortStatus, line))
        finally:
            renewing.cancel()
            self._writer = None
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
            self._told(None)

    async def _renew(self) -> None:
        while True:
            self._send()
            await asyncio.sleep(RENEW_MS / 1000)

    def _send(self) -> None:
        if self._writer is not None and not self._writer.is_closing():
            self._writer.write(encode(self._wish))

    def _report(self, why: str) -> None:
        if why != self._away:
            self._away = why
            log.warning("portd at %s: %s; trying again", self._path, why)
