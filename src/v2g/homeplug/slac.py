"""The messages of SLAC and of key setting, one class a message.

Sources: HomePlug Green PHY specification, SLAC; ISO 15118-3:2015 Annex A (values of the fields in a car's
and a charger's use); HomePlug AV specification for CM_SET_KEY and CM_GET_KEY. Addresses are six bytes, run
ids eight, station ids seventeen (all zero in a car's use).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from enum import IntEnum, unique
from typing import ClassVar, Self

from v2g.homeplug import mmtypes
from v2g.homeplug.frame import BROADCAST, CNF, IND, REQ, RSP, Frame, FrameError
from v2g.homeplug.message import Message, parse_as

GROUPS = 58
"""Groups of carriers of which attenuation is told, in a network of Green PHY."""
SOUNDS = 10
RUN_ID_BYTES = 8
STATION_ID_BYTES = 17
NO_ID = bytes(STATION_ID_BYTES)
MATCH_REQ_LENGTH, MATCH_CNF_LENGTH = 0x3E, 0x56
"""Values of the length field (MVFLength) of CM_SLAC_MATCH."""
RESP_TYPE_OTHER_STATION = 0x01
"""CM_ATTEN_CHAR.IND goes to another station of Green PHY: the car's host."""
KEY_TYPE_NMK = 0x01
PID_HLE = 0x04
"""Protocol of key setting: by the layers above the modem."""
EKS_NMK = 0x01
"""The key in CM_SET_KEY is an NMK that the station knows, not an encrypted payload."""


@dataclass(frozen=True, slots=True)
class SlacParmReq(Message):
    """CM_SLAC_PARM.REQ: a car asks who is there."""

    MMTYPE: ClassVar = mmtypes.CM_SLAC_PARM | REQ
    LAYOUT: ClassVar = struct.Struct("<BB8s")
    application_type: int
    security_type: int
    run_id: bytes


@dataclass(frozen=True, slots=True)
class SlacParmCnf(Message):
    """CM_SLAC_PARM.CNF: a charger's wishes. ``timeout`` in units of 100 ms."""

    MMTYPE: ClassVar = mmtypes.CM_SLAC_PARM | CNF
    LAYOUT: ClassVar = struct.Struct("<6sBBB6sBB8s")
    m_sound_target: bytes
    num_sounds: int
    timeout: int
    resp_type: int
    forwarding_sta: bytes
    application_type: int
    security_type: int
    run_id: bytes

    @classmethod
    def answer(cls, run_id: bytes, ev_mac: bytes, num_sounds: int = SOUNDS, timeout: int = 6) -> Self:
        """The confirmation of a run, with the values of ISO 15118-3."""
        return cls(BROADCAST, num_sounds, timeout, RESP_TYPE_OTHER_STATION, ev_mac, 0, 0, run_id)


@dataclass(frozen=True, slots=True)
class StartAttenCharInd(Message):
    """CM_START_ATTEN_CHAR.IND: sounds are about to come. ``timeout`` in units of 100 ms."""

    MMTYPE: ClassVar = mmtypes.CM_START_ATTEN_CHAR | IND
    LAYOUT: ClassVar = struct.Struct("<BBBBB6s8s")
    application_type: int
    security_type: int
    num_sounds: int
    timeout: int
    resp_type: int
    forwarding_sta: bytes
    run_id: bytes


@dataclass(frozen=True, slots=True)
class MnbcSoundInd(Message):
    """CM_MNBC_SOUND.IND: a sound. ``remaining`` counts those that follow it."""

    MMTYPE: ClassVar = mmtypes.CM_MNBC_SOUND | IND
    LAYOUT: ClassVar = struct.Struct("<BB17sB8s8x16s")
    application_type: int
    security_type: int
    sender_id: bytes
    remaining: int
    run_id: bytes
    random: bytes


