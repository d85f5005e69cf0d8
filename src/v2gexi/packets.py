"""From packets to TCP segments and UDP datagrams: link layers, IPv4 and IPv6."""

from __future__ import annotations

import ipaddress
import struct
from functools import lru_cache
from typing import NamedTuple

from v2gexi.pcap import Packet

FIN, SYN, RST, ACK = 0x01, 0x02, 0x04, 0x10
_IPV4, _IPV6 = 0x0800, 0x86DD
_VLAN = (0x8100, 0x88A8, 0x9100)
_TCP, _UDP = 6, 17
_HOP_BY_HOP, _ROUTING, _DESTINATION = 0, 43, 60
_ETHERNET, _COOKED, _COOKED_2 = 1, 113, 276
_LOOPBACK = (0, 108)
_RAW = (12, 14, 101, 228, 229)
LINK_TYPES = frozenset((_ETHERNET, _COOKED, _COOKED_2, *_LOOPBACK, *_RAW))
"""Numbers of the link types that are read: Ethernet, Linux cooked 1 and 2, BSD loopback, bare IP."""


class Endpoint(NamedTuple):
    """An address and a port."""

    address: str
    port: int

    def __str__(self) -> str:
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"


class Segment(NamedTuple):
    """A TCP segment, or a UDP datagram (``flags`` None)."""

    packet: Packet
    source: Endpoint
    destination: Endpoint
    data: bytes
    sequence: int = 0
    flags: int | None = None


@lru_cache(maxsize=256)
def _address_6(data: bytes) -> str:
    return str(ipaddress.IPv6Address(data))


def segment_of(packet: Packet) -> Segment | None:
    """The TCP segment or UDP datagram in a packet; None if there is none, or it is not whole enough to read.

    Fragments of IP are not put together: V2G stations and cars send none."""
    try:
        return _network(packet)
    except (struct.error, IndexError, ipaddress.AddressValueError):
        return None


def _network(packet: Packet) -> Segment | None:
    data = packet.data
    if packet.link_type == _ETHERNET:
        return _ethernet(packet, struct.unpack_from(">H", data, 12)[0], 14)
    if packet.link_type == _COOKED:
        return _ethernet(packet, struct.unpack_from(">H", data, 14)[0], 16)
    if packet.link_type == _COOKED_2:
        return _ethernet(packet, struct.unpack_from(">H", data)[0], 20)
    if packet.link_type in _LOOPBACK:
        return _internet(packet, data[4:])
    return _internet(packet, data) if packet.link_type in _RAW else None


def _ethernet(packet: Packet, kind: int, at: int) -> Segment | None:
    while kind in _VLAN:
        kind = struct.unpack_from(">H", packet.data, at + 2)[0]
        at += 4
    return _internet(packet, packet.data[at:]) if kind in (_IPV4, _IPV6) else None


def _internet(packet: Packet, data: bytes) -> Segment | None:
    version = data[0] >> 4
    if version == 4:
        size, fragment = struct.unpack_from(">H2xH", data, 2)
        if fragment & 0x3FFF:
            return None
        addresses = (str(ipaddress.IPv4Address(data[12:16])), str(ipaddress.IPv4Address(data[16:20])))
        start = (data[0] & 0x0F) * 4
        # 0: the network card cut a larger packet up, after it was captured.
        return _transport(packet, data[9], addresses, data[start : size or None])
    if version == 6:
        size, following = struct.unpack_from(">HB", data, 4)
        addresses = (_address_6(data[8:24]), _address_6(data[24:40]))
        rest = data[40 : 40 + size] if size else data[40:]
        while following in (_HOP_BY_HOP, _ROUTING, _DESTINATION):
            following, rest = rest[0], rest[(rest[1] + 1) * 8 :]
        return _transport(packet, following, addresses, rest)
    return None


def _transport(packet: Packet, kind: int, addresses: tuple[str, str], data: bytes) -> Segment | None:
    if kind not in (_TCP, _UDP):
        return None
    ports = struct.unpack_from(">HH", data)
    source, destination = Endpoint(addresses[0], ports[0]), Endpoint(addresses[1], ports[1])
    if kind == _UDP:
        size = struct.unpack_from(">H", data, 4)[0]
        return Segment(packet, source, destination, data[8:size])
    sequence, _, length, flags = struct.unpack_from(">IIBB", data, 4)
    return Segment(packet, source, destination, data[(length >> 4) * 4 :], sequence, flags)
