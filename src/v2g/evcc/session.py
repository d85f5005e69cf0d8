"""What is known of one V2G session of an EV, and what its steps may do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from v2g.common.teller import Teller
from v2g.common.terms import EnergyMode, LinkWish, Payment
from v2g.evcc.contract import ContractSigner, SigningKey
from v2g.evcc.effects import (
    ChargerTold,
    Contactors,
    DrawCurrent,
    Effect,
    LockConnector,
    PilotState,
)
from v2g.evcc.facts import ChargerFact
from v2g.evcc.protocol import Protocol, Stop, Wait
from v2g.evcc.vehicle import EvError, Setup, Vehicle

NEW_SESSION: Final = bytes(8)
"""SessionID of a request that wants a new session."""
NO_CURRENT_A: Final = 1.0
"""Contactors may open when less flows (IEC 61851-23, Annex CC)."""
CONTACTORS_CLOSE_MS: Final = 5_000
"""Contactors that are not confirmed closed by then have failed. Our own bound."""
SAFE_VOLTAGE_V: Final = 60.0
"""Below that an inlet is safe to touch, and contactors that let no more through are not welded."""


@dataclass(slots=True, repr=False)
class Paused:
    """A session that may be resumed: all that ISO 15118 keeps over a pause.

    Attributes:
        session_id: the EV comes back with it.
        namespace: of the protocol.
        agreed: what was agreed, by the message set's own means.
    """

    session_id: bytes
    namespace: str
    agreed: dict[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        """For logs: the id as everywhere, and nothing of what was agreed (a contract's id is in it)."""
        return f"Paused({self.session_id.hex().upper()}, {self.namespace})"


class Session(Teller[Effect, ChargerFact]):
    """One V2G session from the handshake to its end.

    Steps read ``vehicle`` and ``setup``, keep what was agreed in ``agreed``, and tell through the methods.
    """

    def __init__(
        self,
        vehicle: Vehicle,
        random_bytes: Callable[[int], bytes],
        unix_s: Callable[[], int],
        *,
        tls: bool = False,
        signer: ContractSigner | None = None,
        resumes: Paused | None = None,
    ) -> None:
        super().__init__(ChargerTold)
        self.vehicle = vehicle
        self.setup: Setup = vehicle.setup
        self.protocol: Protocol | None = None
        self.random_bytes = random_bytes
        self.unix_s = unix_s
        self.tls = tls
        self.signer = signer
        self.resumes = resumes
        """The session that is to be joined again; None for a new one."""
        self.session_id = resumes.session_id if resumes is not None else NEW_SESSION
        self.agreed: dict[str, Any] = {}
        """By name: what steps tell each other and what a pause has to keep."""
        self.payment = Payment.EXTERNAL
        self.mode: EnergyMode | None = None
        self.now_ms = 0
        self.header: Any = None
        """Of the response that is being taken."""
        self.payload = b""
        """The response's EXI."""
        self.sign_with: SigningKey | None = None
        """``ask`` sets it for a request that is to be signed with this key."""
        self.entered_ms = 0
        """When the step was entered."""
        self.round = 0
        """Requests of this step that were answered, since it was entered."""
        self.unlimited = False
        """A step sets it while its time limit does not count (the charger waits for a customer)."""
        self.pilot = "B"
        self.contactors = False
        """Whether the contactors were last wanted closed."""
        self.ever_closed = False
        self.closing_confirmed = False
        """The contactors were confirmed closed since they were last wanted closed."""
        self.lock_wanted = False
        self.lock_confirmed = False
        self.asked_a = 0.0
        """Current that the charger was last asked for (DC)."""
        self.stopping = ""
        """Why the session is on its way to an orderly end; "" if it is not."""
        self.ok = True
        self.pausing = False
        self.renegotiating = False
        self.renegotiation_asked = False
        """The charger asked for a renegotiation in its last response."""
        self.link = LinkWish.ERROR
        """What becomes of the link when the session ends."""
        self._logged: set[str] = set()
        self._draw_a: float | None = None

    # ------------------------------------------------------------------ for steps

    def log_once(self, text: str) -> None:
        """Add a line if it was not said before in this session."""
        if text not in self._logged:
            self._logged.add(text)
            self.log(text)

    def want_pilot(self, state: str) -> None:
        """Show this control pilot state."""
        if state != self.pilot:
            self.pilot = state
            self._effects.append(PilotState(state))
            self.checkpoint(550 if state == "C" else 810)

    def want_lock(self) -> None:
        """Lock the connector, if it is not wanted locked yet."""
        if not self.lock_wanted:
            self.lock_wanted = True
            self._effects.append(LockConnector(True))
            self.checkpoint(555)

    def want_contactors(self, closed: bool) -> None:
        """Close or open the contactors."""
        if closed != self.contactors:
            self.contactors = closed
            if closed:
                self.closing_confirmed = False
            self.ever_closed = self.ever_closed or closed
            self._effects.append(Contactors(closed))
            self.checkpoint(590 if closed and self.setup.dc else 0)

    def close_contactors(self) -> Wait | None:
        """Close the contactors; what has to be waited for, None once they are confirmed closed."""
        self.want_contactors(True)
        self.notice()
        if self.closing_confirmed:
            return None
        return Wait("contactors", CONTACTORS_CLOSE_MS, Stop("the contactors are not confirmed closed"))

    @property
    def draws(self) -> bool:
        """AC: the on-board charger may take current."""
        return bool(self._draw_a)

    def draw(self, current_a: float) -> None:
        """AC: the on-board charger may take this much per phase."""
        if current_a != self._draw_a and (current_a or self._draw_a):
            self._draw_a = current_a
            self._effects.append(DrawCurrent(current_a))

    # ------------------------------------------------------------------ what is so

    @property
    def rules(self) -> Protocol:
        """The protocol, once one is agreed."""
        if self.protocol is None:  # pragma: no cover - no step exists before
            raise RuntimeError("no protocol was agreed")
        return self.protocol

    @property
    def error(self) -> EvError | None:
        """What is wrong with the EV."""
        return self.vehicle.error

    @property
    def ready(self) -> bool:
        """The EV is ready for power: the pilot shows it and the connector is locked."""
        return self.pilot == "C" and self.vehicle.connector_locked

    @property
    def inlet_voltage_v(self) -> float | None:
        """Voltage before the contactors: measured, else what the charger last said."""
        measured = self.vehicle.inlet_voltage_v
        if measured is not None:
            return measured
        told = self._told.get(ChargerFact.PRESENT_VOLTAGE_V)
        return None if told is None else float(told)

    @property
    def current_a(self) -> float | None:
        """Current that flows: measured, else what the charger last said; None: nobody knows."""
        measured = self.vehicle.present_current_a
        if measured is not None:
            return measured
        told = self._told.get(ChargerFact.PRESENT_CURRENT_A)
        return None if told is None else float(told)

    @property
    def pre_charged(self) -> bool:
        """The voltage before the contactors is near enough to the battery's to close them."""
        voltage = self.inlet_voltage_v
        return (
            voltage is not None
            and abs(voltage - self.vehicle.battery.voltage_v) < self.setup.pre_charge_tolerance_v
        )

    def wish(self) -> tuple[str, bool] | None:
        """Why the EV wants to end the charging, and whether that is no fault; None: it does not."""
        vehicle = self.vehicle
        if vehicle.error is not None:
            return vehicle.error.value, False
        if vehicle.stop:
            return "the EV stops", True
        if self.setup.dc and vehicle.battery.full:
            return "the battery is full", True
        return None

    # ------------------------------------------------------------------ for the engine

    def record(self) -> Paused | None:
        """What the next session needs to resume this one; None before a protocol is agreed."""
        if self.protocol is None:
            return None
        kept = {name: self.agreed[name] for name in self.protocol.kept if name in self.agreed}
        return Paused(self.session_id, self.protocol.namespace, kept)

    def forget_resumed(self) -> None:
        """The paused session cannot be joined: this one is new."""
        self.resumes = None
        self.session_id = NEW_SESSION

    def notice(self) -> None:
        """Take over what the vehicle confirms."""
        if self.contactors and self.vehicle.contactors_closed:
            self.closing_confirmed = True
        if self.lock_wanted and not self.lock_confirmed and self.vehicle.connector_locked:
            self.lock_confirmed = True
            self.checkpoint(556)
