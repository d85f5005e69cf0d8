"""The rules that all message sets share: frames, handshake, session id, timers, wishes, and how it all ends.

    connected -> handshake -> [step: ready? -> request -> response -> step]* -> SessionStop -> end
                              any fault, loss or abort: power path open -> end

The engine takes bytes, changed facts, and time; it returns effects. One request at a time waits for its
response. Steps in which contactors may be closed are left only through :class:`~v2g.evcc.shutdown.Shutdown`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from v2g.common.effects import Log
from v2g.common.frames import Frames
from v2g.common.terms import LinkWish, Phase
from v2g.common.timers import DIN_MESSAGES
from v2g.evcc import handshake, requests, responses
from v2g.evcc.contract import ContractSigner
from v2g.evcc.effects import Disconnect, Effect, Link, SessionEnded, StateChanged
from v2g.evcc.protocol import Done, Fail, Go, Move, Protocol, Step, Stop, Wait
from v2g.evcc.session import Paused, Session
from v2g.evcc.shutdown import Shutdown, release
from v2g.evcc.timers import SETUP_MS, Timers, over
from v2g.evcc.vehicle import EvError, Vehicle
from v2g.evcc.wishes import late, wish
from v2gexi import v2gtp

_LOCK_MS: Final = 5_000
"""A connector lock moves within this time. Our own bound."""


class Evcc:
    """The EV's end of the V2G connection; sessions follow each other on it.

    Args:
        vehicle: the facts; the caller changes them and calls :meth:`changed`.
        protocols: message sets that this program speaks; those of them that the set-up names are offered.
        random_bytes: so many unpredictable bytes.
        unix_s: the time of day, in seconds since 1970.
        signer: the contract; None: Plug & Charge is not possible.
        signers: contracts of protocols that have one of their own, by namespace.
        resumes: the session that was paused last (``SessionEnded.paused``); the next one joins it again.
    """

    def __init__(
        self,
        vehicle: Vehicle,
        protocols: Sequence[Protocol],
        random_bytes: Callable[[int], bytes],
        unix_s: Callable[[], int],
        *,
        signer: ContractSigner | None = None,
        signers: Mapping[str, ContractSigner] | None = None,
        resumes: Paused | None = None,
    ) -> None:
        self.vehicle = vehicle
        self._protocols = tuple(protocols)
        self._random_bytes = random_bytes
        self._unix_s = unix_s
        self._signer = signer
        self._signers = signers or {}
        self._resumes = resumes
        self._frames = Frames()
        self._connected = False
        self._session: Session | None = None
        self._offers: list[Protocol] = []
        """Not empty while the handshake's response is awaited."""
        self._step: Step | None = None
        self._pending = False
        self._shutdown: Shutdown | None = None
        """The power path is being opened: before the step's request, or before the end."""
        self._ending: str | None = None
        """Why the session ends without further messages; None: it does not."""
        self._unlock_later = False
        self._timers = Timers()

    # ------------------------------------------------------------------ what happens

    def link_ready(self, now_ms: int) -> list[Effect]:
        """The data link stands (D-LINK_READY): from here on the session has a limited time to be set up."""
        self._timers.setup_by = now_ms + SETUP_MS
        return []

    def connected(
        self,
        now_ms: int,
        *,
        tls: bool = False,
        tls_version: str = "",
        peer_certificate: bytes | None = None,
    ) -> list[Effect]:
        """The connection to the charger is open: a session begins, with the protocols that it may carry.

        Args:
            now_ms: the time.
            tls: it is a TLS connection.
            tls_version: such as "TLSv1.3".
            peer_certificate: the charger's, DER. A session does not need it: whoever makes the connection has
                checked it.

        Raises:
            ValueError: the set-up names no protocol that this program speaks, or a session is running.
        """
        if self.running:
            raise ValueError("a session is running")
        vehicle = self.vehicle
        offers = handshake.offered(vehicle.setup, self._protocols)
        if not offers:
            raise ValueError(f"none of {', '.join(vehicle.setup.protocols) or 'no protocols'} is implemented")
        session = Session(
            vehicle,
            self._random_bytes,
            self._unix_s,
            tls=tls,
            signer=self._signer,
            resumes=self._resumes,
        )
        self._session, self._resumes = session, None
        self._offers = handshake.encrypted(vehicle.setup, offers, tls_version)
        self._connected = True
        self._pending = True
        self._unlock_later = False
        self._frames.clear()
        if self._timers.setup_by is None:
            self._timers.setup_by = now_ms + SETUP_MS
        self._timers.ready_by = None
        self._timers.ask_ms = now_ms
        self._timers.response_by = now_ms + DIN_MESSAGES["supportedAppProtocolReq"].timeout_ms
        session.phase(Phase.INIT)
        if not self._offers:
            versions = ", ".join(sorted({each.tls for each in offers}))
            self._fail(f"no protocol to offer: those of the set-up need {versions}", now_ms)
            return self._run(now_ms)
        handshake.ask(session, self._offers)
        return session.take_effects()

    def link_lost(self, now_ms: int) -> list[Effect]:
        """The data link is gone, and with it a connection, or the wait for one."""
        self._timers.setup_by = None
        return self.disconnected(now_ms)

    def disconnected(self, now_ms: int) -> list[Effect]:
        """The connection is gone, or could not be opened."""
        session = self._session
        self._connected = False
        if session is not None and self.running and self._ending is None:
            self._fail("the connection is lost", now_ms)
        return self._run(now_ms)

    def received(self, data: bytes, now_ms: int) -> list[Effect]:
        """Bytes have come in."""
        session = self._session
        if session is None or not self._talks:
            return []
        session.now_ms = now_ms
        self._frames.add(data)
        try:
            while (frame := self._frames.next()) is not None:
                self._response(session, frame, now_ms)
        except v2gtp.FrameError as error:
            self._fail(f"no V2GTP frame: {error}", now_ms)
        return self._run(now_ms)

    def changed(self, now_ms: int) -> list[Effect]:
        """Facts of the vehicle have changed."""
        session = self._session
        if session is None:
            return []
        session.now_ms = now_ms
        session.notice()
        if not self.running:
            self._unlock_later = self._unlock_later and not release(session)
            return session.take_effects()
        if self._ending is None:
            if self.vehicle.abort:
                self._fail("the EV ends the session at once", now_ms)
            elif not self.vehicle.pilot_ok:
                self._fail("the control pilot is lost", now_ms)
        return self._run(now_ms)

    def tick(self, now_ms: int) -> list[Effect]:
        """Time has passed; to be called at :meth:`deadline`."""
        session = self._session
        if session is None or not self.running:
            if over(self._timers.setup_by, now_ms):
                self._timers.setup_by = None
                return [Log("no session within V2G_EVCC_CommunicationSetup_Timeout"), Link(LinkWish.ERROR)]
            return []
        session.now_ms = now_ms
        if self._ending is None:
            if over(self._timers.setup_by, now_ms):
                self._fail("no session within V2G_EVCC_CommunicationSetup_Timeout", now_ms)
            elif self._pending and over(self._timers.response_by, now_ms):
                asked = self._step.request if self._step is not None else "supportedAppProtocolReq"
                self._fail(f"no response to {asked} within V2G_EVCC_Msg_Timeout", now_ms)
        return self._run(now_ms)

    def deadline(self) -> int | None:
        """When :meth:`tick` is wanted; None: time changes nothing."""
        times = [self._timers.setup_by]
        if self.running:
            if self._shutdown is not None:
                times.append(self._shutdown.deadline())
            elif self._pending:
                times.append(self._timers.response_by)
            else:
                times += self._timers.before_request()
        return min((time for time in times if time is not None), default=None)

    @property
    def session(self) -> Session | None:
        """The session that runs, or ran last."""
        return self._session

    @property
    def state(self) -> str:
        """The step's name; "Handshake" before the first, "" without a session."""
        if not self.running:
            return ""
        return self._step.name if self._step is not None else "Handshake"

    @property
    def _talks(self) -> bool:
        """Messages are still sent and taken."""
        return self._connected and self._ending is None

    @property
    def running(self) -> bool:
        """A session has begun and has not ended."""
        return bool(self._offers) or self._step is not None or self._ending is not None

    def forget_paused(self) -> None:
        """A paused session cannot be resumed any more (the EV was unplugged)."""
        self._resumes = None

    # ------------------------------------------------------------------ requests

    def _run(self, now_ms: int) -> list[Effect]:
        """Do what can be done now."""
        session = self._session
        if session is None:
            return []
        session.now_ms = now_ms
        session.notice()
        if self._ending is None:
            while self._step is not None and not self._pending and self._ending is None:
                if not self._advance(session, self._step, now_ms):
                    break
        if self._ending is not None and (self._shutdown is None or self._shutdown.advance(now_ms)):
            self._end(session, self._ending)
        return session.take_effects()

    def _advance(self, session: Session, step: Step, now_ms: int) -> bool:
        """Go one stroke on towards a step's request; False: something has to happen first."""
        if self._shutdown is not None:
            if not self._shutdown.advance(now_ms):
                return False
            self._shutdown = None
        asked = wish(session, step) or late(self._timers, step, now_ms) or self._ask(session, step, now_ms)
        if asked is None:
            return False
        if isinstance(asked, Go | Stop | Fail | Done):
            self._move(session, step, asked, now_ms)
        else:
            self._send(session, step, asked, now_ms)
        return True

    def _ask(self, session: Session, step: Step, now_ms: int) -> Any:
        """A step's request, or its decision to go elsewhere; None: something has to happen first."""
        if step.locked:
            session.want_lock()
            session.notice()
            if not self.vehicle.connector_locked:
                moves = not session.lock_confirmed and not self._timers.waited("lock", _LOCK_MS, now_ms)
                return None if moves else Stop(EvError.CONNECTOR_LOCK.value)
        if now_ms < self._timers.ask_ms:
            return None
        asked = step.ask(session)
        if isinstance(asked, Wait):
            return asked.otherwise if self._timers.waited(asked.what, asked.within_ms, now_ms) else None
        return asked

    def _send(self, session: Session, step: Step, body: Any, now_ms: int) -> None:
        """Send a request."""
        try:
            requests.send(session, session.rules, step, body)
        except ValueError as error:
            self._move(session, step, Stop(f"{step.request} cannot be made: {error}"), now_ms)
            return
        self._pending = True
        limit = getattr(session.rules.times, step.limit) if step.limit and not session.stopping else None
        self._timers.asked(now_ms, session.rules.messages[step.request].timeout_ms, limit)
        if step.power:
            self._timers.ready_by = None

    def _move(self, session: Session, step: Step, move: Move, now_ms: int) -> None:
        """Follow a step's decision."""
        if isinstance(move, Stop):
            if not session.stopping:
                session.stopping = move.reason
                session.log(f"stopping: {move.reason}")
                session.ok = move.ok
                self._timers.ready_by = None
            elif not move.ok:
                session.ok = False
            move = Go(step.stop) if step.stop else Fail(move.reason)
        if isinstance(move, Fail):
            self._fail(move.reason, now_ms)
        elif isinstance(move, Done):
            self._ending = session.stopping
            session.link = LinkWish.PAUSE if session.pausing else LinkWish.TERMINATE
            if session.contactors:
                self._shutdown = Shutdown(session, now_ms, answered=True)
        elif move.step == step.name:
            session.round += 1
            if session.unlimited:
                self._timers.limit_by = None
            self._timers.ask_ms = now_ms + min(step.pace_ms, session.setup.longest_pace_ms)
        else:
            self._enter(session, session.rules.steps[move.step], now_ms)

    def _enter(self, session: Session, step: Step, now_ms: int) -> None:
        """Begin a step."""
        self._step = step
        self._timers.entered(now_ms)
        session.round = 0
        session.entered_ms = now_ms
        session.unlimited = False
        session.phase(step.phase)
        session.tell(StateChanged(step.name))
        session.want_pilot(step.pilot)
        if session.contactors and not step.power:
            self._shutdown = Shutdown(session, now_ms, answered=True)

    # ------------------------------------------------------------------ responses

    def _response(self, session: Session, frame: v2gtp.Frame, now_ms: int) -> None:
        """Look at a message that came."""
        if not self._talks:
            return
        if not self._pending:
            session.log("a message that nobody asked for was ignored")
            return
        step = self._step
        if step is None:
            answer = handshake.take(session, self._offers, frame)
            if isinstance(answer, Fail):
                self._fail(answer.reason, now_ms)
            elif answer is not None:
                self._begin(session, answer, now_ms)
            return
        move = responses.take(session, session.rules, step, frame)
        if move is None:
            return
        self._pending = False
        self._timers.response_by = None
        if step.name == session.rules.first and not isinstance(move, Fail):
            self._timers.setup_by = None
        self._move(session, step, move, now_ms)

    def _begin(self, session: Session, protocol: Protocol, now_ms: int) -> None:
        """A protocol was agreed: its first step begins."""
        self._pending = False
        self._timers.response_by = None
        self._offers = []
        session.protocol = protocol
        session.signer = self._signers.get(protocol.namespace, session.signer)
        if session.resumes is not None and session.resumes.namespace != protocol.namespace:
            session.log("the paused session was of another protocol: a new one begins")
            session.forget_resumed()
        ready = protocol.times.evcc_ready_to_charge_ms
        if ready is not None:
            self._timers.ready_by = now_ms + ready
        self._enter(session, protocol.steps[protocol.first], now_ms)

    # ------------------------------------------------------------------ ends

    def _fail(self, reason: str, now_ms: int) -> None:
        """End without further messages: the connection closes, the power path opens."""
        session = self._session
        if session is None or self._ending is not None:
            return
        reason = f"{session.stopping}; then: {reason}" if session.stopping else reason
        self._ending = reason
        self._pending = False
        session.ok = False
        session.pausing = False
        session.link = LinkWish.ERROR
        session.log(reason)
        session.want_pilot("B")
        if session.contactors:
            self._shutdown = Shutdown(session, now_ms, answered=False)
        self._disconnect(session, reason)

    def _disconnect(self, session: Session, reason: str) -> None:
        if self._connected:
            self._connected = False
            session.tell(Disconnect(reason))

    def _end(self, session: Session, reason: str) -> None:
        """The power path is open: the session is over."""
        self._disconnect(session, reason)
        session.phase(None)
        session.want_pilot("B")
        self._unlock_later = not (session.pausing and session.setup.lock_when_paused) and not release(session)
        if self._unlock_later:
            session.log("the connector stays locked until the contactors are confirmed open")
        paused = session.record() if session.pausing else None
        self._resumes = paused if self._timers.setup_by is None else session.resumes
        session.tell(Link(session.link))
        session.tell(SessionEnded(reason, session.ok, paused))
        self._offers = []
        self._step = self._shutdown = self._ending = None
        self._pending = False
        self._timers.clear()
        self._frames.clear()
