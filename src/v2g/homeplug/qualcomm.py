"""Messages between a host and a Qualcomm modem (QCA7000 and its kin) about the modem itself: version, reset,
keys, push button, link, attenuation.

Sources: structures of open-plc-utils (qca/open-plc-utils, folders plc and mme); frames of real modems
(INT6400, AR7420, QCA7000, QCA7005) in captures of charging sessions. All numbers are little-endian.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from enum import IntEnum, unique
from typing import ClassVar, Self

from v2g.homeplug.frame import CNF, IND, MMV_AV_1_0, QUALCOMM_OUI, REQ, RSP, FrameError
from v2g.homeplug.message import Message

MS_PB_ENC = 0x8000
VS_SW_VER = 0xA000
VS_RS_DEV = 0xA01C
VS_SET_KEY = 0xA050
VS_HOST_ACTION = 0xA060
VS_OP_ATTRIBUTES = 0xA068
VS_FAC_DEFAULTS = 0xA07C
VS_PL_LNK_STATUS = 0xA0B8
VS_ATTEN_CHAR = 0xA14C

VERSION_BYTES = 254
"""Room for the version's text in VS_SW_VER.CNF."""
_NOTHING = struct.Struct("<")
_STATUS = struct.Struct("<B")


class Vendor(Message):
    """A message with Qualcomm's OUI and the short header of HomePlug AV 1.0."""

    __slots__ = ()
    MMV: ClassVar = MMV_AV_1_0
    OUI: ClassVar = QUALCOMM_OUI


@unique
class DeviceClass(IntEnum):
    """Chip of a modem that runs firmware, in VS_SW_VER.CNF. Where a class has several chips, the ident word
    tells them apart."""

    UNKNOWN = 0x00
    INT6000 = 0x01
    INT6300 = 0x02
    INT6400 = 0x03
    AR7400 = 0x04
    AR6405 = 0x05
    QCA7420 = 0x20
    QCA6410 = 0x21
    QCA7000 = 0x22
    QCA7500 = 0x30


IDENT_QCA7000, IDENT_QCA7005 = 0x001B58DC, 0x001B587C
"""Ident words of the chips on charging equipment."""


@dataclass(frozen=True, slots=True)
class SwVerReq(Vendor):
    """VS_SW_VER.REQ: who are you? A frame that ends before the cookie has cookie 0."""

    MMTYPE: ClassVar = VS_SW_VER | REQ
    LAYOUT: ClassVar = struct.Struct("<I")
    cookie: int = 0

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read the message's own bytes."""
        return cls(*cls.LAYOUT.unpack_from(data.ljust(cls.LAYOUT.size, b"\0")))


@dataclass(frozen=True, slots=True)
class SwVerCnf(Vendor):
    """VS_SW_VER.CNF. ``status`` 0: success. ``device_class``: see :class:`DeviceClass`. ``ident`` and
    ``stepping`` are 0 when an old modem's frame ends before them."""

    MMTYPE: ClassVar = VS_SW_VER | CNF
    LAYOUT: ClassVar = struct.Struct(f"<BBB{VERSION_BYTES}sII12x")
    _HEAD: ClassVar = struct.Struct("<BBB")
    _CHIP: ClassVar = struct.Struct("<II")
    status: int
    device_class: int
    version: str
    ident: int = 0
    stepping: int = 0

    def pack(self) -> bytes:
        """The message's own bytes.

        Raises:
            FrameError: the text is not ASCII or has no room.
        """
        try:
            text = self.version.encode("ascii") + b"\0"
        except UnicodeEncodeError:
            raise FrameError("SwVerCnf: the version is ASCII text", 3) from None
        if len(text) > VERSION_BYTES:
            raise FrameError(f"SwVerCnf: a version of {len(text)} bytes; {VERSION_BYTES} have room", 3)
        padded = text.ljust(VERSION_BYTES, b"\0")
        return self._packed(self.status, self.device_class, len(text), padded, self.ident, self.stepping)

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read the message's own bytes.

        Raises:
            FrameError: it ends before the version's length.
        """
        if len(data) < cls._HEAD.size:
            raise FrameError(f"SwVerCnf: {len(data)} bytes of {cls._HEAD.size}", len(data))
        status, device_class, length = cls._HEAD.unpack_from(data)
        at = cls._HEAD.size
        text = data[at : at + min(length, VERSION_BYTES)].split(b"\0", 1)[0]
        chip = data[at + VERSION_BYTES :].ljust(cls._CHIP.size, b"\0")
        return cls(status, device_class, text.decode("ascii", "replace"), *cls._CHIP.unpack_from(chip))


@dataclass(frozen=True, slots=True)
class OpAttributesReq(Vendor):
    """VS_OP_ATTRIBUTES.REQ: the modem's attributes. ``report`` 0: the binary one."""

    MMTYPE: ClassVar = VS_OP_ATTRIBUTES | REQ
    LAYOUT: ClassVar = struct.Struct("<IB")
    cookie: int = 0
    report: int = 0


