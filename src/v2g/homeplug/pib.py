"""The parameter image (PIB) of a QCA7000: how it is held together, its settings, and its prescalers, which
make the modem's signal on the pilot line louder or softer.

An image is a chain of modules, each behind a header of 96 bytes with checksums; the last module holds the
settings. Sources: open-plc-utils (nvm/nvm.h, pib/pib.h, slac/evse.sh, slac/pev.sh); for the prescalers'
frequencies Qualcomm's formula as told in qca/open-plc-utils issue 124; images that were read from modems of
cars and chargers.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum, unique
from typing import Self

from v2g.homeplug.checksum import checksum32
from v2g.homeplug.frame import FrameError

HEADER_BYTES = 96
LAST = 0xFFFFFFFF
"""Offset in a module's header that means: there is no other."""
TYPE_MANIFEST, TYPE_PIB = 0x0E, 0x0F
_HEADER = struct.Struct("<HHIIIIIIIIIHHHH44xI")
_CHECKED_WORD = 92
_MOST_MODULES = 16
"""An image has two modules; a chain of more than these is damage."""


@unique
class CcoMode(IntEnum):
    """Whether a station coordinates its network. A charger's does always, a car's never."""

    AUTO = 0
    NEVER = 1
    ALWAYS = 2
    USER = 3


