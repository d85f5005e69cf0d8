"""What people touch: digital inputs against a common threshold, and the rotary switch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

SUPPLY_MV: Final = 12_000
"""Switches on the digital inputs connect them to 12 V."""
THRESHOLD_FULL_SCALE_MV: Final = 12_000


@dataclass(slots=True)
class DigitalInputs:
    """Six inputs that compare their voltage with one threshold set by PWM (guide 7.9.1)."""

    voltage_mv: list[int] = field(default_factory=lambda: [0] * 6)
    threshold_mv: float = 0.0

    def set_threshold(self, *, running: bool, period_ns: int, high_ns: int) -> None:
        """Take the threshold from its PWM: full duty is 12 V, a stopped PWM 0 V."""
        on = running and period_ns > 0
        self.threshold_mv = THRESHOLD_FULL_SCALE_MV * high_ns / period_ns if on else 0.0

    def level(self, number: int) -> bool:
        """Level of DIG_IN_``number`` (1..6)."""
        return self.voltage_mv[number - 1] > self.threshold_mv


class RotarySwitch:
    """A sixteen-position coded switch with active-low bits.

    Between two positions (guide 4.2.2 warns of it) the contacts that differ are loose: they alternate from
    reading to reading.
    """

    def __init__(self, position: int = 0) -> None:
        self.set(position)

    def set(self, position: int, *, between: bool = False) -> None:
        """Turn to 0..15, or half-way from there to the next position.

        Raises ValueError for another position."""
        if not 0 <= position <= 15:
            raise ValueError(f"rotary position {position}: 0 to 15 is allowed")
        self.position = position
        self.between = between
        self._loose = 0

    def level(self, bit: int) -> bool:
        """Line level of bit 0..3, low when the bit is set; reading it moves a loose contact."""
        code = self.position
        if self.between:
            other = (self.position + 1) % 16
            if (code ^ other) >> bit & 1:
                self._loose ^= 1 << bit
                code ^= self._loose & (1 << bit)
        return not code >> bit & 1