@dataclass(frozen=True, slots=True)
class AttenProfileInd(Message):
    """CM_ATTEN_PROFILE.IND: a charger's modem tells its host how it heard one sound. ``attenuation``: dB,
    a byte a group."""

    MMTYPE: ClassVar = mmtypes.CM_ATTEN_PROFILE | IND
    LAYOUT: ClassVar = struct.Struct("<6sBx")
    ev_mac: bytes
    attenuation: bytes

    def pack(self) -> bytes:
        """The message's own bytes."""
        return self._packed(self.ev_mac, len(self.attenuation)) + self.attenuation

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read the message's own bytes.

        Raises:
            FrameError: fewer groups than the message counts.
        """
        ev_mac, groups = cls._unpacked(data)
        return cls(ev_mac, cls._tail(data, groups))


@dataclass(frozen=True, slots=True)
class AttenCharInd(Message):
    """CM_ATTEN_CHAR.IND: a charger tells the car the average attenuation of the sounds it heard (dB, a
    byte a group)."""

    MMTYPE: ClassVar = mmtypes.CM_ATTEN_CHAR | IND
    LAYOUT: ClassVar = struct.Struct("<BB6s8s17s17sBB")
    application_type: int
    security_type: int
    source_address: bytes
    run_id: bytes
    source_id: bytes
    resp_id: bytes
    num_sounds: int
    attenuation: bytes

    def pack(self) -> bytes:
        """The message's own bytes."""
        return (
            self._packed(
                self.application_type,
                self.security_type,
                self.source_address,
                self.run_id,
                self.source_id,
                self.resp_id,
                self.num_sounds,
                len(self.attenuation),
            )
            + self.attenuation
        )

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read the message's own bytes.

        Raises:
            FrameError: fewer groups than the message counts.
        """
        values = cls._unpacked(data)
        application, security, source, run_id, source_id, resp_id, sounds, groups = values
        tail = cls._tail(data, groups)
        return cls(application, security, source, run_id, source_id, resp_id, sounds, tail)


@dataclass(frozen=True, slots=True)
class AttenCharRsp(Message):
    """CM_ATTEN_CHAR.RSP: the car has it. ``result`` 0: success."""

    MMTYPE: ClassVar = mmtypes.CM_ATTEN_CHAR | RSP
    LAYOUT: ClassVar = struct.Struct("<BB6s8s17s17sB")
    application_type: int
    security_type: int
    source_address: bytes
    run_id: bytes
    source_id: bytes
    resp_id: bytes
    result: int


@unique
class ValidateResult(IntEnum):
    """Result of CM_VALIDATE."""

    NOT_READY = 0
    READY = 1
    SUCCESS = 2
    FAILURE = 3
    NOT_REQUIRED = 4


@dataclass(frozen=True, slots=True)
class ValidateReq(Message):
    """CM_VALIDATE.REQ: the car wants to prove by toggling the pilot that it hangs on this cable.
    ``timer``: 0 in the first request; in the second how long it will toggle, (timer + 1) times 100 ms."""

    MMTYPE: ClassVar = mmtypes.CM_VALIDATE | REQ
    LAYOUT: ClassVar = struct.Struct("<BBB")
    signal_type: int
    timer: int
    result: int


@dataclass(frozen=True, slots=True)
class ValidateCnf(Message):
    """CM_VALIDATE.CNF: what the charger saw of it."""

    MMTYPE: ClassVar = mmtypes.CM_VALIDATE | CNF
    LAYOUT: ClassVar = struct.Struct("<BBB")
    signal_type: int
    toggle_num: int
    result: int


@dataclass(frozen=True, slots=True)
class SlacMatchReq(Message):
    """CM_SLAC_MATCH.REQ: the car has chosen this charger."""

    MMTYPE: ClassVar = mmtypes.CM_SLAC_MATCH | REQ
    LAYOUT: ClassVar = struct.Struct("<BBH17s6s17s6s8s8x")
    application_type: int
    security_type: int
    length: int
    ev_id: bytes
    ev_mac: bytes
    evse_id: bytes
    evse_mac: bytes
    run_id: bytes


@dataclass(frozen=True, slots=True)
class SlacMatchCnf(Message):
    """CM_SLAC_MATCH.CNF: the key of the charger's network."""

    MMTYPE: ClassVar = mmtypes.CM_SLAC_MATCH | CNF
    LAYOUT: ClassVar = struct.Struct("<BBH17s6s17s6s8s8x7sx16s")
    application_type: int
    security_type: int
    length: int
    ev_id: bytes
    ev_mac: bytes
    evse_id: bytes
    evse_mac: bytes
    run_id: bytes
    nid: bytes
    nmk: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class SetKeyReq(Message):
    """CM_SET_KEY.REQ: a host gives its modem a network's key."""

    MMTYPE: ClassVar = mmtypes.CM_SET_KEY | REQ
    LAYOUT: ClassVar = struct.Struct("<BIIBHBB7sB16s")
    key_type: int
    my_nonce: int
    your_nonce: int
    pid: int
    prn: int
    pmn: int
    cco_capability: int
    nid: bytes
    new_eks: int
    new_key: bytes = field(repr=False)

    @classmethod
    def of(cls, nid: bytes, nmk: bytes, my_nonce: int = 0xAAAAAAAA) -> Self:
        """The request that gives an NMK in plain text, as a host does."""
        return cls(KEY_TYPE_NMK, my_nonce, 0, PID_HLE, 0, 0, 0, nid, EKS_NMK, nmk)


