"""Reading and writing the modules of Qualcomm modems before AR7420: VS_RD_MOD, VS_WR_MOD and VS_MOD_NVM.

Sources: structures of open-plc-utils (plc/ReadParameters1.c, WritePIB.c, FlashNVM.c). All numbers are
little-endian.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import ClassVar, Self

from v2g.homeplug.checksum import checksum32
from v2g.homeplug.frame import CNF, REQ, FrameError
from v2g.homeplug.qualcomm import Vendor

VS_WR_MOD = 0xA020
VS_RD_MOD = 0xA024
VS_MOD_NVM = 0xA028

MODULE_PIB = 0x02
"""Number of the parameters' module."""
BLOCK_BYTES = 1024
"""Bytes of a block."""


@dataclass(frozen=True, slots=True)
class RdModReq(Vendor):
    """VS_RD_MOD.REQ: read a block of a module (see :data:`MODULE_PIB`)."""

    MMTYPE: ClassVar = VS_RD_MOD | REQ
    LAYOUT: ClassVar = struct.Struct("<BxHI")
    module: int
    length: int
    offset: int


@dataclass(frozen=True, slots=True)
class RdModCnf(Vendor):
    """VS_RD_MOD.CNF. ``status`` 0: the block follows."""

    MMTYPE: ClassVar = VS_RD_MOD | CNF
    LAYOUT: ClassVar = struct.Struct("<B3xBxHII")
    status: int
    module: int
    offset: int
    data: bytes = field(repr=False)

    def pack(self) -> bytes:
        """The message's own bytes.

        Raises:
            FrameError: a value has no room.
        """
        check = checksum32(self.data)
        return self._packed(self.status, self.module, len(self.data), self.offset, check) + self.data

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read the message's own bytes.

        Raises:
            FrameError: it ends before the block does, or the block's checksum is wrong.
        """
        status, module, length, offset, check = cls._unpacked(data)
        if status:
            return cls(status, module, offset, b"")
        block = cls._tail(data, length)
        if checksum32(block) != check:
            raise FrameError("RdModCnf: the block's checksum is wrong", 12)
        return cls(status, module, offset, block)


@dataclass(frozen=True, slots=True)
class WrModReq(Vendor):
    """VS_WR_MOD.REQ: write a block of a module into the modem's memory."""

    MMTYPE: ClassVar = VS_WR_MOD | REQ
    LAYOUT: ClassVar = struct.Struct("<BxHII")
    module: int
    offset: int
    data: bytes = field(repr=False)

    def pack(self) -> bytes:
        """The message's own bytes.

        Raises:
            FrameError: a value has no room.
        """
        return self._packed(self.module, len(self.data), self.offset, checksum32(self.data)) + self.data

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read the message's own bytes.

        Raises:
            FrameError: it ends before the block does, or the block's checksum is wrong.
        """
        module, length, offset, check = cls._unpacked(data)
        block = cls._tail(data, length)
        if checksum32(block) != check:
            raise FrameError("WrModReq: the block's checksum is wrong", 8)
        return cls(module, offset, block)


@dataclass(frozen=True, slots=True)
class WrModCnf(Vendor):
    """VS_WR_MOD.CNF. ``status`` 0: success."""

    MMTYPE: ClassVar = VS_WR_MOD | CNF
    LAYOUT: ClassVar = struct.Struct("<BBxHI")
    status: int
    module: int
    length: int
    offset: int


@dataclass(frozen=True, slots=True)
class ModNvmReq(Vendor):
    """VS_MOD_NVM.REQ: check the module that was written and store it."""

    MMTYPE: ClassVar = VS_MOD_NVM | REQ
    LAYOUT: ClassVar = struct.Struct("<B")
    module: int


@dataclass(frozen=True, slots=True)
class ModNvmCnf(Vendor):
    """VS_MOD_NVM.CNF. ``status`` 0: success."""

    MMTYPE: ClassVar = VS_MOD_NVM | CNF
    LAYOUT: ClassVar = struct.Struct("<BB")
    status: int
    module: int
