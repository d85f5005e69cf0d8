"""Messages between a host and a Qualcomm modem about its network: members, data rates, statistics.

Sources: structures of open-plc-utils (plc/NetInfo2.c, LinkStatistics.c); frames of real modems. All numbers
are little-endian. The standard's own messages about networks are in :mod:`v2g.homeplug.network`.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, fields
from enum import IntEnum, unique
from typing import ClassVar, Self

from v2g.homeplug.frame import CNF, MMV_AV_1_1, REQ, FrameError
from v2g.homeplug.lists import Reader
from v2g.homeplug.qualcomm import Vendor

VS_LNK_STATS = 0xA030
VS_NW_INFO = 0xA038

_NOTHING = struct.Struct("<")


@unique
class Role(IntEnum):
    """What a station is in its network: member, proxy, coordinator."""

    STA = 0
    PCO = 1
    CCO = 2


@dataclass(frozen=True, slots=True)
class RemoteStation:
    """A station that the modem hears: ``bridged`` is the first address behind it (broadcast: none is known),
    rates in Mbit/s."""

    mac: bytes
    tei: int
    bridged: bytes
    tx_mbps: int
    rx_mbps: int


@dataclass(frozen=True, slots=True)
class Network:
    """A network (AVLN) and the modem's place in it."""

    nid: bytes
    snid: int
    tei: int
    role: int
    cco_mac: bytes
    cco_tei: int
    stations: tuple[RemoteStation, ...] = ()


class _NetworkList(Vendor):
    """What both forms of VS_NW_INFO.CNF share."""

    __slots__ = ()
    _NETWORK: ClassVar[struct.Struct]
    _STATION: ClassVar[struct.Struct]

    @classmethod
    def _read(cls, data: bytes) -> tuple[Network, ...]:
        reader = Reader(cls.__name__, data)
        (count,) = reader.take(struct.Struct("<B"))
        networks = []
        for _ in range(count):
            nid, snid, tei, role, cco_mac, cco_tei, members = reader.take(cls._NETWORK)
            stations = tuple(RemoteStation(*reader.take(cls._STATION)) for _ in range(members))
            networks.append(Network(nid, snid, tei, role, cco_mac, cco_tei, stations))
        return tuple(networks)

    @classmethod
    def _write(cls, networks: tuple[Network, ...]) -> bytes:
        try:
            data = struct.pack("<B", len(networks))
            for network in networks:
                data += cls._NETWORK.pack(
                    network.nid,
                    network.snid,
                    network.tei,
                    network.role,
                    network.cco_mac,
                    network.cco_tei,
                    len(network.stations),
                )
                for station in network.stations:
                    data += cls._STATION.pack(*(getattr(station, each.name) for each in fields(station)))
        except struct.error as error:
            raise FrameError(f"{cls.__name__}: {error}", 0) from None
        return data


@dataclass(frozen=True, slots=True)
class NwInfo0Req(Vendor):
    """VS_NW_INFO.REQ with MMV 0."""

    MMTYPE: ClassVar = VS_NW_INFO | REQ
    LAYOUT: ClassVar = _NOTHING


@dataclass(frozen=True, slots=True)
class NwInfo0Cnf(_NetworkList):
    """VS_NW_INFO.CNF with MMV 0: a byte for a rate."""

    MMTYPE: ClassVar = VS_NW_INFO | CNF
    LAYOUT: ClassVar = struct.Struct("<B")
    _NETWORK: ClassVar = struct.Struct("<7sBBB6sBB")
    _STATION: ClassVar = struct.Struct("<6sB6sBB")
    networks: tuple[Network, ...]

    def pack(self) -> bytes:
        """The message's own bytes.

        Raises:
            FrameError: a value has no room.
        """
        return self._write(self.networks)

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read the message's own bytes.

        Raises:
            FrameError: it ends within a list.
        """
        return cls(cls._read(data))


@dataclass(frozen=True, slots=True)
class NwInfo1Req(Vendor):
    """VS_NW_INFO.REQ with MMV 1: what the tools for QCA7000 ask."""

    MMTYPE: ClassVar = VS_NW_INFO | REQ
    MMV: ClassVar = MMV_AV_1_1
    LAYOUT: ClassVar = _NOTHING


@dataclass(frozen=True, slots=True)
class NwInfo1Cnf(_NetworkList):
    """VS_NW_INFO.CNF with MMV 1: two bytes for a rate, a length before the list."""

    MMTYPE: ClassVar = VS_NW_INFO | CNF
    MMV: ClassVar = MMV_AV_1_1
    LAYOUT: ClassVar = struct.Struct("<BxHx")
    _NETWORK: ClassVar = struct.Struct("<7s2xBB4xB6sB3xB5x")
    _STATION: ClassVar = struct.Struct("<6sB3x6sHxxH2x")
    networks: tuple[Network, ...]

    def pack(self) -> bytes:
        """The message's own bytes.

        Raises:
            FrameError: a value has no room.
        """
        data = self._write(self.networks)
        return self._packed(0, len(data) + 1) + data

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read the message's own bytes.

        Raises:
            FrameError: it is shorter than it says, or ends within a list.
        """
        _, length = cls._unpacked(data)
        # The length counts a reserved byte that LAYOUT takes as its last.
        return cls(cls._read(cls._tail(data, max(length - 1, 0))))


