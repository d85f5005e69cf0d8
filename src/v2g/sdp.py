"""SECC discovery (SDP): how a car learns the station's address, port and security. Both sides, pure.

The car sends a two-byte request in a V2GTP frame to all nodes of the link (ff02::1, UDP port 15118); the
station answers with its IPv6 address, the TCP port on which it listens, and whether TLS is spoken there
(ISO 15118-2:2014 and DIN SPEC 70121:2014, "SECC Discovery Protocol"; ISO 15118-20:2022 has the same
messages). What a station answers is in ``ANSWERS``. Datagrams that are no such message are ignored, with a
reason in the log: everybody on the link can send them.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from enum import Enum, IntEnum, unique
from typing import Final

from v2g.common.effects import Checkpoint, Log
from v2gexi import v2gtp
from v2gexi.v2gtp import FrameError, PayloadType

REQUEST_SIZE: Final = 2
RESPONSE_SIZE: Final = 20
RESPONSE_TIMEOUT_MS: Final = 250
"""After a request the car waits this long for an answer before it asks again (ISO 15118-2:2014
[V2G2-159])."""
MOST_REQUESTS: Final = 50
"""The car asks this often before it gives up (ISO 15118-2:2014 [V2G2-161])."""

REQUEST_SENT: Final = 200
REQUEST_RECEIVED: Final = 201
RESPONSE_SENT: Final = 202
RESPONSE_RECEIVED: Final = 203
ADDRESSES_KNOWN: Final = 210
"""Checkpoints of discovery. 204 and 205, neighbour discovery, are the operating system's."""


@unique
class Security(IntEnum):
    """Transport security, as the messages code it."""

    TLS = 0x00
    NONE = 0x10

    def __str__(self) -> str:
        return "TLS" if self is Security.TLS else "NO-TLS"


TCP: Final = 0x00
"""Transport protocol TCP: the only one that a session can have; 0x10 is kept for UDP."""


@unique
class TlsPolicy(Enum):
    """What a station does about TLS."""

    PROHIBIT = "prohibit"
    ALLOW = "allow"
    FORCE = "force"


ANSWERS: Final[dict[tuple[TlsPolicy, Security], Security]] = {
    (TlsPolicy.PROHIBIT, Security.TLS): Security.NONE,  # [V2G2-627]: a station without TLS says so
    (TlsPolicy.PROHIBIT, Security.NONE): Security.NONE,
    (TlsPolicy.ALLOW, Security.TLS): Security.TLS,  # [V2G2-626]
    (TlsPolicy.ALLOW, Security.NONE): Security.NONE,
    (TlsPolicy.FORCE, Security.TLS): Security.TLS,
    (TlsPolicy.FORCE, Security.NONE): Security.TLS,  # the car may go without this station
}
"""What a station announces, by its policy and the car's request."""


class SdpError(ValueError):
    """A datagram that is no SDP message of the kind that was awaited; the text says why."""


@dataclass(frozen=True, slots=True)
class SdpResponse:
    """Where a station listens. ``address`` has no scope: it counts on the interface on which it came."""

    address: ipaddress.IPv6Address
    port: int
    security: Security

    def __str__(self) -> str:
        return f"[{self.address}]:{self.port} {self.security}"


@dataclass(frozen=True, slots=True)
class SendSdp:
    """Send this frame: an answer to who has asked, a request to all nodes of the link."""

    frame: bytes


@dataclass(frozen=True, slots=True)
class SdpFound:
    """Discovery has ended well: connect there."""

    station: SdpResponse


@dataclass(frozen=True, slots=True)
class SdpFailed:
    """Discovery has ended without a station."""

    reason: str


SdpEffect = Checkpoint | Log | SendSdp | SdpFound | SdpFailed


def pack_request(security: Security) -> bytes:
    """The frame of a request."""
    return v2gtp.pack(bytes((security, TCP)), PayloadType.SDP_REQUEST)


def pack_response(response: SdpResponse) -> bytes:
    """The frame of an answer."""
    place = response.address.packed + response.port.to_bytes(2, "big")
    return v2gtp.pack(place + bytes((response.security, TCP)), PayloadType.SDP_RESPONSE)


def parse_request(datagram: bytes) -> Security:
    """The security that a request asks for.

    Raises:
        SdpError: it is no request that can be answered.
    """
    return _protocols(_payload(datagram, PayloadType.SDP_REQUEST, REQUEST_SIZE))


def parse_response(datagram: bytes) -> SdpResponse:
    """The place that an answer names.

    Raises:
        SdpError: it is no answer, or one that nobody can connect to.
    """
    payload = _payload(datagram, PayloadType.SDP_RESPONSE, RESPONSE_SIZE)
    address = ipaddress.IPv6Address(payload[:16])
    if address.is_unspecified or address.is_multicast:
        raise SdpError(f"address {address} is no station's")
    port = int.from_bytes(payload[16:18], "big")
    if not port:
        raise SdpError("port 0 is no port")
    return SdpResponse(address, port, _protocols(payload[18:]))


def _payload(datagram: bytes, payload_type: PayloadType, size: int) -> bytes:
    try:
        found, length = v2gtp.header(datagram)
    except FrameError as error:
        raise SdpError(str(error)) from None
    if found != payload_type:
        raise SdpError(f"payload type 0x{found:04x} is not 0x{payload_type:04x}")
    if length != size:
        raise SdpError(f"a payload of {length} bytes is not {size} bytes long")
    if len(datagram) != v2gtp.HEADER_SIZE + size:
        raise SdpError(f"{len(datagram)} bytes are not {v2gtp.HEADER_SIZE + size}")
    return bytes(datagram[v2gtp.HEADER_SIZE :])