@dataclass(frozen=True, slots=True)
class OpAttributesCnf(Vendor):
    """VS_OP_ATTRIBUTES.CNF: the binary report up to the size of the memory (MB). ``built``: YYYYMMDD;
    ``version``: major, minor, composite, sustaining, build."""

    MMTYPE: ClassVar = VS_OP_ATTRIBUTES | CNF
    LAYOUT: ClassVar = struct.Struct("<HIBH16s16sIIIII8s12s3xI")
    _REPORT_BYTES: ClassVar = 118
    status: int
    cookie: int
    device: str
    kind: str
    version: tuple[int, int, int, int, int]
    built: str
    release: str
    memory_mb: int

    def pack(self) -> bytes:
        """The message's own bytes.

        Raises:
            FrameError: a text is not ASCII or too long, or a number too large.
        """
        texts = []
        for text, room in ((self.device, 16), (self.kind, 16), (self.built, 8), (self.release, 12)):
            if not text.isascii() or len(text) > room:
                raise FrameError(f"OpAttributesCnf: {text!r} is not ASCII text of {room} bytes at most", 9)
            texts.append(text.encode("ascii").ljust(room, b"\0"))
        device, kind, built, release = texts
        data = self._packed(
            self.status,
            self.cookie,
            0,
            self._REPORT_BYTES,
            device,
            kind,
            *self.version,
            built,
            release,
            self.memory_mb,
        )
        return data.ljust(9 + self._REPORT_BYTES, b"\0")

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read the message's own bytes.

        Raises:
            FrameError: it is too short, or a report of another kind.
        """
        status, cookie, report, _, device, kind, *rest = cls._unpacked(data)
        if report:
            raise FrameError(f"OpAttributesCnf: report {report}; 0 is known", 6)
        major, minor, composite, sustaining, build, built, release, memory = rest
        version = (major, minor, composite, sustaining, build)
        return cls(status, cookie, _text(device), _text(kind), version, _text(built), _text(release), memory)


@dataclass(frozen=True, slots=True)
class RsDevReq(Vendor):
    """VS_RS_DEV.REQ: start again."""

    MMTYPE: ClassVar = VS_RS_DEV | REQ
    LAYOUT: ClassVar = _NOTHING


@dataclass(frozen=True, slots=True)
class RsDevCnf(Vendor):
    """VS_RS_DEV.CNF. ``status`` 0: the modem is about to start again."""

    MMTYPE: ClassVar = VS_RS_DEV | CNF
    LAYOUT: ClassVar = _STATUS
    status: int


@dataclass(frozen=True, slots=True)
class FacDefaultsReq(Vendor):
    """VS_FAC_DEFAULTS.REQ: forget all settings."""

    MMTYPE: ClassVar = VS_FAC_DEFAULTS | REQ
    LAYOUT: ClassVar = _NOTHING


@dataclass(frozen=True, slots=True)
class FacDefaultsCnf(Vendor):
    """VS_FAC_DEFAULTS.CNF. ``status`` 0: success."""

    MMTYPE: ClassVar = VS_FAC_DEFAULTS | CNF
    LAYOUT: ClassVar = _STATUS
    status: int


@unique
class HostAction(IntEnum):
    """What a modem without flash memory wants its host to do."""

    LOADER_READY = 0
    FIRMWARE_UPDATE_READY = 1
    PIB_UPDATE_READY = 2
    FIRMWARE_AND_PIB_UPDATE_READY = 3
    BACKGROUND_PIB_UPDATE_READY = 4


@dataclass(frozen=True, slots=True)
class HostActionInd(Vendor):
    """VS_HOST_ACTION.IND: the modem wants its host to act (see :class:`HostAction`)."""

    MMTYPE: ClassVar = VS_HOST_ACTION | IND
    LAYOUT: ClassVar = struct.Struct("<BBB")
    action: int
    major_version: int = 0
    minor_version: int = 0


@dataclass(frozen=True, slots=True)
class HostActionRsp(Vendor):
    """VS_HOST_ACTION.RSP: the host has heard it. ``status`` 0: it will act."""

    MMTYPE: ClassVar = VS_HOST_ACTION | RSP
    LAYOUT: ClassVar = _STATUS
    status: int


PEKS_LOCAL = 0x0F
"""VS_SET_KEY: the key is for the modem at hand and comes in plain text."""


@dataclass(frozen=True, slots=True)
class VsSetKeyReq(Vendor):
    """VS_SET_KEY.REQ: an NMK for the modem at hand, or with ``peks`` 0 for the station ``remote`` whose
    device access key (DAK) is told."""

    MMTYPE: ClassVar = VS_SET_KEY | REQ
    LAYOUT: ClassVar = struct.Struct("<B16sB6s16s")
    eks: int
    nmk: bytes = field(repr=False)
    peks: int = PEKS_LOCAL
    remote: bytes = bytes(6)
    dak: bytes = field(default=bytes(16), repr=False)


@dataclass(frozen=True, slots=True)
class VsSetKeyCnf(Vendor):
    """VS_SET_KEY.CNF. ``status`` 0: success."""

    MMTYPE: ClassVar = VS_SET_KEY | CNF
    LAYOUT: ClassVar = _STATUS
    status: int


@unique
class PushButton(IntEnum):
    """Actions of MS_PB_ENC."""

    JOIN = 1
    LEAVE = 2
    STATUS = 3
    RESET = 4


@dataclass(frozen=True, slots=True)
class PbEncReq(Message):
    """MS_PB_ENC.REQ: as if the modem's button had been pressed (see :class:`PushButton`)."""

    MMTYPE: ClassVar = MS_PB_ENC | REQ
    MMV: ClassVar = MMV_AV_1_0
    LAYOUT: ClassVar = _STATUS
    action: int


