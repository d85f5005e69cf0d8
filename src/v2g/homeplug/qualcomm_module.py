"""Reading and writing a Qualcomm modem's modules: its parameters (PIB) and its firmware.

QCA7000 and AR7420 read and write by VS_MODULE_OPERATION: a read is one message a block; a write is a session
of start, blocks and close (:mod:`v2g.homeplug.qualcomm_session`), after which the modem checks and stores
the module. Older modems have the messages of :mod:`v2g.homeplug.qualcomm_blocks`. Sources: structures of
open-plc-utils (plc/ModuleRead.c, ModuleSession.c, ModuleWrite.c, ModuleCommit.c); frames of real modems. All
numbers are little-endian.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from enum import IntEnum, unique
from typing import Any, ClassVar, Self

from v2g.homeplug.frame import CNF, REQ, FrameError
from v2g.homeplug.qualcomm import Vendor

VS_MODULE_OPERATION = 0xA0B0

BLOCK_BYTES = 1400
"""Bytes of a block in VS_MODULE_OPERATION. A shorter one ends the module."""


@unique
class ModuleId(IntEnum):
    """Modules that VS_MODULE_OPERATION knows."""

    FIRMWARE = 0x7001
    PARAMETERS = 0x7002
    SOFTLOADER = 0x7003
    PIB_MERGE = 0x7005


@unique
class Operation(IntEnum):
    """Operations of VS_MODULE_OPERATION."""

    READ_MEMORY = 0x00
    READ_FLASH = 0x01
    START_SESSION = 0x10
    WRITE_MODULE = 0x11
    CLOSE_SESSION = 0x12


OPERATION_HEAD = struct.Struct("<HHI")
REQUEST_HEAD = struct.Struct("<IB")
CONFIRM_HEAD = struct.Struct("<HHIB")


class OperationMessage(Vendor):
    """A VS_MODULE_OPERATION with one operation: the heads, then ``LAYOUT``, then what follows."""

    __slots__ = ()
    OPERATION: ClassVar[Operation | None]
    HEAD: ClassVar[struct.Struct]

    def _joined(
        self, head: tuple[int, ...], operation: int, values: tuple[Any, ...], tail: bytes = b""
    ) -> bytes:
        # The operation's length counts its own head.
        body = self._packed(*values) + tail
        try:
            return (
                self.HEAD.pack(*head, 0, 1)
                + OPERATION_HEAD.pack(operation, OPERATION_HEAD.size + len(body), 0)
                + body
            )
        except struct.error as error:
            raise FrameError(f"{type(self).__name__}: {error}", 0) from None

    @classmethod
    def _opened(cls, data: bytes) -> tuple[tuple[int, ...], int, bytes]:
        """The head's values before the reserved word, the operation's number, and the bytes behind its
        head."""
        at = cls.HEAD.size + OPERATION_HEAD.size
        if len(data) < at + cls.LAYOUT.size:
            raise FrameError(f"{cls.__name__}: {len(data)} bytes of {at + cls.LAYOUT.size}", len(data))
        *head, _, count = cls.HEAD.unpack_from(data)
        operation, _, _ = OPERATION_HEAD.unpack_from(data, cls.HEAD.size)
        if not count:
            raise FrameError(f"{cls.__name__}: no operation", cls.HEAD.size - 1)
        if cls.OPERATION is not None and operation != cls.OPERATION:
            raise FrameError(f"{cls.__name__}: operation {operation:#x}", cls.HEAD.size)
        return tuple(head), operation, data[at:]


class OperationReq(OperationMessage):
    """A VS_MODULE_OPERATION.REQ."""

    __slots__ = ()
    MMTYPE: ClassVar = VS_MODULE_OPERATION | REQ
    HEAD: ClassVar = REQUEST_HEAD


class OperationCnf(OperationMessage):
    """A VS_MODULE_OPERATION.CNF."""

    __slots__ = ()
    MMTYPE: ClassVar = VS_MODULE_OPERATION | CNF
    HEAD: ClassVar = CONFIRM_HEAD


_READS = (Operation.READ_MEMORY, Operation.READ_FLASH)


@dataclass(frozen=True, slots=True)
class ModuleReadReq(OperationReq):
    """Read ``length`` bytes of a module at ``offset``, from the memory or the flash memory."""

    OPERATION: ClassVar = None
    LAYOUT: ClassVar = struct.Struct("<HHHI")
    operation: int
    module: int
    sub_id: int
    length: int
    offset: int

    def pack(self) -> bytes:
        """The message's own bytes.

        Raises:
            FrameError: a value has no room.
        """
        return self._joined((), self.operation, (self.module, self.sub_id, self.length, self.offset))

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read the message's own bytes.

        Raises:
            FrameError: it is too short, or of another operation.
        """
        _, operation, body = cls._opened(data)
        if operation not in _READS:
            raise FrameError(f"ModuleReadReq: operation {operation:#x}", cls.HEAD.size)
        return cls(operation, *cls.LAYOUT.unpack_from(body))


@dataclass(frozen=True, slots=True)
class ModuleReadCnf(OperationCnf):
    """A module's block. ``status`` and ``error`` 0: success. The block holds secrets if it is one of the
    parameters."""

    OPERATION: ClassVar = None
    LAYOUT: ClassVar = struct.Struct("<HHHI")
    status: int
    error: int
    operation: int
    module: int
    sub_id: int
    offset: int
    data: bytes = field(repr=False)

    def pack(self) -> bytes:
        """The message's own bytes.

        Raises:
            FrameError: a value has no room.
        """
        values = (self.module, self.sub_id, len(self.data), self.offset)
        return self._joined((self.status, self.error), self.operation, values, self.data)

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read the message's own bytes.

        Raises:
            FrameError: it is too short, of another operation, or ends before the block does.
        """
        (status, error), operation, body = cls._opened(data)
        if operation not in _READS:
            raise FrameError(f"ModuleReadCnf: operation {operation:#x}", cls.HEAD.size)
        module, sub_id, length, offset = cls.LAYOUT.unpack_from(body)
        block = body[cls.LAYOUT.size : cls.LAYOUT.size + length]
        if not status and len(block) < length:
            raise FrameError(f"ModuleReadCnf: {len(block)} of {length} bytes of its block", len(data))
        return cls(status, error, operation, module, sub_id, offset, block)
