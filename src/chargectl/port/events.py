"""What can happen to the port. Each event is a fact, already believed; the time comes with it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, unique

from chargectl.declarations.port_link import SessionWish
from chargectl.pilot.levels import CpState
from chargectl.pilot.proximity import Cable


@unique
class LockPosition(Enum):
    """Where the plug lock is, as its position switch tells."""

    LOCKED = "locked"
    UNLOCKED = "unlocked"
    MOVING = "moving"
    """Neither end position."""
    UNKNOWN = "unknown"
    """The lock type has no position switch."""


@dataclass(frozen=True, slots=True)
class PilotSeen:
    """The believed state of the control pilot and whether the EV's diode is there."""

    state: CpState
    diode_ok: bool = True


@dataclass(frozen=True, slots=True)
class ProximitySeen:
    """The cable class of the latest proximity reading."""

    cable: Cable


@dataclass(frozen=True, slots=True)
class PrimarySense:
    """Raw level of relay 1's sense input."""

    level: bool


@dataclass(frozen=True, slots=True)
class SecondarySense:
    """Raw level of relay 2's sense input (ventilation or secondary contactor)."""

    level: bool


@dataclass(frozen=True, slots=True)
class LockSense:
    """Position of the plug lock."""

    position: LockPosition


@dataclass(frozen=True, slots=True)
class LockCapacitor:
    """Whether the lock motor's capacitor is charged."""

    charged: bool


@dataclass(frozen=True, slots=True)
class LockDriverFault:
    """Whether the motor driver signals a fault (overcurrent, overtemperature)."""

    active: bool


@dataclass(frozen=True, slots=True)
class RcdFeedback:
    """Level of the RCD's feedback, True when healthy."""

    healthy: bool


@dataclass(frozen=True, slots=True)
class EmergencyInput:
    """Whether the emergency switch is asserted."""

    asserted: bool


@dataclass(frozen=True, slots=True)
class KeySwitch:
    """Position of the authorization key switch."""

    on: bool


@dataclass(frozen=True, slots=True)
class Authorization:
    """A message on the authorization topic; ``session`` means it ends with the session (not retained)."""

    allowed: bool
    session: bool


@dataclass(frozen=True, slots=True)
class DynamicLimit:
    """A customer's current limit under a free name; -1 is no limit."""

    name: str
    ampere: float


@dataclass(frozen=True, slots=True)
class StationLimit:
    """The current limit of OCPP smart charging; -1 is no limit."""

    ampere: float


@dataclass(frozen=True, slots=True)
class VentilationAvailable:
    """External ventilation control: whether a ventilation is there."""

    available: bool


@dataclass(frozen=True, slots=True)
class VentilationTarget:
    """External ventilation control: relay 2 as the customer's software wants it."""

    on: bool


@dataclass(frozen=True, slots=True)
class PhaseTarget:
    """Wanted count of phases (1 or 3; others are ignored)."""

    count: int


@dataclass(frozen=True, slots=True)
class PhaseSwitchDelay:
    """Guard delay of phase switching in seconds (10 to 300; others are ignored)."""

    seconds: int


@dataclass(frozen=True, slots=True)
class RcdTestRequest:
    """Somebody asks for an RCD test."""


@dataclass(frozen=True, slots=True)
class SessionWished:
    """What a V2G session wishes (high-level charging); None: nobody speaks for one any more."""

    wish: SessionWish | None


@dataclass(frozen=True, slots=True)
class BoardFault:
    """A source of the board (``relay1_sense``, ``pilot_adc``) fails or works again."""

    source: str
    active: bool


@dataclass(frozen=True, slots=True)
class Stop:
    """The program is about to end: bring the session to its end as at a withdrawn authorization."""


@dataclass(frozen=True, slots=True)
class Tick:
    """Nothing happened but time: a deadline may be due."""


Event = (
    PilotSeen
    | ProximitySeen
    | PrimarySense
    | SecondarySense
    | LockSense
    | LockCapacitor
    | LockDriverFault
    | RcdFeedback
    | EmergencyInput
    | KeySwitch
    | Authorization
    | DynamicLimit
    | StationLimit
    | VentilationAvailable
    | VentilationTarget
    | PhaseTarget
    | PhaseSwitchDelay
    | RcdTestRequest
    | SessionWished
    | BoardFault
    | Stop
    | Tick
)
