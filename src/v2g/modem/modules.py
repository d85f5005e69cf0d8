"""A simulated modem's store of modules: reads and writes of its parameters. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from v2g.homeplug import qualcomm_blocks as old
from v2g.homeplug.checksum import checksum32
from v2g.homeplug.frame import REQ, Frame, FrameError
from v2g.homeplug.message import Message, parse_as
from v2g.homeplug.pib import SETTINGS, PibImage
from v2g.homeplug.qualcomm_module import (
    BLOCK_BYTES,
    VS_MODULE_OPERATION,
    ModuleId,
    ModuleReadCnf,
    ModuleReadReq,
)
from v2g.homeplug.qualcomm_session import (
    Commit,
    ModuleCloseCnf,
    ModuleCloseReq,
    ModuleSpec,
    ModuleStartCnf,
    ModuleStartReq,
    ModuleWriteCnf,
    ModuleWriteReq,
    module_request,
)

MOST_BYTES = 64 * 1024
"""The largest module that is taken. A QCA7000's parameters have 9 KB."""
FAILED = 1


@dataclass(frozen=True, slots=True)
class Outcome:
    """What becomes of a request: the answer, new parameters if there are any, whether they are the factory
    settings too, whether the modem starts again."""

    answer: Message
    image: PibImage | None = None
    factory: bool = False
    restart: bool = False


class ModuleStore:
    """The parameters' module as the two families of messages read and write it. Firmware is not kept."""

    TYPES: ClassVar = frozenset(
        kind | REQ for kind in (VS_MODULE_OPERATION, old.VS_RD_MOD, old.VS_WR_MOD, old.VS_MOD_NVM)
    )

    def __init__(self) -> None:
        self._session: int | None = None
        self._spec: ModuleSpec | None = None
        self._scratch = bytearray()

    def answer(self, frame: Frame, pib: PibImage) -> Outcome:
        """Answer a request.

        Raises:
            FrameError: it is none.
        """
        if frame.mmtype == VS_MODULE_OPERATION | REQ:
            request = module_request(frame.payload)
            if isinstance(request, ModuleReadReq):
                return Outcome(self._read(request, pib))
            if isinstance(request, ModuleStartReq):
                return Outcome(self._start(request))
            if isinstance(request, ModuleWriteReq):
                return Outcome(self._write(request))
            return self._close(request)
        if frame.mmtype == old.VS_RD_MOD | REQ:
            return Outcome(self._read_old(parse_as(old.RdModReq, frame), pib))
        if frame.mmtype == old.VS_WR_MOD | REQ:
            return Outcome(self._write_old(parse_as(old.WrModReq, frame)))
        module = parse_as(old.ModNvmReq, frame).module
        image = _image(bytes(self._scratch)) if module & old.MODULE_PIB else None
        self._scratch = bytearray()
        return Outcome(old.ModNvmCnf(0 if image else FAILED, module), image, restart=image is not None)

    def _read(self, request: ModuleReadReq, pib: PibImage) -> Message:
        ours = request.module == ModuleId.PARAMETERS
        block = b""
        if ours:
            image = pib.pack()
            block = image[request.offset : request.offset + min(request.length, BLOCK_BYTES)]
        return ModuleReadCnf(
            0 if ours else FAILED, 0, request.operation, request.module, request.sub_id, request.offset, block
        )

    def _start(self, request: ModuleStartReq) -> Message:
        ours = len(request.modules) == 1 and request.modules[0].module == ModuleId.PARAMETERS
        ours = ours and request.modules[0].length <= MOST_BYTES
        self._session = request.session if ours else None
        self._spec = request.modules[0] if ours else None
        self._scratch = bytearray()
        return ModuleStartCnf(0 if ours else FAILED, 0, request.session, min(len(request.modules), 16))

    def _write(self, request: ModuleWriteReq) -> Message:
        taken = self._session == request.session and self._put(request.offset, request.data)
        return ModuleWriteCnf(
            0 if taken else FAILED,
            0,
            request.session,
            request.index,
            request.module,
            request.sub_id,
            len(request.data),
            request.offset,
        )

    def _close(self, request: ModuleCloseReq) -> Outcome:
        spec, data = self._spec, bytes(self._scratch)
        ours = spec is not None and self._session == request.session
        self._session, self._spec, self._scratch = None, None, bytearray()
        image = None
        if spec is not None and ours:
            data = data[: spec.length]
            if len(data) == spec.length and checksum32(data) == spec.checksum:
                image = _image(data)
            ours = image is not None
        answer = ModuleCloseCnf(0 if ours else FAILED, 0, request.session, request.commit)
        if image is None:
            return Outcome(answer)
        factory, stays = request.commit & Commit.FACTORY, request.commit & Commit.NO_RESET
        return Outcome(answer, image, bool(factory), not stays)

    def _read_old(self, request: old.RdModReq, pib: PibImage) -> Message:
        if not request.module & old.MODULE_PIB:
            return old.RdModCnf(FAILED, request.module, request.offset, b"")
        length = min(request.length, old.BLOCK_BYTES)
        block = pib.pack()[request.offset : request.offset + length]
        return old.RdModCnf(0, request.module, request.offset, block)

    def _write_old(self, request: old.WrModReq) -> Message:
        taken = bool(request.module & old.MODULE_PIB) and self._put(request.offset, request.data)
        return old.WrModCnf(0 if taken else FAILED, request.module, len(request.data), request.offset)

    def _put(self, offset: int, data: bytes) -> bool:
        end = offset + len(data)
        if end > MOST_BYTES:
            return False
        if len(self._scratch) < end:
            self._scratch.extend(bytes(end - len(self._scratch)))
        self._scratch[offset:end] = data
        return True


def _image(data: bytes) -> PibImage | None:
    try:
        image = PibImage(data)
        # A modem cannot live with parameters that lack one.
        for name in SETTINGS:
            image[name]
    except FrameError:
        return None
    return image
