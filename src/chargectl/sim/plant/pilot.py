"""The control pilot line: the board's +-12 V source, the car's load, and the two peak detectors.

Source: IEC 61851-1 Annex A (12 V behind 1 kOhm; the car's 2.74 kOhm in series with a diode, 1.3 kOhm or
270 Ohm in parallel when it asks for energy).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, unique
from typing import Final

from chargectl.sim.lines import ADC_MAX, ADC_REFERENCE_MV

SOURCE_MV: Final = 12_000
SOURCE_OHM: Final = 1_000
DIODE_DROP_MV: Final = 700

SCALE_NUMERATOR: Final = 4561
SCALE_DENOMINATOR: Final = 476
OFFSET_MV: Final = 16_013
"""Board facts: pilot mV = ADC mV * 4561 / 476 - 16013."""


def to_raw(pilot_mv: float) -> int:
    """The 12 bit reading of a pilot voltage, clipped to what the converter can show."""
    adc_mv = (pilot_mv + OFFSET_MV) * SCALE_DENOMINATOR / SCALE_NUMERATOR
    return min(max(round(adc_mv * ADC_MAX / ADC_REFERENCE_MV), 0), ADC_MAX)


def from_raw(raw: int) -> float:
    """The pilot voltage in mV that a reading stands for."""
    return raw * ADC_REFERENCE_MV / ADC_MAX * SCALE_NUMERATOR / SCALE_DENOMINATOR - OFFSET_MV


@dataclass(frozen=True, slots=True)
class Load:
    """What hangs on the pilot line: a resistance to PE in ohms, in series with a diode or not."""

    ohm: float
    diode: bool = True


OPEN: Final = None
"""No load: nothing is plugged in."""
SHORTED: Final = Load(ohm=0, diode=False)


def line_mv(source_mv: float, load: Load | None) -> float:
    """Voltage on the line in mV for a source voltage behind 1 kOhm and a load."""
    if load is None:
        return source_mv
    if not load.diode:
        return source_mv * load.ohm / (SOURCE_OHM + load.ohm)
    if source_mv <= DIODE_DROP_MV:
        return source_mv
    return DIODE_DROP_MV + (source_mv - DIODE_DROP_MV) * load.ohm / (SOURCE_OHM + load.ohm)


@unique
class Wave(Enum):
    """The shape of what the source drives."""

    OFF = "off"
    """0 V: the source is not switched through to the line (state E)."""
    HIGH = "steady +12 V"
    LOW = "steady -12 V"
    PWM = "PWM"


class PilotLine:
    """The line with its source and peak detectors.

    Each detector follows the line to a new extreme and holds it. An active reset clamps it to the far rail:
    after the release the next extreme is acquired from scratch. A change of level towards zero therefore
    stays invisible until a reset.
    """

    def __init__(self) -> None:
        self.now_us = 0
        self.connected = False
        """Level of CP_INVERT: the source reaches the line."""
        self.load: Load | None = OPEN
        self.offset_mv = 0.0
        """Error of the source, for tests of the tolerances."""
        self.reset_positive = False
        self.reset_negative = False
        self._period_ns = 0
        self._high_ns = 0
        self._running = False
        self._origin_ns = 0
        self._disturbance: tuple[int, float] | None = None
        self._positive_mv = 0.0
        self._negative_mv = 0.0
        self._acquire_now()

    @property
    def next_us(self) -> int | None:
        """When a disturbance ends, or None."""
        return self._disturbance[0] if self._disturbance else None

    @property
    def wave(self) -> Wave:
        """What the source drives now."""
        if not self.connected:
            return Wave.OFF
        if not self._running or self._high_ns <= 0:
            return Wave.LOW
        return Wave.HIGH if self._high_ns >= self._period_ns else Wave.PWM

    @property
    def duty(self) -> float:
        """Duty cycle on the line in percent; 0 while the source is off or steady -12 V."""
        return 0.0 if self.wave in (Wave.OFF, Wave.LOW) else 100 * self._high_ns / self._period_ns

    @property
    def high_mv(self) -> float:
        """Line voltage in mV in the high phase (of whatever wave is driven)."""
        return self._level(high=True)

    @property
    def low_mv(self) -> float:
        """Line voltage in mV in the low phase (of whatever wave is driven)."""
        return self._level(high=False)

    @property
    def positive_peak_mv(self) -> float:
        """What the positive detector holds, in mV."""
        return self._positive_mv

    @property
    def negative_peak_mv(self) -> float:
        """What the negative detector holds, in mV."""
        return self._negative_mv

    def set_pwm(self, *, running: bool, period_ns: int, high_ns: int) -> None:
        """Drive the source; a stopped PWM leaves its output low, which is -12 V while switched through."""
        if running and not self._running:
            self._origin_ns = self.now_us * 1000
        self._running, self._period_ns, self._high_ns = running, period_ns, high_ns
        self._acquire_now()

    def set_connected(self, connected: bool) -> None:
        """Switch the source through to the line, or off it."""
        self.connected = connected
        self._acquire_now()

    def set_load(self, load: Load | None) -> None:
        """Hang a load on the line; None is an open line."""
        self.load = load
        self._acquire_now()

    def set_resets(self, *, positive: bool, negative: bool) -> None:
        """Activate or release the reset lines of the detectors."""
        self.reset_positive, self.reset_negative = positive, negative
        self._acquire_now()

    def disturb(self, level_mv: float, duration_us: int) -> None:
        """Force the line to a voltage for a while (a glitch, as a loose contact makes it)."""
        self._disturbance = (self.now_us + duration_us, level_mv)
        self._acquire_now()

    def advance(self, to_us: int) -> None:
        """Move on; the peaks take in every level that the line has had meanwhile."""
        sees_high, sees_low = self._phases(self.now_us * 1000, to_us * 1000)
        self.now_us = to_us
        self._acquire(sees_high, sees_low)
        if self._disturbance and self._disturbance[0] <= to_us:
            self._disturbance = None
            self._acquire_now()

    def _level(self, *, high: bool) -> float:
        if self._disturbance:
            return self._disturbance[1]
        wave = self.wave
        if wave is Wave.OFF:
            return 0.0
        up = wave is Wave.HIGH or (wave is Wave.PWM and high)
        return line_mv((SOURCE_MV if up else -SOURCE_MV) + self.offset_mv, self.load)

    def _phases(self, start_ns: int, end_ns: int) -> tuple[bool, bool]:
        """Whether the closed interval touches a high phase and a low phase."""
        if self.wave is not Wave.PWM or end_ns - start_ns >= self._period_ns:
            return True, True
        start = (start_ns - self._origin_ns) % self._period_ns
        end = start + end_ns - start_ns
        high = start < self._high_ns or end >= self._period_ns
        low = end >= self._high_ns if start < self._high_ns else True
        return high, low

    def _acquire_now(self) -> None:
        self._acquire(*self._phases(self.now_us * 1000, self.now_us * 1000))

    def _acquire(self, sees_high: bool, sees_low: bool) -> None:
        levels = [self._level(high=high) for high, seen in ((True, sees_high), (False, sees_low)) if seen]
        self._positive_mv = from_raw(0) if self.reset_positive else max(self._positive_mv, *levels)
        self._negative_mv = from_raw(ADC_MAX) if self.reset_negative else min(self._negative_mv, *levels)
