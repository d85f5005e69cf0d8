"""Tells another controller what the car says of its battery, by HTTP: an AC charger learns its SoC that way.

A POST with the values as parameters, each time that one has changed. The names are those that the SmartEVSE
takes at ``/ev_state``; what is not known is -1."""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import threading
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import SplitResult, urlencode, urlsplit

from v2g.secc.effects import EvTold, Link
from v2g.secc.facts import EvFact

TIMEOUT_S: Final = 5.0
"""A controller that has not answered by then is given up."""
_PARAMETERS: Final = {
    EvFact.SOC: "current_soc",
    EvFact.DC_FULL_SOC: "full_soc",
    EvFact.DC_ENERGY_CAPACITY_WH: "energy_capacity",
    EvFact.DC_ENERGY_REQUEST_WH: "energy_request",
}
"""Per cent and watt-hours."""
_CAR: Final = "evccid"
_UNKNOWN: Final = -1
_SIGNS: Final = re.compile(r"[!-~]+")
"""What a URL is written with: ASCII that is visible."""


class SocPush:
    """Sends them.

    Args:
        url: of the controller; its query, if it has one, is kept.
        line: gets a line for people when the controller does not take them.

    Raises:
        ValueError: no URL of HTTP, or one with a password.
    """

    def __init__(self, url: str, line: Callable[[str], None]) -> None:
        self._parts = _parts(url)
        self._line = line
        self._values: dict[str, Any] = {}
        self._next: str | None = None
        """What is to be sent; later news take its place."""
        self._task: asyncio.Task[None] | None = None
        self._failure = ""

    def take(self, effect: Any) -> None:
        """Look at an effect of the charger's session."""
        if isinstance(effect, Link):
            self._values.clear()  # the next car is another one
        elif isinstance(effect, EvTold) and effect.fact is EvFact.EVCC_ID:
            self._values[_CAR] = effect.value.replace(":", "")
        elif isinstance(effect, EvTold) and effect.fact in _PARAMETERS:
            self._values[_PARAMETERS[effect.fact]] = round(effect.value)
            if _PARAMETERS[EvFact.SOC] in self._values:
                self._tell()

    async def close(self) -> None:
        """Send no more."""
        self._next = None
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def _tell(self) -> None:
        known = dict.fromkeys(_PARAMETERS.values(), _UNKNOWN) | {_CAR: ""} | self._values
        self._next = urlencode(known)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._send())

    async def _send(self) -> None:
        while self._next is not None:
            parameters, self._next = self._next, None
            failure = await _post(self._parts, parameters)
            if failure and failure != self._failure:
                self._line(f"{self._parts.netloc} does not take the state of charge: {failure}")
            self._failure = failure


def _parts(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        fine = parts.port != 0 and parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:  # the port, or half an IPv6 address
        raise ValueError(f"{url}: write http://HOST/PATH") from None
    if "@" in parts.netloc:
        raise ValueError("user and password cannot be given")
    if not fine or not _SIGNS.fullmatch(url):
        raise ValueError(f"{url}: write http://HOST/PATH")
    return parts


async def _post(parts: SplitResult, parameters: str) -> str:
    """Send it, in a thread that nobody waits for longer; why it was not taken, empty if it was."""
    from http.client import HTTPConnection, HTTPException, HTTPSConnection

    # This client follows no redirection and asks no proxy: what the car said goes nowhere else.
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=TIMEOUT_S)
    query = f"{parts.query}&{parameters}" if parts.query else parameters
    loop = asyncio.get_running_loop()
    answered: asyncio.Future[str] = loop.create_future()

    def answer(failure: str) -> None:
        if not answered.done():
            answered.set_result(failure)

    def exchange() -> None:
        try:
            connection.request("POST", f"{parts.path or '/'}?{query}", headers={"Connection": "close"})
            response = connection.getresponse()
            failure = "" if response.status // 100 == 2 else f"{response.status} {response.reason}".strip()
        except (OSError, HTTPException, ValueError) as error:
            failure = str(error) or type(error).__name__
        connection.close()
        with contextlib.suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(answer, failure)

    threading.Thread(target=exchange, daemon=True).start()
    try:
        async with asyncio.timeout(TIMEOUT_S):
            return await answered
    except TimeoutError:
        return f"no answer within {TIMEOUT_S:g} s"
    finally:
        _cut(connection.sock)


def _cut(sock: socket.socket | None) -> None:
    """End what a thread waits for."""
    if sock is not None:
        with contextlib.suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)
