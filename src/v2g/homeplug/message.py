"""What all management messages have in common: a fixed layout that packs and parses."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any, ClassVar, Self, TypeVar

from v2g.homeplug.frame import MMV_AV_1_1, Frame, FrameError


@dataclass(frozen=True, slots=True)
class Message:
    """A management message. A kind of message sets ``MMTYPE``, ``LAYOUT`` (one item a field, in the order
    of the fields; ``x`` for reserved bytes), and if they differ ``MMV`` and ``OUI``."""

    MMTYPE: ClassVar[int]
    LAYOUT: ClassVar[struct.Struct]
    MMV: ClassVar[int] = MMV_AV_1_1
    OUI: ClassVar[bytes] = b""

    def pack(self) -> bytes:
        """The message's own bytes, behind all headers.

        Raises:
            FrameError: a field's value does not fit into it.
        """
        names: tuple[str, ...] = self.__match_args__
        return self._packed(*[getattr(self, name) for name in names])

    def _packed(self, *values: int | bytes) -> bytes:
        try:
            data = self.LAYOUT.pack(*values)
        except struct.error as error:
            raise FrameError(f"{type(self).__name__}: {error}", 0) from None
        # struct cuts and pads bytes without a word.
        if self.LAYOUT.unpack(data) != values:
            raise FrameError(f"{type(self).__name__}: a field of bytes has a wrong length", 0)
        return data

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read the message's own bytes. What follows them (padding, fields of later versions) is left
        alone.

        Raises:
            FrameError: there are too few of them.
        """
        return cls(*cls._unpacked(data))

    @classmethod
    def _unpacked(cls, data: bytes) -> tuple[Any, ...]:
        if len(data) < cls.LAYOUT.size:
            raise FrameError(f"{cls.__name__}: {len(data)} bytes of {cls.LAYOUT.size}", len(data))
        return cls.LAYOUT.unpack_from(data)

    @classmethod
    def _tail(cls, data: bytes, length: int) -> bytes:
        # The list at the end of a message that counts its items itself.
        tail = data[cls.LAYOUT.size : cls.LAYOUT.size + length]
        if len(tail) < length:
            raise FrameError(f"{cls.__name__}: {len(tail)} of {length} bytes of its list", len(data))
        return tail

    def frame(self, destination: bytes, source: bytes) -> bytes:
        """The bytes of a frame that carries the message.

        Raises:
            FrameError: a field's value does not fit, or an address is none.
        """
        return Frame(destination, source, self.MMTYPE, self.pack(), self.MMV, self.OUI).pack()


M = TypeVar("M", bound=Message)


def parse_as(kind: type[M], frame: Frame) -> M:
    """The message of a frame, read as a kind of message.

    Raises:
        FrameError: another MMTYPE or OUI, a part of a fragmented message, too short. ``offset`` is the
        byte of the frame.
    """
    if frame.mmtype != kind.MMTYPE or frame.oui != kind.OUI:
        raise FrameError(f"MMTYPE {frame.mmtype:#06x} is no {kind.__name__}", 15)
    if frame.fragments:
        raise FrameError(f"{kind.__name__}: a fragment of a longer message", 17)
    try:
        return kind.parse(frame.payload)
    except FrameError as error:
        raise FrameError(error.reason, frame.payload_offset + error.offset) from None
