"""The charging cable: its current class, told to the board by a resistor on the proximity contact.

Source: IEC 61851-1 Annex B (1.5 kOhm 13 A, 680 Ohm 20 A, 220 Ohm 32 A, 100 Ohm 63 A). The board's network of
1 kOhm to 3.3 V and 220 Ohm in series is derived from the published thresholds, which it meets to 1 mV.
"""

from __future__ import annotations

from typing import Final

PULL_UP_MV: Final = 3300
PULL_UP_OHM: Final = 1000
SERIES_OHM: Final = 220

OHM_BY_RATING: Final = {13: 1500.0, 20: 680.0, 32: 220.0, 63: 100.0}
"""Resistor in ohms by the cable's current class in amperes."""


def proximity_mv(ohm: float | None) -> float:
    """Voltage in mV at the ADC for a resistor on the proximity contact; None is an open contact."""
    if ohm is None:
        return float(PULL_UP_MV)
    return PULL_UP_MV * (ohm + SERIES_OHM) / (ohm + SERIES_OHM + PULL_UP_OHM)
