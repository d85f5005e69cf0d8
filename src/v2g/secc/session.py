"""What is known of one V2G session, and what its message handlers may do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from v2g.common.effects import Checkpoint, Log
from v2g.common.terms import EnergyMode, LinkWish, Payment, Phase
from v2g.secc.effects import Contactor, DcTarget, Effect, EvTold, Link, Milestone, PhaseChanged, Reached
from v2g.secc.facts import EvFact
from v2g.secc.protocol import Protocol
from v2g.secc.station import Setup, Station, StationError

SESSION_ID_BYTES = 8


@dataclass(slots=True)
class Paused:
    """A session that the EV may resume: all that ISO 15118 keeps over a pause.

    Attributes:
        session_id: the EV comes back with it.
        namespace: of the protocol; another one starts a new session.
        payment, service, schedule: what was agreed, by the message set's own means.
    """

    session_id: bytes
    namespace: str
    agreed: dict[str, Any] = field(default_factory=dict)


class Session:
    """One V2G session from the handshake to the end of its connection.

    Handlers read ``station`` and ``setup``, keep what was agreed in ``agreed``, and tell through the methods.
    """

    def __init__(
        self,
        station: Station,
        protocol: Protocol,
        random_bytes: Callable[[int], bytes],
        unix_s: Callable[[], int],
        *,
        tls: bool = False,
        paused: Paused | None = None,
    ) -> None:
        self.station = station
        self.setup: Setup = station.setup
        self.protocol = protocol
        self.random_bytes = random_bytes
        self.unix_s = unix_s
        self.tls = tls
        self.paused = paused
        self.session_id = bytes(SESSION_ID_BYTES)
        self.state = protocol.first
        self.agreed: dict[str, Any] = {}
        self.payment: Payment | None = None
        self.mode: EnergyMode | None = None
        self.now_ms = 0
        self.waited_ms = 0
        """Since the request came; more than 0 only after ``Wait``."""
        self.first = True
        """Whether the request is looked at for the first time, and not again after ``Wait``."""
        self.contactor = False
        """Whether the path to the EV was last wanted closed."""
        self.link = LinkWish.ERROR
        """What becomes of the link when the connection ends; an orderly stop sets another wish."""
        self.header: Any = None
        """Of the request (signatures)."""
        self.payload = b""
        """The request's EXI."""
        self.payload_type = 0x8001
        """Of the request's frame; the response is sent in the same."""
        self.ongoing_since_ms: dict[str, int] = {}
        self._effects: list[Effect] = []
        self._told: dict[EvFact, Any] = {}
        self._phase: Phase | None = None
        self._target: DcTarget | None = None

    # ------------------------------------------------------------------ for handlers

    def tell(self, effect: Effect) -> None:
        """Add an effect."""
        self._effects.append(effect)

    def log(self, text: str) -> None:
        """Add a line for people."""
        self._effects.append(Log(text))

    def checkpoint(self, number: int) -> None:
        """A step was reached."""
        self._effects.append(Checkpoint(number))

    def reached(self, milestone: Milestone) -> None:
        """Something happened that the station may wait for."""
        self._effects.append(Reached(milestone))

    def told(self, fact: EvFact, value: Any) -> None:
        """The EV said this; None (absent) and what it said before tell nothing."""
        if value is not None and self._told.get(fact) != value:
            self._told[fact] = value
            self._effects.append(EvTold(fact, value))

    def known(self, fact: EvFact) -> Any:
        """What the EV last said about a fact, None if nothing."""
        return self._told.get(fact)

    def phase(self, phase: Phase | None) -> None:
        """The session is in this phase from now on; the one before has finished."""
        if phase is self._phase:
            return
        if self._phase is not None:
            self._effects.append(PhaseChanged(self._phase, False))
        self._phase = phase
        if phase is not None:
            self._effects.append(PhaseChanged(phase, True))

    def want_contactor(self, closed: bool) -> None:
        """Close or open the path to the EV; opening goes before everything else that is to be done."""
        if closed == self.contactor:
            return
        self.contactor = closed
        if closed:
            self._effects.append(Contactor(True))
        else:
            self._target = None
            # Nothing that was told before and not yet done may come after the opening.
            kept = [each for each in self._effects if not isinstance(each, (Contactor, DcTarget))]
            self._effects = [Contactor(False), *kept]

    def want_dc(self, voltage_v: float, current_a: float) -> None:
        """Set the DC output, bounded by the station's limits; nothing while the path to the EV is open."""
        if not self.contactor:
            return
        limits = self.station.dc
        target = DcTarget(
            min(max(voltage_v, 0.0), limits.maximum_voltage_v),
            min(max(current_a, -limits.discharge_current_a), limits.maximum_current_a),
        )
        if target != self._target:
            self._target = target
            self._effects.append(target)

    def ongoing_ms(self, what: str) -> int:
        """How long ``what`` has been going on; the first call starts it."""
        return self.now_ms - self.ongoing_since_ms.setdefault(what, self.now_ms)

    def finished(self, *whats: str) -> None:
        """These are no longer going on."""
        for what in whats:
            self.ongoing_since_ms.pop(what, None)

    @property
    def error(self) -> StationError | None:
        """What keeps the station from going on."""
        return self.station.error

    @property
    def stop_wanted(self) -> bool:
        """Whether the EV is to be asked to stop."""
        return self.station.stop or self.station.error is not None

    # ------------------------------------------------------------------ for the engine

    def take_effects(self) -> list[Effect]:
        """All effects since the last call, openings of the contactor first."""
        effects, self._effects = self._effects, []
        return effects

    def end(self) -> None:
        """The connection is over: nothing is wanted any more, and the link follows the session."""
        self.want_contactor(False)
        self.phase(None)
        self._effects.append(Link(self.link))
