"""What the core of high-level charging wants done, in the order given."""

from __future__ import annotations

from dataclasses import dataclass

from chargectl.declarations.port_link import SessionWish
from chargectl.declarations.types import JsonValue, Topic


@dataclass(frozen=True, slots=True)
class Publish:
    """Publish a value; ``again`` even when a retained topic has it already."""

    topic: Topic
    value: JsonValue
    again: bool = False


@dataclass(frozen=True, slots=True)
class PublishTime:
    """Publish the present wall-clock time."""

    topic: Topic


@dataclass(frozen=True, slots=True)
class Wish:
    """Tell the port; what withdraws power comes before everything else in a list."""

    wish: SessionWish


@dataclass(frozen=True, slots=True)
class StationChanged:
    """Facts of the station have changed: the V2G session has to look."""


@dataclass(frozen=True, slots=True)
class Pilot:
    """Tell the matching the state of the control pilot."""

    state: str


@dataclass(frozen=True, slots=True)
class Leave:
    """The link is to end although no V2G session runs that would end it."""


@dataclass(frozen=True, slots=True)
class Note:
    """A line for the journal; ``problem`` when somebody should look at it."""

    text: str
    problem: bool = False


Effect = Publish | PublishTime | Wish | StationChanged | Pilot | Leave | Note
