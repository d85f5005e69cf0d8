"""Duty cycle and current: IEC 61851-1 Tables A.7 (station) and A.8 (EV).

Duty cycles are given in hundredths of a percent (``centi``: 5333 is 53.33 %), currents in milliampere.
"""

from __future__ import annotations

from typing import Final

STEADY_CENTI: Final = 10_000
"""100 %: steady +12 V, no current offered."""
NEGATIVE_CENTI: Final = 0
"""0 %: steady -12 V, state F."""
HLC_CENTI: Final = 500
"""5 %: digital communication required before charging."""

MINIMUM_CURRENT_MA: Final = 6_000
"""The least current that can be offered (IEC 61851-1 Table A.7: 10 % = 6 A)."""
MAXIMUM_CURRENT_MA: Final = 80_000
"""The most that a duty cycle can express (96 % = 80 A)."""

_STEEP_FROM_MA: Final = 51_000
"""85 %: above it a percent is worth 2.5 A instead of 0.6 A."""


def duty_for_current(current_ma: int) -> int:
    """Return the duty cycle (centi) that offers ``current_ma``; 100 % below 6 A, at most 96 %.

    The duty is rounded down, so what is offered is never more than what was asked for.
    """
    if current_ma < MINIMUM_CURRENT_MA:
        return STEADY_CENTI
    current_ma = min(current_ma, MAXIMUM_CURRENT_MA)
    if current_ma <= _STEEP_FROM_MA:
        return current_ma // 6
    # Up to 52.5 A the steep line still lies below the 51 A that 85 % stands for.
    return max(_STEEP_FROM_MA // 6, 6_400 + current_ma // 25)


def current_for_duty(duty_centi: int) -> int:
    """Return the current (mA) that an EV may draw at ``duty_centi`` (0..10000).

    0 outside of 8 to 97 %; 6 A from 8 to 10 %; 80 A from 96 to 97 % (IEC 61851-1 Table A.8). The 5 % duty of
    digital communication stands for no current of its own and gives 0.
    """
    if duty_centi < 800 or duty_centi > 9_700:
        return 0
    if duty_centi <= 1_000:
        return MINIMUM_CURRENT_MA
    if duty_centi <= 8_500:
        return duty_centi * 6
    return min((duty_centi - 6_400) * 25, MAXIMUM_CURRENT_MA)
