"""What the sessions of both sides want and tell alike; each side's own are in its ``effects``."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from v2g.common.terms import LinkWish, Phase


@dataclass(frozen=True, slots=True)
class Send:
    """Write these bytes to the TCP connection, in one piece (some EVs read a message with one read)."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Disconnect:
    """Close the TCP connection."""

    reason: str


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
class ProtocolSelected:
    """The protocol of this session; empty: there is none in common."""

    namespace: str


@dataclass(frozen=True, slots=True)
class MessageSeen:
    """A request (``request``) or a response has come or goes, for logs and recordings.

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
