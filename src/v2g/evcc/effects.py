"""What a session wants from the EV's shell, in the order in which it is to be done."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from v2g.common.effects import Checkpoint, Log
from v2g.common.session_effects import Disconnect, Link, MessageSeen, PhaseChanged, ProtocolSelected, Send
from v2g.evcc.facts import ChargerFact

if TYPE_CHECKING:
    from v2g.evcc.session import Paused

__all__ = [
    "ChargerTold",
    "Checkpoint",
    "Contactors",
    "Disconnect",
    "DrawCurrent",
    "Effect",
    "Link",
    "LockConnector",
    "Log",
    "MessageSeen",
    "PhaseChanged",
    "PilotState",
    "ProtocolSelected",
    "Send",
    "SessionEnded",
    "StateChanged",
]


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
class ChargerTold:
    """The charger told something that is new; its unit and type are those of the fact."""

    fact: ChargerFact
    value: Any = field(repr=False)
    """Its kind is the fact's; secrets are among them."""


@dataclass(frozen=True, slots=True)
class StateChanged:
    """The session has come to another step of its table."""

    state: str


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
