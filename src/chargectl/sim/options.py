"""How a simulated board is equipped and wired."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Final

from chargectl.sim.lines import PILOT_PWM, THRESHOLD_PWM, VARIANT_STRAPS
from chargectl.sim.plant.cable import OHM_BY_RATING
from chargectl.sim.plant.car import CarKind
from chargectl.sim.plant.contactor import Feedback
from chargectl.sim.plant.rcd import RCD_KINDS

RELAY_2_USES: Final = ("ventilation", "phases", "free")


@dataclass(slots=True)
class Options:
    """Equipment of the board and of the station around it. All have a default: a three-phase 16 A socket."""

    variant: int = 200
    """100 (one relay), 200, or 300 (with fan)."""
    rotary: int = 0xB
    """Position 0..15 of SW2 (guide, table 16: B is 16 A on three phases)."""
    lock: str | None = "EV-T2M3S-E-LOCK12V"
    """Lock type or alias at X9; None where there is none (a fixed cable)."""
    socket: bool = True
    """A socket: the cable has a proximity resistor. Otherwise the cable is fixed and the contact open."""
    cable_a: int = 32
    """Class of the cable that gets plugged in: 13, 20, 32 or 63 A."""
    phases: int = 3
    """Phases that the station is wired with."""
    contactor_feedback: str = "no"
    relay_2: str = "ventilation"
    """What relay 2 switches: ventilation, phases (L2 and L3) or free."""
    relay_2_feedback: str = "no"
    rcd: str = "western-automation-rcm14-01"
    rcd_healthy_high: bool = True
    """Level of the feedback while all is well (configuration: polarity active_high)."""
    rcd_test_active_high: bool = True
    emergency_active_high: bool = True
    iio_index: int = 3
    """Number of the ADC's iio:device; lower numbers are other devices."""
    pwm_index: dict[str, int] = field(default_factory=lambda: {"20fc000.pwm": 0, "2084000.pwm": 1})
    old_led_names: bool = False
    """LED names of older device trees."""
    temperatures_c: dict[str, float] = field(default_factory=lambda: {"28-0000075a1b2c": 31.5})
    """1-Wire sensors by their id, with what they measure."""
    car: CarKind = field(default_factory=CarKind)

    def __post_init__(self) -> None:
        _one_of("variant", self.variant, VARIANT_STRAPS)
        _one_of("rotary", self.rotary, range(16))
        _one_of("cable_a", self.cable_a, OHM_BY_RATING)
        _one_of("phases", self.phases, (1, 3))
        _one_of("contactor_feedback", self.contactor_feedback, [kind.value for kind in Feedback])
        _one_of("relay_2", self.relay_2, RELAY_2_USES)
        _one_of("relay_2_feedback", self.relay_2_feedback, [kind.value for kind in Feedback])
        _one_of("rcd", self.rcd, RCD_KINDS)
        _one_of("iio_index", self.iio_index, range(10))
        _one_of("pwm_index", sorted(self.pwm_index), [sorted((PILOT_PWM, THRESHOLD_PWM))])
        for sensor, celsius in self.temperatures_c.items():
            finite(f"option temperatures_c: {sensor}", celsius)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Options:
        """Options from a JSON object; raises ValueError for an unknown name or value."""
        known = {item.name for item in fields(cls)}
        unknown = sorted(set(values) - known)
        if unknown:
            raise ValueError(f"option {unknown[0]!r}: one of {', '.join(sorted(known))} is allowed")
        values = dict(values)
        if isinstance(values.get("car"), dict):
            values["car"] = car_from_json(values["car"])
        return cls(**values)

    def to_json(self) -> dict[str, Any]:
        """The options as JSON values."""
        return asdict(self)


def car_from_json(values: dict[str, Any]) -> CarKind:
    """A kind of car from a JSON object; raises ValueError for an unknown name."""
    known = {item.name for item in fields(CarKind)}
    unknown = sorted(set(values) - known)
    if unknown:
        raise ValueError(f"car option {unknown[0]!r}: one of {', '.join(sorted(known))} is allowed")
    kind = CarKind(**values)
    for name, value in asdict(kind).items():
        if isinstance(getattr(CarKind(), name), bool):
            _one_of(f"car.{name}", value, (False, True))
        else:
            finite(f"car option {name}", value)
    return kind


def finite(name: str, value: object) -> float:
    """A number as it is; raises ValueError for anything else, NaN and the infinities included."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{name} = {value!r}: a finite number is allowed")
    return value


def _one_of(name: str, value: object, allowed: Any) -> None:
    if value not in allowed:
        raise ValueError(f"option {name} = {value!r}: one of {', '.join(map(str, allowed))} is allowed")