ALL_LINKS = 0xFC
"""VS_LNK_STATS: the sum of all contention classes."""


@unique
class Direction(IntEnum):
    """Which statistics VS_LNK_STATS asks for."""

    TX = 0
    RX = 1
    BOTH = 2


@dataclass(frozen=True, slots=True)
class LnkStatsReq(Vendor):
    """VS_LNK_STATS.REQ. ``control`` 0: read, 1: clear, 2: read and clear."""

    MMTYPE: ClassVar = VS_LNK_STATS | REQ
    LAYOUT: ClassVar = struct.Struct("<BBB6s")
    control: int
    direction: int
    link: int
    peer: bytes = bytes(6)


@dataclass(frozen=True, slots=True)
class TxStats:
    """Counts of what was sent: frames (MPDU) acknowledged, collided, failed; blocks of 512 bytes passed,
    failed."""

    mpdu_acked: int = 0
    mpdu_collided: int = 0
    mpdu_failed: int = 0
    pb_passed: int = 0
    pb_failed: int = 0


@dataclass(frozen=True, slots=True)
class RxStats:
    """Counts of what was received: frames, blocks, and the bit errors that were corrected in blocks that
    passed and failed."""

    mpdu_acked: int = 0
    mpdu_failed: int = 0
    pb_passed: int = 0
    pb_failed: int = 0
    errors_passed: int = 0
    errors_failed: int = 0


@dataclass(frozen=True, slots=True)
class LnkStatsCnf(Vendor):
    """VS_LNK_STATS.CNF. ``status`` 0: success. ``tx`` and ``rx`` by the direction that was asked for. The
    figures of single parts of a mains period are not read and not sent."""

    MMTYPE: ClassVar = VS_LNK_STATS | CNF
    LAYOUT: ClassVar = struct.Struct("<BBBB")
    _TX: ClassVar = struct.Struct("<5Q")
    _RX: ClassVar = struct.Struct("<6QB")
    status: int
    direction: int
    link: int
    tei: int
    tx: TxStats | None = None
    rx: RxStats | None = None

    def pack(self) -> bytes:
        """The message's own bytes.

        Raises:
            FrameError: a count has more than 64 bits.
        """
        data = self._packed(self.status, self.direction, self.link, self.tei)
        try:
            if self.tx is not None:
                data += self._TX.pack(*(getattr(self.tx, each.name) for each in fields(self.tx)))
            if self.rx is not None:
                data += self._RX.pack(*(getattr(self.rx, each.name) for each in fields(self.rx)), 0)
        except struct.error as error:
            raise FrameError(f"LnkStatsCnf: {error}", 4) from None
        return data

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read the message's own bytes.

        Raises:
            FrameError: it ends within the statistics.
        """
        status, direction, link, tei = cls._unpacked(data)
        if status or direction not in tuple(Direction):
            return cls(status, direction, link, tei)
        reader = Reader(cls.__name__, data)
        reader.take(cls.LAYOUT)
        tx = TxStats(*reader.take(cls._TX)) if direction != Direction.RX else None
        rx = RxStats(*reader.take(cls._RX)[:6]) if direction != Direction.TX else None
        return cls(status, direction, link, tei, tx, rx)
