"""Floats and decimals as EXI writes them (7.1.3, 7.1.4); the binding calls this when a message has one.

No published message set has any, so nothing of this is loaded before."""

from __future__ import annotations

import math
from decimal import Decimal

_NOT_FINITE = -16384
"""The exponent that says: no finite number. The mantissa says which."""
_MOST_UNSIGNED = (1 << 64) - 1
_MOST_DIGITS = len(str(_MOST_UNSIGNED))


def float_parts(value: object) -> tuple[int, int]:
    """Mantissa and exponent (of ten) of a float: the fewest digits that say it, no zeros at their end.

    Raises:
        TypeError: it is no number.
        ValueError: it is larger than a float can be.
    """
    if not isinstance(value, int | float | Decimal) or isinstance(value, bool):
        raise TypeError(f"{type(value).__name__} is no number")
    try:
        number = float(value)
    except OverflowError as error:
        raise ValueError("it is larger than a float can be") from error
    if math.isnan(number):
        return 0, _NOT_FINITE
    if math.isinf(number):
        return (1 if number > 0 else -1), _NOT_FINITE
    # At most 17 digits: 64 bits have room for them.
    digits, _, exponent = repr(number).partition("e")
    whole, _, fraction = digits.partition(".")
    mantissa, scale = int(whole + fraction), int(exponent or 0) - len(fraction)
    if mantissa == 0:
        return 0, 0
    while mantissa % 10 == 0:
        mantissa //= 10
        scale += 1
    return mantissa, scale


def decimal_parts(value: object) -> tuple[bool, int, int]:
    """Whether a decimal is below zero, its whole part, and the digits behind the point backwards.

    Raises:
        TypeError: it is no number.
        ValueError: it is not finite, or 64 bits have no room for one of its parts.
    """
    if not isinstance(value, int | float | Decimal) or isinstance(value, bool):
        raise TypeError(f"{type(value).__name__} is no number")
    # Of a float the digits that it shows, not those of the binary fraction nearest to them.
    number = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    if not number.is_finite():
        raise ValueError(f"{number} is not finite")
    if not number:
        return False, 0, 0
    # Before the digits are written out: 1E+1000000 has a million.
    if not -_MOST_DIGITS <= number.adjusted() < _MOST_DIGITS:
        raise ValueError("it has too many digits")
    whole, _, fraction = format(number.copy_abs(), "f").partition(".")
    integral, backwards = int(whole), int(fraction.rstrip("0")[::-1] or "0")
    if max(integral, backwards) > _MOST_UNSIGNED:
        raise ValueError("it has too many digits")
    return number.is_signed(), integral, backwards
