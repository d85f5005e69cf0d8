"""What happened on the line, one object an event: frames of the modem, of SLAC, datagrams, segments,
messages, log."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum, unique


@unique
class Layer(StrEnum):
    """Where an event belongs, from the power line up."""

    MODEM = "modem"
    """Management frames between a host and its modem."""
    SLAC = "SLAC"
    NDP = "NDP"
    """IPv6 neighbour discovery."""
    SDP = "SDP"
    TCP = "TCP"
    TLS = "TLS"
    V2G = "V2G"
    LOG = "log"
    """Syslog datagrams that a host sent onto the network."""


@unique
class Side(StrEnum):
    """Who sent it."""

    CAR = "car"
    STATION = "station"
    UNKNOWN = ""


Value = str | int | float | bool | bytes | list[str]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that should not be: its kind, one of :data:`v2g.capture.limits.FINDINGS`, and what it was
    here."""

    kind: str
    text: str


@dataclass(slots=True)
class Event:
    """An event of a capture.

    Attributes:
        time: nanoseconds since 1970; None if the file does not say.
        packet: number of the packet that completed it, as Wireshark counts.
        file_offset: byte of the file at which that packet's record begins.
        layer: where it belongs.
        name: the message's name, such as CM_SLAC_PARM.REQ, SYN or CurrentDemandReq.
        side: who sent it.
        source: address of the sender: Ethernet for frames, IP and port above.
        destination: address of the receiver.
        values: what matters of its content, by the standards' names; volts, amperes, watts, per cent, and
            what the name says. Secrets are among them: :func:`v2g.common.redact.shown` is for those who write
            them out.
        message_set: of a V2G message.
        connection: number of the TCP connection in the file; 0: none.
        hardware: Ethernet address of the sender, where the capture has it.
        session_id: of a V2G message's header.
        checkpoint: number of :mod:`v2g.common.checkpoints`; None: it is none.
        phase: name of the phase it belongs to; empty: none.
        findings: what is wrong with it.
        resumed: messages before it are kept no longer (see :mod:`v2g.capture.live_sessions`); what depends
            on them was checked while they were.
    """

    time: int | None
    packet: int
    file_offset: int
    layer: Layer
    name: str
    side: Side = Side.UNKNOWN
    source: str = ""
    destination: str = ""
    values: dict[str, Value] = field(default_factory=dict)
    message_set: str = ""
    connection: int = 0
    hardware: bytes = b""
    session_id: bytes = b""
    checkpoint: int | None = None
    phase: str = ""
    findings: list[Finding] = field(default_factory=list)
    resumed: bool = False

    @property
    def is_request(self) -> bool:
        """Whether it is a V2G request."""
        return self.layer is Layer.V2G and self.name.endswith("Req")

    @property
    def is_response(self) -> bool:
        """Whether it is a V2G response."""
        return self.layer is Layer.V2G and self.name.endswith("Res")

    @property
    def base(self) -> str:
        """A V2G message's name without Req or Res."""
        return self.name[:-3] if self.name.endswith(("Req", "Res")) else self.name

    def number(self, name: str) -> float | None:
        """A value that is a number; None if it is absent or none."""
        value = self.values.get(name)
        return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None

    def text(self, name: str) -> str:
        """A value that is a text; empty if it is absent or none."""
        value = self.values.get(name)
        return value if isinstance(value, str) else ""

    def finds(self, kind: str, text: str) -> None:
        """Note that something is wrong with it. What is noted already is not noted twice."""
        finding = Finding(kind, text)
        if finding not in self.findings:
            self.findings.append(finding)
