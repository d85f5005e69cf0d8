"""Sessions of VS_MODULE_OPERATION: start, blocks, close; and reading any of its messages.

Sources: structures of open-plc-utils (plc/ModuleSession.c, ModuleWrite.c, ModuleCommit.c). All numbers are
little-endian.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from enum import IntEnum, unique
from typing import ClassVar, Self

from v2g.homeplug.frame import FrameError
from v2g.homeplug.qualcomm_module import (
    CONFIRM_HEAD,
    OPERATION_HEAD,
    REQUEST_HEAD,
    ModuleReadCnf,
    ModuleReadReq,
    Operation,
    OperationCnf,
    OperationReq,
)


@unique
class Commit(IntEnum):
    """Bits of the code that closes a session."""

    FORCE = 1 << 0
    NO_RESET = 1 << 1
    FACTORY = 1 << 31
    """The parameters are the modem's factory settings from now on, too."""


@dataclass(frozen=True, slots=True)
class ModuleSpec:
    """A module that a session is about to write: its number, its length and its checksum
    (:func:`v2g.homeplug.checksum.checksum32`)."""

    module: int
    sub_id: int
    length: int
    checksum: int


@dataclass(frozen=True, slots=True)
class ModuleStartReq(OperationReq):
    """Begin a session that writes modules. ``session`` is any number."""

    OPERATION: ClassVar = Operation.START_SESSION
    LAYOUT: ClassVar = struct.Struct("<IB")
    _SPEC: ClassVar = struct.Struct("<HHII")
    session: int
    modules: tuple[ModuleSpec, ...]

    def pack(self) -> bytes:
        """The message's own bytes.

        Raises:
            FrameError: a value has no room.
        """
        try:
            specs = [
                self._SPEC.pack(each.module, each.sub_id, each.length, each.checksum) for each in self.modules
            ]
        except struct.error as error:
            raise FrameError(f"ModuleStartReq: {error}", 0) from None
        return self._joined((), self.OPERATION, (self.session, len(specs)), b"".join(specs))

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read the message's own bytes.

        Raises:
            FrameError: it is too short, of another operation, or ends within its list.
        """
        _, _, body = cls._opened(data)
        session, count = cls.LAYOUT.unpack_from(body)
        specs = body[cls.LAYOUT.size : cls.LAYOUT.size + count * cls._SPEC.size]
        if len(specs) < count * cls._SPEC.size:
            raise FrameError(f"ModuleStartReq: ends within its {count} modules", len(data))
        return cls(session, tuple(ModuleSpec(*values) for values in cls._SPEC.iter_unpack(specs)))


@dataclass(frozen=True, slots=True)
class ModuleStartCnf(OperationCnf):
    """A session has begun. ``status`` and ``error`` 0: success."""

    OPERATION: ClassVar = Operation.START_SESSION
    LAYOUT: ClassVar = struct.Struct("<IB")
    status: int
    error: int
    session: int
    modules: int

    def pack(self) -> bytes:
        """The message's own bytes.

        Raises:
            FrameError: a value has no room.
        """
        results = bytes(4 * max(self.modules, 0))
        return self._joined((self.status, self.error), self.OPERATION, (self.session, self.modules), results)

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read the message's own bytes.

        Raises:
            FrameError: it is too short, or of another operation.
        """
        (status, error), _, body = cls._opened(data)
        return cls(status, error, *cls.LAYOUT.unpack_from(body))


@dataclass(frozen=True, slots=True)
class ModuleWriteReq(OperationReq):
    """A block of the session's module number ``index``."""

    OPERATION: ClassVar = Operation.WRITE_MODULE
    LAYOUT: ClassVar = struct.Struct("<IBHHHI")
    session: int
    index: int
    module: int
    sub_id: int
    offset: int
    data: bytes = field(repr=False)

    def pack(self) -> bytes:
        """The message's own bytes.

        Raises:
            FrameError: a value has no room.
        """
        values = (self.session, self.index, self.module, self.sub_id, len(self.data), self.offset)
        return self._joined((), self.OPERATION, values, self.data)

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read the message's own bytes.

        Raises:
            FrameError: it is too short, of another operation, or ends before the block does.
        """
        _, _, body = cls._opened(data)
        session, index, module, sub_id, length, offset = cls.LAYOUT.unpack_from(body)
        block = body[cls.LAYOUT.size : cls.LAYOUT.size + length]
        if len(block) < length:
            raise FrameError(f"ModuleWriteReq: {len(block)} of {length} bytes of its block", len(data))
        return cls(session, index, module, sub_id, offset, block)


@dataclass(frozen=True, slots=True)
class ModuleWriteCnf(OperationCnf):
    """A block has arrived. ``status`` and ``error`` 0: success."""

    OPERATION: ClassVar = Operation.WRITE_MODULE
    LAYOUT: ClassVar = struct.Struct("<IBHHHI")
    status: int
    error: int
    session: int
    index: int
    module: int
    sub_id: int
    length: int
    offset: int

    def pack(self) -> bytes:
        """The message's own bytes.

        Raises:
            FrameError: a value has no room.
        """
        values = (self.session, self.index, self.module, self.sub_id, self.length, self.offset)
        return self._joined((self.status, self.error), self.OPERATION, values)

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read the message's own bytes.

        Raises:
            FrameError: it is too short, or of another operation.
        """
        (status, error), _, body = cls._opened(data)
        return cls(status, error, *cls.LAYOUT.unpack_from(body))


