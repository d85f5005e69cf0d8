"""The simulated car's communication: ``python -m chargectl.sim.car_session``.

It sees the pilot of the simulated board, matches over the simulated power line, charges by ISO 15118 or DIN
SPEC 70121, and moves the car's S2 and current as its session says: an EV's own software, which knows of the
board only what the cable shows.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import secrets
import signal
import sys
import time
from typing import Any, Final

from chargectl.sim.client import SimClient, SimError
from chargectl.sim.plant.car import DIGITAL_DUTY, DIGITAL_TOLERANCE
from v2g.common.terms import DIN, ISO_2, EnergyMode
from v2g.desk.journal import Journal
from v2g.evcc import effects
from v2g.evcc.engine import Evcc
from v2g.evcc.vehicle import Battery, OnBoardCharger, Setup, Vehicle
from v2g.net.car import CarShell
from v2g.net.clock import now_ms
from v2g.net.link import LinkShell
from v2g.net.packet import PacketSocket
from v2g.slac.ev import EvSlac
from v2g.slac.ev_attempt import EvConfig

EVENT_S: Final = 0.2
"""How long one wait for the board's events lasts."""
_AC: Final = (EnergyMode.AC_THREE_PHASE, EnergyMode.AC_SINGLE_PHASE)


class CarSession:
    """One car: from the pilot's 5 % on, a session at a time.

    Args:
        board: the simulated board, watched.
        hands: another connection to it, for what the car does.
        interface: to the car's modem.
    """

    def __init__(self, board: SimClient, hands: SimClient, interface: str) -> None:
        self._board = board
        self._hands = hands
        self._interface = interface
        self._journal = Journal("CAR", now_ms)
        self._shell: CarShell | None = None
        self._vehicle = Vehicle()
        self._wishes: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    async def run(self) -> None:
        """Follow the board until it ends or this is cancelled."""
        doing = asyncio.create_task(self._do_wishes())
        try:
            await asyncio.to_thread(self._board.subscribe)
            while True:
                await self._follow(await asyncio.to_thread(self._board.state))
                await asyncio.to_thread(self._board.wait_event, EVENT_S)
                self._board.events.clear()
        finally:
            doing.cancel()
            await self._end()

    async def _follow(self, state: dict[str, Any]) -> None:
        facts, car = state["facts"], state["car"]
        called = facts["plugged"] and abs(facts["duty"] - DIGITAL_DUTY) < DIGITAL_TOLERANCE
        self._vehicle.battery.soc_percent = int(car["battery_percent"])
        self._vehicle.charger.present_power_w = float(car["power_w"])
        if called and self._shell is None:
            self._begin(state)
        elif not called and self._shell is not None:
            self._vehicle.pilot_ok = False
            self._shell.changed()
            await self._end()
        elif self._shell is not None:
            wants = car["willing"] and car["battery_percent"] < 100
            if self._vehicle.stop == wants:
                self._vehicle.stop = not wants
                self._shell.changed()

    def _begin(self, state: dict[str, Any]) -> None:
        """The charger asks for communication: match."""
        packets = PacketSocket(self._interface)
        setup = Setup(mac=packets.mac, protocols=(ISO_2, DIN), energy_modes=_AC)
        battery = Battery(soc_percent=int(state["car"]["battery_percent"]))
        self._vehicle = Vehicle(setup=setup, battery=battery, charger=OnBoardCharger(), connector_locked=True)
        core = Evcc(self._vehicle, _protocols(), secrets.token_bytes, lambda: int(time.time()))
        shell = CarShell(core, self._interface, self._take)
        self._shell = shell
        self._journal.begin()
        shell.start(LinkShell(packets, EvSlac(EvConfig(packets.mac), secrets.token_bytes), shell.slac))
        shell.pilot("B")

    async def _end(self) -> None:
        shell, self._shell = self._shell, None
        if shell is not None:
            await shell.close()
            self._wishes.put_nowait({"s2": False, "current_a": 0.0})

    def _take(self, effect: Any) -> None:
        """What the session wants of the car."""
        self._journal.take(effect)
        if isinstance(effect, effects.PilotState):
            self._wishes.put_nowait({"s2": effect.state != "B"})
        elif isinstance(effect, effects.DrawCurrent):
            self._wishes.put_nowait({"current_a": effect.current_a})
        elif isinstance(effect, effects.Contactors):
            self._later(contactors_closed=effect.closed)
        elif isinstance(effect, effects.LockConnector):
            self._later(connector_locked=effect.locked)
        elif isinstance(effect, effects.SessionEnded):
            self._journal.finish()

    def _later(self, **facts: object) -> None:
        """The car's own hardware follows at once, but after what is under way."""

        def done() -> None:
            for name, value in facts.items():
                setattr(self._vehicle, name, value)
            if self._shell is not None:
                self._shell.changed()

        asyncio.get_running_loop().call_soon(done)

    async def _do_wishes(self) -> None:
        while True:
            wish = await self._wishes.get()
            # A car that has just been unplugged needs nothing any more.
            with contextlib.suppress(SimError):
                await asyncio.to_thread(self._hands.do, "car_session", **wish)


def _protocols() -> list[Any]:
    from v2g.evcc.din.protocol import PROTOCOL as EV_DIN
    from v2g.evcc.iso2.protocol import PROTOCOL as EV_ISO2

    return [EV_ISO2, EV_DIN]


async def _serve(socket: str, interface: str) -> None:
    with SimClient(socket) as board, SimClient(socket) as hands:
        task = asyncio.create_task(CarSession(board, hands, interface).run())
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, task.cancel)
        with contextlib.suppress(asyncio.CancelledError):
            await task


def main(argv: list[str] | None = None) -> int:
    """Run the car; returns the exit code."""
    parser = argparse.ArgumentParser(prog="chargectl.sim.car_session", description=__doc__)
    parser.add_argument("--socket", required=True, help="control socket of the simulated board")
    parser.add_argument("--interface", required=True, help="network interface to the car's modem")
    options = parser.parse_args(argv)
    try:
        asyncio.run(_serve(options.socket, options.interface))
    except (SimError, OSError, ValueError) as error:
        sys.stderr.write(f"simulated car: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
