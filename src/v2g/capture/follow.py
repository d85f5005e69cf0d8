"""V2GTP frames of a TCP stream while it is being sent: put in order, holes waited for and given up."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from v2gexi import packets, v2gtp
from v2gexi.capture import Captured
from v2gexi.packets import Endpoint, Segment
from v2gexi.pcap import Packet

MOST_HELD: Final = 32
"""So many segments behind a hole are kept; with one more the hole is given up."""
HOLE_NS: Final = 3_000_000_000
"""A hole is given up when it is this old: TCP's first retransmissions come after 0.2 to 1 s (RFC 6298)."""


class StreamFollower:
    """One direction of a connection, segment by segment. What it says is what :func:`v2gexi.capture.read`
    says of a whole file.

    Args:
        connection: the connection's number.
        source: who sends.
        destination: to whom.
    """

    __slots__ = (
        "_buffer",
        "_held",
        "_hole_ns",
        "_lost",
        "_next",
        "_packet",
        "_whole",
        "connection",
        "destination",
        "foreign",
        "source",
    )

    def __init__(self, connection: int, source: Endpoint, destination: Endpoint) -> None:
        self.connection = connection
        self.source = source
        self.destination = destination
        self.foreign = False
        """Whether the stream is none of V2GTP: TLS, or anything else."""
        self._next: int | None = None
        self._whole = False
        self._buffer = bytearray()
        self._lost = False
        """Whether the buffer may begin amid a frame."""
        self._held: list[Segment] = []
        self._hole_ns: int | None = None
        self._packet: Packet | None = None

    def take(self, segment: Segment, from_car: bool | None) -> Iterator[Captured]:
        """The frames that are complete with a segment. ``from_car``: whether the stream is the car's, if that
        is known."""
        if (segment.flags or 0) & packets.SYN:
            if not self._buffer:
                self._next, self._whole = (segment.sequence + 1) & 0xFFFFFFFF, True
            return
        if self.foreign or not segment.data:
            return
        if self._next is None:
            if v2gtp.find(segment.data[: v2gtp.HEADER_SIZE]):
                return  # the beginning was missed, and this is no frame's
            self._next = segment.sequence
        if self._ahead(segment) > 0:
            yield from self._hold(segment, from_car)
            return
        self._append(segment)
        self._drain()
        yield from self._frames(from_car)

    def end(self, from_car: bool | None) -> Iterator[Captured]:
        """What was not complete when the connection ended."""
        while self._held:
            yield from self._give_up(from_car)
        if self._buffer and not self.foreign:
            data = bytes(self._buffer)
            self._buffer.clear()
            try:
                kind, length = v2gtp.header(data)
            except v2gtp.FrameError as error:
                yield self._captured(from_car, 0, data, _said(error, len(data)))
                return
            payload = data[v2gtp.HEADER_SIZE :]
            lacks = f"the capture has {len(payload)} of its {length} bytes"
            yield self._captured(from_car, kind, payload, lacks)

    def _ahead(self, segment: Segment) -> int:
        """How many bytes are missing before a segment; numbers wrap around."""
        assert self._next is not None
        return ((segment.sequence - self._next + (1 << 31)) & 0xFFFFFFFF) - (1 << 31)

    def _append(self, segment: Segment) -> None:
        data = segment.data[-self._ahead(segment) :]
        if data:
            self._buffer += data
            self._next = (segment.sequence + len(segment.data)) & 0xFFFFFFFF
            self._packet = segment.packet

    def _hold(self, segment: Segment, from_car: bool | None) -> Iterator[Captured]:
        now = segment.packet.time or 0
        if self._hole_ns is None:
            self._hole_ns = now
        self._held.append(segment)
        self._held.sort(key=self._ahead)
        if len(self._held) > MOST_HELD or now - self._hole_ns > HOLE_NS:
            yield from self._give_up(from_car)

    def _drain(self) -> None:
        """Append what was held and is in order now."""
        while self._held and self._ahead(self._held[0]) <= 0:
            self._append(self._held.pop(0))
        if not self._held:
            self._hole_ns = None

    def _give_up(self, from_car: bool | None) -> Iterator[Captured]:
        """Go on behind the first hole."""
        if self._buffer:
            data = bytes(self._buffer)
            self._buffer.clear()
            try:
                kind, length = v2gtp.header(data)
                payload = data[v2gtp.HEADER_SIZE :]
                problem = f"the capture has {len(payload)} of its {length} bytes"
            except v2gtp.FrameError as error:
                kind, payload, problem = 0, data, _said(error, len(data))
            yield self._captured(from_car, kind, payload, problem)
        self._next = self._held[0].sequence
        self._lost = True
        self._drain()
        yield from self._frames(from_car)

    def _frames(self, from_car: bool | None) -> Iterator[Captured]:
        buffer = self._buffer
        if self._whole:
            if len(buffer) < len(v2gtp.MARK):
                return
            self._whole = False
            if not buffer.startswith(v2gtp.MARK):
                self.foreign = True
                buffer.clear()
                return
        while buffer:
            if self._lost:
                at = v2gtp.find(bytes(buffer))
                if at:
                    size = len(buffer) if at < 0 else at
                    reason = f"{size} bytes of a frame's end: the capture lacks what comes before"
                    yield self._cut(from_car, size, reason)
                self._lost = at < 0
                continue
            if len(buffer) < v2gtp.HEADER_SIZE:
                return
            try:
                kind, length = v2gtp.header(bytes(buffer[: v2gtp.HEADER_SIZE]))
            except v2gtp.FrameError as error:
                at = v2gtp.find(bytes(buffer), 1)
                size = len(buffer) if at < 0 else at
                yield self._cut(from_car, size, _said(error, size))
                continue
            end = v2gtp.HEADER_SIZE + length
            if len(buffer) < end:
                return
            payload = bytes(buffer[v2gtp.HEADER_SIZE : end])
            del buffer[:end]
            yield self._captured(from_car, kind, payload)

    def _cut(self, from_car: bool | None, size: int, problem: str) -> Captured:
        data = bytes(self._buffer[:size])
        del self._buffer[:size]
        return self._captured(from_car, 0, data, problem)

    def _captured(self, from_car: bool | None, kind: int, payload: bytes, problem: str = "") -> Captured:
        assert self._packet is not None
        packet = self._packet
        ends = (self.source, self.destination)
        return Captured(
            packet.time,
            packet.number,
            packet.offset,
            *ends,
            self.connection,
            0,
            from_car,
            kind,
            payload,
            problem,
        )


def _said(error: v2gtp.FrameError, size: int) -> str:
    return str(error) if size < v2gtp.HEADER_SIZE else f"{size} bytes: {error}"
