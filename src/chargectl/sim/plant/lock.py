"""A plug lock on a motor driver: travel, position switch, supply capacitor and the ways it fails."""

from __future__ import annotations

import math
from enum import Enum, unique
from typing import Final

from chargectl.declarations.types import LockFeedback, LockType
from chargectl.sim.lines import ADC_MAX, ADC_REFERENCE_MV

TRAVEL_SHARE: Final = 0.6
"""Share of the type's drive time that a healthy motor needs from end to end."""

CAPACITOR_FULL_MV: Final = 12_000.0
CAPACITOR_CHARGE_US: Final = 1_500_000
"""Time constant of charging."""
CAPACITOR_DRAIN_MV_PER_US: Final = 1_500 / 600_000
"""A long drive of 600 ms costs 1.5 V."""
CAPACITOR_LOW_MV: Final = 6_500.0
"""Below this the driver reports a fault and the motor does not move."""
CAPACITOR_NUMERATOR: Final = 90
CAPACITOR_DENOMINATOR: Final = 22

LOCKED_FROM: Final = 0.95
UNLOCKED_UP_TO: Final = 0.05

NO_SWITCH_MV: Final = ADC_REFERENCE_MV
"""An open sense input is pulled up."""


@unique
class Drive(Enum):
    """What the two inputs make of the motor (guide 7.6: M+ = IN1 and not IN2, M- = IN2 and not IN1)."""

    COAST = 0
    LOCK = 1
    """M+: towards locked."""
    UNLOCK = -1
    """M-: towards unlocked."""
    BRAKE = 2


def drive_of(in1: bool, in2: bool) -> Drive:
    """The motor's drive for the inputs' logical states (True is active, whatever its level)."""
    if in1 and in2:
        return Drive.BRAKE
    return Drive.LOCK if in1 else Drive.UNLOCK if in2 else Drive.COAST


class PlugLock:
    """One motor with its lock. ``position`` is 0.0 unlocked to 1.0 locked.

    ``kind`` None is a connector with nothing attached: it drives into the void and senses an open input.
    """

    def __init__(self, kind: LockType | None) -> None:
        self.now_us = 0
        self.kind = kind
        self.drive = Drive.COAST
        self.position = 0.0
        self.blocked_at: float | None = None
        """A position that the bolt cannot pass (a jam); None when it is free."""
        self.driver_fault = False
        """Overcurrent or overtemperature: the motor does not move and the FAULT line is active."""
        self.sense_broken = False
        """The switch's wire is off: the input is open."""
        self.capacitor_broken = False
        """The capacitor does not take a charge."""
        self.capacitor_mv = CAPACITOR_FULL_MV

    @property
    def next_us(self) -> int | None:
        """When the bolt reaches an end or a switching point, or None."""
        if not self._moves:
            return None
        speed = self._speed * (1 if self.drive is Drive.LOCK else -1)
        marks = (0.0, UNLOCKED_UP_TO, LOCKED_FROM, 1.0)
        ahead = [(mark - self.position) / speed for mark in marks if (mark - self.position) * speed > 1e-9]
        return self.now_us + max(math.ceil(min(ahead)), 1) if ahead else None

    @property
    def fault(self) -> bool:
        """The driver reports a fault (the FAULT line is low)."""
        return self.driver_fault or self.capacitor_mv < CAPACITOR_LOW_MV

    @property
    def locked(self) -> bool:
        """The bolt really holds the plug, whatever the switch says."""
        return self.kind is not None and self.position >= LOCKED_FROM

    @property
    def unlocked(self) -> bool:
        """The plug can really be taken out, whatever the switch says."""
        return self.kind is None or self.position <= UNLOCKED_UP_TO

    @property
    def sense_mv(self) -> float:
        """Voltage of the position switch at the ADC in mV: mid-window at the ends, else between them."""
        if self.kind is None or self.sense_broken or self.kind.feedback is LockFeedback.NONE:
            return float(NO_SWITCH_MV)
        if self.locked:
            return sum(self.kind.locked_mv) / 2
        if self.unlocked:
            return sum(self.kind.unlocked_mv) / 2
        return (self.kind.locked_mv[1] + self.kind.unlocked_mv[0]) / 2

    @property
    def sense_raw(self) -> int:
        """Reading of the sense channel."""
        return round(self.sense_mv * ADC_MAX / ADC_REFERENCE_MV)

    @property
    def capacitor_raw(self) -> int:
        """Reading of the capacitor channel."""
        adc_mv = self.capacitor_mv * CAPACITOR_DENOMINATOR / CAPACITOR_NUMERATOR
        return min(round(adc_mv * ADC_MAX / ADC_REFERENCE_MV), ADC_MAX)

    def advance(self, to_us: int) -> None:
        """Move the bolt, drain or charge the capacitor until a moment."""
        elapsed = to_us - self.now_us
        if self._moves:
            self._travel(elapsed)
        if self.drive in (Drive.LOCK, Drive.UNLOCK) and not self.driver_fault:
            self.capacitor_mv = max(self.capacitor_mv - elapsed * CAPACITOR_DRAIN_MV_PER_US, 0.0)
        elif not self.capacitor_broken:
            missing = CAPACITOR_FULL_MV - self.capacitor_mv
            self.capacitor_mv = CAPACITOR_FULL_MV - missing * math.exp(-elapsed / CAPACITOR_CHARGE_US)
        self.now_us = to_us

    @property
    def _moves(self) -> bool:
        driven = self.drive in (Drive.LOCK, Drive.UNLOCK)
        return driven and self.kind is not None and not self.fault

    @property
    def _speed(self) -> float:
        assert self.kind is not None
        return 1.0 / (self.kind.drive_ms * 1000 * TRAVEL_SHARE)

    def _travel(self, elapsed_us: int) -> None:
        way = self._speed * elapsed_us
        if self.drive is Drive.LOCK:
            end = 1.0
            if self.blocked_at is not None and self.position <= self.blocked_at:
                end = self.blocked_at
            self.position = min(self.position + way, end)
        else:
            end = 0.0
            if self.blocked_at is not None and self.position >= self.blocked_at:
                end = self.blocked_at
            self.position = max(self.position - way, end)
