"""What a person, a car or bad luck can do to the simulated station: one table, by name.

The table is what the control socket, the tests and the live screen offer; each action says what it means and
which arguments it takes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any, Final

from chargectl.sim.options import car_from_json, finite
from chargectl.sim.plant.cable import OHM_BY_RATING
from chargectl.sim.plant.car import Car, CarKind
from chargectl.sim.plant.contactor import Fault
from chargectl.sim.world import World

Run = Callable[..., None]


@dataclass(frozen=True, slots=True)
class Action:
    """An action: its name, its meaning, its arguments with their meaning, and what it does to the world."""

    name: str
    meaning: str
    run: Run
    arguments: dict[str, str]


class RefusedError(ValueError):
    """The action is not possible, or not in this state of the station."""


def perform(world: World, name: str, arguments: dict[str, Any] | None = None) -> None:
    """Do an action to the world; raises RefusedError with a clear reason."""
    action = ACTIONS.get(name)
    if action is None:
        raise RefusedError(f"action {name!r}: one of {', '.join(ACTIONS)} is allowed")
    arguments = arguments or {}
    world.sync()
    unknown = sorted(set(arguments) - set(action.arguments))
    if unknown:
        allowed = ", ".join(action.arguments) or "no arguments"
        raise RefusedError(f"action {name}: argument {unknown[0]!r}: {allowed} allowed")
    try:
        action.run(world, **arguments)
    except (TypeError, ValueError) as error:
        raise RefusedError(f"action {name}: {error}") from error
    world.settle()


def _plug(world: World, cable_a: int | None = None) -> None:
    if world.plugged:
        raise RefusedError("a plug is already inserted")
    if world.lock.kind is not None and not world.lock.unlocked:
        raise RefusedError("the lock's bolt is out: the plug does not go in")
    if cable_a is not None:
        _set_cable(world, cable_a)
    world.plugged = True
    world.car.connect()


def _plug_cable_only(world: World) -> None:
    if world.plugged:
        raise RefusedError("a plug is already inserted")
    world.plugged = True


def _unplug(world: World, force: bool = False) -> None:
    if not world.plugged:
        raise RefusedError("nothing is plugged in")
    if world.options.socket and world.lock.locked and not force:
        raise RefusedError("the plug is locked")
    world.plugged = False
    world.car.disconnect()
    if world.car_leaks:
        world.rcd.reset()


def _set_cable(world: World, ampere: int) -> None:
    if ampere not in OHM_BY_RATING:
        raise RefusedError(f"cable of {ampere} A: {', '.join(map(str, OHM_BY_RATING))} are allowed")
    world.cable_a = ampere
    world.proximity_ohm = None


def _set_proximity(world: World, ohm: float | None = None) -> None:
    if ohm is not None and finite("ohm", ohm) < 0:
        raise RefusedError(f"{ohm} Ohm: 0 or more is allowed")
    world.proximity_ohm = ohm


def _change_car(world: World, **values: Any) -> None:
    merged = {name: getattr(world.options.car, name) for name in world.options.car.__dataclass_fields__}
    kind = car_from_json({**merged, **values})
    if world.plugged:
        raise RefusedError("unplug the car first")
    world.options.car = kind
    car = Car(replace(kind))
    car.now_us = world.now_us
    world.car = car


def _set(path: str, value: Any) -> Run:
    """An action that sets an attribute (dotted path below the world), then lets the car reconsider."""

    def run(world: World) -> None:
        holder: Any = world
        *parents, last = path.split(".")
        for parent in parents:
            holder = getattr(holder, parent)
        setattr(holder, last, value)
        world.car.reconsider()

    return run


def _contactor(fault: Fault | None) -> Run:
    def run(world: World, which: int = 1) -> None:
        if which not in (1, 2):
            raise RefusedError(f"contactor {which}: 1 or 2 is allowed")
        world.contactors[which - 1].set_fault(fault)

    return run


def _jam_lock(world: World, at: float | None = None) -> None:
    if at is not None and not 0 <= finite("at", at) <= 1:
        raise RefusedError(f"position {at}: 0 (unlocked) to 1 (locked) is allowed")
    world.lock.blocked_at = world.lock.position if at is None else at


def _move_lock(world: World, to: str) -> None:
    places = {"locked": 1.0, "unlocked": 0.0, "between": 0.5}
    if to not in places:
        raise RefusedError(f"position {to!r}: one of {', '.join(places)} is allowed")
    world.lock.position = places[to]


def _discharge(world: World, to_mv: float = 0.0) -> None:
    world.lock.capacitor_mv = finite("to_mv", to_mv)


def _heal_lock(world: World) -> None:
    lock = world.lock
    lock.blocked_at = None
    lock.driver_fault = lock.sense_broken = lock.capacitor_broken = False


def _disturb(world: World, mv: float, ms: float) -> None:
    world.pilot.disturb(finite("mv", mv), round(finite("ms", ms) * 1000))


def _offset(world: World, mv: float) -> None:
    world.pilot.offset_mv = finite("mv", mv)


def _set_input(world: World, number: int, mv: int) -> None:
    if number not in (4, 5, 6):
        raise RefusedError(f"input {number}: 4 to 6 are free (1 to 3 are emergency, RCD and key)")
    world.inputs.voltage_mv[number - 1] = round(finite("mv", mv))


def _rotate(world: World, position: int, between: bool = False) -> None:
    world.rotary.set(position, between=between)


def _temperature(world: World, sensor: str, celsius: float | None) -> None:
    if celsius is None:
        world.temperatures_c.pop(sensor, None)
    else:
        world.temperatures_c[sensor] = finite("celsius", celsius)


def _reset_rcd(world: World) -> None:
    world.rcd.reset()


def _charge_battery(world: World, wh: float) -> None:
    world.car.energy_wh = min(max(finite("wh", wh), 0.0), world.car.kind.capacity_wh)
    world.car.reconsider()


def _car_session(world: World, s2: bool | None = None, current_a: float | None = None) -> None:
    if not world.car.kind.digital:
        raise RefusedError("this car speaks no ISO 15118 (change_car digital=true)")
    if s2 is not None:
        if not isinstance(s2, bool):
            raise RefusedError(f"s2 = {s2!r}: true or false is allowed")
        world.car.session_s2 = s2
    if current_a is not None:
        if finite("current_a", current_a) < 0:
            raise RefusedError(f"{current_a} A: 0 or more is allowed")
        world.car.session_a = current_a
    world.car.reconsider()


_WHICH: Final = {"which": "1 (default) or 2"}

ACTIONS: Final = {
    action.name: action
    for action in (
        Action("plug", "insert the cable and connect the car", _plug, {"cable_a": "13, 20, 32 or 63 A"}),
        Action("plug_cable_only", "insert a cable with no car at its other end", _plug_cable_only, {}),
        Action("unplug", "pull the plug; a locked one stays", _unplug, {"force": "tear it out of the lock"}),
        Action("set_cable", "use a cable of another class", _set_cable, {"ampere": "13, 20, 32 or 63"}),
        Action(
            "set_proximity",
            "put a resistor on the proximity contact",
            _set_proximity,
            {"ohm": "resistance in Ohm; without it the cable's own"},
        ),
        Action("want_energy", "the driver (or the car's timer) wants energy", _set("car.willing", True), {}),
        Action("refuse_energy", "the car wants no energy: it opens S2", _set("car.willing", False), {}),
        Action(
            "change_car",
            "drive another car up (nothing plugged in)",
            _change_car,
            {item.name: "see CarKind" for item in fields(CarKind)},
        ),
        Action(
            "car_session",
            "the car's ISO 15118 session decides (a car that speaks it, at 5 % duty)",
            _car_session,
            {"s2": "S2 is to be closed", "current_a": "current per phase that may be drawn"},
        ),
        Action("charge_battery", "set the content of the car's battery", _charge_battery, {"wh": "Wh"}),
        Action("remove_diode", "the car's pilot diode is shorted", _set("car.diode", False), {}),
        Action("restore_diode", "the car's pilot diode works", _set("car.diode", True), {}),
        Action("stick_s2", "the car's S2 cannot open: it stays in C (or D)", _set("car.stuck_s2", True), {}),
        Action("free_s2", "the car's S2 works", _set("car.stuck_s2", False), {}),
        Action("short_pilot", "pilot and protective earth touch (state E)", _set("pilot_shorted", True), {}),
        Action("free_pilot", "the pilot's short is gone", _set("pilot_shorted", False), {}),
        Action(
            "disturb_pilot",
            "force the pilot line to a voltage for a while",
            _disturb,
            {"mv": "voltage in mV", "ms": "duration in ms"},
        ),
        Action("offset_pilot", "shift the source's voltage", _offset, {"mv": "shift in mV"}),
        Action("press_emergency", "hit the emergency switch", _set("emergency", True), {}),
        Action("release_emergency", "release the emergency switch", _set("emergency", False), {}),
        Action("key_on", "turn the authorization key on (DIG_IN_3 high)", _set("key", True), {}),
        Action("key_off", "turn the authorization key off", _set("key", False), {}),
        Action("turn_rotary", "turn SW2", _rotate, {"position": "0..15", "between": "half-way to the next"}),
        Action(
            "set_input",
            "apply a voltage to a free digital input",
            _set_input,
            {"number": "4..6", "mv": "voltage in mV"},
        ),
        Action(
            "trip_rcd", "a residual current trips the RCD, until reset_rcd", _set("rcd.residual", True), {}
        ),
        Action("reset_rcd", "reset the RCD by hand", _reset_rcd, {}),
        Action(
            "leak_car",
            "the car leaks: the RCD trips under voltage until it is unplugged",
            _set("car_leaks", True),
            {},
        ),
        Action("heal_car_leak", "the car leaks no more", _set("car_leaks", False), {}),
        Action("break_rcd_test", "the RCD's test input does nothing", _set("rcd.test_dead", True), {}),
        Action("mend_rcd_test", "the RCD's test input works", _set("rcd.test_dead", False), {}),
        Action(
            "stick_rcd",
            "after a test the RCD stays tripped until reset_rcd",
            _set("rcd.stuck_tripped", True),
            {},
        ),
        Action("free_rcd", "after a test the RCD recovers", _set("rcd.stuck_tripped", False), {}),
        Action("weld_contactor", "the contacts close and stay closed", _contactor(Fault.WELDED), _WHICH),
        Action("block_contactor", "the contacts open and stay open", _contactor(Fault.STUCK_OPEN), _WHICH),
        Action("free_contactor", "the contacts follow the coil again", _contactor(None), _WHICH),
        Action(
            "jam_lock",
            "the bolt cannot pass a position",
            _jam_lock,
            {"at": "0 (unlocked) to 1 (locked); without it where it is now"},
        ),
        Action("move_lock", "move the bolt by hand", _move_lock, {"to": "locked, unlocked or between"}),
        Action("break_lock_sense", "the lock's switch is off its wire", _set("lock.sense_broken", True), {}),
        Action(
            "break_lock_driver",
            "the motor driver is in overcurrent: FAULT is active",
            _set("lock.driver_fault", True),
            {},
        ),
        Action(
            "discharge_lock", "discharge the lock's capacitor", _discharge, {"to_mv": "voltage left, 0 mV"}
        ),
        Action(
            "break_lock_capacitor", "the capacitor takes no charge", _set("lock.capacitor_broken", True), {}
        ),
        Action("heal_lock", "jam, switch, driver and capacitor of the lock work again", _heal_lock, {}),
        Action("mains_off", "the mains fails", _set("mains", False), {}),
        Action("mains_on", "the mains is back", _set("mains", True), {}),
        Action(
            "set_temperature",
            "a 1-Wire sensor measures another temperature, or is taken off",
            _temperature,
            {"sensor": "id", "celsius": "degrees, or null"},
        ),
    )
}
"""Every action by name."""
