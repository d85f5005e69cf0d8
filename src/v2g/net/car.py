"""An EV's V2G side on one interface: SLAC, SDP, TCP or TLS, and the session core, as one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from v2g.common.effects import Log
from v2g.evcc.engine import Evcc
from v2g.net import sdp, streams
from v2g.net.interfaces import NetworkError
from v2g.net.link import LinkShell
from v2g.net.session import Opened, SessionShell
from v2g.sdp import SdpRequester, SdpResponse, Security
from v2g.slac.events import PilotLetter

if TYPE_CHECKING:
    import ssl


class CarShell(SessionShell):
    """Runs an EV's session core.

    Args:
        core: the session core; its vehicle's facts are the caller's to change, followed by :meth:`changed`.
        interface: its name.
        watch: gets every effect that is not carried out here: of the session, of SLAC, of SDP.
        tls: context for TLS; None: the session is without.
        tls_only: go without a charger that offers none.
        judge: checks of a TLS connection.
        opened: is told of connections (recordings).
        sdp_port: UDP port of SDP.
        datagrams: is told of SDP's datagrams (recordings).
    """

    def __init__(
        self,
        core: Evcc,
        interface: str,
        watch: Callable[[Any], None],
        *,
        tls: ssl.SSLContext | None = None,
        tls_only: bool = False,
        judge: streams.Judge | None = None,
        opened: Opened | None = None,
        sdp_port: int = 15118,
        datagrams: sdp.Datagrams | None = None,
    ) -> None:
        super().__init__(core, watch, opened)
        self._evcc = core
        self._interface = interface
        self._tls = tls
        self._tls_only = tls_only
        self._judge = judge
        self._sdp_port = sdp_port
        self._datagrams = datagrams
        self._finding: asyncio.Task[None] | None = None

    def start(self, link: LinkShell | None = None) -> None:
        """Begin.

        Args:
            link: SLAC, its effects given to :meth:`slac`; None: the link is always there, and the charger is
                looked for at once.
        """
        self._link = link
        if link is not None:
            link.start()
        else:
            self._ready(True)

    def pilot(self, state: PilotLetter) -> None:
        """The control pilot has changed."""
        if self._link is not None:
            self._link.pilot(state)

    async def close(self) -> None:
        """End without ado: the connection, and the network."""
        await self._find_no_more()
        await super().close()

    def _ready(self, ready: bool) -> None:
        if ready:
            self._ask(self._core.link_ready)
            self._finding = asyncio.create_task(self._find())
            return
        if self._finding is not None:
            self._finding.cancel()
        self._hang_up()
        self._ask(self._evcc.link_lost)

    async def _find_no_more(self) -> None:
        if self._finding is not None:
            self._finding.cancel()
            await asyncio.gather(self._finding, return_exceptions=True)

    async def _find(self) -> None:
        """Find the charger and connect; what fails is logged, and a timer of the core ends the attempt."""
        try:
            place = await self._discovered()
            secure = place.security is Security.TLS
            await streams.connect(
                str(place.address),
                place.port,
                self._interface,
                self.connection(),
                tls=self._tls if secure else None,
                judge=self._judge if secure else None,
            )
        except NetworkError as error:
            self._watch(Log(str(error)))

    async def _discovered(self) -> SdpResponse:
        if self._tls is None:
            requester = SdpRequester(Security.NONE)
        elif self._tls_only:
            requester = SdpRequester(Security.TLS)
        else:
            requester = SdpRequester(Security.TLS, accepted=frozenset(Security))
        return await sdp.discover(
            self._interface, requester, self._watch, port=self._sdp_port, datagrams=self._datagrams
        )
