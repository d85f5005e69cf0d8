"""What is known of one V2G session, and what its message handlers may do."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from v2g.common.teller import Teller
from v2g.common.terms import EnergyMode, LinkWish, Payment, Phase
from v2g.secc.effects import (
    CableCheck,
    Contactor,
    DcTarget,
    Effect,
    EvTold,
    Link,
    Milestone,
    Reached,
)
from v2g.secc.facts import EvFact
from v2g.secc.protocol import Protocol
from v2g.secc.station import Isolation, Setup, Station, StationError

SESSION_ID_BYTES = 8
POWER_PILOT = "CD"
"""Control pilot states in which an EV may have power."""


@dataclass(slots=True, repr=False)
class Paused:
    """A session that the EV may resume: all that ISO 15118 keeps over a pause.

    Attributes:
        session_id: the EV comes back with it.
        namespace: of the protocol; another one starts a new session.
        agreed: payment, service and what else was agreed, by the message set's own means.
        tls: the connection's TLS version; empty without TLS.
        vehicle: hash of the EV's TLS certificate and the session's id; empty: the EV has shown none.
    """

    session_id: bytes
    namespace: str
    agreed: dict[str, Any] = field(default_factory=dict)
    tls: str = ""
    vehicle: bytes = b""

    def __repr__(self) -> str:
        """For logs: the id as everywhere, and nothing of what was agreed."""
        return f"Paused({self.session_id.hex().upper()}, {self.namespace})"


class Session(Teller[Effect, EvFact]):
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
        tls_version: str = "",
        peer_certificate: bytes | None = None,
        paused: Paused | None = None,
    ) -> None:
        super().__init__(EvTold, Phase.INIT)
        self.station = station
        self.setup: Setup = station.setup
        self.protocol = protocol
        self.random_bytes = random_bytes
        self.unix_s = unix_s
        self.tls = tls
        self.tls_version = tls_version
        self.peer_certificate = peer_certificate
        """The EV's TLS certificate, DER; None if it has shown none."""
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
        self.confirmed = False
        """Whether it was closed since."""
        self.cable_checked = False
        """Whether ``station.cable_check`` is of this session."""
        self.link = LinkWish.ERROR
        """What becomes of the link when the connection ends; an orderly stop sets another wish."""
        self.header: Any = None
        """Of the request (signatures)."""
        self.payload = b""
        """The request's EXI."""
        self.payload_type = 0x8001
        """Of the request's frame; the response is sent in the same."""
        self.ongoing_since_ms: dict[str, int] = {}
        self._target: DcTarget | None = None

    # ------------------------------------------------------------------ for handlers

    def reached(self, milestone: Milestone) -> None:
        """Something happened that the station may wait for."""
        self._effects.append(Reached(milestone))

    def hindrance(self) -> str:
        """Why the path to the EV has to be open now; empty if nothing speaks against closing it."""
        station = self.station
        if station.abort:
            return "the station ends the session"
        if self.error is not None:
            return "isolation fault" if station.error is None else station.error.value
        if station.pilot not in POWER_PILOT:
            return f"control pilot in state {station.pilot}"
        if not station.connector_locked:
            return "the connector is not locked"
        if station.rcd_tripped and self.mode is not None and not self.mode.dc:
            return "the residual current device has tripped"
        if self.confirmed and station.contactor_closed is False:
            return "the contactor has opened by itself"
        return ""

    def want_contactor(self, closed: bool) -> None:
        """Close or open the path to the EV; opening goes before everything else that is to be done.

        It is not closed while there is a :meth:`hindrance`: whoever wants it looks at ``contactor``."""
        if closed == self.contactor:
            return
        if closed and (why := self.hindrance()):
            self.log(f"no power: {why}")
            return
        self.contactor = closed
        self.confirmed = False
        if closed:
            self._effects.append(Contactor(True))
        else:
            self._target = None
            # Nothing that was told before and not yet done may come after the opening.
            kept = [each for each in self._effects if not isinstance(each, (CableCheck, Contactor, DcTarget))]
            self._effects = [Contactor(False), *kept]

    def check_cable(self) -> None:
        """Close the path to the EV and have the DC cable checked; the answer is ``station.cable_check``."""
        self.station.cable_check = None
        self.cable_checked = True
        self.want_contactor(True)
        if self.contactor:
            self._effects.append(CableCheck())

    def want_dc(self, voltage_v: float, current_a: float) -> None:
        """Set the DC output, bounded by the station's limits; nothing while the path to the EV is open."""
        if not self.contactor:
            return
        limits = self.station.dc
        voltage_v = min(max(voltage_v, 0.0), limits.maximum_voltage_v, self._ev_maximum_voltage_v())
        most_a = limits.maximum_current_a
        if voltage_v > 0:
            most_a = min(most_a, limits.maximum_power_w / voltage_v)
        target = DcTarget(voltage_v, min(max(current_a, -limits.discharge_current_a), most_a))
        if target != self._target:
            self._target = target
            self._effects.append(target)

    def _ev_maximum_voltage_v(self) -> float:
        """The highest voltage that the EV may get, as it says itself."""
        told = self._told.get(EvFact.DC_MAXIMUM_LIMITS) or {}
        voltage_v = told.get("voltage_v")
        return float(voltage_v) if voltage_v and voltage_v > 0 else math.inf

    def ongoing_ms(self, what: str) -> int:
        """How long ``what`` has been going on; the first call starts it."""
        return self.now_ms - self.ongoing_since_ms.setdefault(what, self.now_ms)

    def finished(self, *whats: str) -> None:
        """These are no longer going on."""
        for what in whats:
            self.ongoing_since_ms.pop(what, None)

    @property
    def error(self) -> StationError | None:
        """What keeps the station from going on.

        An isolation fault is an emergency once this session's cable check was passed; before, the cable check
        has to find out."""
        station = self.station
        if station.error is not None:
            return station.error
        if station.isolation is Isolation.FAULT and self.cable_checked and station.cable_check:
            return StationError.EMERGENCY_SHUTDOWN
        return None

    @property
    def stop_wanted(self) -> bool:
        """Whether the EV is to be asked to stop."""
        return self.station.stop or self.error is not None

    def pause(self, agreed: dict[str, Any]) -> None:
        """The EV may come back to this session, and to what was agreed."""
        vehicle = self._vehicle(self.session_id)
        self.paused = Paused(self.session_id, self.protocol.namespace, agreed, self._security, vehicle)

    @property
    def _security(self) -> str:
        return (self.tls_version or "TLS") if self.tls else ""

    def _vehicle(self, session_id: bytes) -> bytes:
        if self.peer_certificate is None:
            return b""
        import hashlib

        return hashlib.sha256(self.peer_certificate + session_id).digest()

    def may_resume(self, paused: Paused) -> bool:
        """Whether this connection may take up a paused session, by protocol, TLS, and the EV's certificate.

        All of them have to be as they were, and a contract's session needs TLS. The session's id alone, that
        everyone could see, is no proof."""
        return (
            paused.namespace == self.protocol.namespace
            and paused.tls == self._security
            and paused.vehicle == self._vehicle(paused.session_id)
            and (self.tls or paused.agreed.get("payment") is not Payment.CONTRACT)
        )

    # ------------------------------------------------------------------ for the engine

    def hear_contactor(self) -> None:
        """Remember that the contactor has closed as it was wanted to: its opening is a fault from then on."""
        self.confirmed = self.confirmed or (self.contactor and self.station.contactor_closed is True)

    def end(self) -> None:
        """The connection is over: nothing is wanted any more, and the link follows the session."""
        self.want_contactor(False)
        self.phase(None)
        self._effects.append(Link(self.link))
