"""A charging station's V2G side on one interface: SLAC, SDP, TCP or TLS, and the session core, as one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from v2g.common.effects import Log
from v2g.net import sdp, streams
from v2g.net.link import LinkShell
from v2g.net.session import Opened, SessionShell
from v2g.sdp import SdpResponder, TlsPolicy
from v2g.secc.effects import CableCheck, Contactor, DcTarget
from v2g.secc.engine import Secc
from v2g.slac.events import Command, PilotLetter

if TYPE_CHECKING:
    import ssl

_LISTENERS: Final = {
    TlsPolicy.PROHIBIT: (False,),
    TlsPolicy.FORCE: (True,),
    TlsPolicy.ALLOW: (False, True),
}
"""Whether TLS is spoken, for each port that is listened on."""


@dataclass(frozen=True, slots=True)
class Ports:
    """Where a station listens.

    Attributes:
        interface: its name.
        tcp: TCP port; 0: any dynamic one. Where TLS is allowed, its port is another one, always dynamic.
        sdp: UDP port of SDP.
        address: another address of the interface than the link-local one (for tests on lo).
    """

    interface: str
    tcp: int = 0
    sdp: int = 15118
    address: str | None = None


class ChargerShell(SessionShell):
    """Runs a station's session core.

    Args:
        core: the session core; its station's facts are the caller's to change, followed by :meth:`changed`.
        ports: where to listen.
        watch: gets every effect that is not carried out here: of the session, of SLAC, of SDP.
        policy: what to do about TLS.
        tls: context for it; needed unless the policy is to prohibit it.
        judge: checks of a TLS connection.
        opened: is told of connections (recordings).
        datagrams: is told of SDP's datagrams (recordings).
    """

    def __init__(
        self,
        core: Secc,
        ports: Ports,
        watch: Callable[[Any], None],
        *,
        policy: TlsPolicy = TlsPolicy.PROHIBIT,
        tls: ssl.SSLContext | None = None,
        judge: streams.Judge | None = None,
        opened: Opened | None = None,
        datagrams: sdp.Datagrams | None = None,
    ) -> None:
        if policy is not TlsPolicy.PROHIBIT and tls is None:
            raise ValueError("TLS needs a certificate and a key")
        super().__init__(core, watch, opened, safe=(Contactor(False),))
        self._secc = core
        self._ports = ports
        self._policy = policy
        self._tls = tls
        self._judge = judge
        self._datagrams = datagrams
        self._listeners: list[streams.Listener] = []
        self._sdp: sdp.SdpServer | None = None

    async def start(self, link: LinkShell | None = None) -> None:
        """Listen and answer.

        Args:
            link: SLAC, its effects given to :meth:`slac`; None: the link is always there (a plain network).

        Raises:
            NetworkError: the interface or a port cannot be used.
        """
        for secure in _LISTENERS[self._policy]:
            listener = streams.listen(
                self._ports.interface,
                self.connection,
                lambda text: self._watch(Log(text)),
                tls=self._tls if secure else None,
                judge=self._judge if secure else None,
                address=self._ports.address,
                port=0 if self._listeners else self._ports.tcp,
            )
            self._listeners.append(listener)
            place = f"[{listener.address}%{self._ports.interface}]:{listener.port}"
            self._watch(Log(f"listening on {place}{', TLS' if secure else ''}"))
        first, last = self._listeners[0], self._listeners[-1]
        responder = SdpResponder(first.address, first.port, self._policy, last.port)
        self._sdp = await sdp.serve(
            self._ports.interface, responder, self._watch, port=self._ports.sdp, datagrams=self._datagrams
        )
        self._link = link
        if link is not None:
            link.start()

    def pilot(self, state: PilotLetter) -> None:
        """The control pilot has changed."""
        self._secc.station.pilot = state
        if state in "AEF":
            self._secc.forget_paused()
        # The session first: in some states it has to switch the power off.
        self.changed()
        if self._link is not None:
            self._link.pilot(state)

    async def close(self) -> None:
        """End the session, answer no more."""
        self._ask(self._secc.link_lost)
        if self._sdp is not None:
            self._sdp.close()
        for listener in self._listeners:
            listener.close()
        await super().close()

    def _ready(self, ready: bool) -> None:
        self._ask(self._secc.link_ready if ready else self._secc.link_lost)
        if not ready:
            self._hang_up()

    def made(self, stream: streams.Stream) -> None:
        """There is a connection; a link that was paused is in use again."""
        if self._link is not None and self._stream is None:
            self._link.happened(Command.RESUME)
        super().made(stream)

    def _enqueue(self, effects: Sequence[Any]) -> None:
        """An opening goes before all that is still to be done, and what it undoes is not done any more."""
        if effects and effects[0] == Contactor(False):
            kept = [each for each in self._queue if not isinstance(each, (CableCheck, Contactor, DcTarget))]
            self._queue.clear()
            self._queue.extend((effects[0], *kept, *effects[1:]))
        else:
            super()._enqueue(effects)
