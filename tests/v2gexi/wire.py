"""Packets and capture files for tests, built by hand."""

from __future__ import annotations

import ipaddress
import struct

CAR, STATION = "fe80::1", "fe80::2"
CAR_PORT, STATION_PORT = 50000, 61000
FIN, SYN, ACK = 1, 2, 16


def tcp(
    data: bytes = b"", sequence: int = 0, flags: int = ACK, *, back: bool = False, car_port: int = CAR_PORT
) -> bytes:
    """An Ethernet frame with a TCP segment from the car to the station, or back."""
    ports = (STATION_PORT, car_port) if back else (car_port, STATION_PORT)
    header = struct.pack(">HHIIBBHHH", *ports, sequence & 0xFFFFFFFF, 0, 5 << 4, flags, 1000, 0, 0)
    return ethernet(ipv6(6, header + data, back=back))


def udp(data: bytes, ports: tuple[int, int]) -> bytes:
    """An Ethernet frame with a UDP datagram from the car."""
    return ethernet(ipv6(17, struct.pack(">HHHH", *ports, 8 + len(data), 0) + data))


def ipv6(kind: int, data: bytes, *, back: bool = False) -> bytes:
    ends = [ipaddress.IPv6Address(each).packed for each in (CAR, STATION)]
    source, destination = reversed(ends) if back else ends
    return struct.pack(">IHBB", 6 << 28, len(data), kind, 255) + source + destination + data


def ipv4(kind: int, data: bytes) -> bytes:
    ends = bytes((10, 0, 0, 1)) + bytes((10, 0, 0, 2))
    return struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(data), 0, 0, 64, kind, 0) + ends + data


def ethernet(data: bytes, kind: int = 0x86DD, tags: bytes = b"") -> bytes:
    return bytes(12) + tags + struct.pack(">H", kind) + data


def pcap(frames: list[bytes], link_type: int = 1, *, order: str = "<", nanoseconds: bool = False) -> bytes:
    """A pcap file; the packets are a millisecond apart from second 1000 on."""
    parts = [
        struct.pack(
            f"{order}IHHiIII", 0xA1B23C4D if nanoseconds else 0xA1B2C3D4, 2, 4, 0, 0, 65535, link_type
        )
    ]
    for number, frame in enumerate(frames):
        fraction = number * (1_000_000 if nanoseconds else 1000)
        parts.append(struct.pack(f"{order}IIII", 1000, fraction, len(frame), len(frame)) + frame)
    return b"".join(parts)


def pcapng(frames: list[bytes], link_type: int = 1, *, order: str = "<", unit: int | None = None) -> bytes:
    """A pcapng file; the packets are a millisecond apart from second 1000 on."""
    options = b"" if unit is None else struct.pack(f"{order}HHB3xHH", 9, 1, unit, 0, 0)
    parts = [
        block(order, 0x0A0D0D0A, struct.pack(f"{order}IHHq", 0x1A2B3C4D, 1, 0, -1)),
        block(order, 1, struct.pack(f"{order}HHI", link_type, 0, 0) + options),
    ]
    ticks = 1_000_000 if unit is None else 2 ** (unit & 0x7F) if unit & 0x80 else 10**unit
    for number, frame in enumerate(frames):
        time = 1000 * ticks + number * ticks // 1000
        head = struct.pack(f"{order}IIIII", 0, time >> 32, time & 0xFFFFFFFF, len(frame), len(frame))
        parts.append(block(order, 6, head + frame + bytes(-len(frame) % 4)))
    return b"".join(parts)


def block(order: str, kind: int, body: bytes) -> bytes:
    length = struct.pack(f"{order}I", len(body) + 12)
    return struct.pack(f"{order}I", kind) + length + body + length