@dataclass(frozen=True, slots=True)
class ModuleCloseReq(OperationReq):
    """End a session: check the modules, store them, and start again unless ``commit`` has
    :attr:`Commit.NO_RESET`."""

    OPERATION: ClassVar = Operation.CLOSE_SESSION
    LAYOUT: ClassVar = struct.Struct("<II")
    session: int
    commit: int

    def pack(self) -> bytes:
        """The message's own bytes.

        Raises:
            FrameError: a value has no room.
        """
        return self._joined((), self.OPERATION, (self.session, self.commit), bytes(20))

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read the message's own bytes.

        Raises:
            FrameError: it is too short, or of another operation.
        """
        _, _, body = cls._opened(data)
        return cls(*cls.LAYOUT.unpack_from(body))


@dataclass(frozen=True, slots=True)
class ModuleCloseCnf(OperationCnf):
    """A session has ended. ``status`` and ``error`` 0: success."""

    OPERATION: ClassVar = Operation.CLOSE_SESSION
    LAYOUT: ClassVar = struct.Struct("<II")
    status: int
    error: int
    session: int
    commit: int

    def pack(self) -> bytes:
        """The message's own bytes.

        Raises:
            FrameError: a value has no room.
        """
        return self._joined((self.status, self.error), self.OPERATION, (self.session, self.commit), b"\0")

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read the message's own bytes.

        Raises:
            FrameError: it is too short, or of another operation.
        """
        (status, error), _, body = cls._opened(data)
        return cls(status, error, *cls.LAYOUT.unpack_from(body))


ModuleReq = ModuleReadReq | ModuleStartReq | ModuleWriteReq | ModuleCloseReq
ModuleCnf = ModuleReadCnf | ModuleStartCnf | ModuleWriteCnf | ModuleCloseCnf
_REQUESTS: dict[int, type[ModuleReq]] = {
    Operation.READ_MEMORY: ModuleReadReq,
    Operation.READ_FLASH: ModuleReadReq,
    Operation.START_SESSION: ModuleStartReq,
    Operation.WRITE_MODULE: ModuleWriteReq,
    Operation.CLOSE_SESSION: ModuleCloseReq,
}
_CONFIRMS: dict[int, type[ModuleCnf]] = {
    Operation.READ_MEMORY: ModuleReadCnf,
    Operation.READ_FLASH: ModuleReadCnf,
    Operation.START_SESSION: ModuleStartCnf,
    Operation.WRITE_MODULE: ModuleWriteCnf,
    Operation.CLOSE_SESSION: ModuleCloseCnf,
}


def module_request(data: bytes) -> ModuleReq:
    """A VS_MODULE_OPERATION.REQ's own bytes, read as the operation that they name.

    Raises:
        FrameError: it is too short or of an operation that nobody knows.
    """
    return _REQUESTS[_operation_of(data, REQUEST_HEAD.size)].parse(data)


def module_confirm(data: bytes) -> ModuleCnf:
    """A VS_MODULE_OPERATION.CNF's own bytes, read as the operation that they name.

    Raises:
        FrameError: it is too short or of an operation that nobody knows.
    """
    return _CONFIRMS[_operation_of(data, CONFIRM_HEAD.size)].parse(data)


def _operation_of(data: bytes, at: int) -> int:
    if len(data) < at + OPERATION_HEAD.size:
        raise FrameError(f"VS_MODULE_OPERATION: {len(data)} bytes of {at + OPERATION_HEAD.size}", len(data))
    operation: int = OPERATION_HEAD.unpack_from(data, at)[0]
    if operation not in _REQUESTS:
        raise FrameError(f"VS_MODULE_OPERATION: operation {operation:#x} is not known", at)
    return operation
