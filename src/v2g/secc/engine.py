"""The rules that all message sets share: frames, handshake, order, session id, timers, and the ends.

    connected -> handshake -> [state: request -> exchange -> response -> state]* -> end

The engine takes bytes, changed facts, and time; it returns effects. One request is answered at a time. What a
peer sends can end its session, with the standard's response code where there is one, and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import v2gexi
from v2g.common.effects import Checkpoint, Log
from v2g.common.frames import MOST_PAYLOAD, Frames
from v2g.common.terms import LinkWish, Phase
from v2g.common.timers import DIN_TIMES
from v2g.secc import handshake
from v2g.secc.effects import Disconnect, Effect, Link, MessageSeen, PhaseChanged, Send
from v2g.secc.order import after_opening, opening_first
from v2g.secc.protocol import Exchange, Protocol, Reply, Wait
from v2g.secc.session import Paused, Session
from v2g.secc.station import Station
from v2gexi import v2gtp

MOST_AT_ONCE: Final = 4
"""Requests that are answered in one go. An EV waits for each answer; who does not must not block others."""
_SEQUENCE_MS: Final = DIN_TIMES.secc_sequence_ms
"""Before a protocol is chosen; the same in all message sets."""
_SETUP_MS: Final = DIN_TIMES.secc_setup_ms
"""From D-LINK_READY to SessionSetupRes; the same in all message sets."""
_CLOSE_MS: Final = DIN_TIMES.secc_close_ms
"""How long a connection without a session stays open for the EV to close it."""
_ABORTED: Final = "the station ends the session at once"
_POWERLESS: Final = "AEF"
"""Control pilot states in which no EV is to be supplied: unplugged, or the pilot is in error."""


class _Tls(NamedTuple):
    """What is known of a connection's TLS."""

    there: bool = False
    version: str = ""
    peer_certificate: bytes | None = None


