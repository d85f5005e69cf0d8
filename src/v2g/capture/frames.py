"""HomePlug frames of a capture as events: SLAC, keys, and what passes between a host and its modem."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from v2g.capture.events import Event, Layer, Value
from v2g.homeplug import slac
from v2g.homeplug.frame import ETHERTYPE, Frame, FrameError, address_text
from v2g.homeplug.message import Message
from v2g.homeplug.mmtypes import name_of
from v2gexi.pcap import Packet

_SLAC_NAMES: Final = (
    "CM_SLAC_PARM.",
    "CM_START_ATTEN_CHAR.",
    "CM_MNBC_SOUND.",
    "CM_ATTEN_PROFILE.",
    "CM_ATTEN_CHAR.",
    "CM_VALIDATE.",
    "CM_SLAC_MATCH.",
    "CM_AMP_MAP.",
)


def _attenuation(profile: bytes) -> dict[str, Value]:
    if not profile:
        return {"groups": 0}
    return {
        "groups": len(profile),
        "average_attenuation": round(sum(profile) / len(profile), 1),
        "least_attenuation": min(profile),
        "largest_attenuation": max(profile),
    }


_SHOWN: Final[dict[type[Message], Callable[[Any], dict[str, Value]]]] = {
    slac.SlacParmReq: lambda m: {"RunID": m.run_id.hex()},
    slac.SlacParmCnf: lambda m: {
        "RunID": m.run_id.hex(),
        "sounds": m.num_sounds,
        "timeout_ms": m.timeout * 100,
    },
    slac.StartAttenCharInd: lambda m: {
        "RunID": m.run_id.hex(),
        "sounds": m.num_sounds,
        "timeout_ms": m.timeout * 100,
    },
    slac.MnbcSoundInd: lambda m: {"RunID": m.run_id.hex(), "remaining": m.remaining},
    slac.AttenProfileInd: lambda m: {"EV": address_text(m.ev_mac), **_attenuation(m.attenuation)},
    slac.AttenCharInd: lambda m: {
        "RunID": m.run_id.hex(),
        "sounds": m.num_sounds,
        **_attenuation(m.attenuation),
    },
    slac.AttenCharRsp: lambda m: {"RunID": m.run_id.hex(), "result": m.result},
    slac.ValidateReq: lambda m: {"timer": m.timer, "result": m.result},
    slac.ValidateCnf: lambda m: {"toggles": m.toggle_num, "result": m.result},
    slac.SlacMatchReq: lambda m: {
        "RunID": m.run_id.hex(),
        "EV": address_text(m.ev_mac),
        "EVSE": address_text(m.evse_mac),
    },
    slac.SlacMatchCnf: lambda m: {"RunID": m.run_id.hex(), "NID": m.nid.hex().upper(), "NMK": m.nmk},
    slac.SetKeyReq: lambda m: {"NID": m.nid.hex().upper(), "NMK": m.new_key},
    slac.SetKeyCnf: lambda m: {"result": m.result},
    slac.GetKeyReq: lambda m: {"NID": m.nid.hex().upper()},
    slac.GetKeyCnf: lambda m: {"result": m.result, "NID": m.nid.hex().upper(), "NMK": m.key},
    slac.AmpMapReq: lambda m: {"carriers": m.carriers},
    slac.AmpMapCnf: lambda m: {"result": m.result},
}
"""What is shown of each kind of message."""
_SW_VERSION_CNF: Final = 0xA001


def event_of(packet: Packet) -> Event | None:
    """The event of an Ethernet packet that is a HomePlug frame; None if it is none."""
    data = packet.data
    if len(data) < 14 or int.from_bytes(data[12:14], "big") != ETHERTYPE:
        return None
    event = Event(
        packet.time,
        packet.number,
        packet.offset,
        Layer.MODEM,
        "HomePlug frame",
        source=address_text(data[6:12]),
        destination=address_text(data[:6]),
        hardware=data[6:12],
    )
    try:
        frame = Frame.parse(data)
        event.name = name_of(frame.mmtype, frame.oui)
        if event.name.startswith(_SLAC_NAMES):
            event.layer = Layer.SLAC
        event.values = _values(frame)
    except FrameError as error:
        event.finds("undecodable", f"{event.name}: {error.reason}, byte {error.offset} of the frame")
    return event


def _values(frame: Frame) -> dict[str, Value]:
    if frame.mmtype == _SW_VERSION_CNF and len(frame.payload) > 3:
        # Status, type of chip, length, text.
        text = frame.payload[3 : 3 + frame.payload[2]].split(b"\0")[0]
        return {"firmware": text.decode("ascii", "replace")}
    message = slac.message_of(frame)
    shown = _SHOWN.get(type(message)) if message is not None else None
    return shown(message) if shown is not None else {}
