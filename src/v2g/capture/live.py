"""From packets to events while they come in: what :mod:`v2g.capture.reading` does with whole files, with
memory that does not grow."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from v2g.capture import frames, network
from v2g.capture.events import Event
from v2g.capture.follow import StreamFollower
from v2g.capture.reading import MessageReader, Twice
from v2gexi import packets, v2gtp
from v2gexi.capture import Captured
from v2gexi.packets import Endpoint, Segment
from v2gexi.pcap import Packet

MOST_CONNECTIONS: Final = 64
"""So many TCP connections are followed; the one that was silent for longest goes first."""
_MOST_PENDING: Final = 16
"""Events of a connection of which it is not known yet whether it belongs to charging."""


@dataclass(slots=True)
class _Followed:
    """A TCP connection: its streams, and its own handshake."""

    connection: network.Connection
    wanted: bool
    """Whether it belongs to charging: between link-local addresses, or with V2GTP in it."""
    streams: dict[Endpoint, StreamFollower] = field(default_factory=dict)
    hardware: dict[Endpoint, bytes] = field(default_factory=dict)
    messages: MessageReader = field(default_factory=MessageReader)
    pending: list[Event] = field(default_factory=list)


class LiveReader:
    """Reads packets as an interface gives them."""

    def __init__(self) -> None:
        self.packets = 0
        """How many there were."""
        self._twice = Twice()
        self._tracker = network.Connections()
        self._followed: dict[int, _Followed] = {}
        self._datagrams = MessageReader()

    @property
    def connections(self) -> int:
        """How many connections are followed."""
        return len(self._followed)

    def take(self, data: bytes, time_ns: int) -> list[Event]:
        """The events that a packet completes. Never raises for what the packet is.

        Args:
            data: from the Ethernet header on.
            time_ns: nanoseconds since 1970.
        """
        self.packets += 1
        packet = Packet(self.packets, time_ns, network.ETHERNET, data, 0)
        if self._twice.seen(packet):
            return []
        event = frames.event_of(packet) or network.neighbour_event(packet)
        if event is not None:
            return [event]
        segment = packets.segment_of(packet)
        if segment is None:
            return []
        if segment.flags is not None:
            return self._segment(segment)
        event = network.log_event(segment) or self._sdp(segment)
        return [] if event is None else [event]

    def _sdp(self, segment: Segment) -> Event | None:
        """SDP; whatever else goes by UDP belongs to others."""
        data = segment.data
        if v2gtp.SDP_PORT not in (segment.source.port, segment.destination.port) or data[:2] != v2gtp.MARK:
            return None
        kind, payload, problem = 0, data[v2gtp.HEADER_SIZE :], ""
        try:
            frame = next(v2gtp.split(data))
            kind, payload = frame.payload_type, frame.payload
        except v2gtp.FrameError as error:
            problem = str(error)
        packet = segment.packet
        from_car = segment.destination.port == v2gtp.SDP_PORT
        place = (packet.time, packet.number, packet.offset, segment.source, segment.destination)
        captured = Captured(*place, 0, 0, from_car, kind, payload, problem)
        return self._datagrams.event(captured, network.hardware_of(packet))

    def _segment(self, segment: Segment) -> list[Event]:
        connection = self._tracker.take(segment)
        followed = self._followed.pop(connection.number, None)
        if followed is None:
            followed = _Followed(connection, connection.link_local)
            if len(self._followed) >= MOST_CONNECTIONS:
                self._tracker.forget(self._followed.pop(next(iter(self._followed))).connection)
        self._followed[connection.number] = followed
        events, connection.events = connection.events, []
        source = segment.source
        stream = followed.streams.get(source)
        if stream is None:
            stream = StreamFollower(connection.number, source, segment.destination)
            followed.streams[source] = stream
            followed.hardware[source] = network.hardware_of(segment.packet)
        events += self._messages(followed, source, stream.take(segment, _from_car(connection, source)))
        if connection.ended:
            for end, each in followed.streams.items():
                if end == source or (segment.flags or 0) & packets.RST:
                    events += self._messages(followed, end, each.end(_from_car(connection, end)))
        return self._wanted(followed, events)

    @staticmethod
    def _messages(followed: _Followed, source: Endpoint, found: Iterable[Captured]) -> list[Event]:
        events = []
        for captured in found:
            followed.wanted = True
            events.append(followed.messages.event(captured, followed.hardware[source]))
        return events

    @staticmethod
    def _wanted(followed: _Followed, events: list[Event]) -> list[Event]:
        """Events of connections that belong to charging; those of others wait until that is known."""
        if not followed.wanted:
            followed.pending = (followed.pending + events)[:_MOST_PENDING]
            return []
        if followed.pending:
            events, followed.pending = followed.pending + events, []
        return events


def _from_car(connection: network.Connection, source: Endpoint) -> bool | None:
    """Cars open connections."""
    return None if connection.opener is None else source == connection.opener
