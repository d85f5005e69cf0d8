"""A charger and a car on one line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.v2g.slac.rig import Fate, Line, Modem, Station, intact, random_bytes
from v2g.slac.ev import EvSlac
from v2g.slac.ev_attempt import EvConfig
from v2g.slac.events import Command
from v2g.slac.evse import EvseSlac
from v2g.slac.matching import EvseConfig

EVSE_MAC = bytes.fromhex("020000000001")
EV_MAC = bytes.fromhex("020000000002")


def evse(line: Line, mac: bytes = EVSE_MAC, seed: str = "evse", **config: Any) -> Station:
    core = EvseSlac(EvseConfig(mac, **config), random_bytes(seed))
    return line.add(Station(core, mac, Modem(b"\x00\xb0\x52" + mac[3:])))


def ev(line: Line, mac: bytes = EV_MAC, seed: str = "ev", **config: Any) -> Station:
    # The thresholds of the standard as they are.
    config.setdefault("attenuation_correction_db", 0.0)
    core = EvSlac(EvConfig(mac, **config), random_bytes(seed))
    return line.add(Station(core, mac, Modem(b"\x00\xb0\x52" + mac[3:], None)))


@dataclass
class Pair:
    line: Line
    evse: Station
    ev: Station

    def start(self, until: int = 5_000) -> Pair:
        """Both powered up, then plugged in."""
        self.line.tell(self.evse, Command.START)
        self.line.tell(self.ev, Command.START)
        self.line.run(self.line.now + 50)
        self.line.plug(self.evse, self.ev)
        self.line.run(until)
        return self


def pair(fate: Fate = intact, evse_config: dict[str, Any] | None = None, **ev_config: Any) -> Pair:
    line = Line(fate)
    both = Pair(line, evse(line, **(evse_config or {})), ev(line, **ev_config))
    both.ev.cabled = [both.evse]
    return both
