"""What a matching core wants done. The shell carries effects out in the order given."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, unique
from typing import Literal

from v2g.common.effects import Checkpoint, Log


@dataclass(frozen=True, slots=True)
class SendFrame:
    """Send a frame's bytes on the interface to the modem. Not shown by repr: it may hold a key."""

    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class AskLinkStatus:
    """Ask the modem whether it has a link, and answer with `LinkStatus`. No answer before the next
    question counts as no link."""


@dataclass(frozen=True, slots=True)
class ModemReady:
    """Whether the modem holds the session's key. A charger applies 5 % duty only while it does."""

    ready: bool


@dataclass(frozen=True, slots=True)
class Matched:
    """Both stations are in one network."""

    ev_mac: bytes
    evse_mac: bytes
    nid: bytes
    nmk: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class DLinkReady:
    """D-LINK_READY: whether data can pass."""

    ready: bool


@unique
class Reason(Enum):
    """Why a matching process, or the whole matching, failed."""

    MODEM = "the modem took no key"
    NO_SLAC = "no CM_SLAC_PARM.REQ came from a car"
    NO_START = "no CM_START_ATTEN_CHAR.IND came"
    NO_SOUNDS = "no sound was heard"
    NO_PROFILE = "the modem delivered no attenuation profile"
    NO_ATTEN_RSP = "no CM_ATTEN_CHAR.RSP came"
    REFUSED = "the car refused the attenuation values"
    NO_MATCH_REQ = "no CM_SLAC_MATCH.REQ came"
    NO_PARM_CNF = "no CM_SLAC_PARM.CNF came from a charger"
    NO_ATTEN_CHAR = "no CM_ATTEN_CHAR.IND came from a charger"
    TOO_WEAK = "every charger was too weak"
    NO_VALIDATION = "no charger passed validation"
    NO_MATCH_CNF = "no CM_SLAC_MATCH.CNF came"
    NO_LINK = "the link did not come up"
    LINK_LOST = "the link was lost"
    REPLACED = "the car began anew"
    UNPLUGGED = "the pilot left the states B, C and D"
    STOPPED = "it was told to stop"


@dataclass(frozen=True, slots=True)
class Failed:
    """Matching failed. ``final``: the core tries no more until the cable is unplugged or a command
    comes."""

    reason: Reason
    final: bool


@dataclass(frozen=True, slots=True)
class RequestErrorRoutine:
    """A charger heard nothing: pass the pilot through state E or F for T_step_EF, then offer 5 % again."""


@dataclass(frozen=True, slots=True)
class SetPilotLoad:
    """A car's BCB toggles: put the pilot into state B or C."""

    state: Literal["B", "C"]


@dataclass(frozen=True, slots=True)
class SavePower:
    """Whether the modem may save power, the link being paused."""

    on: bool


Effect = (
    SendFrame
    | AskLinkStatus
    | ModemReady
    | Matched
    | DLinkReady
    | Failed
    | RequestErrorRoutine
    | SetPilotLoad
    | SavePower
    | Checkpoint
    | Log
)