def _protocols(codes: bytes) -> Security:
    security, transport = codes
    if transport != TCP:
        raise SdpError(f"transport protocol 0x{transport:02x} is not 0x00 (TCP)")
    try:
        return Security(security)
    except ValueError:
        raise SdpError(f"security 0x{security:02x} is neither 0x00 (TLS) nor 0x10 (none)") from None


class SdpResponder:
    """The station's side: answers each request, however often a car asks.

    Args:
        address: where the station listens for TCP; a scope ("%eth1") is left out of answers.
        port: on which port, 1 to 65535.
        policy: what it does about TLS.
        tls_port: on which port TLS is spoken, where that is another one.

    Raises:
        ValueError: the address or a port is none.
    """

    __slots__ = ("_frames", "_places")

    def __init__(
        self,
        address: str,
        port: int,
        policy: TlsPolicy = TlsPolicy.PROHIBIT,
        tls_port: int | None = None,
    ) -> None:
        ports = {Security.NONE: port, Security.TLS: port if tls_port is None else tls_port}
        for each in ports.values():
            if not 1 <= each <= 65535:
                raise ValueError(f"port {each} is not between 1 and 65535")
        parsed = ipaddress.IPv6Address(address.partition("%")[0])
        if parsed.is_unspecified or parsed.is_multicast:
            raise ValueError(f"address {address} is no station's")
        self._places = {
            asked: SdpResponse(parsed, ports[ANSWERS[policy, asked]], ANSWERS[policy, asked])
            for asked in Security
        }
        self._frames = {asked: pack_response(place) for asked, place in self._places.items()}

    def received(self, datagram: bytes, source: str = "") -> list[SdpEffect]:
        """A datagram has come from ``source``: what to answer there."""
        try:
            asked = parse_request(datagram)
        except SdpError as error:
            return [Log(f"SDP: ignoring {len(datagram)} bytes{_of(source)}: {error}")]
        place = self._places[asked]
        return [
            Checkpoint(REQUEST_RECEIVED, f"SDP request{_of(source)}: {asked}"),
            Log(f"SDP requested {asked}, announcing {place.security}"),
            SendSdp(self._frames[asked]),
            Checkpoint(RESPONSE_SENT, f"SDP response: {place}"),
        ]


class SdpRequester:
    """The car's side: asks until a station gives an answer that the car can use.

    Args:
        security: what to ask for.
        accepted: what the car goes on with. By default only what it asks for; a station without TLS answers a
            request for TLS with NO-TLS, and the car decides (ISO 15118-2:2014 [V2G2-628]).
        link_local_only: stations on other than link-local addresses are not taken: a charging cable has no
            router.
        most_requests: how often to ask.
        timeout_ms: how long to wait for each answer.
    """

    __slots__ = (
        "_accepted",
        "_deadline",
        "_done",
        "_last",
        "_link_local",
        "_most",
        "_security",
        "_sent",
        "_timeout",
    )

    def __init__(
        self,
        security: Security,
        *,
        accepted: frozenset[Security] | None = None,
        link_local_only: bool = True,
        most_requests: int = MOST_REQUESTS,
        timeout_ms: int = RESPONSE_TIMEOUT_MS,
    ) -> None:
        self._security = security
        self._accepted = accepted or frozenset((security,))
        self._link_local = link_local_only
        self._most = most_requests
        self._timeout = timeout_ms
        self._sent = 0
        self._deadline: int | None = None
        self._done = False
        self._last = "no answer"

    def deadline(self) -> int | None:
        """When ``tick`` has to be called (ms); None before the start and after the end."""
        return self._deadline

    def start(self, now_ms: int) -> list[SdpEffect]:
        """Ask for the first time."""
        self._sent = 0
        self._done = False
        self._last = "no answer"
        return self._ask(now_ms)

    def tick(self, now_ms: int) -> list[SdpEffect]:
        """Ask again, or give up, if it is time for it."""
        if self._deadline is None or now_ms < self._deadline:
            return []
        if self._sent < self._most:
            return self._ask(now_ms)
        self._deadline = None
        self._done = True
        return [SdpFailed(f"no station after {self._sent} SDP requests: {self._last}")]

    def received(self, datagram: bytes, source: str = "") -> list[SdpEffect]:
        """A datagram has come from ``source``. What cannot be used is ignored: others may still answer."""
        if self._done or self._deadline is None:
            return []
        try:
            station = parse_response(datagram)
            self._check(station)
        except SdpError as error:
            self._last = f"answer{_of(source)} not used: {error}"
            return [Log(f"SDP: {self._last}")]
        self._deadline = None
        self._done = True
        return [
            Checkpoint(RESPONSE_RECEIVED, f"SDP response{_of(source)}: {station}"),
            Checkpoint(ADDRESSES_KNOWN, f"connecting to {station}"),
            SdpFound(station),
        ]

    def _check(self, station: SdpResponse) -> None:
        if station.security not in self._accepted:
            raise SdpError(f"{station.security} announced, {self._security} requested")
        if self._link_local and not station.address.is_link_local:
            raise SdpError(f"address {station.address} is not link-local")

    def _ask(self, now_ms: int) -> list[SdpEffect]:
        self._sent += 1
        self._deadline = now_ms + self._timeout
        text = f"SDP request {self._sent}: {self._security}"
        return [SendSdp(pack_request(self._security)), Checkpoint(REQUEST_SENT, text)]


def _of(source: str) -> str:
    return f" from {source}" if source else ""
