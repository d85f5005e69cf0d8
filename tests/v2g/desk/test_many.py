"""Session after session at one charger: nothing of them stays behind."""

from __future__ import annotations

import asyncio
import gc
import io
import random
import socket
from typing import Any

from tests.v2g.desk.virtual_loop import run
from v2g.cli.evse import station_protocols
from v2g.cli.pev import car_protocols
from v2g.desk import car_settings, charger_settings
from v2g.desk.car import DeskCar, vehicle_of
from v2g.desk.charger import DeskCharger, station_of
from v2g.desk.journal import Journal
from v2g.desk.values import Settings
from v2g.evcc.engine import Evcc
from v2g.net import streams
from v2g.net.car import CarShell
from v2g.net.charger import ChargerShell, Ports
from v2g.net.clock import now_ms
from v2g.secc.engine import Secc
from v2g.secc.session import Session

SESSIONS = 200
SETTLED_S = 10.0


async def _one_car(charger: ChargerShell, chance: random.Random) -> bool:
    settings = Settings(car_settings.SETTINGS, {"loop_s": 1})
    vehicle = vehicle_of(settings, "iso2")
    car = DeskCar(vehicle, settings, [], Journal("CAR", now_ms, io.StringIO()).take)
    core = Evcc(vehicle, car_protocols("iso2"), chance.randbytes, lambda: 1_700_000_000)
    shell = CarShell(core, "lo", car.take)
    car.shell = shell
    ends = socket.socketpair()
    loop = asyncio.get_running_loop()
    for end, side in zip(ends, (charger, shell), strict=True):
        end.setblocking(False)
        await loop.create_connection(lambda side=side: streams._Connection(side.connection()), sock=end)  # type: ignore[misc]
    await car.ended.wait()
    await car.close()
    await shell.close()
    assert car.result is not None
    return car.result.ok


def _held() -> tuple[int, int]:
    gc.collect()
    return len(asyncio.all_tasks()), sum(isinstance(each, Session) for each in gc.get_objects())


async def _many() -> None:
    chance = random.Random(1)
    settings = Settings(charger_settings.SETTINGS, {"cable_check_s": 0.2})
    station = station_of(settings, "iso2")
    journal: Any = Journal("EVSE", now_ms, io.StringIO())
    charger = DeskCharger(station, settings, [], journal.take)
    core = Secc(station, station_protocols("iso2"), chance.randbytes, lambda: 1_700_000_000)
    shell = ChargerShell(core, Ports("lo"), charger.take)
    charger.shell = shell
    charger.ended = lambda fine: journal.begin()
    charger.plugged()
    early = None
    for number in range(SESSIONS):
        assert await _one_car(shell, chance)
        await asyncio.sleep(SETTLED_S)
        assert core.deadline() is None
        assert not charger._timers
        if number == 1:
            early = _held()
    assert _held() == early
    await charger.close()
    await shell.close()


def test_nothing_grows_with_the_sessions():
    run(_many())
