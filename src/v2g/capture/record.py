"""Records one's own session: a pcapng file with the decoded text beside each packet, without its secrets.

What no packet shows as it is:

- the key (NMK) in CM_SLAC_MATCH.CNF, CM_SET_KEY.REQ and CM_GET_KEY.CNF is sixteen zero bytes, and of other
  HomePlug frames that may hold a key only the header is left (:mod:`v2g.capture.keyless`);
- tokens in messages (:data:`v2g.common.redact.TOKEN_ELEMENTS`) are bytes of the same length made from their
  hash, so
  signatures over them do not hold any more;
- a message that cannot be decoded is zero bytes, for nobody can tell what is in it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from v2g.capture import envelope, frames, messages
from v2g.capture.envelope import Conversation, End
from v2g.capture.keyless import is_homeplug, without_key
from v2g.capture.pcapng import PcapngWriter
from v2g.capture.timeline import shown_value
from v2g.common import redact
from v2gexi import packets, sessions, v2gtp
from v2gexi.packets import Segment
from v2gexi.pcap import Packet

_TLS_RECORDS: Final = (b"\x14\x03", b"\x15\x03", b"\x16\x03", b"\x17\x03")


class Recorder:
    """Writes what a session sends and gets.

    Args:
        writer: the file.
        interface: name of the network interface, as the file shall say it.
        clock_ns: nanoseconds since 1970.
        secrets: record keys and tokens as they are.
    """

    def __init__(
        self,
        writer: PcapngWriter,
        interface: str,
        clock_ns: Callable[[], int],
        *,
        secrets: bool = False,
    ) -> None:
        self._writer = writer
        self._interface = writer.interface(interface)
        self._clock = clock_ns
        self._secrets = secrets
        self._reader = sessions.Sessions()
        self._offered: dict[int, dict[int, str]] = {}
        self._conversations: dict[int, Conversation] = {}
        self._connections = 0
        self._encrypted: set[frozenset[packets.Endpoint]] = set()

    def frame(self, data: bytes, outbound: bool | None = None) -> None:
        """A frame from a packet socket: HomePlug's, or whatever else an observer sees.

        Raises:
            OSError: the file cannot be written.
        """
        packet = Packet(0, self._clock(), 1, data, 0)
        comment = ""
        if is_homeplug(data):
            comment = self._frame_text(packet)
            data = data if self._secrets else without_key(data)
        else:
            segment = packets.segment_of(packet)
            if segment is not None and segment.data and not self._secrets:
                data, comment = self._segment(data, segment)
        self._writer.packet(self._interface, packet.time or 0, data, comment, outbound)

    def datagram(self, source: End, destination: End, data: bytes, outbound: bool | None = None) -> None:
        """An SDP message.

        Raises:
            OSError: the file cannot be written.
        """
        try:
            frame = next(v2gtp.split(data), v2gtp.Frame(0, b""))
            content = v2gtp.sdp(frame)
            comment = "; ".join(
                f"{name} {self._text(values)}".strip()
                for name, values in ((name, dict(values)) for name, values in content.items())
            )
        except v2gtp.FrameError as error:
            comment = str(error)
        packet = envelope.udp(source, destination, data)
        self._writer.packet(self._interface, self._clock(), packet, comment, outbound)

    def opened(self, car: End, station: End, encrypted: bool = False) -> int:
        """A connection came about; its number, by which its messages are recorded.

        ``encrypted``: its messages are recorded as they were before TLS.

        Raises:
            OSError: the file cannot be written.
        """
        self._connections += 1
        conversation = self._conversations[self._connections] = Conversation(car, station)
        comment = (
            "connection inside TLS: the messages are recorded as they were before it" if encrypted else ""
        )
        for _, packet in conversation.open():
            self._writer.packet(self._interface, self._clock(), packet, comment)
            comment = ""
        return self._connections

    def message(self, connection: int, from_car: bool, frame: bytes, outbound: bool | None = None) -> None:
        """A V2GTP frame, header included, that was sent over a connection.

        Raises:
            OSError: the file cannot be written.
            KeyError: there is no such connection.
        """
        data, comment = self._message(frame, connection)
        for packet in self._conversations[connection].data(from_car, data):
            self._writer.packet(self._interface, self._clock(), packet, comment, outbound)

    def closed(self, connection: int, by_car: bool) -> None:
        """A connection ended.

        Raises:
            OSError: the file cannot be written.
            KeyError: there is no such connection.
        """
        for _, packet in self._conversations.pop(connection).close(by_car):
            self._writer.packet(self._interface, self._clock(), packet)

    def _text(self, values: dict[str, Any]) -> str:
        return ", ".join(shown_value(name, value, self._secrets) for name, value in values.items())

    def _frame_text(self, packet: Packet) -> str:
        event = frames.event_of(packet)
        if event is None:
            return ""
        return "; ".join(
            (f"{event.name} {self._text(event.values)}".strip(), *(each.text for each in event.findings))
        )

    def _message(self, frame: bytes, connection: int) -> tuple[bytes, str]:
        """The frame as it is recorded, and its comment."""
        try:
            kind, length = v2gtp.header(frame)
        except v2gtp.FrameError as error:
            return (frame if self._secrets else bytes(len(frame))), f"no V2GTP frame: {error}"
        head, payload = frame[: v2gtp.HEADER_SIZE], frame[v2gtp.HEADER_SIZE :]
        if len(payload) != length:
            reason = f"no whole V2GTP frame: {len(payload)} of {length} bytes"
            return head + (payload if self._secrets else bytes(len(payload))), reason
        decoded = self._reader.decode(payload, kind, connection)
        message = decoded.message
        if message is None:
            return head + (payload if self._secrets else bytes(length)), f"undecodable: {decoded.error}"
        if decoded.message_set == "app":
            values = messages.handshake_values(message, self._offered.setdefault(connection, {}))
        else:
            values = messages.values_of(message)
        comment = f"{sessions.name_of(message, decoded.element)} {self._text(values)}".strip()
        if not self._secrets:
            payload = redact.payload(message, payload, decoded.message_set)
        return head + payload, comment

    def _segment(self, data: bytes, segment: Segment) -> tuple[bytes, str]:
        """A packet of TCP or UDP without what may be a token: whole V2GTP frames are looked into, of others
        nothing is kept but the headers."""
        ends = frozenset((segment.source, segment.destination))
        at = data.rfind(segment.data)
        if segment.flags is None:
            return data, ""
        if segment.data[:2] in _TLS_RECORDS:
            self._encrypted.add(ends)
        if ends in self._encrypted:
            return data, ""
        try:
            found = list(v2gtp.split(segment.data))
        except v2gtp.FrameError:
            kept = data[:at] + bytes(len(segment.data)) + data[at + len(segment.data) :]
            return kept, "content left out: it is no whole V2GTP frame, and may hold tokens"
        connection = -1 - hash(ends)
        parts = [self._message(v2gtp.pack(each.payload, each.payload_type), connection) for each in found]
        content = b"".join(part for part, _ in parts)
        return data[:at] + content + data[at + len(content) :], "; ".join(text for _, text in parts)
