"""The desk's charger and car, joined by a pair of sockets, in virtual time: hardware, shells and cores."""

from __future__ import annotations

import asyncio
import io
import random
import socket
from dataclasses import dataclass, field
from typing import Any, Final

from tests.v2g.desk.virtual_loop import run
from v2g.cli.evse import station_protocols
from v2g.cli.pev import car_protocols
from v2g.desk import car_settings, charger_settings
from v2g.desk.car import DeskCar, vehicle_of
from v2g.desk.charger import DeskCharger, station_of
from v2g.desk.faults import CAR_FAULTS, CHARGER_FAULTS, MESSAGE_FAULTS, Fault, parse
from v2g.desk.journal import Journal
from v2g.desk.meddler import Meddled, Meddler
from v2g.desk.values import Settings
from v2g.evcc.effects import SessionEnded
from v2g.evcc.engine import Evcc
from v2g.evcc.session import Paused
from v2g.net import streams
from v2g.net.car import CarShell
from v2g.net.charger import ChargerShell, Ports
from v2g.net.clock import now_ms
from v2g.secc.engine import Secc

LIMIT_S: Final = 400.0
"""All sessions are over by then: the longest waits are the customer's, and 60 s for a request."""
SETTLE_S: Final = 30.0
"""The hardware of both sides has done by then what the end of the session asked for."""


@dataclass
class Outcome:
    """What became of a session."""

    charger_log: str = ""
    car_log: str = ""
    charger_fine: bool | None = None
    """Whether the station's session ended with SessionStop; None: it did not end."""
    car_result: SessionEnded | None = None
    loops: int = 0
    """Responses of the charge loop."""
    seconds: float = 0.0
    charger_effects: list[Any] = field(default_factory=list)
    car_effects: list[Any] = field(default_factory=list)
    contactor_closed: bool | None = None
    """Of the station, at the end."""
    contactors_closed: bool | None = None
    """Of the car, at the end."""
    pauses: list[tuple[str, bool | None]] = field(default_factory=list)
    """For each pause that the car came back from: the station's pilot and contactor at its beginning."""
    power_outside: list[str] = field(default_factory=list)
    """States in which the station's contactor was wanted closed and must not be."""


def charge(
    protocol: str = "iso2",
    mode: str = "dc",
    *,
    charger: dict[str, Any] | None = None,
    car: dict[str, Any] | None = None,
    charger_faults: tuple[str, ...] = (),
    car_faults: tuple[str, ...] = (),
    seed: int = 1,
    resume: bool = False,
) -> Outcome:
    """Run a session to its end; ``resume``: the car comes back to one that is paused."""
    given = {"loop_s": 3} | (car or {})
    outcome: Outcome = run(
        _charge(protocol, mode, charger or {}, given, charger_faults, car_faults, seed, resume)
    )
    return outcome


async def _charge(
    protocol: str,
    mode: str,
    charger_given: dict[str, Any],
    car_given: dict[str, Any],
    charger_faults: tuple[str, ...],
    car_faults: tuple[str, ...],
    seed: int,
    resume: bool,
) -> Outcome:
    outcome = Outcome()
    chance = random.Random(seed)
    begin = asyncio.get_running_loop().time()
    logs = io.StringIO(), io.StringIO()
    ended = asyncio.Event()

    settings = Settings(charger_settings.SETTINGS, {"mode": mode} | charger_given)
    faults = parse(charger_faults, (*CHARGER_FAULTS, *MESSAGE_FAULTS))
    station = station_of(settings, protocol)
    journal = Journal("EVSE", now_ms, logs[0], every=True)
    secc: Any = Secc(station, station_protocols(protocol), chance.randbytes, lambda: 1_700_000_000)
    inner = secc

    def charger_watch(effect: Any) -> None:
        outcome.charger_effects.append(effect)
        journal.take(effect)
        session = inner.session
        if session is not None and session.contactor:
            state = session.protocol.states[session.state]
            waiting = inner._pending is not None
            if not state.power and not waiting:
                outcome.power_outside.append(state.name)
        name = type(effect).__name__
        if name == "MessageSeen" and not effect.request and "Loop" in effect.name + "Loop":
            outcome.loops += effect.name in ("CurrentDemandRes", "ChargingStatusRes") or "Loop" in effect.name

    desk_charger = DeskCharger(station, settings, faults, charger_watch)
    secc = _meddled(secc, faults, chance, requests=False)
    charger_shell = ChargerShell(secc, Ports("lo"), desk_charger.take)
    desk_charger.shell = charger_shell

    def charger_ended(fine: bool) -> None:
        outcome.charger_fine = fine
        ended.set()

    desk_charger.ended = charger_ended

    car_values = Settings(car_settings.SETTINGS, {"mode": mode} | car_given)
    faults = parse(car_faults, (*CAR_FAULTS, *MESSAGE_FAULTS))
    vehicle = vehicle_of(car_values, protocol)
    car_journal = Journal("CAR", now_ms, logs[1], every=True)

    def car_watch(effect: Any) -> None:
        outcome.car_effects.append(effect)
        car_journal.take(effect)

    desk_car = DeskCar(vehicle, car_values, faults, car_watch)

    async def drive(resumes: Paused | None) -> None:
        """One session, to its end on both sides."""
        evcc: Any = Evcc(
            vehicle, car_protocols(protocol), chance.randbytes, lambda: 1_700_000_000, resumes=resumes
        )
        car_shell = CarShell(_meddled(evcc, faults, chance, requests=True), "lo", desk_car.take)
        cars.append(car_shell)
        desk_car.shell = car_shell
        desk_car.begin()
        ended.clear()
        await _join(charger_shell, car_shell)
        await desk_car.ended.wait()
        await ended.wait()

    cars: list[CarShell] = []
    try:
        async with asyncio.timeout(LIMIT_S):
            await drive(None)
            while resume and desk_car.result is not None and desk_car.result.paused is not None:
                outcome.pauses.append((station.pilot, station.contactor_closed))
                await asyncio.sleep(car_values["resume_after_s"])
                await drive(desk_car.result.paused)
    except TimeoutError:
        pass
    outcome.seconds = asyncio.get_running_loop().time() - begin
    outcome.car_result = desk_car.result
    await asyncio.sleep(SETTLE_S)
    outcome.contactor_closed = station.contactor_closed
    outcome.contactors_closed = vehicle.contactors_closed
    await desk_charger.close()
    await desk_car.close()
    await charger_shell.close()
    for car_shell in cars:
        await car_shell.close()
    outcome.charger_log, outcome.car_log = logs[0].getvalue(), logs[1].getvalue()
    return outcome


def _meddled(core: Any, faults: list[Fault], chance: random.Random, *, requests: bool) -> Any:
    """The core, with the faults of the messages that it sends: requests, or responses."""
    if not any(fault.kind.at_message for fault in faults):
        return core
    return Meddled(core, Meddler(faults, requests, chance.randbytes))


async def _join(charger: ChargerShell, car: CarShell) -> None:
    loop = asyncio.get_running_loop()
    ends = socket.socketpair()
    for end in ends:
        end.setblocking(False)
    await loop.create_connection(lambda: streams._Connection(charger.connection()), sock=ends[0])
    await loop.create_connection(lambda: streams._Connection(car.connection()), sock=ends[1])
