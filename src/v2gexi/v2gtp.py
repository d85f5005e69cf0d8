"""V2GTP, the transport of V2G messages: frames with a header of eight bytes, and SDP in them.

Pure functions on bytes; nothing here knows EXI."""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Iterator
from enum import IntEnum
from typing import NamedTuple

VERSION = 0x01
MARK = bytes((VERSION, VERSION ^ 0xFF))
HEADER_SIZE = 8
SDP_PORT = 15118
"""UDP port on which charging stations answer SDP requests."""
MOST_PAYLOAD = 1 << 20
"""Larger lengths are taken for damage: the header allows 4 GiB, the messages of the standards stay below 64
KiB."""


class PayloadType(IntEnum):
    """What a frame carries: DIN SPEC 70121 and ISO 15118-2 table 10, ISO 15118-20 table 12."""

    EXI = 0x8001
    """SupportedAppProtocol; in DIN SPEC 70121 and ISO 15118-2 all other messages too."""
    COMMON = 0x8002
    AC = 0x8003
    DC = 0x8004
    ACDP = 0x8005
    WPT = 0x8006
    SCHEDULE_RENEGOTIATION = 0x8101
    METERING_CONFIRMATION = 0x8102
    ACDP_SYSTEM_STATUS = 0x8103
    PARKING_STATUS = 0x8104
    SDP_REQUEST = 0x9000
    SDP_RESPONSE = 0x9001
    SDP_REQUEST_WIRELESS = 0x9002
    SDP_RESPONSE_WIRELESS = 0x9003


MESSAGE_SETS = {
    PayloadType.COMMON: "iso20-common",
    PayloadType.AC: "iso20-ac",
    PayloadType.DC: "iso20-dc",
    PayloadType.ACDP: "iso20-acdp",
    PayloadType.WPT: "iso20-wpt",
    PayloadType.SCHEDULE_RENEGOTIATION: "iso20-common",
    PayloadType.METERING_CONFIRMATION: "iso20-common",
    PayloadType.ACDP_SYSTEM_STATUS: "iso20-acdp",
    PayloadType.PARKING_STATUS: "iso20-common",
}
"""Message sets of the payload types that say it."""
PAYLOAD_TYPES = {
    "app": PayloadType.EXI,
    "din": PayloadType.EXI,
    "iso2": PayloadType.EXI,
    "iso20-common": PayloadType.COMMON,
    "iso20-ac": PayloadType.AC,
    "iso20-dc": PayloadType.DC,
    "iso20-acdp": PayloadType.ACDP,
    "iso20-wpt": PayloadType.WPT,
}
"""Payload types in which the messages of a set are sent."""


class FrameError(ValueError):
    """Bytes that are no V2GTP frame. ``offset``: where in the data."""

    def __init__(self, reason: str, offset: int) -> None:
        super().__init__(reason)
        self.offset = offset


class Frame(NamedTuple):
    """One frame: payload type, payload, and the offset of its header in the data."""

    payload_type: int
    payload: bytes
    offset: int = 0


def pack(payload: bytes, payload_type: int = PayloadType.EXI) -> bytes:
    """A frame."""
    return MARK + struct.pack(">HI", payload_type, len(payload)) + payload


def header(data: bytes, at: int = 0) -> tuple[int, int]:
    """Payload type and payload length that the header there has.

    Raises:
        FrameError: there is no header.
    """
    if len(data) - at < HEADER_SIZE:
        raise FrameError(f"{len(data) - at} bytes are less than a V2GTP header", at)
    if data[at : at + 2] != MARK:
        raise FrameError(
            f"{data[at : at + 2].hex()} begins no V2GTP frame, which begins with {MARK.hex()}", at
        )
    payload_type, length = struct.unpack_from(">HI", data, at + 2)
    if length > MOST_PAYLOAD:
        raise FrameError(f"a payload of {length} bytes is above {MOST_PAYLOAD}", at)
    return payload_type, length


def split(data: bytes) -> Iterator[Frame]:
    """The frames that follow each other in some bytes.

    Raises:
        FrameError: what follows is no frame, or not whole.
    """
    at = 0
    while at < len(data):
        payload_type, length = header(data, at)
        payload = data[at + HEADER_SIZE : at + HEADER_SIZE + length]
        if len(payload) < length:
            raise FrameError(f"only {len(payload)} of the {length} bytes of a payload are there", at)
        yield Frame(payload_type, payload, at)
        at += HEADER_SIZE + length


def find(data: bytes, at: int = 0) -> int:
    """Where the next thing that looks like a frame of a known type begins; -1 if nowhere."""
    known = frozenset(PayloadType)
    while (at := data.find(MARK, at)) >= 0:
        try:
            if header(data, at)[0] in known:
                return at
        except FrameError:
            pass
        at += 1
    return -1


_SECURITY = {0x00: "TLS", 0x10: "none"}
_TRANSPORT = {0x00: "TCP", 0x10: "UDP"}


def sdp(frame: Frame) -> dict[str, dict[str, str | int]]:
    """The content of an SDP frame, in the manner of message dictionaries.

    Raises:
        FrameError: it is none of ISO 15118-2 (those of wireless charging are not read), or of a wrong length.
    """
    payload = frame.payload
    if frame.payload_type == PayloadType.SDP_REQUEST and len(payload) == 2:
        return {"SECCDiscoveryReq": _protocols(payload)}
    if frame.payload_type == PayloadType.SDP_RESPONSE and len(payload) == 20:
        address = str(ipaddress.IPv6Address(payload[:16]))
        place: dict[str, str | int] = {"Address": address, "Port": int.from_bytes(payload[16:18], "big")}
        return {"SECCDiscoveryRes": place | _protocols(payload[18:])}
    raise FrameError(f"no SDP message: type {frame.payload_type:04x} with {len(payload)} bytes", frame.offset)


def _protocols(codes: bytes) -> dict[str, str | int]:
    return {
        "Security": _SECURITY.get(codes[0], f"0x{codes[0]:02x}"),
        "TransportProtocol": _TRANSPORT.get(codes[1], f"0x{codes[1]:02x}"),
    }
