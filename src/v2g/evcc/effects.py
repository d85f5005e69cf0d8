"""What a session wants from the EV's shell, in the order in which it is to be done."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from v2g.common.effects import Checkpoint, Log
from v2g.common.terms import LinkWish, Phase
from v2g.evcc.facts import ChargerFact

if TYPE_CHECKING:
    from v2g.evcc.session import Paused


@dataclass(frozen=True, slots=True)
class Send:
    """Write these bytes to the TCP connection, in one piece."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Disconnect:
    """Close the TCP connection."""

    reason: str


@dataclass(frozen=True, slots=True)
class PilotState:
    """Show this state on the control pilot: "B" (connected) or "C" (ready for power; "D" serves as well)."""

    state: str


@dataclass(frozen=True, slots=True)
class LockConnector:
    """Lock or unlock the plug in the inlet; the answer is ``Vehicle.connector_locked``."""

    locked: bool


@dataclass(frozen=True, slots=True)
class Contactors:
    """Close or open the EV's contactors (AC: connect the on-board charger); the answer is
    ``Vehicle.contactors_closed``."""

    closed: bool


@dataclass(frozen=True, slots=True)
class DrawCurrent:
    """AC: the EV may take this much from now on, per phase; 0: nothing, before the contactors open. Negative:
    it gives so much back (bidirectional service of ISO 15118-20)."""

    current_a: float


@dataclass(frozen=True, slots=True)
class Link:
    """The session is over; the data link is to go on like this."""

    wish: LinkWish


@dataclass(frozen=True, slots=True)
class PhaseChanged:
    """A phase begins (``started``) or ends."""

    phase: Phase
    started: bool


@dataclass(frozen=True, slots=True)
class ChargerTold:
    """The charger told something that is new; its unit and type are those of the fact."""

    fact: ChargerFact
    value: Any = field(repr=False)
    """Its kind is the fact's; secrets are among them."""


@dataclass(frozen=True, slots=True)
class ProtocolSelected:
    """The protocol of this session; empty: there is none in common."""

    namespace: str


@dataclass(frozen=True, slots=True)
class StateChanged:
    """The session has come to another step of its table."""

    state: str


@dataclass(frozen=True, slots=True)
class MessageSeen:
    """A request goes (``request``) or a response came, for logs and recordings.

    Attributes:
        name: "CableCheckReq".
        message: the typed message; secrets in it are the reader's to redact (:mod:`v2g.common.redact`).
        payload: its EXI.
        payload_type: of its frame.
    """

    name: str
    request: bool
    message: Any = field(repr=False)
    payload: bytes = field(repr=False)
    payload_type: int = 0x8001


@dataclass(frozen=True, slots=True)
class SessionEnded:
    """Nothing more will be sent, the power path is open or was told to open.

    Attributes:
        reason: one line for people.
        ok: the session ended as the EV or the charger wished, without a fault.
        paused: what the next session needs to resume this one, if it was paused.
    """

    reason: str
    ok: bool
    paused: Paused | None = None


Effect = (
    Send
    | Disconnect
    | PilotState
    | LockConnector
    | Contactors
    | DrawCurrent
    | Link
    | PhaseChanged
    | ChargerTold
    | ProtocolSelected
    | StateChanged
    | MessageSeen
    | SessionEnded
    | Checkpoint
    | Log
)
