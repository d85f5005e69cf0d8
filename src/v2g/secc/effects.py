"""What a session wants from the station's shell, in the order in which it is to be done."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, unique
from typing import Any

from v2g.common.effects import Checkpoint, Log
from v2g.common.session_effects import Disconnect, Link, MessageSeen, PhaseChanged, ProtocolSelected, Send
from v2g.common.terms import Payment
from v2g.secc.facts import EvFact

__all__ = [
    "AuthorizationWanted",
    "CableCheck",
    "CertificateRequest",
    "Checkpoint",
    "Contactor",
    "DcTarget",
    "Disconnect",
    "Effect",
    "EvTold",
    "Link",
    "Log",
    "MessageSeen",
    "Milestone",
    "PhaseChanged",
    "ProtocolSelected",
    "ProtocolsOffered",
    "Reached",
    "Send",
]


@dataclass(frozen=True, slots=True)
class Contactor:
    """The path to the EV is to be closed or opened: the AC contactor, or the relays of the DC output.

    The first effect of every list that opens it, whatever else is in it. The answer is
    :attr:`~v2g.secc.station.Station.contactor_closed`."""

    closed: bool


@dataclass(frozen=True, slots=True)
class DcTarget:
    """What the EV wants of the DC output now, in pre-charge and in the charge loop. Not above the limits."""

    voltage_v: float
    current_a: float


@dataclass(frozen=True, slots=True)
class CableCheck:
    """The DC cable is to be checked: isolation under voltage, then below 60 V; answer: ``cable_check``."""


@dataclass(frozen=True, slots=True)
class AuthorizationWanted:
    """The session waits for ``authorization``.

    Attributes:
        payment: by whom.
        emaid: the contract's id (Plug & Charge).
        chain: its certificates, DER, leaf first.
    """

    payment: Payment
    emaid: str = field(default="", repr=False)
    chain: tuple[bytes, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class CertificateRequest:
    """A certificate installation or update is to be passed to the backend; answer: ``certificate_response``.

    ``payload`` is the request's EXI as it came, ``update`` tells the two apart, ``namespace`` the schema."""

    payload: bytes = field(repr=False)
    update: bool
    namespace: str


@dataclass(frozen=True, slots=True)
class EvTold:
    """The EV told something that is new; its unit and type are those of the fact."""

    fact: EvFact
    value: Any = field(repr=False)
    """Its kind is the fact's; secrets are among them."""


@unique
class Milestone(Enum):
    """Things that happen once a charging period; values are EVerest's names."""

    V2G_SETUP_FINISHED = "v2g_setup_finished"
    """PowerDeliveryReq with Start or Stop has come (ISO 15118-3)."""
    CURRENT_DEMAND_STARTED = "current_demand_started"
    CURRENT_DEMAND_FINISHED = "current_demand_finished"
    SESSION_STOP = "session_stop"
    """SessionStopReq has come."""
    RENEGOTIATION = "renegotiation"
    """The EV began a renegotiation: schedules and ``parameters_ready`` have to be given anew."""


@dataclass(frozen=True, slots=True)
class Reached:
    """A milestone."""

    milestone: Milestone


@dataclass(frozen=True, slots=True)
class ProtocolsOffered:
    """The EV's protocols as (namespace, major, minor, schema id, priority), favourite first."""

    protocols: tuple[tuple[str, int, int, int, int], ...]


Effect = (
    Send
    | Disconnect
    | Contactor
    | DcTarget
    | CableCheck
    | AuthorizationWanted
    | CertificateRequest
    | PhaseChanged
    | EvTold
    | Reached
    | Link
    | ProtocolsOffered
    | ProtocolSelected
    | MessageSeen
    | Checkpoint
    | Log
)
