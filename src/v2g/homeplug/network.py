"""The standard's messages between a host and its modem about networks: members, rates, bridged addresses.

Sources: HomePlug AV specification; for CM_BRG_INFO frames of real modems too. All numbers are little-endian.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Self

from v2g.homeplug import mmtypes
from v2g.homeplug.frame import CNF, REQ, FrameError
from v2g.homeplug.lists import Reader
from v2g.homeplug.message import Message

_NOTHING = struct.Struct("<")


@dataclass(frozen=True, slots=True)
class CmNwInfoReq(Message):
    """CM_NW_INFO.REQ: which networks is the modem in?"""

    MMTYPE: ClassVar = mmtypes.CM_NW_INFO | REQ
    LAYOUT: ClassVar = _NOTHING


@dataclass(frozen=True, slots=True)
class PublicNetwork:
    """A network in CM_NW_INFO.CNF. ``access`` 0: in-home; ``coordinators``: neighbouring ones that are
    heard."""

    nid: bytes
    snid: int
    tei: int
    role: int
    cco_mac: bytes
    access: int = 0
    coordinators: int = 0


@dataclass(frozen=True, slots=True)
class CmNwInfoCnf(Message):
    """CM_NW_INFO.CNF."""

    MMTYPE: ClassVar = mmtypes.CM_NW_INFO | CNF
    LAYOUT: ClassVar = struct.Struct("<B")
    _ITEM: ClassVar = struct.Struct("<7sBBB6sBB")
    networks: tuple[PublicNetwork, ...]

    def pack(self) -> bytes:
        """The message's own bytes."""
        return _write_items(self._ITEM, self.networks)

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read the message's own bytes.

        Raises:
            FrameError: it ends within a list.
        """
        return cls(tuple(PublicNetwork(*row) for row in _read_items(cls.__name__, cls._ITEM, data)))


@dataclass(frozen=True, slots=True)
class CmNwStatsReq(Message):
    """CM_NW_STATS.REQ: how fast are the links to the network's stations?"""

    MMTYPE: ClassVar = mmtypes.CM_NW_STATS | REQ
    LAYOUT: ClassVar = _NOTHING


@dataclass(frozen=True, slots=True)
class StationRate:
    """Average rates to and from a station, Mbit/s."""

    mac: bytes
    tx_mbps: int
    rx_mbps: int


@dataclass(frozen=True, slots=True)
class CmNwStatsCnf(Message):
    """CM_NW_STATS.CNF."""

    MMTYPE: ClassVar = mmtypes.CM_NW_STATS | CNF
    LAYOUT: ClassVar = struct.Struct("<B")
    _ITEM: ClassVar = struct.Struct("<6sBB")
    stations: tuple[StationRate, ...]

    def pack(self) -> bytes:
        """The message's own bytes."""
        return _write_items(self._ITEM, self.stations)

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read the message's own bytes.

        Raises:
            FrameError: it ends within a list.
        """
        return cls(tuple(StationRate(*row) for row in _read_items(cls.__name__, cls._ITEM, data)))


@dataclass(frozen=True, slots=True)
class CmBrgInfoReq(Message):
    """CM_BRG_INFO.REQ: which addresses are behind the modem?"""

    MMTYPE: ClassVar = mmtypes.CM_BRG_INFO | REQ
    LAYOUT: ClassVar = _NOTHING


@dataclass(frozen=True, slots=True)
class CmBrgInfoCnf(Message):
    """CM_BRG_INFO.CNF: the modem's number in its network and the addresses behind it. ``tei`` is None for a
    station that is no bridge; it has no addresses."""

    MMTYPE: ClassVar = mmtypes.CM_BRG_INFO | CNF
    LAYOUT: ClassVar = struct.Struct("<B")
    tei: int | None
    addresses: tuple[bytes, ...]

    def pack(self) -> bytes:
        """The message's own bytes.

        Raises:
            FrameError: more than 255 addresses, one that is none, or a ``tei`` without room.
        """
        if any(len(address) != 6 for address in self.addresses) or len(self.addresses) > 255:
            raise FrameError("CmBrgInfoCnf: at most 255 addresses of 6 bytes", 3)
        if self.tei is None:
            return b"\0"
        if not 0 <= self.tei <= 0xFF:
            raise FrameError(f"CmBrgInfoCnf: tei {self.tei}; 0 to 255", 1)
        return bytes((1, self.tei, len(self.addresses))) + b"".join(self.addresses)

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read the message's own bytes.

        Raises:
            FrameError: it ends within its list.
        """
        (bridging,) = cls._unpacked(data)
        if not bridging:
            return cls(None, ())
        reader = Reader(cls.__name__, data)
        tei: int
        _, tei, count = reader.take(struct.Struct("<BBB"))
        six = struct.Struct("<6s")
        return cls(tei, tuple(reader.take(six)[0] for _ in range(count)))


def _read_items(name: str, layout: struct.Struct, data: bytes) -> list[tuple[Any, ...]]:
    reader = Reader(name, data)
    (count,) = reader.take(struct.Struct("<B"))
    return [reader.take(layout) for _ in range(count)]


def _write_items(layout: struct.Struct, items: tuple[PublicNetwork, ...] | tuple[StationRate, ...]) -> bytes:
    try:
        rows = [layout.pack(*(getattr(item, each.name) for each in fields(item))) for item in items]
        return struct.pack("<B", len(rows)) + b"".join(rows)
    except struct.error as error:
        raise FrameError(f"a list of {len(items)}: {error}", 0) from None