@dataclass(frozen=True, slots=True)
class PbEncCnf(Message):
    """MS_PB_ENC.CNF. ``status`` 0: success; ``membership``: 0 alone, else member of a network."""

    MMTYPE: ClassVar = MS_PB_ENC | CNF
    MMV: ClassVar = MMV_AV_1_0
    LAYOUT: ClassVar = struct.Struct("<BB")
    status: int
    membership: int


@dataclass(frozen=True, slots=True)
class PlLnkStatusReq(Vendor):
    """VS_PL_LNK_STATUS.REQ: is there a network?"""

    MMTYPE: ClassVar = VS_PL_LNK_STATUS | REQ
    LAYOUT: ClassVar = _NOTHING


@dataclass(frozen=True, slots=True)
class PlLnkStatusCnf(Vendor):
    """VS_PL_LNK_STATUS.CNF. ``status`` 0: success; ``link`` 1: at least one other station is in the
    network."""

    MMTYPE: ClassVar = VS_PL_LNK_STATUS | CNF
    LAYOUT: ClassVar = struct.Struct("<BB")
    status: int
    link: int


@dataclass(frozen=True, slots=True)
class VsAttenCharInd(Vendor):
    """VS_ATTEN_CHAR.IND: how a modem heard one sound, in the vendor's own form; newer firmware sends it
    beside or in place of CM_ATTEN_PROFILE.IND. ``attenuation``: dB, a byte a group, none when the modem does
    not measure; ``carriers``: carriers a group (16 in every frame that was seen)."""

    MMTYPE: ClassVar = VS_ATTEN_CHAR | IND
    LAYOUT: ClassVar = struct.Struct("<6sBxB7x")
    ev_mac: bytes
    carriers: int
    attenuation: bytes

    def pack(self) -> bytes:
        """The message's own bytes."""
        return self._packed(self.ev_mac, len(self.attenuation), self.carriers) + self.attenuation

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read the message's own bytes.

        Raises:
            FrameError: fewer groups than the message counts.
        """
        ev_mac, groups, carriers = cls._unpacked(data)
        return cls(ev_mac, carriers, cls._tail(data, groups))


def _text(data: bytes) -> str:
    return data.split(b"\0", 1)[0].decode("ascii", "replace")
