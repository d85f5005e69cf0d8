"""Packets around what a socket said: Ethernet, IPv6, TCP and UDP headers, as they would have been on the
line.

A session that runs over sockets has no packets to record, and those of an encrypted one could not be read.
Sequence numbers, lengths and checksums are right, so that every program reads the recording; what TCP
repeated or delayed is not in it.
"""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from v2gexi.packets import ACK, FIN, SYN, Endpoint

PSH: Final = 0x08
_IPV6: Final = 0x86DD
_TCP, _UDP = 6, 17
SEGMENT_BYTES: Final = 1440
"""Ethernet's 1500 bytes less the headers of IPv6 and TCP."""
CAR_ADDRESS: Final = bytes.fromhex("020000000001")
STATION_ADDRESS: Final = bytes.fromhex("020000000002")
"""Ethernet addresses (locally administered) for sides whose own is not known."""


@dataclass(frozen=True, slots=True)
class End:
    """One side: its Ethernet address, and its IPv6 address and port."""

    hardware: bytes
    endpoint: Endpoint


def checksum(data: bytes) -> int:
    """The Internet checksum (RFC 1071)."""
    total: int = sum(struct.unpack(f">{len(data) // 2}H", data[: len(data) & ~1]))
    if len(data) % 2:
        total += data[-1] << 8
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def udp(source: End, destination: End, data: bytes) -> bytes:
    """A datagram."""
    head = struct.pack(">HHHH", source.endpoint.port, destination.endpoint.port, 8 + len(data), 0)
    return _packet(source, destination, _UDP, head, 6, data)


def _packet(source: End, destination: End, kind: int, head: bytes, at: int, data: bytes) -> bytes:
    """The packet; ``at``: where in the transport's header the checksum is."""
    addresses = b"".join(_address(each) for each in (source, destination))
    transport = head + data
    pseudo = addresses + struct.pack(">II", len(transport), kind)
    # A UDP checksum of zero would mean that there is none (RFC 8200, 8.1).
    total = checksum(pseudo + transport) or (0xFFFF if kind == _UDP else 0)
    transport = transport[:at] + struct.pack(">H", total) + transport[at + 2 :]
    internet = struct.pack(">IHBB", 6 << 28, len(transport), kind, 64) + addresses
    return destination.hardware + source.hardware + struct.pack(">H", _IPV6) + internet + transport


def _address(end: End) -> bytes:
    return ipaddress.IPv6Address(end.endpoint.address.partition("%")[0]).packed


@dataclass(slots=True)
class Conversation:
    """A TCP connection from the car to the station. Sequence numbers begin with 0 on both sides."""

    car: End
    station: End
    _next: dict[bool, int] = field(default_factory=lambda: {True: 0, False: 0})
    """The next sequence number of the car (True) and of the station."""

    def open(self) -> Iterator[tuple[bool, bytes]]:
        """The three packets with which it begins, each with whether it is the car's."""
        yield True, self._segment(True, SYN)
        yield False, self._segment(False, SYN | ACK)
        yield True, self._segment(True, ACK)

    def data(self, from_car: bool, data: bytes) -> Iterator[bytes]:
        """The segments that carry some bytes, at most 1440 in each."""
        for at in range(0, len(data), SEGMENT_BYTES):
            yield self._segment(from_car, PSH | ACK, data[at : at + SEGMENT_BYTES])

    def close(self, by_car: bool) -> Iterator[tuple[bool, bytes]]:
        """The three packets with which it ends, each with whether it is the car's."""
        yield by_car, self._segment(by_car, FIN | ACK)
        yield not by_car, self._segment(not by_car, FIN | ACK)
        yield by_car, self._segment(by_car, ACK)

    def _segment(self, from_car: bool, flags: int, data: bytes = b"") -> bytes:
        source, destination = (self.car, self.station) if from_car else (self.station, self.car)
        ports = (source.endpoint.port, destination.endpoint.port)
        acknowledged = self._next[not from_car] if flags & ACK else 0
        head = struct.pack(
            ">HHIIBBHHH", *ports, self._next[from_car], acknowledged, 5 << 4, flags, 0xFFFF, 0, 0
        )
        advance = len(data) + (1 if flags & (SYN | FIN) else 0)
        self._next[from_car] = (self._next[from_car] + advance) & 0xFFFFFFFF
        return _packet(source, destination, _TCP, head, 16, data)
