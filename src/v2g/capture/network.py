"""Neighbour discovery, TCP's connections and syslog datagrams of a capture as events."""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from v2g.capture.events import Event, Layer, Side
from v2gexi.packets import ACK, FIN, RST, SYN, Endpoint, Segment
from v2gexi.pcap import Packet

ETHERNET: Final = 1
"""Link type of Ethernet frames (www.tcpdump.org/linktypes)."""
_IPV6: Final = b"\x86\xdd"
_ICMPV6: Final = 58
_SOLICITATION, _ADVERTISEMENT = 135, 136
_NEIGHBOUR: Final = {
    _SOLICITATION: "neighbour solicitation",
    _ADVERTISEMENT: "neighbour advertisement",
}
"""Types of ICMPv6 messages (RFC 4861, 4.3 and 4.4)."""
SYSLOG_PORT: Final = 514
_MOST_HOLES: Final = 256
"""So many gaps in what one side sent are remembered."""
_HANDSHAKE, _ALERT, _APPLICATION = 0x16, 0x15, 0x17
_HANDSHAKES: Final = {
    1: "ClientHello",
    2: "ServerHello",
    11: "Certificate",
    12: "ServerKeyExchange",
    13: "CertificateRequest",
    14: "ServerHelloDone",
    16: "ClientKeyExchange",
}
"""Types of TLS handshake messages (RFC 5246, 7.4; RFC 8446, 4)."""


def hardware_of(packet: Packet) -> bytes:
    """The Ethernet address of a packet's sender; empty if its link layer has none."""
    return packet.data[6:12] if packet.link_type == ETHERNET and len(packet.data) >= 14 else b""


def neighbour_event(packet: Packet) -> Event | None:
    """A neighbour solicitation or advertisement; None if the packet is none."""
    data = packet.data
    if packet.link_type != ETHERNET or data[12:14] != _IPV6 or len(data) < 78 or data[20] != _ICMPV6:
        return None
    name = _NEIGHBOUR.get(data[54])
    if name is None:
        return None
    source, destination = (str(ipaddress.IPv6Address(data[at : at + 16])) for at in (22, 38))
    event = _event(packet, Layer.NDP, name, source, destination)
    event.values["target"] = str(ipaddress.IPv6Address(data[62:78]))
    if source == "::" and data[54] == _SOLICITATION:
        event.values["purpose"] = "is this address free?"
    return event


def log_event(segment: Segment) -> Event | None:
    """A syslog datagram; None if the datagram is none."""
    if segment.flags is not None or segment.destination.port != SYSLOG_PORT:
        return None
    text = segment.data.split(b"\0")[0].decode("utf-8", "replace").strip()
    if text.startswith("<"):
        priority, mark, rest = text[1:].partition(">")
        text = rest if mark and priority.isdigit() else text
    return _event(segment.packet, Layer.LOG, text, str(segment.source), str(segment.destination))


def _event(packet: Packet, layer: Layer, name: str, source: str, destination: str) -> Event:
    return Event(
        packet.time,
        packet.number,
        packet.offset,
        layer,
        name,
        source=source,
        destination=destination,
        hardware=hardware_of(packet),
    )


@dataclass(slots=True)
class _Half:
    """What one end of a connection has sent."""

    next: int | None = None
    """The sequence number that follows all that was seen."""
    holes: list[tuple[int, int]] = field(default_factory=list)
    tls_seen: set[int] = field(default_factory=set)


@dataclass(slots=True)
class Connection:
    """A TCP connection. ``opener`` is None if its beginning was not captured."""

    number: int
    opener: Endpoint | None = None
    responder: Endpoint | None = None
    first_sequence: int | None = None
    established: bool = False
    answered: bool = False
    tls: bool = False
    ended: bool = False
    halves: dict[Endpoint, _Half] = field(default_factory=dict)
    link_local: bool = False
    events: list[Event] = field(default_factory=list)


