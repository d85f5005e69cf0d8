"""Temperature sensors on the 1-Wire bus (guide 7.8; behind a DS2484 bridge)."""

from __future__ import annotations

from typing import Final

from chargectl.board.errors import BoardError
from chargectl.board.sysfs import CONTENT, list_names, read_text

_ROOT: Final = "/sys/bus/w1/devices"
_MISSING: Final = "is the sensor connected and the 1-Wire driver loaded?"
_FAMILIES: Final = ("10-", "22-", "28-", "3b-", "42-")
"""Family codes of the kernel's w1_therm driver: DS18S20, DS1822, DS18B20, DS1825, DS28EA00."""


def sensors() -> tuple[str, ...]:
    """Return the addresses of the temperature sensors present, sorted. Raises BoardError without a bus."""
    return tuple(name for name in list_names(_ROOT, "onewire", _MISSING) if name.startswith(_FAMILIES))


def temperature(sensor: str) -> int:
    """Measure and return a sensor's temperature in thousandths of a degree Celsius. Raises BoardError.

    A conversion takes up to 750 ms: nothing for a control loop.
    """
    path = f"{_ROOT}/{sensor}/temperature"
    text = read_text(path, "onewire", _MISSING)
    try:
        return int(text)
    except ValueError:
        # The driver gives an empty file when the checksum of the scratchpad is wrong.
        raise BoardError("onewire", path, None, problem=CONTENT) from None
