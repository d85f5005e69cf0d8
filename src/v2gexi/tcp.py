"""TCP streams put together from their segments: repeated, overlapping, out of order, with gaps."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from v2gexi.packets import ACK, SYN, Endpoint, Segment
from v2gexi.pcap import Packet


class Piece(NamedTuple):
    """Bytes of a stream that came with one packet; ``offset`` counts from the stream's first byte."""

    offset: int
    data: bytes
    packet: Packet


@dataclass(slots=True)
class Run:
    """Pieces of a stream without a gap between them."""

    pieces: list[Piece]
    data: bytes = field(init=False)
    _starts: list[int] = field(init=False)

    def __post_init__(self) -> None:
        self.data = b"".join(piece.data for piece in self.pieces)
        self._starts = [piece.offset - self.offset for piece in self.pieces]

    @property
    def offset(self) -> int:
        """Of the first byte in the stream."""
        return self.pieces[0].offset

    def last_packet(self, start: int, end: int) -> Packet:
        """With which packet the bytes from ``start`` to before ``end`` (counted in the run) were complete."""
        first = bisect_right(self._starts, start) - 1
        last = bisect_right(self._starts, max(start, end - 1))
        return max(
            (piece.packet for piece in self.pieces[max(first, 0) : last]), key=lambda packet: packet.number
        )


@dataclass(slots=True)
class Stream:
    """One direction of a connection. ``whole``: its beginning was captured; ``opened``: by its source."""

    connection: int
    source: Endpoint
    destination: Endpoint
    whole: bool
    opened: bool
    runs: list[Run]


@dataclass(slots=True)
class _Half:
    connection: int
    source: Endpoint
    destination: Endpoint
    opened: bool = False
    first: int | None = None
    """The sequence number of the first byte, if the beginning was captured."""
    last: int = 0
    """The offset, and its sequence number, from which the next ones are counted."""
    last_sequence: int | None = None
    segments: list[tuple[int, Segment]] = field(default_factory=list)

    def add(self, segment: Segment) -> None:
        sequence = segment.sequence
        if segment.flags is not None and segment.flags & SYN:
            sequence = (sequence + 1) & 0xFFFFFFFF
            self.first = sequence
            self.opened = not segment.flags & ACK
            if self.last_sequence is None:
                self.last_sequence = sequence
        if self.last_sequence is None:
            self.last_sequence = sequence
        # Numbers wrap around; what is within half of their range is before or behind.
        distance = ((sequence - self.last_sequence + (1 << 31)) & 0xFFFFFFFF) - (1 << 31)
        offset = self.last + distance
        if segment.data:
            self.segments.append((offset, segment))
            self.last, self.last_sequence = offset, sequence

    def stream(self) -> Stream:
        self.segments.sort(key=lambda entry: entry[0])
        base = 0 if self.first is not None or not self.segments else self.segments[0][0]
        runs: list[list[Piece]] = []
        end: int | None = None
        for offset, segment in self.segments:
            data = segment.data
            start = offset - base
            known = 0 if end is None else end
            if start < known:
                data, start = data[known - start :], known
            if not data:
                continue
            if end is None or start > end:
                runs.append([])
            runs[-1].append(Piece(start, data, segment.packet))
            end = start + len(data)
        whole = self.first is not None and bool(runs) and runs[0][0].offset == 0
        return Stream(
            self.connection, self.source, self.destination, whole, self.opened, [Run(run) for run in runs]
        )


def assemble(segments: Iterable[Segment]) -> list[Stream]:
    """The streams of some TCP segments, both directions of each connection, in the order in which they
    began."""
    halves: dict[tuple[Endpoint, Endpoint], _Half] = {}
    opened: dict[frozenset[Endpoint], int] = {}
    """Initial sequence numbers of the connections that are open, to tell a new one from a repeated SYN."""
    finished: list[_Half] = []
    connections = 0
    for segment in segments:
        key = (segment.source, segment.destination)
        pair = frozenset(key)
        flags = segment.flags or 0
        begins = bool(flags & SYN) and not flags & ACK and opened.get(pair) != segment.sequence
        if begins:
            opened[pair] = segment.sequence
            finished += [half for each in (key, key[::-1]) if (half := halves.pop(each, None)) is not None]
        if key not in halves:
            other = halves.get(key[::-1])
            if other is None:
                connections += 1
            halves[key] = _Half(connections if other is None else other.connection, *key)
        halves[key].add(segment)
    streams = [half.stream() for half in (*finished, *halves.values())]
    return sorted(streams, key=lambda stream: (stream.connection, not stream.opened))
