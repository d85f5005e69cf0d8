"""Numbers with a unit as the message sets write them: a 16-bit integer and a power of ten."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

_LARGEST: Final = 32767
_POWERS: Final = {exponent: 10.0**exponent for exponent in range(-3, 4)}
FINEST: Final = {"V": -1, "A": -1, "W": 0, "Wh": 0, "h": 0, "m": 0, "s": 0}
"""Power of ten of the last digit that is written, by unit. A tenth of a volt and ampere is what power
supplies measure; finer digits would only make the numbers of a charge loop change for nothing."""


def split(value: float, finest: int) -> tuple[int, int]:
    """Exponent and 16-bit integer of a value, with ``finest`` as the smallest exponent (-3 to 3).

    What is beyond ±32,767,000 becomes that: physically it means "no limit"."""
    for exponent in range(finest, 4):
        number = round(value / _POWERS[exponent])
        if -_LARGEST <= number <= _LARGEST:
            return exponent, number
    return 3, _LARGEST if value > 0 else -_LARGEST


def physical(module: Any, unit: str, value: float) -> Any:
    """A ``PhysicalValueType`` of DIN SPEC 70121 or ISO 15118-2.

    Args:
        module: :mod:`v2gexi.din` or :mod:`v2gexi.iso2`.
        unit: "V", "A", "W", "Wh", "h", "m" or "s".
        value: in that unit.
    """
    exponent, number = split(value, FINEST[unit])
    return _physical_type(module)(Multiplier=exponent, Unit=unit, Value=number)


@cache
def _physical_type(module: Any) -> Any:
    return module.PhysicalValueType


def rational(module: Any, value: float, finest: int = -1) -> Any:
    """A ``RationalNumberType`` of ISO 15118-20, with ``finest`` as its smallest exponent."""
    exponent, number = split(value, finest)
    return _rational_type(module)(Exponent=exponent, Value=number)


@cache
def _rational_type(module: Any) -> Any:
    return module.RationalNumberType


def number(value: Any) -> float:
    """What a ``PhysicalValueType`` or ``RationalNumberType`` says, in its unit."""
    exponent = value.Multiplier if hasattr(value, "Multiplier") else value.Exponent
    # An exponent beyond the schema's -3 to 3 is decoded as it comes; ** takes any signed byte.
    power = _POWERS.get(exponent)
    return float(value.Value * (power if power is not None else 10.0**exponent))


def number_or_none(value: Any) -> float | None:
    """The same for an element that may be absent."""
    return None if value is None else number(value)


def negative(*values: Any) -> bool:
    """Whether one of these is below zero; elements may be absent (None)."""
    return any(value is not None and number(value) < 0 for value in values)
