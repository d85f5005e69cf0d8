"""An electric vehicle on the pilot: it obeys the offered current, and the ways in which it may not."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from chargectl.sim.plant.pilot import Load, Wave

R_PRESENT_OHM: Final = 2740.0
R_CHARGE_OHM: Final = 1300.0
R_VENTILATION_OHM: Final = 270.0
DIGITAL_DUTY: Final = 5.0
DIGITAL_TOLERANCE: Final = 2.0
"""A duty cycle of 3 to 7 % asks for digital communication (IEC 61851-1 table A.8)."""


def offered_a(duty: float) -> float:
    """Current in A that a duty cycle in percent offers; 0 where none is (IEC 61851-1 table A.8)."""
    if 8 <= duty < 10:
        return 6.0
    if 10 <= duty <= 85:
        return 0.6 * duty
    if 85 < duty <= 96:
        return 2.5 * (duty - 64)
    return 80.0 if 96 < duty <= 97 else 0.0


def parallel(*ohms: float) -> float:
    """Resistance in ohms of resistors in parallel."""
    return 1 / sum(1 / ohm for ohm in ohms)


@dataclass(slots=True)
class CarKind:
    """What kind of car it is. Times are its own reactions to the pilot."""

    phases: int = 3
    max_a: float = 32.0
    capacity_wh: float = 60_000.0
    initial_wh: float = 20_000.0
    ventilation: bool = False
    """It asks for ventilation (state D) instead of C."""
    sleepy: bool = False
    """It ignores the PWM until the pilot was 0 V for ``wake_ms``."""
    s2_close_ms: int = 800
    """From a valid PWM to closing S2 (IEC 61851-1 table A.7 leaves it to the car)."""
    s2_open_ms: int = 1500
    """From the end of the offer to opening S2 (at most 3 s by sequence 10.1 of the standard)."""
    follow_ms: int = 300
    """From a changed offer to the changed current (at most 5 s)."""
    wake_ms: int = 3000
    digital: bool = False
    """It speaks ISO 15118: at 5 % duty, S2 and current are what its session says."""


class Car:
    """A car with a battery, an on-board charger, and switch S2."""

    def __init__(self, kind: CarKind | None = None) -> None:
        self.now_us = 0
        self.kind = kind or CarKind()
        self.connected = False
        self.willing = True
        """The driver (or the timer in the car) wants energy."""
        self.diode = True
        self.stuck_s2 = False
        """S2 cannot open: the car stays in C or D."""
        self.awake = not self.kind.sleepy
        self.session_s2 = False
        """What the car's ISO 15118 session wants of S2."""
        self.session_a = 0.0
        """The current per phase that the session lets it draw."""
        self.s2 = False
        self.current_a = 0.0
        """Current per phase."""
        self.energy_wh = self.kind.initial_wh
        self.received_wh = 0.0
        """Energy received since it was plugged in."""
        self._volts: tuple[float, ...] = (0.0, 0.0, 0.0)
        self._wave = Wave.OFF
        self._duty = 0.0
        self._s2_due: tuple[int, bool] | None = None
        self._current_due: tuple[int, float] | None = None
        self._wake_due_us: int | None = None

    @property
    def load(self) -> Load | None:
        """What the car hangs on the pilot."""
        if not self.connected:
            return None
        ohm = R_PRESENT_OHM
        if self.s2 or self.stuck_s2:
            ohm = parallel(ohm, R_VENTILATION_OHM if self.kind.ventilation else R_CHARGE_OHM)
        return Load(ohm, self.diode)

    @property
    def full(self) -> bool:
        """The battery takes no more."""
        return self.energy_wh >= self.kind.capacity_wh - 1e-6

    @property
    def power_w(self) -> float:
        """Power drawn now in W."""
        return self.current_a * sum(self._volts[: self.kind.phases])

    @property
    def next_us(self) -> int | None:
        """When the car changes by itself, or None."""
        dues = [due[0] for due in (self._s2_due, self._current_due) if due is not None]
        if self._wake_due_us is not None:
            dues.append(self._wake_due_us)
        if self.power_w > 0 and not self.full:
            hours = (self.kind.capacity_wh - self.energy_wh) / self.power_w
            dues.append(self.now_us + max(math.ceil(hours * 3.6e9), 1))
        return min(dues, default=None)

    def see(self, wave: Wave, duty: float, volts: tuple[float, ...]) -> None:
        """Take note of the pilot (duty in percent) and of the voltages at the inlet (V, three phases)."""
        pilot_changed = (wave, duty) != (self._wave, self._duty)
        self._wave, self._duty, self._volts = wave, duty, volts
        if wave is Wave.OFF and self.connected:
            if not self.awake and self._wake_due_us is None:
                self._wake_due_us = self.now_us + self.kind.wake_ms * 1000
        else:
            self._wake_due_us = None
        if not any(volts):
            self.current_a, self._current_due = 0.0, None
        self._decide(pilot_changed=pilot_changed)

    def connect(self) -> None:
        """Plug the car in; a sleepy one falls asleep again."""
        self.connected, self.received_wh = True, 0.0
        self.awake = not self.kind.sleepy
        self._decide(pilot_changed=True)

    def disconnect(self) -> None:
        """Unplug the car; S2 opens."""
        self.connected = self.s2 = self.session_s2 = False
        self.current_a = self.session_a = 0.0
        self._s2_due = self._current_due = self._wake_due_us = None

    def reconsider(self) -> None:
        """React to a change of what the driver wants or of a fault."""
        self._decide(pilot_changed=False)

    def advance(self, to_us: int) -> None:
        """Charge the battery and do what is due until a moment."""
        used_wh = min(
            self.power_w * (to_us - self.now_us) / 3.6e9, max(self.kind.capacity_wh - self.energy_wh, 0.0)
        )
        self.energy_wh += used_wh
        self.received_wh += used_wh
        self.now_us = to_us
        if self._wake_due_us is not None and self._wake_due_us <= to_us:
            self._wake_due_us, self.awake = None, True
        if self._current_due is not None and self._current_due[0] <= to_us:
            self.current_a, self._current_due = self._current_due[1], None
        if self._s2_due is not None and self._s2_due[0] <= to_us:
            self.s2, self._s2_due = self._s2_due[1], None
        if self.full:
            self.current_a = 0.0
        self._decide(pilot_changed=False)

    def _decide(self, *, pilot_changed: bool) -> None:
        if not self.connected:
            return
        pwm = self._wave is Wave.PWM and self.awake
        if self.kind.digital and pwm and abs(self._duty - DIGITAL_DUTY) < DIGITAL_TOLERANCE:
            self._obey_session()
            return
        offer = offered_a(self._duty) if pwm else 0.0
        wants = self.willing and not self.full
        self._switch(close=wants and offer > 0)
        charges = (self.s2 or self.stuck_s2) and wants and any(self._volts)
        self._follow(min(offer, self.kind.max_a) if charges else 0.0, restart=pilot_changed)

    def _obey_session(self) -> None:
        """At 5 % duty: the session has decided, the electronics follow at once."""
        self._s2_due = self._current_due = None
        self.s2 = self.session_s2
        flows = (self.s2 or self.stuck_s2) and not self.full and any(self._volts)
        self.current_a = min(self.session_a, self.kind.max_a) if flows else 0.0

    def _switch(self, *, close: bool) -> None:
        if close == self.s2:
            self._s2_due = None
        elif self._s2_due is None:
            delay_ms = self.kind.s2_close_ms if close else self.kind.s2_open_ms
            self._s2_due = (self.now_us + delay_ms * 1000, close)

    def _follow(self, target_a: float, *, restart: bool) -> None:
        planned = self._current_due[1] if self._current_due else self.current_a
        if target_a == planned and not restart:
            return
        if target_a == self.current_a:
            self._current_due = None
        elif target_a != planned or self._current_due is None:
            self._current_due = (self.now_us + self.kind.follow_ms * 1000, target_a)
