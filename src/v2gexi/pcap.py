"""Packets of capture files: pcap and pcapng."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

PCAPNG = b"\n\r\r\n"
_PCAP = {
    b"\xd4\xc3\xb2\xa1": ("<", 1000),
    b"\xa1\xb2\xc3\xd4": (">", 1000),
    b"\x4d\x3c\xb2\xa1": ("<", 1),
    b"\xa1\xb2\x3c\x4d": (">", 1),
}
"""Magic numbers: byte order, and nanoseconds of the fraction's unit."""
_MOST_BYTES = 1 << 24
"""Larger packets and blocks are taken for damage."""
_SECTION, _INTERFACE, _OLD_PACKET, _SIMPLE_PACKET, _PACKET = 0x0A0D0D0A, 1, 2, 3, 6
_TIME_UNIT, _TIME_OFFSET = 9, 14
_SECOND = 1_000_000_000


class CaptureError(ValueError):
    """A file that is no capture, or a damaged one. ``offset``: byte of the file."""

    def __init__(self, reason: str, offset: int) -> None:
        super().__init__(reason)
        self.offset = offset


class Packet(NamedTuple):
    """A captured packet: its number from 1 on (as Wireshark counts), nanoseconds since 1970 (None: not
    known), the link layer's type, the bytes that were kept, and the byte of the file at which its record
    begins."""

    number: int
    time: int | None
    link_type: int
    data: bytes
    offset: int


def is_capture(data: bytes) -> bool:
    """Whether some bytes begin as a capture file does."""
    return data[:4] == PCAPNG or data[:4] in _PCAP


def read(data: bytes) -> Iterator[Packet]:
    """The packets of a capture file, in its order.

    Raises:
        CaptureError: it is none, or damaged; what comes before the damage has been yielded.
    """
    if data[:4] == PCAPNG:
        return _read_pcapng(data)
    if data[:4] in _PCAP:
        return _read_pcap(data)
    raise CaptureError("neither pcap nor pcapng", 0)


def _read_pcap(data: bytes) -> Iterator[Packet]:
    order, unit = _PCAP[data[:4]]
    if len(data) < 24:
        raise CaptureError("the file ends within its header", len(data))
    link_type = struct.unpack_from(f"{order}I", data, 20)[0] & 0x0FFFFFFF
    at, number = 24, 0
    while at < len(data):
        if len(data) - at < 16:
            raise CaptureError("the file ends within a packet's header", at)
        seconds, fraction, kept, _ = struct.unpack_from(f"{order}IIII", data, at)
        if kept > _MOST_BYTES:
            raise CaptureError(f"a packet of {kept} bytes is above {_MOST_BYTES}", at)
        if len(data) - at - 16 < kept:
            raise CaptureError("the file ends within a packet", at)
        number += 1
        yield Packet(
            number, seconds * _SECOND + fraction * unit, link_type, data[at + 16 : at + 16 + kept], at
        )
        at += 16 + kept


class _Interface(NamedTuple):
    link_type: int
    ticks: int
    """In a second."""
    offset: int
    """Seconds."""
    most: int


def _read_pcapng(data: bytes) -> Iterator[Packet]:
    at, number, order = 0, 0, "<"
    interfaces: list[_Interface] = []
    while at < len(data):
        if len(data) - at < 12:
            raise CaptureError("the file ends within a block", at)
        if data[at : at + 4] == PCAPNG:
            order = ">" if data[at + 8 : at + 12] == b"\x1a\x2b\x3c\x4d" else "<"
            interfaces = []
        kind, length = struct.unpack_from(f"{order}II", data, at)
        if length < 12 or length % 4 or length > _MOST_BYTES:
            raise CaptureError(f"a block of {length} bytes cannot be", at)
        if len(data) - at < length:
            raise CaptureError("the file ends within a block", at)
        body = data[at + 8 : at + length - 4]
        try:
            if kind == _INTERFACE:
                interfaces.append(_interface(body, order))
            elif kind in (_PACKET, _OLD_PACKET, _SIMPLE_PACKET):
                number += 1
                yield _packet(kind, body, order, interfaces, number, at)
        except (struct.error, IndexError):
            raise CaptureError("a block that contradicts itself", at) from None
        at += length


def _interface(body: bytes, order: str) -> _Interface:
    link_type, _, most = struct.unpack_from(f"{order}HHI", body)
    ticks, offset, at = 1_000_000, 0, 8
    while at + 4 <= len(body):
        code, length = struct.unpack_from(f"{order}HH", body, at)
        if code == _TIME_UNIT and length == 1:
            unit = body[at + 4]
            ticks = 2 ** (unit & 0x7F) if unit & 0x80 else 10**unit
        elif code == _TIME_OFFSET and length == 8:
            offset = struct.unpack_from(f"{order}q", body, at + 4)[0]
        elif code == 0:
            break
        at += 4 + (length + 3) // 4 * 4
    return _Interface(link_type, ticks, offset, most)


def _packet(kind: int, body: bytes, order: str, interfaces: list[_Interface], number: int, at: int) -> Packet:
    if kind == _SIMPLE_PACKET:
        of = interfaces[0]
        (size,) = struct.unpack_from(f"{order}I", body)
        kept = min(size, of.most or size, len(body) - 4)
        return Packet(number, None, of.link_type, body[4 : 4 + kept], at)
    if kind == _OLD_PACKET:
        index, _, high, low, kept = struct.unpack_from(f"{order}HHIII", body)
    else:
        index, high, low, kept = struct.unpack_from(f"{order}IIII", body)
    if kept > len(body) - 20:
        raise IndexError
    of = interfaces[index]
    time = ((high << 32) | low) * _SECOND // of.ticks + of.offset * _SECOND
    return Packet(number, time, of.link_type, body[20 : 20 + kept], at)