@unique
class SlacMode(IntEnum):
    """What SLAC makes of a station: an EVSE measures sounds for its host."""

    OFF = 0
    PEV = 1
    EVSE = 2


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting's place in the settings' module, in bytes. ``text``: ASCII, ended by zero. ``secret``: never
    show it."""

    name: str
    offset: int
    length: int
    meaning: str
    text: bool = False
    secret: bool = False


SETTINGS: dict[str, Setting] = {
    setting.name: setting
    for setting in (
        Setting("mac", 0x0C, 6, "the modem's address"),
        Setting("dak", 0x12, 16, "device access key", secret=True),
        Setting("manufacturer", 0x24, 64, "manufacturer's text", text=True),
        Setting("nmk", 0x64, 16, "network membership key", secret=True),
        Setting("user", 0x74, 64, "user's text", text=True),
        Setting("network", 0xB4, 64, "network's text", text=True),
        Setting("cco", 0xF4, 1, "coordinator: see CcoMode"),
        Setting("nid", 0xF8, 7, "network identifier"),
        Setting("membership", 0xFF, 1, "member of a network at start: 0 no, 1 yes"),
        Setting("medium", 0x109, 1, "medium: 0 power line, 1 other"),
        Setting("slac", 0x1653, 1, "SLAC: see SlacMode"),
        Setting("har", 0x16D2, 1, "background PIB update: 0 off, 1 on"),
        Setting("fast_associate", 0x16D3, 1, "fast association: 0 off, 1 on"),
        Setting("low_speed", 0x1C98, 4, "rate of a link that counts as slow, kbit/s"),
        Setting("high_speed", 0x1C9C, 4, "rate of a link that counts as fast, kbit/s"),
        Setting("dbc", 0x1F80, 1, "diversity: 0 off, 1 on"),
    )
}
"""Settings by name. Offsets: pib/pib.h (up to ``membership``), slac/evse.sh and slac/pev.sh (the others)."""

PRESCALER_OFFSET = 0xF28
"""Of the settings' module: the first prescaler. The tools' 0x12E8 counts from the image's begin, with the
manifest and two headers before it."""
PRESCALERS = 578
"""A byte for every second carrier from 1.8 to 30 MHz. A larger number makes the carrier louder, 0 turns it
off."""
PIB_BYTES = 0x1F90
"""Length of a QCA7000's settings' module (firmware 1.1.0)."""
MANIFEST_BYTES = 0x300
_CARRIER_HZ = 1e6 / 40.96
_FIRST_CARRIER = 74


def prescaler_hz(index: int) -> float:
    """The frequency of the carrier that prescaler ``index`` (0 to 577) stands for."""
    return (2 * index + _FIRST_CARRIER) * _CARRIER_HZ


class PibImage:
    """A parameter image, to be read and changed. Its repr shows no secret."""

    __slots__ = ("_at", "_data", "_header", "_length")

    def __init__(self, data: bytes) -> None:
        """
        Raises:
            FrameError: no chain of modules, wrong checksums, no settings in it. ``offset`` is the byte of
            the image.
        """
        self._data = bytearray(data)
        self._header, self._at, self._length = _settings_of(data)

    @classmethod
    def blank(cls, mac: bytes, user: str = "", manufacturer: str = "") -> Self:
        """An image with nothing set but the address and the texts, as long as a QCA7000's.

        Raises:
            FrameError: the address is none, or a text has no room.
        """
        manifest, settings = bytes(MANIFEST_BYTES), bytes(PIB_BYTES)
        second = HEADER_BYTES + MANIFEST_BYTES
        image = cls(
            _header(manifest, TYPE_MANIFEST, 0, LAST, second)
            + manifest
            + _header(settings, TYPE_PIB, second, 0, LAST)
            + settings
        )
        image["mac"] = mac
        image.set_text("user", user)
        image.set_text("manufacturer", manufacturer)
        return image

    def __repr__(self) -> str:
        return f"<PibImage of {self['mac'].hex(':').upper()}, {len(self._data)} bytes>"

    def __len__(self) -> int:
        return len(self._data)

    def __getitem__(self, name: str) -> bytes:
        """A setting's bytes.

        Raises:
            FrameError: this image is too short for it.
        """
        setting, at = self._place(name)
        return bytes(self._data[at : at + setting.length])

    def __setitem__(self, name: str, value: bytes) -> None:
        """Change a setting.

        Raises:
            FrameError: this image is too short for it, or the value has another length.
        """
        setting, at = self._place(name)
        if len(value) != setting.length:
            raise FrameError(f"PIB: {name} has {setting.length} bytes, not {len(value)}", at)
        self._data[at : at + setting.length] = value

    def number(self, name: str) -> int:
        """A setting as a number, low byte first."""
        return int.from_bytes(self[name], "little")

    def set_number(self, name: str, value: int) -> None:
        """Change a setting that is a number.

        Raises:
            FrameError: it has no room for it.
        """
        setting, at = self._place(name)
        if not 0 <= value < 1 << 8 * setting.length:
            raise FrameError(f"PIB: {name} is {value}; it has {setting.length} bytes", at)
        self[name] = value.to_bytes(setting.length, "little")

    def text(self, name: str) -> str:
        """A setting as text."""
        return self[name].split(b"\0", 1)[0].decode("ascii", "replace")

    def set_text(self, name: str, value: str) -> None:
        """Change a setting that is a text.

        Raises:
            FrameError: not ASCII, or longer than its place.
        """
        setting, at = self._place(name)
        if not value.isascii() or len(value) > setting.length:
            raise FrameError(f"PIB: {name} is ASCII text of {setting.length} bytes at most", at)
        self[name] = value.encode("ascii").ljust(setting.length, b"\0")

    @property
    def prescalers(self) -> bytes:
        """All prescalers, a byte each.

        Raises:
            FrameError: this image is too short for them.
        """
        at = self._prescalers_at()
        return bytes(self._data[at : at + PRESCALERS])

    @prescalers.setter
    def prescalers(self, values: bytes) -> None:
        at = self._prescalers_at()
        if len(values) != PRESCALERS:
            raise FrameError(f"PIB: {len(values)} prescalers; there are {PRESCALERS}", at)
        self._data[at : at + PRESCALERS] = values

    def scale(self, decibel: float) -> None:
        """Make every carrier that is on louder or softer. None is turned off by it, none exceeds 255.

        Raises:
            FrameError: this image is too short to have prescalers.
        """
        factor = 10 ** (decibel / 20)
        self.prescalers = bytes(
            min(max(round(value * factor), 1), 255) if value else 0 for value in self.prescalers
        )

    def pack(self) -> bytes:
        """The image with the checksums that its settings now need."""
        settings = bytes(self._data[self._at : self._at + self._length])
        data = bytearray(self._data)
        struct.pack_into("<I", data, self._header + 20, checksum32(settings))
        struct.pack_into("<I", data, self._header + _CHECKED_WORD, 0)
        check = checksum32(bytes(data[self._header : self._header + HEADER_BYTES]))
        struct.pack_into("<I", data, self._header + _CHECKED_WORD, check)
        return bytes(data)

    def _place(self, name: str) -> tuple[Setting, int]:
        setting = SETTINGS[name]
        if setting.offset + setting.length > self._length:
            raise FrameError(f"PIB: {self._length} bytes of settings do not reach {name}", self._at)
        return setting, self._at + setting.offset

    def _prescalers_at(self) -> int:
        if self._length < PRESCALER_OFFSET + PRESCALERS:
            raise FrameError(f"PIB: {self._length} bytes of settings do not reach the prescalers", self._at)
        return self._at + PRESCALER_OFFSET


def _header(module: bytes, kind: int, at: int, before: int, after: int) -> bytes:
    values = (1, 1, 0, at + HEADER_BYTES, 0, len(module), checksum32(module), LAST, after, before, kind)
    bare = _HEADER.pack(*values, 0, 0, 0, 0, 0)
    return bare[:_CHECKED_WORD] + struct.pack("<I", checksum32(bare))


def _settings_of(data: bytes) -> tuple[int, int, int]:
    """Where the settings' header and bytes begin, and how many bytes they have."""
    at, before = 0, LAST
    for _ in range(_MOST_MODULES):
        if at + HEADER_BYTES > len(data):
            raise FrameError(f"PIB: {len(data)} bytes end within a module's header", len(data))
        header = data[at : at + HEADER_BYTES]
        major, minor, _, _, _, length, check, _, after, previous, kind, *_ = _HEADER.unpack(header)
        if (major, minor) != (1, 1) or checksum32(header):
            raise FrameError("PIB: no module's header, or its checksum is wrong", at)
        if previous != before:
            raise FrameError("PIB: a module's header names another one before it", at + 32)
        start = at + HEADER_BYTES
        if start + length > len(data):
            raise FrameError(f"PIB: a module of {length} bytes in an image of {len(data)}", at + 16)
        if checksum32(data[start : start + length]) != check:
            raise FrameError("PIB: a module's checksum is wrong", at + 20)
        if kind == TYPE_PIB:
            return at, start, length
        if after == LAST:
            break
        if after <= at:
            raise FrameError("PIB: a module's header points backwards", at + 28)
        at, before = after, at
    raise FrameError("PIB: no module with settings", at)
