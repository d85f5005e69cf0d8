"""An EV that measures how long a station takes for each answer: our EV's core on a blocking socket.

    python -m benchmarks.v2g.ev INTERFACE PROTOCOL MODE LOOPS SESSIONS

Prints JSON: for each session the requests' names and the milliseconds to the last byte of each response."""

from __future__ import annotations

import asyncio
import json
import secrets
import socket
import sys
import time
from typing import Any, Final

from v2g.common.terms import DIN, ISO_2, ISO_20_DC, EnergyMode
from v2g.evcc import effects
from v2g.evcc.engine import Evcc
from v2g.evcc.vehicle import Battery, Setup, Vehicle
from v2g.net import sdp
from v2g.net.interfaces import interface_index
from v2g.sdp import SdpRequester, Security

RESPONSE_S: Final = 20.0
CONNECT_S: Final = 60.0
NAMESPACES: Final = {"din": DIN, "iso2": ISO_2, "iso20": ISO_20_DC}
_LOOPS: Final = ("CurrentDemandReq", "ChargingStatusReq", "DC_ChargeLoopReq", "AC_ChargeLoopReq")


def protocols(name: str) -> list[Any]:
    """The EV's message set."""
    if name == "din":
        from v2g.evcc.din.protocol import PROTOCOL
    elif name == "iso2":
        from v2g.evcc.iso2.protocol import PROTOCOL
    else:
        from v2g.evcc.iso20.protocol import DC_PROTOCOL as PROTOCOL
    return [PROTOCOL]


class Ev:
    """One session.

    Without pauses of its own: it asks again as soon as it has an answer, and its hardware takes no time."""

    def __init__(self, protocol: str, mode: str, loops: int) -> None:
        dc = mode == "dc"
        modes = (EnergyMode.DC_EXTENDED, EnergyMode.DC_CORE) if dc else (EnergyMode.AC_THREE_PHASE,)
        self.vehicle = Vehicle(
            setup=Setup(
                protocols=(NAMESPACES[protocol],),
                energy_modes=modes,
                longest_pace_ms=0,
                iso20_without_tls=True,
                pre_charge_tolerance_v=1e6,
            ),
            # Nobody has to wait until a current has fallen.
            battery=Battery(target_current_a=0.0),
            present_current_a=0.0,
        )
        self.core = Evcc(self.vehicle, protocols(protocol), secrets.token_bytes, lambda: int(time.time()))
        self.times: list[tuple[str, float]] = []
        self.ended: effects.SessionEnded | None = None
        self._left = loops
        self._out = b""
        self._name = ""

    def run(self, link: socket.socket) -> None:
        """Charge over a connection."""
        self._take(self.core.connected(_now_ms()))
        while self.ended is None:
            if self._out:
                data, self._out, name = self._out, b"", self._name
                start, took = time.perf_counter(), 0.0
                link.sendall(data)
                while not self._out and self.ended is None:
                    answer = link.recv(65536)
                    if not answer:
                        self._take(self.core.disconnected(_now_ms()))
                        return
                    took = time.perf_counter() - start
                    self._take(self.core.received(answer, _now_ms()))
                self.times.append((name, took * 1000))
            else:
                self._take(self.core.tick(_now_ms()))

    def _take(self, news: list[effects.Effect]) -> None:
        changed = False
        for effect in news:
            if isinstance(effect, effects.Send):
                self._out += effect.data
            elif isinstance(effect, effects.MessageSeen) and effect.request:
                self._name = effect.name
                if effect.name in _LOOPS:
                    self._left -= 1
                    if self._left <= 0:
                        self.vehicle.stop = changed = True
            elif isinstance(effect, effects.LockConnector):
                self.vehicle.connector_locked = effect.locked
                changed = True
            elif isinstance(effect, effects.Contactors):
                self.vehicle.contactors_closed = effect.closed
                changed = True
            elif isinstance(effect, effects.SessionEnded):
                self.ended = effect
        if changed:
            self._take(self.core.changed(_now_ms()))


def _now_ms() -> int:
    return int(time.monotonic() * 1000)


def main() -> int:
    """Run the sessions and print their times."""
    interface, protocol, mode, loops, sessions = sys.argv[1:]
    station = asyncio.run(sdp.discover(interface, SdpRequester(Security.NONE), lambda _: None))
    place = (str(station.address), station.port, 0, interface_index(interface))
    told = []
    for _ in range(int(sessions)):
        link = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
        link.settimeout(RESPONSE_S)
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        _connect(link, place)
        ev = Ev(protocol, mode, int(loops))
        ev.run(link)
        link.close()
        if ev.ended is None or not ev.ended.ok:
            print(f"the session failed: {ev.ended}", file=sys.stderr)
            return 1
        told.append(ev.times)
    print(json.dumps(told))
    return 0


def _connect(link: socket.socket, place: tuple[str, int, int, int]) -> None:
    """Connect; a station may need a while after the session before."""
    deadline = time.monotonic() + CONNECT_S
    while True:
        try:
            link.connect(place)
            return
        except (ConnectionRefusedError, ConnectionAbortedError):
            # The second is what Linux says of a socket that was refused before, at its next try.
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


if __name__ == "__main__":
    sys.exit(main())
