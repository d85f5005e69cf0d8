"""An EV's session core, a scripted charger and a vehicle that obeys, in virtual time."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import v2gexi
from tests.v2g.evcc.charger import Charger
from v2g.common.effects import Checkpoint, Log
from v2g.evcc import effects
from v2g.evcc.contract import ContractSigner
from v2g.evcc.engine import Evcc
from v2g.evcc.protocol import Protocol
from v2g.evcc.session import Paused
from v2g.evcc.vehicle import Vehicle
from v2gexi import app, v2gtp

E = TypeVar("E")


class Rig:
    """The core with an open connection; ``run`` lets both talk.

    Attributes:
        obeys: the vehicle confirms contactors and lock after their delays.
        happened: (time, effect), in order.
        facts: (time, name, value) of what the vehicle confirmed.
    """

    def __init__(
        self,
        protocol: Protocol,
        charger: Charger,
        vehicle: Vehicle,
        *,
        tls: bool = False,
        signer: ContractSigner | None = None,
        resumes: Paused | None = None,
        connect: bool = True,
    ) -> None:
        self.protocol = protocol
        self.charger = charger
        self.vehicle = vehicle
        self.first_contactors = vehicle.contactors_closed
        self.now_ms = 1_000
        self.obeys = True
        self.contactors_ms, self.lock_ms, self.answer_ms = 40, 300, 5
        self.happened: list[tuple[int, Any]] = []
        self.facts: list[tuple[int, str, Any]] = []
        self.sent: list[Any] = []
        self._queue: list[tuple[int, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self.core = Evcc(
            vehicle,
            [protocol],
            bytes,
            lambda: 1_700_000_000,
            signer=signer,
            resumes=resumes,
        )
        if connect:
            self.does(self.core.connected(self.now_ms, tls=tls))

    # ------------------------------------------------------------------ time

    def at(self, after_ms: int, what: Callable[[], None]) -> None:
        """Do something later."""
        heapq.heappush(self._queue, (self.now_ms + after_ms, next(self._order), what))

    def run(self, until: Callable[[], bool] | None = None, within_ms: int = 300_000) -> Rig:
        """Let time pass until the session has ended (or ``until``), at most so long."""
        done = until or (lambda: self.ended is not None)
        end = self.now_ms + within_ms
        for _ in range(20_000):
            if done():
                return self
            deadline = self.core.deadline()
            next_ms = self._queue[0][0] if self._queue else None
            times = [time for time in (deadline, next_ms) if time is not None]
            if not times or min(times) > end:
                self.now_ms = end
                return self
            self.now_ms = max(self.now_ms, min(times))
            if next_ms is not None and next_ms <= self.now_ms:
                heapq.heappop(self._queue)[2]()
            else:
                self.does(self.core.tick(self.now_ms))
        raise AssertionError("no end: the core asks for time without using it")

    def until(self, state: str) -> Rig:
        """Run until the session is in this step and its request is out."""
        self.run(lambda: self.core.state == state and bool(self.requests) and self._asked(state))
        assert self.core.state == state, (self.core.state, self.logs)
        return self

    def _asked(self, state: str) -> bool:
        step = self.protocol.steps.get(state)
        return step is None or self.requests[-1] == step.request

    # ------------------------------------------------------------------ what happens

    def change(self, **facts: Any) -> None:
        """Change facts of the vehicle."""
        for name, value in facts.items():
            setattr(self.vehicle, name, value)
            self.facts.append((self.now_ms, name, value))
        self.does(self.core.changed(self.now_ms))

    def data(self, data: bytes) -> None:
        """Bytes come from the charger."""
        self.does(self.core.received(data, self.now_ms))

    def respond(self, body: Any, session_id: bytes | None = None) -> None:
        """A response comes from the charger."""
        self.data(self.frame(body, session_id))

    def frame(self, body: Any, session_id: bytes | None = None) -> bytes:
        """A response as the charger sends it."""
        module = self.charger.module
        message = module.V2G_Message(
            Header=module.MessageHeaderType(
                SessionID=self.charger.session_id if session_id is None else session_id
            ),
            Body=module.BodyType(BodyElement=body),
        )
        return v2gtp.pack(v2gexi.encode(message, lenient=True))

    def does(self, news: Sequence[Any]) -> None:
        """Do what the core wants."""
        for effect in news:
            self.happened.append((self.now_ms, effect))
            match effect:
                case effects.MessageSeen(request=True):
                    self._request(effect)
                case effects.Contactors(closed) if self.obeys:
                    self.at(self.contactors_ms, self._confirming(contactors_closed=closed))
                case effects.LockConnector(locked) if self.obeys:
                    self.at(self.lock_ms, self._confirming(connector_locked=locked))
                case _:
                    pass

    def _confirming(self, **facts: Any) -> Callable[[], None]:
        return lambda: self.change(**facts)

    def _request(self, seen: effects.MessageSeen) -> None:
        if seen.name == "supportedAppProtocolReq":
            answer = app.supportedAppProtocolRes(ResponseCode="OK_SuccessfulNegotiation", SchemaID=0)
            data: Any = self.charger.script.get(seen.name, lambda *_: None)(self.charger, seen.message)
            if data is None:
                data = v2gtp.pack(v2gexi.encode(answer, "app"))
        else:
            self.sent.append(seen.message)
            body = self.charger.answer(seen.message.Body.BodyElement)
            data = body if isinstance(body, bytes | None) else self.frame(body)
        if data:
            self.at(self.answer_ms, lambda: self.data(data))

    # ------------------------------------------------------------------ looking back

    def all(self, kind: type[E]) -> list[E]:
        """All effects of a kind."""
        return [effect for _, effect in self.happened if isinstance(effect, kind)]

    @property
    def ended(self) -> effects.SessionEnded | None:
        """How the session ended."""
        found = self.all(effects.SessionEnded)
        return found[-1] if found else None

    @property
    def requests(self) -> list[str]:
        """Names of all requests."""
        return [seen.name for seen in self.all(effects.MessageSeen) if seen.request]

    @property
    def order(self) -> list[str]:
        """Names of the requests without repetitions."""
        return [name for name, _ in itertools.groupby(self.requests)]

    @property
    def states(self) -> list[str]:
        """Steps that the session went through."""
        return [changed.state for changed in self.all(effects.StateChanged)]

    @property
    def checkpoints(self) -> list[int]:
        """Numbers of the steps that were reached."""
        return [checkpoint.number for checkpoint in self.all(Checkpoint)]

    @property
    def logs(self) -> list[str]:
        """Lines for people."""
        return [line.text for line in self.all(Log)]

    @property
    def plant(self) -> list[Any]:
        """What was wanted of pilot, lock and contactors, in order."""
        kinds = (effects.PilotState, effects.LockConnector, effects.Contactors)
        return [effect for _, effect in self.happened if isinstance(effect, kinds)]

    def time_of(self, wanted: Any) -> int:
        """When an effect came last."""
        times = [time for time, effect in self.happened if effect == wanted]
        assert times, f"{wanted} never came: {self.logs}"
        return times[-1]
