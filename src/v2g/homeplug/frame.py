"""HomePlug AV management frames: the Ethernet header, the management message header and what follows it.

A frame is destination, source, EtherType 0x88E1, one byte MMV (version of the header), two bytes MMTYPE
(low byte first), from MMV 1 on two bytes that number fragments, for vendors' types three bytes OUI, and
the message. Sources: HomePlug AV and HomePlug Green PHY specification, management messages; frames of real
cars and chargers.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Self

ETHERTYPE = 0x88E1
"""EtherType of HomePlug AV management messages."""
MIN_BYTES = 60
"""Ethernet's shortest frame without its check sequence. Shorter ones are padded with zeros."""
MAX_BYTES = 1514
"""Ethernet's longest frame without its check sequence."""
ADDRESS_BYTES = 6
HEADER_BYTES = 17
"""Ethernet header, MMV and MMTYPE: what every frame has."""
BROADCAST = b"\xff" * 6
"""Every station: the address of a car's first frames."""
LOCAL_MODEM = b"\x00\xb0\x52\x00\x00\x01"
"""A Qualcomm modem takes frames to this address for itself and never puts them onto the line."""

MMV_AV_1_0, MMV_AV_1_1, MMV_AV_2_0 = 0, 1, 2
"""Versions of the management message header: HomePlug AV 1.0 (no fragment bytes), 1.1, 2.0."""

QUALCOMM_OUI = b"\x00\xb0\x52"
LUMISSIL_OUI = b"\x00\x16\xe8"
VENDOR_TYPES = range(0xA000, 0xC000)
"""MMTYPEs that carry an OUI behind the header."""

REQ, CNF, IND, RSP = range(4)
"""The two lowest bits of an MMTYPE: request, confirmation, indication, response."""

_HEADER = struct.Struct("!6s6sH")
_MMTYPE = struct.Struct("<H")


class FrameError(ValueError):
    """Bytes that are no frame, or no message of the kind they should be.

    ``offset`` is the byte at which it shows: of the frame, when frames are read; of the message's own
    bytes, when a message is read alone."""

    def __init__(self, reason: str, offset: int) -> None:
        super().__init__(f"{reason} (byte {offset})")
        self.reason = reason
        self.offset = offset


@dataclass(frozen=True, slots=True)
class Frame:
    """A management frame.

    ``payload`` begins behind the header, the fragment bytes and the OUI, and ends with the frame: the
    zeros that pad a short frame are part of it, as nothing in the header tells them from the message. It
    is not shown by repr: it may hold a network's key. ``oui`` is empty but for vendors' types.
    ``fragments`` counts the frames that follow the first one of the same message (0 to 15), ``fragment``
    numbers this one, ``sequence`` (0 to 255) is common to all of them; all three are 0 in MMV 0.
    """

    destination: bytes
    source: bytes
    mmtype: int
    payload: bytes = field(repr=False)
    mmv: int = MMV_AV_1_1
    oui: bytes = b""
    fragments: int = 0
    fragment: int = 0
    sequence: int = 0

    @property
    def payload_offset(self) -> int:
        """The byte of the frame at which ``payload`` begins."""
        return HEADER_BYTES + (2 if self.mmv else 0) + len(self.oui)

    def pack(self) -> bytes:
        """The frame's bytes, padded to 60.

        Raises:
            FrameError: an address, OUI, version or fragment number that no frame has room for; a frame of
            more
                than 1514 bytes.
        """
        if len(self.destination) != ADDRESS_BYTES or len(self.source) != ADDRESS_BYTES:
            raise FrameError("an Ethernet address has 6 bytes", 0)
        if self.mmv not in (MMV_AV_1_0, MMV_AV_1_1, MMV_AV_2_0):
            raise FrameError(f"MMV {self.mmv}: 0, 1 and 2 are defined", 14)
        if not 0 <= self.mmtype <= 0xFFFF:
            raise FrameError(f"MMTYPE {self.mmtype:#x} has more than 16 bits", 15)
        if len(self.oui) != (3 if self.mmtype in VENDOR_TYPES else 0):
            raise FrameError(f"MMTYPE {self.mmtype:#06x} with an OUI of {len(self.oui)} bytes", HEADER_BYTES)
        head = (
            _HEADER.pack(self.destination, self.source, ETHERTYPE)
            + bytes((self.mmv,))
            + _MMTYPE.pack(self.mmtype)
        )
        if self.mmv:
            head += self._fragment_bytes()
        data = head + self.oui + self.payload
        if len(data) > MAX_BYTES:
            raise FrameError(f"{len(data)} bytes; a frame has at most {MAX_BYTES}", MAX_BYTES)
        return data.ljust(MIN_BYTES, b"\0")

    def _fragment_bytes(self) -> bytes:
        if not (0 <= self.fragments <= 15 and 0 <= self.fragment <= self.fragments):
            raise FrameError(f"fragment {self.fragment} of {self.fragments}", HEADER_BYTES)
        if not 0 <= self.sequence <= 0xFF:
            raise FrameError(f"fragment sequence {self.sequence}: 0 to 255", HEADER_BYTES + 1)
        return bytes((self.fragment << 4 | self.fragments, self.sequence))

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read a frame, with or without padding.

        Raises:
            FrameError: too short, another EtherType, an unknown version, fragment numbers that contradict
            each
                other. ``offset`` is the byte of the frame.
        """
        if len(data) < HEADER_BYTES:
            raise FrameError(f"{len(data)} bytes; the headers alone are {HEADER_BYTES}", len(data))
        destination, source, ethertype = _HEADER.unpack_from(data)
        if ethertype != ETHERTYPE:
            raise FrameError(f"EtherType {ethertype:#06x}; HomePlug has {ETHERTYPE:#06x}", 12)
        mmv = data[14]
        if mmv > MMV_AV_2_0:
            raise FrameError(f"MMV {mmv}: 0, 1 and 2 are defined", 14)
        mmtype: int = _MMTYPE.unpack_from(data, 15)[0]
        at = HEADER_BYTES
        fragments = fragment = sequence = 0
        if mmv:
            if len(data) < at + 2:
                raise FrameError("ends before its fragment bytes", len(data))
            fragments, fragment, sequence = data[at] & 0x0F, data[at] >> 4, data[at + 1]
            if fragment > fragments:
                raise FrameError(f"fragment {fragment} of a message with {fragments}", at)
            at += 2
        oui = b""
        if mmtype in VENDOR_TYPES:
            oui = data[at : at + 3]
            if len(oui) < 3:
                raise FrameError("ends before the vendor's OUI", len(data))
            at += 3
        return cls(destination, source, mmtype, data[at:], mmv, oui, fragments, fragment, sequence)


def mmtype_of(data: bytes) -> int | None:
    """The MMTYPE of some bytes; None when they are no HomePlug frame. Reads nothing else: for filters."""
    if len(data) < HEADER_BYTES or data[12] != ETHERTYPE >> 8 or data[13] != ETHERTYPE & 0xFF:
        return None
    return data[15] | data[16] << 8


def address_text(address: bytes) -> str:
    """An Ethernet address as people write it: 00:B0:52:00:00:01."""
    return address.hex(":").upper()


def address_of(text: str) -> bytes:
    """An Ethernet address from text with colons, hyphens or neither.

    Raises:
        ValueError: the text is no address of six bytes.
    """
    try:
        address = bytes.fromhex(text.replace(":", "").replace("-", ""))
    except ValueError:
        address = b""
    if len(address) != ADDRESS_BYTES:
        raise ValueError(f"{text!r} is no Ethernet address; write it as 00:B0:52:00:00:01")
    return address
