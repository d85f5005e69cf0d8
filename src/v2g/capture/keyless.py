"""HomePlug frames without keys, for recordings that are passed on.

What is taken out is decided by a frame's type, never by whether its message can be read: a frame that claims
to be a fragment, ends too early, or has a vendor's layout that nobody here knows may hold a key, too.
"""

from __future__ import annotations

from typing import Final

from v2g.homeplug import mmtypes, slac
from v2g.homeplug.frame import CNF, ETHERTYPE, IND, REQ, RSP, VENDOR_TYPES, Frame, FrameError, mmtype_of
from v2g.homeplug.message import Message

_TAGS: Final = frozenset((b"\x81\x00", b"\x88\xa8", b"\x91\x00"))
"""EtherTypes of VLAN tags (IEEE 802.1Q, 802.1ad, and an old one): four bytes before the real EtherType."""
_ADDRESSES: Final = 12
_TYPE_END: Final = 17
"""Behind the addresses, EtherType, MMV and MMTYPE."""
_KEY_AT_END: Final[dict[int, type[Message]]] = {
    each.MMTYPE: each for each in (slac.SlacMatchCnf, slac.SetKeyReq, slac.GetKeyCnf)
}
"""Their last 16 bytes are the network's key (NMK)."""
_KEY_BYTES: Final = 16
_WITHOUT_PAYLOAD: Final = frozenset(
    (
        0x6004 | IND,  # CM_ENCRYPTED_PAYLOAD: a key under another one that may be well known
        0x6004 | RSP,
        0xA004 | REQ,  # VS_WR_MEM
        0xA008 | CNF,  # VS_RD_MEM
        0xA020 | REQ,  # VS_WR_MOD: a modem's parameters (PIB) hold its NMK and DAK
        0xA020 | IND,
        0xA024 | CNF,  # VS_RD_MOD
        0xA050 | REQ,  # VS_SET_KEY: NMK and DAK
        0xA05C | REQ,  # VS_SET_SDRAM
        0xA0B0 | REQ,  # VS_MODULE_OPERATION
        0xA0B0 | CNF,
        0xA0F8 | CNF,  # VS_GET_PROPERTY
        0xA100 | REQ,  # VS_SET_PROPERTY
    )
)
"""Types of which nothing behind the header is kept: a key may be anywhere in them."""


def ethertype_at(data: bytes) -> int:
    """Where a frame's EtherType is: behind the addresses and what VLAN tags there are."""
    at = _ADDRESSES
    while data[at : at + 2] in _TAGS:
        at += 4
    return at


def is_homeplug(data: bytes) -> bool:
    """Whether it is a HomePlug frame, in a VLAN or not."""
    at = ethertype_at(data)
    return data[at : at + 2] == ETHERTYPE.to_bytes(2, "big")


def without_key(data: bytes) -> bytes:
    """A HomePlug frame of the same length without keys; other frames as they are."""
    if not is_homeplug(data):
        return data
    at = ethertype_at(data)
    plain = _cleaned(data[:_ADDRESSES] + data[at:])
    return data[:at] + plain[_ADDRESSES:]


def _cleaned(data: bytes) -> bytes:
    number = mmtype_of(data)
    if number is None:
        return data[: _ADDRESSES + 2].ljust(len(data), b"\0")  # too short to say what it is
    try:
        frame = Frame.parse(data)
    except FrameError:
        # Not even its header can be read: where a key would be, nobody can tell.
        return data[:_TYPE_END].ljust(len(data), b"\0")
    start = frame.payload_offset
    kind = _KEY_AT_END.get(number)
    if kind is not None:
        end = start + kind.LAYOUT.size
        whole = not frame.fragments and len(data) >= end
        # What follows the message is padding, or part of a key that was put into the wrong place.
        return data[: end - _KEY_BYTES if whole else start].ljust(len(data), b"\0")
    foreign = number in VENDOR_TYPES and mmtypes.mmtype(number, frame.oui) is None
    if number in _WITHOUT_PAYLOAD or foreign:
        return data[:start].ljust(len(data), b"\0")
    return data