class Connections:
    """Follows TCP connections, and tells their beginnings, ends and what was lost.

    The numbers of the connections are those of :func:`v2gexi.tcp.assemble`."""

    def __init__(self) -> None:
        self._current: dict[frozenset[Endpoint], Connection] = {}
        self._count = 0
        self.connections: list[Connection] = []

    def take(self, segment: Segment) -> Connection:
        """The next segment of the file; the connection to which it belongs."""
        assert segment.flags is not None
        connection = self._connection(segment)
        half = connection.halves.setdefault(segment.source, _Half())
        self._begin_and_end(connection, half, segment)
        if segment.data:
            self._data(connection, half, segment)
        return connection

    def forget(self, connection: Connection) -> None:
        """Follow a connection no longer, so that days of them need no room."""
        self.connections = [each for each in self.connections if each is not connection]
        self._current = {ends: each for ends, each in self._current.items() if each is not connection}

    def _connection(self, segment: Segment) -> Connection:
        pair = frozenset((segment.source, segment.destination))
        flags = segment.flags or 0
        known = self._current.get(pair)
        if flags & SYN and not flags & ACK and (known is None or known.first_sequence != segment.sequence):
            known = None
        if known is None:
            self._count += 1
            known = Connection(self._count)
            known.link_local = segment.source.address.startswith("fe80")
            self.connections.append(known)
            self._current[pair] = known
        return known

    def _add(self, connection: Connection, segment: Segment, name: str) -> Event:
        ends = (str(segment.source), str(segment.destination))
        event = _event(segment.packet, Layer.TCP, name, *ends)
        event.connection = connection.number
        event.side = self.side_of(connection, segment.source)
        connection.events.append(event)
        return event

    @staticmethod
    def side_of(connection: Connection, source: Endpoint) -> Side:
        """Cars open connections."""
        if connection.opener is None:
            return Side.UNKNOWN
        return Side.CAR if source == connection.opener else Side.STATION

    def _begin_and_end(self, connection: Connection, half: _Half, segment: Segment) -> None:
        flags = segment.flags or 0
        if flags & SYN:
            after = (segment.sequence + 1) & 0xFFFFFFFF
            if not flags & ACK:
                connection.opener, connection.responder = segment.source, segment.destination
                connection.first_sequence = segment.sequence
            else:
                connection.opener, connection.responder = segment.destination, segment.source
                connection.answered = True
            event = self._add(connection, segment, "SYN ACK" if flags & ACK else "SYN")
            event.values["port"] = (segment.source if flags & ACK else segment.destination).port
            if half.next == after:
                event.finds("retransmission", f"{event.name} sent again")
            half.next = after
            return
        if flags & RST:
            self._add(connection, segment, "RST").finds("tcp-reset", "the connection is broken off (RST)")
            connection.ended = True
        elif flags & FIN:
            event = self._add(connection, segment, "FIN")
            after = (segment.sequence + len(segment.data) + 1) & 0xFFFFFFFF
            if half.next == after:
                event.finds("retransmission", "FIN sent again")
            if not segment.data:
                half.next = after
            connection.ended = True
        elif (
            flags & ACK
            and connection.answered
            and not connection.established
            and segment.source == connection.opener
        ):
            connection.established = True
            self._add(connection, segment, "ACK")

    def _data(self, connection: Connection, half: _Half, segment: Segment) -> None:
        start, size = segment.sequence, len(segment.data)
        if half.next is None:
            half.next = start
        ahead = _distance(half.next, start)
        if ahead > 0:
            half.holes.append((half.next, start))
            del half.holes[:-_MOST_HOLES]
            event = self._add(connection, segment, "gap")
            event.values["bytes"] = ahead
            event.finds("lost-segment", f"{ahead} bytes before this packet are missing here")
        elif ahead < 0 and not (size == 1 and ahead == -1):
            self._again(connection, half, segment)
        end = (start + size) & 0xFFFFFFFF
        if _distance(half.next, end) > 0:
            half.next = end
            self._tls(connection, half, segment)

    def _again(self, connection: Connection, half: _Half, segment: Segment) -> None:
        start, size = segment.sequence, len(segment.data)
        for hole in half.holes:
            if _distance(hole[0], start) >= 0 and _distance(start, hole[1]) > 0:
                half.holes.remove(hole)
                event = self._add(connection, segment, "late segment")
                event.values["bytes"] = size
                event.finds("out-of-order", f"{size} bytes arrive after later ones")
                return
        event = self._add(connection, segment, "retransmission")
        event.values["bytes"] = size
        event.finds("retransmission", f"{size} bytes are sent again: their acknowledgement was lost or late")

    def _tls(self, connection: Connection, half: _Half, segment: Segment) -> None:
        """Names of the records that can be read of an encrypted connection: each kind once a side."""
        data = segment.data
        if not connection.tls:
            connection.tls = len(data) > 5 and data[0] == _HANDSHAKE and data[1] == 3
        if not connection.tls:
            return
        for name, values in _records(data):
            key = hash(name)
            if name == "application data" and key in half.tls_seen:
                continue
            half.tls_seen.add(key)
            event = self._add(connection, segment, name)
            event.layer = Layer.TLS
            event.values.update(values)


def _records(data: bytes) -> Iterator[tuple[str, dict[str, str]]]:
    at = 0
    while at + 5 <= len(data):
        kind, version, size = struct.unpack_from(">BHH", data, at)
        if version >> 8 != 3:
            return
        first = data[at + 5] if at + 5 < len(data) else 0
        if kind == _HANDSHAKE and first in _HANDSHAKES:
            yield _HANDSHAKES[first], {}
        elif kind == _APPLICATION:
            yield "application data", {"content": "encrypted, unreadable"}
        elif kind == _ALERT and size == 2 and at + 7 <= len(data):
            level = {1: "warning", 2: "fatal"}.get(first, str(first))
            yield "alert", {"level": level, "description": str(data[at + 6])}
        at += 5 + size


def _distance(start: int, end: int) -> int:
    """From one sequence number to another; numbers wrap around."""
    return ((end - start + (1 << 31)) & 0xFFFFFFFF) - (1 << 31)