class Secc:
    """The charging station's end of the V2G connection; sessions follow each other on it.

    Args:
        station: the facts; the caller changes them and calls :meth:`changed`.
        protocols: message sets that this program speaks; a session offers those that the set-up names.
        random_bytes: so many unpredictable bytes (session ids, challenges).
        unix_s: the time of day, in seconds since 1970.
    """

    def __init__(
        self,
        station: Station,
        protocols: Sequence[Protocol],
        random_bytes: Callable[[int], bytes],
        unix_s: Callable[[], int],
    ) -> None:
        self.station = station
        self._protocols = tuple(protocols)
        self._random_bytes = random_bytes
        self._unix_s = unix_s
        self._frames = Frames()
        self._connected = False
        self._tls = _Tls()
        self._session: Session | None = None
        self._paused: Paused | None = None
        self._pending: tuple[Exchange, Any, int] | None = None
        """Exchange, request, and when it came; until it is answered no other request is looked at."""
        self._again_ms: int | None = None
        self._more_ms: int | None = None
        """Bytes wait to be looked at."""
        self._sequence_ms: int | None = None
        self._close_ms: int | None = None
        self._setup_ms: int | None = None

    # ------------------------------------------------------------------ what happens

    def link_ready(self, now_ms: int) -> list[Effect]:
        """The data link stands (D-LINK_READY): the EV has a limited time to set up its session."""
        if self._session is not None and any(self._session.session_id):
            return []
        self._setup_ms = now_ms + _SETUP_MS
        return []

    def link_lost(self, now_ms: int) -> list[Effect]:
        """The data link is gone, and with it a connection."""
        self._setup_ms = None
        return self.disconnected(now_ms)

    def connected(
        self,
        now_ms: int,
        *,
        tls: bool = False,
        tls_version: str = "",
        peer_certificate: bytes | None = None,
    ) -> list[Effect]:
        """An EV has opened the connection.

        Args:
            now_ms: the time.
            tls: it is a TLS connection.
            tls_version: such as "TLSv1.3".
            peer_certificate: the EV's, DER, if it has shown one.
        """
        effects = self._drop() if self._connected else []
        self._connected = True
        self._tls = _Tls(tls, tls_version, peer_certificate)
        self._frames.clear()
        self._sequence_ms = now_ms + _SEQUENCE_MS
        return [*effects, Checkpoint(303), PhaseChanged(Phase.INIT, True)]

    def disconnected(self, now_ms: int) -> list[Effect]:
        """The connection is gone: lost, or closed by the EV after its last message."""
        return self._drop() if self._connected else []

    def received(self, data: bytes, now_ms: int) -> list[Effect]:
        """Bytes have come in."""
        if not self._connected or self._close_ms is not None:
            return []
        if self.station.abort:
            return self._abandon(_ABORTED)
        self._frames.add(data)
        if self._frames.too_many:
            return self._abandon(f"more than {MOST_PAYLOAD} bytes wait for an answer")
        return opening_first(self._work(now_ms))

    def changed(self, now_ms: int) -> list[Effect]:
        """Facts of the station have changed."""
        if not self._connected:
            return []
        station, session = self.station, self._session
        if station.abort:
            return self._abandon(_ABORTED)
        if station.pilot in _POWERLESS:
            return self._abandon(f"control pilot in state {station.pilot}")
        effects: list[Effect] = []
        if session is not None and session.contactor:
            session.hear_contactor()
            if why := session.hindrance():
                # The EV learns of it from the next response, and has to end the charge loop by message.
                session.want_contactor(False)
                session.log(f"{why}: power off")
                effects = session.take_effects()
        return opening_first([*effects, *self._work(now_ms)])

    def tick(self, now_ms: int) -> list[Effect]:
        """Time has passed; to be called at :meth:`deadline`."""
        if self._setup_ms is not None and now_ms >= self._setup_ms:
            self._setup_ms = None
            reason = "no session within V2G_SECC_CommunicationSetup_Timeout"
            if self._connected:
                return self._abandon(reason)
            return [Log(reason), Link(LinkWish.ERROR)]
        if self._close_ms is not None and now_ms >= self._close_ms:
            return after_opening(self._drop(), Disconnect("the session is over"))
        if self._pending is None and self._sequence_ms is not None and now_ms >= self._sequence_ms:
            return self._abandon("no request within V2G_SECC_Sequence_Timeout")
        return opening_first(self._work(now_ms))

    def deadline(self) -> int | None:
        """When :meth:`tick` is wanted; None: time changes nothing."""
        times = (
            self._setup_ms,
            self._close_ms,
            self._sequence_ms if self._pending is None else None,
            self._again_ms,
            self._more_ms,
        )
        return min((time for time in times if time is not None), default=None)

    @property
    def session(self) -> Session | None:
        """The session that runs, None before a protocol is chosen."""
        return self._session

    def forget_paused(self) -> None:
        """A paused session cannot be resumed any more (the EV was unplugged)."""
        self._paused = None

    # ------------------------------------------------------------------ requests

    def _work(self, now_ms: int) -> list[Effect]:
        """Answer what can be answered now."""
        effects: list[Effect] = []
        self._more_ms = None
        taken = 0
        while self._close_ms is None and self._connected:
            if self._pending is None:
                if taken == MOST_AT_ONCE and self._frames:
                    self._more_ms = now_ms
                    break
                taken += 1
                try:
                    frame = self._frames.next()
                except v2gtp.FrameError as error:
                    return [*effects, *self._abandon(f"no V2GTP frame: {error}")]
                if frame is None:
                    break
                try:
                    effects += self._request(frame, now_ms)
                except Exception as error:  # noqa: BLE001  # as in _answer; what was wanted so far stays wanted
                    return [*effects, *self._abandon(f"a request cannot be taken: {_said(error)}")]
            elif (answered := self._answer(now_ms)) is not None:
                effects += answered
            else:
                session = self._session
                if session is not None:
                    effects += session.take_effects()
                break
        return effects

    def _request(self, frame: v2gtp.Frame, now_ms: int) -> list[Effect]:
        """Look at a new request; its answer is given by :meth:`_answer`."""
        session = self._session
        if session is None:
            return self._handshake(frame, now_ms)
        protocol = session.protocol
        if protocol.message_sets:
            message_set = protocol.message_sets.get(frame.payload_type, "")
        else:
            message_set = protocol.message_set if frame.payload_type == v2gtp.PayloadType.EXI else ""
        if not message_set:
            # Payload types that a station does not know are to be ignored (ISO 15118-2 7.8.3.2).
            return [Log(f"frame with payload type 0x{frame.payload_type:04x} ignored")]
        try:
            message = v2gexi.decode(frame.payload, message_set)
            session_id, body = protocol.read(message)
        except (v2gexi.DecodeError, AttributeError) as error:
            return self._abandon(f"no {message_set} message: {error}")
        exchange = protocol.exchanges.get(type(body))
        if exchange is None:
            return self._abandon(f"{type(body).__name__} is no request that a station answers")
        session.header = message.Header
        session.payload = frame.payload
        session.payload_type = frame.payload_type
        seen = MessageSeen(exchange.name, True, message, frame.payload, frame.payload_type)
        session.now_ms = now_ms
        refusal = ""
        if exchange.name not in protocol.states[session.state].accepts:
            refusal = protocol.sequence_error
            session.log(f"{exchange.name} is out of order in {session.state}")
        elif session_id != session.session_id and session.session_id != bytes(8):
            refusal = protocol.unknown_session
            session.log(f"{exchange.name} has session id {session_id.hex()}, not {session.session_id.hex()}")
        if refusal:
            session.want_contactor(False)
            return [seen, *self._send(session, Reply(exchange.refuse(session, refusal), ""), now_ms)]
        self._sequence_ms = None
        self._pending = (exchange, body, now_ms)
        session.first = True
        if exchange.name == "SessionSetupReq":
            session.agreed["requested_session_id"] = session_id
        return [seen]

    def _answer(self, now_ms: int) -> list[Effect] | None:
        """Answer the pending request; None: it has to wait."""
        session = self._session
        if session is None or self._pending is None:  # pragma: no cover - both are set together
            return None
        exchange, body, since_ms = self._pending
        session.now_ms = now_ms
        session.waited_ms = now_ms - since_ms
        session.hear_contactor()
        try:
            answer = exchange.answer(session, body)
            session.first = False
            if isinstance(answer, Wait):
                self._again_ms = since_ms + answer.until_ms
                return None
            self._pending = None
            self._again_ms = None
            if exchange.name == "SessionSetupReq":
                self._setup_ms = None
                # Whoever comes next with the paused session's id comes too late.
                self._paused = None
            return self._send(session, answer, now_ms)
        except Exception as error:  # noqa: BLE001  # a fault of this program, or facts that no message can say
            return self._abandon(f"{exchange.name} cannot be answered: {_said(error)}")

    def _send(self, session: Session, answer: Reply, now_ms: int) -> list[Effect]:
        """The effects of a response."""
        protocol = session.protocol
        if not answer.state or not protocol.states[answer.state].power:
            session.want_contactor(False)
        message = protocol.wrap(session, answer.response)
        payload = v2gexi.encode(message, literal=True, lenient=True)
        payload_type = session.payload_type
        frame = v2gtp.pack(payload, payload_type)
        code = answer.response.ResponseCode
        # Nothing of this may fail from here on: what is taken has to be carried out.
        effects = session.take_effects()
        effects.append(Send(frame))
        name = type(answer.response).__name__.removesuffix("Type")
        effects.append(MessageSeen(name, False, message, payload, payload_type))
        if answer.state:
            session.state = answer.state
            self._sequence_ms = now_ms + (answer.within_ms or protocol.times.secc_sequence_ms)
            return effects
        self._paused = session.paused
        if code.startswith("FAILED"):
            session.link = LinkWish.ERROR
            self._paused = None
        session.want_contactor(False)
        session.phase(None)
        self._close_ms = now_ms + protocol.times.secc_close_ms
        self._sequence_ms = None
        return [*effects, *session.take_effects()]

    # ------------------------------------------------------------------ handshake

    def _handshake(self, frame: v2gtp.Frame, now_ms: int) -> list[Effect]:
        if frame.payload_type != v2gtp.PayloadType.EXI:
            return [Log(f"frame with payload type 0x{frame.payload_type:04x} ignored")]
        names = self.station.setup.protocols
        fitting = [
            each
            for each in self._protocols
            if each.namespace in names and each.fits(self.station, self._tls.version)
        ]
        try:
            protocol, effects = handshake.answer(frame.payload, fitting)
        except ValueError as error:
            return self._abandon(str(error))
        if protocol is None:
            self._close_ms = now_ms + _CLOSE_MS
            self._sequence_ms = None
            return effects
        self._session = Session(
            self.station,
            protocol,
            self._random_bytes,
            self._unix_s,
            tls=self._tls.there,
            tls_version=self._tls.version,
            peer_certificate=self._tls.peer_certificate,
            paused=self._paused,
        )
        self._sequence_ms = now_ms + protocol.times.secc_sequence_ms
        return effects

    # ------------------------------------------------------------------ ends

    def _abandon(self, reason: str) -> list[Effect]:
        """End the connection without an answer; what is closed opens first."""
        session = self._session
        if session is not None and self._close_ms is None:
            session.link = LinkWish.ERROR
            self._paused = None
        effects = self._drop()
        if session is None:
            effects.append(Link(LinkWish.ERROR))
        return after_opening(effects, Log(reason), Disconnect(reason))

    def _drop(self) -> list[Effect]:
        """Forget the connection."""
        session = self._session
        self._session = self._pending = None
        self._again_ms = self._more_ms = self._sequence_ms = self._close_ms = None
        self._connected = False
        self._frames.clear()
        if session is None:
            return [PhaseChanged(Phase.INIT, False)]
        session.end()
        return session.take_effects()


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
