"""Plug locks that can be driven: how long, and which sense voltages mean locked and unlocked.

The windows are in mV at the ADC of the lock's sense input, both ends included; a reading in neither window is
an unknown position. Lock types with equal figures share a row and are found by any of their names.
"""

from __future__ import annotations

from typing import Final

from chargectl.declarations.types import LockFeedback, LockType

LOCKS: Final[tuple[LockType, ...]] = (
    LockType(
        "KUESTER-02S",
        aliases=("EV-T2M3S-E-LOCK12V", "EV-T2M3SM-E-LOCK12V"),
        drive_ms=600,
        unlocked_mv=(2900, 3300),
        locked_mv=(0, 700),
        feedback=LockFeedback.NORMALLY_OPEN,
    ),
    LockType(
        "KUESTER-04S",
        aliases=(),
        drive_ms=600,
        unlocked_mv=(2700, 3300),
        locked_mv=(0, 1950),
        feedback=LockFeedback.NORMALLY_OPEN,
    ),
    LockType(
        "HELLA-MICRO-ACTUATOR-1",
        aliases=("WALTHER-WERKE-9798999009", "INTRAMCO-603205"),
        drive_ms=400,
        unlocked_mv=(2900, 3300),
        locked_mv=(0, 950),
        feedback=LockFeedback.NORMALLY_CLOSED,
    ),
    LockType(
        "SCAME-200.23260BS",
        aliases=("SCAME-200.23261BS",),
        drive_ms=500,
        unlocked_mv=(2900, 3300),
        locked_mv=(0, 700),
        feedback=LockFeedback.NORMALLY_OPEN,
    ),
    LockType(
        "SCAME-200.23261BP",
        aliases=(),
        drive_ms=500,
        unlocked_mv=(2700, 3300),
        locked_mv=(0, 950),
        feedback=LockFeedback.NORMALLY_OPEN,
    ),
    # Without a switch every voltage is in both windows: the position is unknown and driving is trusted.
    LockType(
        "SCAME-200.23261BL",
        aliases=(),
        drive_ms=500,
        unlocked_mv=(0, 3300),
        locked_mv=(0, 3300),
        feedback=LockFeedback.NONE,
    ),
)

LOCK_NAMES: Final[tuple[str, ...]] = tuple(name for lock in LOCKS for name in (lock.name, *lock.aliases))
"""All names that ``ports[0]/plug_lock/type`` takes."""

DEFAULT_LOCK: Final = "EV-T2M3S-E-LOCK12V"

_BY_NAME: Final = {name: lock for lock in LOCKS for name in (lock.name, *lock.aliases)}


def by_name(name: str) -> LockType | None:
    """The lock type of that name or alias, as the guide spells it; None when there is none."""
    return _BY_NAME.get(name)
