"""A station's session core in a test's hands: requests as objects, effects as lists, time as a number."""

from __future__ import annotations

from typing import Any

import v2gexi
from v2g.secc import effects
from v2g.secc.engine import Secc
from v2g.secc.protocol import Protocol
from v2g.secc.session import Session
from v2g.secc.station import Authorization, Station
from v2gexi import app, v2gtp

ID = bytes.fromhex("0102030405060708")
UNIX_S = 1_700_000_000


class Rig:
    """A core with an open connection; ``ask`` sends a request and gives the response's body."""

    def __init__(
        self,
        *protocols: Protocol,
        station: Station | None = None,
        tls: bool = False,
        tls_version: str = "",
        peer_certificate: bytes | None = None,
    ) -> None:
        self.station = station or Station(authorization=Authorization.ACCEPTED)
        self.protocols = protocols
        self.now_ms = 1_000
        self.ids = iter(bytes([n]) * 8 for n in range(1, 200))
        self.core = Secc(self.station, protocols, self._random, lambda: UNIX_S)
        self.all: list[effects.Effect] = []
        self.last: list[effects.Effect] = []
        self.connect(tls, tls_version, peer_certificate)

    def connect(
        self, tls: bool = False, tls_version: str = "", peer_certificate: bytes | None = None
    ) -> list[effects.Effect]:
        """An EV opens a connection; one that there was is gone."""
        return self._take(
            self.core.connected(
                self.now_ms, tls=tls, tls_version=tls_version, peer_certificate=peer_certificate
            )
        )

    def _random(self, count: int) -> bytes:
        return (next(self.ids) * 8)[:count]

    def _take(self, news: list[effects.Effect]) -> list[effects.Effect]:
        self.last = news
        self.all += news
        return news

    # ------------------------------------------------------------------ what happens

    def handshake(self, *offers: tuple[str, int, int]) -> Any:
        """Offer protocols (namespace, major, minor), favourites first; by default the only one."""
        chosen = offers or ((self.protocols[0].namespace, *self.protocols[0].version),)
        request = app.supportedAppProtocolReq(
            AppProtocol=[
                app.AppProtocolType(
                    ProtocolNamespace=name,
                    VersionNumberMajor=major,
                    VersionNumberMinor=minor,
                    SchemaID=index,
                    Priority=index,
                )
                for index, (name, major, minor) in enumerate(chosen, 1)
            ]
        )
        self.data(v2gtp.pack(v2gexi.encode(request, "app")))
        return self.sent(effects.MessageSeen)

    def data(self, data: bytes) -> list[effects.Effect]:
        """Bytes come in."""
        return self._take(self.core.received(data, self.now_ms))

    def ask(self, body: Any, session_id: bytes | None = None) -> Any:
        """Send a request; the response's body, None if there is none yet."""
        session = self.core.session
        assert session is not None, "the handshake has to come first"
        protocol = session.protocol
        own = session.session_id
        session.session_id = own if session_id is None else session_id
        message = protocol.wrap(session, body)
        session.session_id = own
        message_set = message_set_of(protocol, message)
        payload = v2gexi.encode(message, message_set, lenient=True)
        self.data(v2gtp.pack(payload, v2gtp.PAYLOAD_TYPES[message_set]))
        return self.answer()

    def answer(self) -> Any:
        """The body of the response among the last effects."""
        seen = [each for each in self.last if isinstance(each, effects.MessageSeen) and not each.request]
        if not seen:
            return None
        assert len(seen) == 1
        message = seen[0].message
        protocol = self.protocols[0]
        assert v2gexi.problems(message) == []
        return protocol.read(message)[1]

    def changed(self, **facts: Any) -> list[effects.Effect]:
        """Facts of the station change."""
        for name, value in facts.items():
            assert hasattr(self.station, name)
            setattr(self.station, name, value)
        return self._take(self.core.changed(self.now_ms))

    def later(self, ms: int) -> list[effects.Effect]:
        """Time passes; the core is called at its deadlines."""
        end, news = self.now_ms + ms, []
        while (due := self.core.deadline()) is not None and due <= end:
            self.now_ms = max(due, self.now_ms)
            news += self.core.tick(self.now_ms)
            if self.core.deadline() == due:
                raise AssertionError("the core does not get on")
        self.now_ms = end
        return self._take(news)

    # ------------------------------------------------------------------ what became of it

    def sent(self, kind: type) -> Any:
        """The last effect of a kind in the last list, None if there is none."""
        found = [each for each in self.last if isinstance(each, kind)]
        return found[-1] if found else None

    def told(self) -> dict[str, Any]:
        """All facts of the EV so far."""
        return {each.fact.label: each.value for each in self.all if isinstance(each, effects.EvTold)}

    def of(self, kind: type) -> list[Any]:
        """All effects of a kind so far."""
        return [each for each in self.all if isinstance(each, kind)]

    @property
    def session(self) -> Session:
        """The session that runs."""
        session = self.core.session
        assert session is not None
        return session

    @property
    def state(self) -> str:
        """Name of the session's state; empty when there is no session."""
        return self.core.session.state if self.core.session else ""

    @property
    def closed(self) -> bool:
        """Whether the contactor was last wanted closed."""
        wishes = self.of(effects.Contactor)
        return bool(wishes and wishes[-1].closed)


def message_set_of(protocol: Protocol, message: Any) -> str:
    """The message set that a message of a protocol is encoded in."""
    if not protocol.message_sets:
        return protocol.message_set
    return {
        "v2gexi.iso20_ac": "iso20-ac",
        "v2gexi.iso20_dc": "iso20-dc",
    }.get(type(message).__module__, "iso20-common")
