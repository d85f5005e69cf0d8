"""The simulated board with everything around it, driven by its lines and by its own time.

One :class:`World` is the board at the level of GPIO, PWM and ADC, the station, and a car. It has no clock:
:meth:`World.advance_to` moves it, stepping from one change to the next, so that a pulse between two calls is
neither lost nor late. All changes of its facts are events.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from chargectl.declarations.types import LockType
from chargectl.sim.faults import FaultSet
from chargectl.sim.lines import (
    DIGITAL_INPUTS,
    LINE_COUNT,
    PILOT_PWM,
    ROTARY_BITS,
    STRAPS,
    THRESHOLD_PWM,
    VARIANT_STRAPS,
    Channel,
    Line,
)
from chargectl.sim.options import Options
from chargectl.sim.plant.cable import OHM_BY_RATING, proximity_mv
from chargectl.sim.plant.car import Car
from chargectl.sim.plant.contactor import Contactor, Feedback
from chargectl.sim.plant.leds import Led
from chargectl.sim.plant.lock import PlugLock, drive_of
from chargectl.sim.plant.panel import SUPPLY_MV, DigitalInputs, RotarySwitch
from chargectl.sim.plant.pilot import SHORTED, PilotLine, to_raw
from chargectl.sim.plant.rcd import RCD_KINDS, Rcd

MAINS_V: Final = 230.0
RECLOSE_GUARD_US: Final = 6_000_000
"""The shortest pause between opening and closing the contactor (guide, table 14)."""
FAN_HALF_TURN_US: Final = 10_000
EVENTS_KEPT: Final = 10_000

Fact = bool | int | float | str | None


@dataclass(frozen=True, slots=True)
class Event:
    """A fact that changed: when (microseconds of the world's time), which, and to what."""

    at_us: int
    name: str
    value: Fact


@dataclass(slots=True)
class Pin:
    """One GPIO line as the SoC drives it: the hardware's own memory, independent of any export."""

    output: bool = False
    level: bool = False


@dataclass(slots=True)
class Pwm:
    """One PWM output; times in ns."""

    period_ns: int = 0
    duty_ns: int = 0
    running: bool = False
    inversed: bool = False

    @property
    def high_ns(self) -> int:
        """Time of the high phase in ns."""
        return self.period_ns - self.duty_ns if self.inversed else self.duty_ns


class World:
    """Board, station and car. ``lock`` is the declaration of the lock at X9."""

    def __init__(self, options: Options, lock: LockType | None) -> None:
        self.options = options
        self.now_us = 0
        self.faults = FaultSet()
        self.events: list[Event] = []
        self.on_level: Callable[[int, bool], None] = lambda number, level: None
        """Called for every change of an input line's level, in the order of time."""
        self.on_event: Callable[[Event], None] = lambda event: None
        self.pins = [Pin() for _ in range(LINE_COUNT)]
        self.pwms = {PILOT_PWM: Pwm(), THRESHOLD_PWM: Pwm()}
        green, yellow, red = _led_names(options)
        self.leds = {green: Led(), yellow: Led(), red: Led()}
        self.leds[red].set_trigger("heartbeat", 0)
        self.temperatures_c: dict[str, float] = dict(options.temperatures_c)
        self.soc_c = 48.0
        self.fan_pwm = 0
        self.mains = True
        self.emergency = False
        self.key = False
        self.car_leaks = False
        self.cable_a = options.cable_a
        self.proximity_ohm: float | None = None
        """Overrides the cable's resistor (a damaged cable)."""
        self.pilot_shorted = False
        self.plugged = False
        self.pilot = PilotLine()
        self.contactors = (
            Contactor(Feedback(options.contactor_feedback)),
            Contactor(Feedback(options.relay_2_feedback)),
        )
        self.lock = PlugLock(lock)
        self.cover = PlugLock(None)
        self.rcd = Rcd(RCD_KINDS[options.rcd])
        self.inputs = DigitalInputs()
        self.rotary = RotarySwitch(options.rotary)
        self.car = Car(options.car)
        self._opened_us: int | None = None
        self._next_us: int | None = None
        self._levels: dict[int, bool] = {}
        self._facts: dict[str, Fact] = {}
        self.settle()
        self.events.clear()

    # Time

    @property
    def _parts(self) -> tuple[PilotLine | Contactor | PlugLock | Rcd | Car, ...]:
        return (self.pilot, *self.contactors, self.lock, self.cover, self.rcd, self.car)

    @property
    def next_us(self) -> int | None:
        """When something changes by itself, or None while all is at rest."""
        return self._next_us

    def advance_to(self, to_us: int) -> None:
        """Let the world go on until a moment; one in the past is ignored."""
        self.follow(to_us)
        self.sync()

    def follow(self, to_us: int) -> None:
        """As :meth:`advance_to`, but cheap: what only drifts (peaks, charge) is left until :meth:`sync`."""
        while self._next_us is not None and self._next_us <= to_us:
            self.now_us = max(self._next_us, self.now_us)
            self.settle()
        self.now_us = max(self.now_us, to_us)

    def sync(self) -> None:
        """Bring all parts to the present. Whoever acts on a part directly does it first."""
        for part in self._parts:
            part.advance(self.now_us)

    def advance(self, milliseconds: float) -> None:
        """Let the world go on for a while."""
        self.advance_to(self.now_us + round(milliseconds * 1000))

    # Lines

    def gpio(self, number: int) -> bool:
        """Level of a line as its input buffer reads it."""
        stuck = self.faults.stuck(f"gpio/{number}")
        if stuck is not None:
            return bool(stuck)
        pin = self.pins[number]
        return pin.level if pin.output else self._external(number)

    def set_direction(self, number: int, *, output: bool, level: bool = False) -> None:
        """Make a line an input, or an output that starts at a level."""
        pin = self.pins[number]
        pin.output = output
        if output:
            pin.level = level
        self.settle()

    def write(self, number: int, level: bool) -> None:
        """Drive an output line; an input keeps the value for when it becomes one."""
        self.pins[number].level = level
        self.settle()

    def adc(self, channel: int) -> int:
        """Raw reading 0..4095 of an ADC channel."""
        stuck = self.faults.stuck(f"adc/{channel}")
        if stuck is not None:
            return stuck
        self.sync()
        match channel:
            case Channel.LOCK_SENSE:
                return self.lock.sense_raw
            case Channel.COVER_SENSE:
                return self.cover.sense_raw
            case Channel.CP_POSITIVE_PEAK:
                return to_raw(self.pilot.positive_peak_mv)
            case Channel.CP_NEGATIVE_PEAK:
                return to_raw(self.pilot.negative_peak_mv)
            case Channel.LOCK_CAPACITOR:
                return self.lock.capacitor_raw
            case Channel.PROXIMITY:
                return min(round(self.proximity_mv * 4096 / 3300), 4095)
        return 0

    @property
    def proximity_mv(self) -> float:
        """Voltage of the proximity contact at the ADC in mV."""
        if self.proximity_ohm is not None:
            return proximity_mv(self.proximity_ohm)
        inserted = self.plugged and self.options.socket
        return proximity_mv(OHM_BY_RATING[self.cable_a] if inserted else None)

    @property
    def volts(self) -> tuple[float, float, float]:
        """Voltage on L1, L2, L3 behind the contactors, at the vehicle's side of the station."""
        primary = self.mains and self.contactors[0].closed
        others = primary and self.options.phases == 3
        if self.options.relay_2 == "phases":
            others = others and self.contactors[1].closed
        return (MAINS_V * primary, MAINS_V * others, MAINS_V * others)

    # Wiring

    def settle(self) -> None:
        """Let all outputs act on all parts, then report what changed on the input lines and in the facts."""
        self.sync()
        self._drive_parts()
        self._check_leak()
        self.car.see(self.pilot.wave, round(self.pilot.duty, 3), self.volts)
        self.pilot.set_load(SHORTED if self.pilot_shorted else self.car.load)
        self._sense_people()
        self._next_us = min((due for part in self._parts if (due := part.next_us) is not None), default=None)
        self._report()

    def _drive_parts(self) -> None:
        pilot_pwm, threshold = self.pwms[PILOT_PWM], self.pwms[THRESHOLD_PWM]
        self.pilot.set_pwm(
            running=pilot_pwm.running, period_ns=pilot_pwm.period_ns, high_ns=pilot_pwm.high_ns
        )
        self.pilot.set_connected(self._driven(Line.CP_INVERT))
        self.pilot.set_resets(
            positive=self._driven(Line.CP_POSITIVE_RESET), negative=self._driven(Line.CP_NEGATIVE_RESET)
        )
        self.inputs.set_threshold(
            running=threshold.running, period_ns=threshold.period_ns, high_ns=threshold.high_ns
        )
        self.contactors[0].set_coil(self._driven(Line.RELAY_1))
        if self.options.variant != 100:
            self.contactors[1].set_coil(self._driven(Line.RELAY_2))
        self.lock.drive = drive_of(not self._driven(Line.LOCK_IN1, idle=True), self._driven(Line.LOCK_IN2))
        self.cover.drive = drive_of(self._driven(Line.COVER_IN1), self._driven(Line.COVER_IN2))
        idle = not self.options.rcd_test_active_high
        self.rcd.set_test_input(self._driven(Line.OUTPUT_4, idle=idle) == self.options.rcd_test_active_high)

    def _check_leak(self) -> None:
        if self.car_leaks and self.car.connected and any(self.volts):
            self.rcd.residual = True

    def _sense_people(self) -> None:
        voltages = self.inputs.voltage_mv
        voltages[0] = SUPPLY_MV * (self.emergency == self.options.emergency_active_high)
        voltages[1] = SUPPLY_MV * ((not self.rcd.tripped) == self.options.rcd_healthy_high)
        voltages[2] = SUPPLY_MV * self.key

    def _report(self) -> None:
        for number in _WATCHED:
            level = self.gpio(number)
            if self._levels.get(number) != level:
                self._levels[number] = level
                self.on_level(number, level)
        facts = self.facts()
        changed = {name: value for name, value in facts.items() if self._facts.get(name) != value}
        before, self._facts = self._facts, facts
        for name, value in changed.items():
            self._tell(Event(self.now_us, name, value))
        if before:
            self._judge(before, facts)

    def facts(self) -> dict[str, Fact]:
        """What is true now, in steps worth telling; analogue values are in the state report."""
        bolt = "locked" if self.lock.locked else "unlocked" if self.lock.unlocked else "between"
        return {
            "plugged": self.plugged,
            "pilot": self.pilot.wave.value,
            "duty": round(self.pilot.duty, 2),
            "car_asks": self.car.s2 or self.car.stuck_s2,
            "relay_1": self.contactors[0].coil,
            "contactor_1": self.contactors[0].closed,
            "contactor_2": self.contactors[1].closed,
            "lock": bolt if self.lock.kind else "none",
            "current_a": self.car.current_a,
            "rcd_tripped": self.rcd.tripped,
            "rcd_test": self.rcd.testing,
            "emergency": self.emergency,
            "key": self.key,
            "mains": self.mains,
            "fan": self.fan_pwm > 0,
            "car_full": self.car.full,
        }

    def _judge(self, before: dict[str, Fact], facts: dict[str, Fact]) -> None:
        """Tell as hazards what no firmware may let happen."""
        if facts["contactor_1"] and not before["contactor_1"]:
            if not facts["car_asks"] or not facts["plugged"]:
                self._tell(
                    Event(self.now_us, "hazard", "contactor closed without a car that asks for energy")
                )
            if self._opened_us is not None and self.now_us - self._opened_us < RECLOSE_GUARD_US:
                self._tell(Event(self.now_us, "hazard", "contactor closed again within 6 s"))
        if before["contactor_1"] and not facts["contactor_1"]:
            self._opened_us = self.now_us
        if before["lock"] == "locked" and facts["lock"] != "locked" and facts["contactor_1"]:
            self._tell(Event(self.now_us, "hazard", "plug unlocked under voltage"))
        if before["plugged"] and not facts["plugged"] and facts["contactor_1"]:
            self._tell(Event(self.now_us, "hazard", "plug pulled under voltage"))

    def _tell(self, event: Event) -> None:
        self.events.append(event)
        if len(self.events) > EVENTS_KEPT:
            del self.events[: EVENTS_KEPT // 2]
        self.on_event(event)

    def _driven(self, line: Line, *, idle: bool = False) -> bool:
        """Level that a line's receiver sees: what the SoC drives, or the board's pull resistor."""
        pin = self.pins[line]
        return pin.level if pin.output else idle

    def _external(self, number: int) -> bool:
        if number in DIGITAL_INPUTS:
            return self.inputs.level(DIGITAL_INPUTS.index(Line(number)) + 1)
        if number in ROTARY_BITS:
            return self.rotary.level(ROTARY_BITS.index(Line(number)))
        if number in STRAPS:
            return bool(VARIANT_STRAPS[self.options.variant] >> STRAPS.index(Line(number)) & 1)
        match number:
            case Line.SENSE_1:
                return self.contactors[0].sense
            case Line.SENSE_2:
                return self.contactors[1].sense and self.options.variant != 100
            case Line.LOCK_FAULT:
                return not self.lock.fault
            case Line.COVER_FAULT:
                return not self.cover.fault
            case Line.MAINS_PRESENT:
                return self.mains
            case Line.FAN_ROTATION:
                return self.fan_pwm > 0 and self.now_us // FAN_HALF_TURN_US % 2 == 1
            case Line.LOCK_IN1:
                return True
        return False


_WATCHED: Final = (
    *DIGITAL_INPUTS,
    Line.SENSE_1,
    Line.SENSE_2,
    Line.LOCK_FAULT,
    Line.COVER_FAULT,
    Line.MAINS_PRESENT,
)
"""Input lines whose edges somebody may wait for."""


def _led_names(options: Options) -> tuple[str, str, str]:
    if options.old_led_names:
        return ("evse:green:led1", "evse:yellow:led2", "evse:red:led3")
    return ("green:boot", "yellow:programming", "red:heartbeat")
