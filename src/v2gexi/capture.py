"""V2GTP frames of a capture file, with time and place; nothing here knows EXI."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from v2gexi import packets, pcap, tcp, v2gtp
from v2gexi.packets import Endpoint

_TLS_HANDSHAKE = b"\x16\x03"


@dataclass(frozen=True, slots=True)
class Captured:
    """A V2GTP frame, or what stands where one should be.

    Attributes:
        time: nanoseconds since 1970 at which it was complete; None if the file does not say.
        packet: number of the packet with which it was complete, as Wireshark counts.
        file_offset: byte of the file at which that packet's record begins.
        source: who sent it.
        destination: to whom.
        connection: number of the TCP connection in the file; 0 for a datagram.
        offset: its first byte in the stream.
        from_car: whether who sent it opened the connection, or asked for a station; None if that was not
            captured.
        payload_type: the header's.
        payload: without header.
        problem: why it is no whole frame; empty if it is.
    """

    time: int | None
    packet: int
    file_offset: int
    source: Endpoint
    destination: Endpoint
    connection: int
    offset: int
    from_car: bool | None
    payload_type: int
    payload: bytes
    problem: str = ""


@dataclass(slots=True)
class Capture:
    """What a capture file holds.

    Attributes:
        frames: in the order of time.
        notes: what could not be read and is no V2GTP, such as TLS connections.
        problem: where and why the file is damaged; empty if it is not.
    """

    frames: list[Captured] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    problem: str = ""
    problem_offset: int = 0


def read(data: bytes) -> Capture:
    """Every V2GTP frame in a pcap or pcapng file. Of a damaged file: what comes before the damage.

    Raises:
        CaptureError: it is no capture file.
    """
    result = Capture()
    segments: list[packets.Segment] = []
    passed_over: dict[int, int] = {}
    found = pcap.read(data)
    try:
        for packet in found:
            if packet.link_type not in packets.LINK_TYPES:
                passed_over[packet.link_type] = passed_over.get(packet.link_type, 0) + 1
            segment = packets.segment_of(packet)
            if segment is None:
                continue
            if segment.flags is None:
                result.frames += _datagram(segment)
            else:
                segments.append(segment)
    except pcap.CaptureError as error:
        result.problem, result.problem_offset = str(error), error.offset
    result.notes += [
        f"{count} packets of link type {kind} passed over" for kind, count in sorted(passed_over.items())
    ]
    for stream in tcp.assemble(segments):
        result.notes += _note(stream)
        result.frames += _frames(stream)
    result.frames.sort(key=lambda frame: (frame.packet, frame.connection, frame.offset))
    return result


def _datagram(segment: packets.Segment) -> Iterator[Captured]:
    """SDP; whatever else goes by UDP is not ours."""
    if (
        v2gtp.SDP_PORT not in (segment.source.port, segment.destination.port)
        or segment.data[:2] != v2gtp.MARK
    ):
        return
    problem, kind, payload = "", 0, segment.data[v2gtp.HEADER_SIZE :]
    try:
        frame = next(v2gtp.split(segment.data))
        kind, payload = frame.payload_type, frame.payload
    except v2gtp.FrameError as error:
        problem = str(error)
    packet = segment.packet
    ends = (segment.source, segment.destination)
    from_car = segment.destination.port == v2gtp.SDP_PORT
    yield Captured(packet.time, packet.number, packet.offset, *ends, 0, 0, from_car, kind, payload, problem)


def _note(stream: tcp.Stream) -> Iterator[str]:
    if stream.opened and stream.runs and stream.runs[0].data[:2] == _TLS_HANDSHAKE:
        number = stream.runs[0].pieces[0].packet.number
        ends = f"{stream.source} to {stream.destination}"
        yield f"connection {ends} (from packet {number} on) is TLS and cannot be read"
    if _is_v2gtp(stream):
        for before, after in pairwise(stream.runs):
            lost = after.offset - before.offset - len(before.data)
            number = after.pieces[0].packet.number
            ends = f"{stream.source} to {stream.destination}"
            yield f"{ends}: the capture lacks {lost} bytes before packet {number}"


def _frames(stream: tcp.Stream) -> Iterator[Captured]:
    if not _is_v2gtp(stream):
        return
    for number, run in enumerate(stream.runs):
        at = 0
        if number or not stream.whole:
            # It may begin amid a frame, whose header is lost: whatever looks like a header is the next.
            at = v2gtp.find(run.data)
            if at:
                at = len(run.data) if at < 0 else at
                lost = "the capture lacks what comes before" if number else "the capture began later"
                yield _captured(stream, run, 0, at, 0, run.data[:at], f"{at} bytes of a frame's end: {lost}")
        while at < len(run.data):
            try:
                kind, length = v2gtp.header(run.data, at)
            except v2gtp.FrameError as error:
                next_at = v2gtp.find(run.data, at + 1)
                end = len(run.data) if next_at < 0 else next_at
                yield _captured(stream, run, at, end, 0, run.data[at:end], _said(error, end - at))
                at = end
                continue
            payload = run.data[at + v2gtp.HEADER_SIZE : at + v2gtp.HEADER_SIZE + length]
            lacks = f"the capture has {len(payload)} of its {length} bytes" if len(payload) < length else ""
            end = at + v2gtp.HEADER_SIZE + len(payload)
            yield _captured(stream, run, at, end, kind, payload, lacks)
            at = end


def _said(error: v2gtp.FrameError, size: int) -> str:
    return str(error) if size < v2gtp.HEADER_SIZE else f"{size} bytes: {error}"


def _is_v2gtp(stream: tcp.Stream) -> bool:
    """By the stream's beginning; where that was not captured, by any segment that begins with a frame."""
    if not stream.runs:
        return False
    if stream.whole:
        return stream.runs[0].data.startswith(v2gtp.MARK)
    return any(
        v2gtp.find(piece.data[: v2gtp.HEADER_SIZE]) == 0 for run in stream.runs for piece in run.pieces
    )


def _captured(
    stream: tcp.Stream, run: tcp.Run, start: int, end: int, kind: int, payload: bytes, problem: str
) -> Captured:
    packet = run.last_packet(start, end)
    return Captured(
        packet.time,
        packet.number,
        packet.offset,
        stream.source,
        stream.destination,
        stream.connection,
        run.offset + start,
        _from_car(stream),
        kind,
        payload,
        problem,
    )


def _from_car(stream: tcp.Stream) -> bool | None:
    """Cars open connections; who answered a SYN is the station."""
    return stream.opened if stream.whole else None
