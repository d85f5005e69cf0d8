"""A power line with modems and hosts, without interfaces."""

from __future__ import annotations

import random

from v2g.homeplug.frame import LOCAL_MODEM, Frame, address_of
from v2g.homeplug.message import Message, parse_as
from v2g.homeplug.pib import SlacMode
from v2g.homeplug.slac import MnbcSoundInd, SetKeyReq
from v2g.modem.core import Modem
from v2g.modem.line import Delivery, Powerline
from v2g.modem.options import LineOptions, ModemOptions

CAR, CHARGER = address_of("02:00:00:00:00:01"), address_of("02:00:00:00:00:02")
OTHER_CAR, OTHER_CHARGER = address_of("02:00:00:00:00:03"), address_of("02:00:00:00:00:04")
NID, NMK = bytes.fromhex("026BCBA5354E08"), bytes.fromhex("B59319D7E8157BA001B018669CCEE30D")
SOUND = MnbcSoundInd(0, 0, bytes(17), 9, b"12345678", bytes(16))
JOINED_MS = 1000


def modem(number, role=SlacMode.EVSE, **options):
    """A modem 00:B0:52:00:00:0x with its own repeatable randomness."""
    generator = random.Random(number)
    mac = bytes((0, 0xB0, 0x52, 0, 0, number))
    return Modem(mac, ModemOptions(role=role, **options), generator.randbytes)


class Desk:
    """A car and a charger; `car` and `charger` are their modems."""

    def __init__(self, line=None, *, car=None, charger=None, attenuation=None):
        self.line = Powerline(random.Random(0).randbytes, line or LineOptions(), attenuation)
        self.car = self.line.attach(modem(1, SlacMode.PEV, **(car or {})))
        self.charger = self.line.attach(modem(2, **(charger or {})))

    def send(self, which, message, host, destination=LOCAL_MODEM, now_ms=0) -> list[Delivery]:
        data = message.frame(destination, host) if isinstance(message, Message) else message
        return self.line.from_host(which, data, now_ms)

    def ask(self, which, message, answer, host=CAR, destination=LOCAL_MODEM, now_ms=0):
        """The answer's message; None if there is none."""
        frames = [Frame.parse(each.data) for each in self.send(which, message, host, destination, now_ms)]
        found = [parse_as(answer, frame) for frame in frames if frame.mmtype == answer.MMTYPE]
        assert len(found) <= 1
        return found[0] if found else None

    def join(self, now_ms=0):
        """Give both the same key; they are a network at JOINED_MS after that."""
        self.send(self.car, SetKeyReq.of(NID, NMK), CAR, now_ms=now_ms)
        self.send(self.charger, SetKeyReq.of(NID, NMK), CHARGER, now_ms=now_ms)
        return now_ms + JOINED_MS
