"""Proximity pilot: from the voltage at the converter to the cable's current rating (IEC 61851-1 Annex B)."""

from __future__ import annotations

from enum import Enum, unique
from typing import Final


@unique
class Cable(Enum):
    """What the proximity pilot says about the plugged cable; the value is the rating in ampere."""

    NONE = 0
    """No cable in the socket."""
    INVALID = -1
    """A resistance that no cable has."""
    A13 = 13
    A20 = 20
    A32 = 32
    A63 = 63
    """63 A on three phases, 70 A on one phase (Table B.2)."""


_THRESHOLDS_MV: Final = (
    (2459, Cable.NONE),
    (1813, Cable.A13),
    (1170, Cable.A20),
    (891, Cable.A32),
    (751, Cable.A63),
)
"""Lower edge at the converter's input for each class: board data of Charge Control C."""

SINGLE_PHASE_LARGE_A: Final = 70
"""Rating of the largest cable class in a single-phase station (IEC 61851-1 Table B.2)."""


def cable_for_voltage(proximity_mv: int) -> Cable:
    """Return the cable class for the voltage (mV) at the converter."""
    for threshold, cable in _THRESHOLDS_MV:
        if proximity_mv >= threshold:
            return cable
    return Cable.INVALID


def rating_a(cable: Cable, phases: int) -> int | None:
    """Return the cable's rating in ampere on ``phases`` (1 or 3) phases; None when there is no valid
    cable.
    """
    if cable in (Cable.NONE, Cable.INVALID):
        return None
    if cable is Cable.A63 and phases == 1:
        return SINGLE_PHASE_LARGE_A
    return int(cable.value)
