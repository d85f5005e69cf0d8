"""What happens to a matching core: frames, the pilot, the link's state, time, and commands from above."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, unique
from typing import Literal

PilotLetter = Literal["A", "B", "C", "D", "E", "F"]
"""States of the control pilot, IEC 61851-1."""


@dataclass(frozen=True, slots=True)
class FrameReceived:
    """A frame came in, from the line or from the own modem; any bytes at all."""

    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class PilotState:
    """The control pilot changed its state. Both peaks as they were measured, where they are known."""

    state: PilotLetter
    positive_mv: int | None = None
    negative_mv: int | None = None

    def text(self, before: PilotLetter) -> str:
        """The change in words."""
        text = f"CP state change from {before} to {self.state}"
        if self.positive_mv is None or self.negative_mv is None:
            return text
        return f"{text}, U_CP+: {self.positive_mv} mV, U_CP-: {self.negative_mv} mV"


@dataclass(frozen=True, slots=True)
class LinkStatus:
    """The modem's answer to `AskLinkStatus`: whether it shares a network with another station."""

    joined: bool


@dataclass(frozen=True, slots=True)
class Tick:
    """The core's deadline is reached. Early and late ones do no harm."""


@unique
class Command(Enum):
    """What the layers above want."""

    START = "start"
    """Begin: set a key into the modem, and match as soon as the pilot allows."""
    STOP = "stop"
    """End: leave the network and do nothing more."""
    TERMINATE = "dlink_terminate"
    """D-LINK_TERMINATE: leave the network and wait for the cable to be unplugged."""
    ERROR = "dlink_error"
    """D-LINK_ERROR: leave the network and match anew."""
    PAUSE = "dlink_pause"
    """D-LINK_PAUSE: stay matched and let the modem save power."""
    RESUME = "resume"
    """End a pause."""


Event = FrameReceived | PilotState | LinkStatus | Tick | Command
