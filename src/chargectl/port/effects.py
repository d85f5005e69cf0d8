"""What the port wants done. The shell carries effects out in the order given: what opens comes first."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, unique

from chargectl.declarations.types import JsonValue, Topic

PublishedValue = JsonValue


@unique
class LockMotion(Enum):
    """What the plug lock's motor does."""

    OFF = "off"
    LOCK = "lock"
    UNLOCK = "unlock"


@dataclass(frozen=True, slots=True)
class SetRelay:
    """Switch relay ``index`` (1 contactor, 2 ventilation or secondary contactor)."""

    index: int
    on: bool


@dataclass(frozen=True, slots=True)
class SetPilot:
    """Put the control pilot to a duty cycle in hundredths of a percent, or to 0 V (None, state E)."""

    duty_centi: int | None


@dataclass(frozen=True, slots=True)
class DriveLock:
    """Drive the plug lock's motor until told otherwise."""

    motion: LockMotion


@dataclass(frozen=True, slots=True)
class SetRcdTest:
    """Switch the RCD's test trigger."""

    active: bool


@dataclass(frozen=True, slots=True)
class Publish:
    """Publish a value; ``again`` even when it is the value published last (the end of a test)."""

    topic: Topic
    value: PublishedValue
    again: bool = False


@dataclass(frozen=True, slots=True)
class PublishTime:
    """Publish the present wall-clock time on a timestamp topic."""

    topic: Topic


@dataclass(frozen=True, slots=True)
class Note:
    """One line for the journal; ``problem`` when somebody should look at it."""

    text: str
    problem: bool = False


Effect = SetRelay | SetPilot | DriveLock | SetRcdTest | Publish | PublishTime | Note
