"""Tells another controller what the car says of its battery, by HTTP: an AC charger learns its SoC that way.

A POST with the values as parameters, each time that one has changed. The names are those that the SmartEVSE
takes at ``/ev_state``; what is not known is -1."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import SplitResult, urlencode, urlsplit

from v2g.secc.facts import EvFact

TIMEOUT_S: Final = 5.0
"""A controller that does not answer is given up then."""
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
        parts = _parts(url)
        self._url = parts._replace(query=parts.query and parts.query + "&", fragment="").geturl()
        self._url += "" if parts.query else "?"
        self._shown = parts.netloc
        self._line = line
        self._values: dict[str, Any] = {}
        self._next: str | None = None
        """What is to be sent; later news take its place."""
        self._task: asyncio.Task[None] | None = None
        self._failure = ""

    def take(self, effect: Any) -> None:
        """Look at an effect of the charger's session."""
        name = type(effect).__name__
        if name == "Link":
            self._values.clear()  # the next car is another one
        elif name == "EvTold" and effect.fact is EvFact.EVCC_ID:
            self._values[_CAR] = effect.value.replace(":", "")
        elif name == "EvTold" and effect.fact in _PARAMETERS:
            self._values[_PARAMETERS[effect.fact]] = round(effect.value)
            if _PARAMETERS[EvFact.SOC] in self._values:
                self._tell()

    async def close(self) -> None:
        """Send no more; what is under way may end."""
        self._next = None
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)

    def _tell(self) -> None:
        known = dict.fromkeys(_PARAMETERS.values(), _UNKNOWN) | {_CAR: ""} | self._values
        self._next = self._url + urlencode(known)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._send())

    async def _send(self) -> None:
        while self._next is not None:
            url, self._next = self._next, None
            failure = await asyncio.to_thread(_post, url)
            if failure and failure != self._failure:
                self._line(f"{self._shown} does not take the state of charge: {failure}")
            self._failure = failure


def _parts(url: str) -> SplitResult:
    if "@" in url:
        raise ValueError("user and password cannot be given")
    try:
        parts = urlsplit(url)
        if parts.port != 0 and parts.scheme in ("http", "https") and parts.hostname and _SIGNS.fullmatch(url):
            return parts
    except ValueError:  # the port, or half an IPv6 address
        pass
    raise ValueError(f"{url}: write http://HOST/PATH")


def _post(url: str) -> str:
    """Send it; why it was not taken, empty if it was."""
    from http.client import HTTPException
    from urllib.request import Request, urlopen

    try:
        # The scheme was looked at: nothing but HTTP gets here.
        with urlopen(Request(url, data=b"", method="POST"), timeout=TIMEOUT_S):
            return ""
    except (OSError, HTTPException) as error:
        return str(getattr(error, "reason", "") or error)