@dataclass(frozen=True, slots=True)
class SetKeyCnf(Message):
    """CM_SET_KEY.CNF. ``result`` is 0 for success in the standard, while Qualcomm's modems answer 1 when
    they took the key and 0 when not."""

    MMTYPE: ClassVar = mmtypes.CM_SET_KEY | CNF
    LAYOUT: ClassVar = struct.Struct("<BIIBHBB")
    result: int
    my_nonce: int
    your_nonce: int
    pid: int
    prn: int
    pmn: int
    cco_capability: int


@dataclass(frozen=True, slots=True)
class GetKeyReq(Message):
    """CM_GET_KEY.REQ: a host asks for a key. ``request_type`` 0: in plain text."""

    MMTYPE: ClassVar = mmtypes.CM_GET_KEY | REQ
    LAYOUT: ClassVar = struct.Struct("<BB7sIBHB")
    request_type: int
    key_type: int
    nid: bytes
    my_nonce: int
    pid: int
    prn: int
    pmn: int


@dataclass(frozen=True, slots=True)
class GetKeyCnf(Message):
    """CM_GET_KEY.CNF. ``result`` 0: the key follows; 1: refused."""

    MMTYPE: ClassVar = mmtypes.CM_GET_KEY | CNF
    LAYOUT: ClassVar = struct.Struct("<BBII7sBBHB16s")
    result: int
    key_type: int
    my_nonce: int
    your_nonce: int
    nid: bytes
    eks: int
    pid: int
    prn: int
    pmn: int
    key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class AmpMapReq(Message):
    """CM_AMP_MAP.REQ: the other station shall send some carriers with less power. ``amplitudes``: 4 bits a
    carrier, the first in the low half of the first byte, in steps of 2 dB."""

    MMTYPE: ClassVar = mmtypes.CM_AMP_MAP | REQ
    LAYOUT: ClassVar = struct.Struct("<H")
    carriers: int
    amplitudes: bytes

    def pack(self) -> bytes:
        """The message's own bytes.

        Raises:
            FrameError: more or fewer bytes of amplitudes than the carriers take.
        """
        if len(self.amplitudes) != (self.carriers + 1) // 2:
            raise FrameError(f"AmpMapReq: {self.carriers} carriers in {len(self.amplitudes)} bytes", 2)
        return self._packed(self.carriers) + self.amplitudes

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read the message's own bytes.

        Raises:
            FrameError: fewer amplitudes than the message counts.
        """
        (carriers,) = cls._unpacked(data)
        return cls(carriers, cls._tail(data, (carriers + 1) // 2))


@dataclass(frozen=True, slots=True)
class AmpMapCnf(Message):
    """CM_AMP_MAP.CNF. ``result`` 0: success."""

    MMTYPE: ClassVar = mmtypes.CM_AMP_MAP | CNF
    LAYOUT: ClassVar = struct.Struct("<B")
    result: int


MESSAGES: dict[int, type[Message]] = {
    kind.MMTYPE: kind
    for kind in (
        SlacParmReq,
        SlacParmCnf,
        StartAttenCharInd,
        MnbcSoundInd,
        AttenProfileInd,
        AttenCharInd,
        AttenCharRsp,
        ValidateReq,
        ValidateCnf,
        SlacMatchReq,
        SlacMatchCnf,
        SetKeyReq,
        SetKeyCnf,
        GetKeyReq,
        GetKeyCnf,
        AmpMapReq,
        AmpMapCnf,
    )
}
"""The kinds of messages by MMTYPE."""


def message_of(frame: Frame) -> Message | None:
    """The message of a frame; None if it is of no kind that this module knows.

    Raises:
        FrameError: it is of a known kind and too short for it. ``offset`` is the byte of the frame.
    """
    kind = MESSAGES.get(frame.mmtype)
    return parse_as(kind, frame) if kind else None
