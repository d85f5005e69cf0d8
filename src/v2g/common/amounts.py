"""Numbers of ISO 15118-20 messages: writing them, and adding up the phases."""

from __future__ import annotations

from typing import Any

from v2g.common.values import number, number_or_none, rational
from v2gexi import iso20_common as common


def volts(value: float) -> common.RationalNumberType:
    """A voltage, to a tenth."""
    return _rational(value, -1)


def amperes(value: float) -> common.RationalNumberType:
    """A current, to a tenth."""
    return _rational(value, -1)


def watts(value: float) -> common.RationalNumberType:
    """A power, to one."""
    return _rational(value, 0)


def hertz(value: float) -> common.RationalNumberType:
    """A frequency, to a hundredth."""
    return _rational(value, -2)


def _rational(value: float, finest: int) -> common.RationalNumberType:
    written: common.RationalNumberType = rational(common, value, finest)
    return written


def watts_or_none(value: float | None) -> common.RationalNumberType | None:
    """The same, for what may not be known."""
    return None if value is None else watts(value)


def phases(owner: Any, name: str) -> float | None:
    """Sum of an element and its _L2 and _L3; None without the first.

    Without the others the first stands for all phases."""
    first = number_or_none(getattr(owner, name))
    if first is None:
        return None
    return first + sum(
        number(value)
        for suffix in ("_L2", "_L3")
        if (value := getattr(owner, name + suffix, None)) is not None
    )
