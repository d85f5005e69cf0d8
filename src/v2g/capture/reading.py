"""From the bytes of a capture file to its events, in the order of the packets."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from v2g.capture import frames, messages, network
from v2g.capture.events import Event, Layer, Side
from v2gexi import capture, packets, pcap, sessions, v2gtp

_NAMES_OF_SDP: dict[int, str] = {
    v2gtp.PayloadType.SDP_REQUEST: "SECCDiscoveryReq",
    v2gtp.PayloadType.SDP_RESPONSE: "SECCDiscoveryRes",
    v2gtp.PayloadType.SDP_REQUEST_WIRELESS: "SECCDiscoveryReq (wireless)",
    v2gtp.PayloadType.SDP_RESPONSE_WIRELESS: "SECCDiscoveryRes (wireless)",
}
_COOKED = {113: (14, 6, 16), 276: (0, 12, 20)}
"""Linux cooked captures, version 1 and 2: where the EtherType, the sender's address and the content begin
(www.tcpdump.org/linktypes, LINKTYPE_LINUX_SLL and LINKTYPE_LINUX_SLL2)."""


@dataclass(slots=True)
class Recording:
    """What a capture file holds.

    Attributes:
        events: in the order of the packets.
        packets: how many packets there are.
        first, last: times of the first and last packet (nanoseconds since 1970); None if the file does not
            say.
        notes: what was passed over.
        problem: where and why the file is damaged; empty if it is not.
        problem_offset: byte of the file.
        connections: the TCP connections by number, from 1 on.
    """

    events: list[Event] = field(default_factory=list)
    packets: int = 0
    first: int | None = None
    last: int | None = None
    notes: list[str] = field(default_factory=list)
    problem: str = ""
    problem_offset: int = 0
    connections: list[network.Connection] = field(default_factory=list)


def read(data: bytes) -> Recording:
    """Every event of a pcap or pcapng file. Of a damaged file: what comes before the damage.

    Raises:
        v2gexi.pcap.CaptureError: it is no capture file.
    """
    found = capture.read(data)
    recording = Recording(notes=[note for note in found.notes if " is TLS " not in note])
    recording.problem, recording.problem_offset = found.problem, found.problem_offset
    hardware: dict[int, bytes] = {}
    twice = Twice()
    tracker = network.Connections()
    wanted = {frame.packet for frame in found.frames}
    try:
        for recorded in pcap.read(data):
            recording.packets += 1
            packet = _as_ethernet(recorded)
            if packet.time is not None:
                recording.first = packet.time if recording.first is None else recording.first
                recording.last = packet.time
            if packet.number in wanted:
                hardware[packet.number] = network.hardware_of(packet)
            if not twice.seen(packet):
                _take(packet, recording.events, tracker)
    except pcap.CaptureError:
        pass  # noted by capture.read
    if twice.count:
        recording.notes.append(f"{twice.count} packets were captured twice and are shown once")
    with_frames = {frame.connection for frame in found.frames}
    for connection in tracker.connections:
        if connection.link_local or connection.number in with_frames:
            recording.events += connection.events
    recording.connections = tracker.connections
    reader = MessageReader()
    recording.events += [reader.event(frame, hardware.get(frame.packet, b"")) for frame in found.frames]
    # Sorting is stable: a connection's SYN stays before what came with the same packet.
    recording.events.sort(key=lambda event: event.packet)
    return recording


def _as_ethernet(packet: pcap.Packet) -> pcap.Packet:
    """A packet of a capture of all interfaces (Linux cooked) as an Ethernet frame; its receiver is lost
    there."""
    place = _COOKED.get(packet.link_type)
    if place is None:
        return packet
    kind, sender, rest = place
    data = packet.data
    frame = bytes(6) + data[sender : sender + 6].ljust(6, b"\0") + data[kind : kind + 2] + data[rest:]
    return packet._replace(link_type=network.ETHERNET, data=frame)


def _take(packet: pcap.Packet, events: list[Event], tracker: network.Connections) -> None:
    event = None
    if packet.link_type == network.ETHERNET:
        event = frames.event_of(packet) or network.neighbour_event(packet)
    if event is None:
        segment = packets.segment_of(packet)
        if segment is None:
            return
        if segment.flags is not None:
            tracker.take(segment)
            return
        event = network.log_event(segment)
    if event is not None:
        events.append(event)


class Twice:
    """Some hosts capture what they send twice: the same packet again, with next to no time in between."""

    _WITHIN_NS = 1_000_000
    """Below this nobody sends anything again: TCP waits for hundreds of milliseconds, SLAC for twenty."""

    def __init__(self) -> None:
        self._last: list[pcap.Packet] = []
        self.count = 0

    def seen(self, packet: pcap.Packet) -> bool:
        """Whether one of the last packets was the same. Datagrams may well be: log lines are repeated."""
        if packet.time is None:
            return False
        self._last = [each for each in self._last if packet.time - (each.time or 0) <= self._WITHIN_NS][-7:]
        again = any(each.data == packet.data for each in self._last)
        if again:
            segment = packets.segment_of(packet)
            again = segment is None or segment.flags is not None
        self._last.append(packet)
        self.count += again
        return again


class MessageReader:
    """V2GTP frames become events, in the order in which they were sent."""

    def __init__(self) -> None:
        self._reader = sessions.Sessions()
        self._offered: dict[int, dict[int, str]] = {}
        self._guessed: set[int] = set()
        """Connections of which it was said that their message set is guessed."""

    def event(self, frame: capture.Captured, hardware: bytes = b"") -> Event:
        """The event of a frame. ``hardware``: the Ethernet address of its sender."""
        event = Event(
            frame.time,
            frame.packet,
            frame.file_offset,
            Layer.V2G,
            "V2GTP frame",
            source=str(frame.source),
            destination=str(frame.destination),
            connection=frame.connection,
            hardware=hardware,
        )
        if frame.from_car is not None:
            event.side = Side.CAR if frame.from_car else Side.STATION
        if frame.problem:
            event.finds("undecodable", f"no whole V2GTP frame: {frame.problem}")
        elif frame.payload_type >= v2gtp.PayloadType.SDP_REQUEST:
            self._sdp(event, frame)
        else:
            self._message(event, frame)
        return event

    @staticmethod
    def _sdp(event: Event, frame: capture.Captured) -> None:
        event.layer = Layer.SDP
        event.name = _NAMES_OF_SDP.get(frame.payload_type, event.name)
        try:
            content = v2gtp.sdp(v2gtp.Frame(frame.payload_type, frame.payload))
        except v2gtp.FrameError as error:
            event.finds("undecodable", str(error))
            return
        for of_message in content.values():
            event.values.update(of_message)

    def _message(self, event: Event, frame: capture.Captured) -> None:
        decoded = self._reader.decode(frame.payload, frame.payload_type, frame.connection)
        event.message_set = decoded.message_set
        message: Any = decoded.message
        if message is None:
            begin = frame.payload[:16].hex()
            event.finds(
                "undecodable",
                f"{len(frame.payload)} bytes of payload, {begin or 'empty'}…: {decoded.error}",
            )
            return
        event.name = sessions.name_of(message, decoded.element)
        if decoded.message_set == "app":
            offered = self._offered.setdefault(frame.connection, {})
            event.values = messages.handshake_values(message, offered)
        else:
            event.values = messages.values_of(message)
            event.session_id = messages.session_id_of(message)
        if decoded.note and frame.connection not in self._guessed:
            self._guessed.add(frame.connection)
            event.finds("guessed", decoded.note)
        if event.side is Side.UNKNOWN:
            event.side = Side.CAR if event.is_request else Side.STATION
