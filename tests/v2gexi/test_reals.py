"""Floats and decimals: what EXIficient writes for the same texts."""

from __future__ import annotations

import math
import sys
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from v2gexi._reals import decimal_parts, float_parts


@pytest.mark.parametrize(
    ("value", "parts"),
    [
        (0.0, (0, 0)),
        (-0.0, (0, 0)),
        (1.0, (1, 0)),
        (7, (7, 0)),
        (100.0, (1, 2)),
        (-1200.0, (-12, 2)),
        (1.5, (15, -1)),
        (Decimal("1.50"), (15, -1)),
        (0.1, (1, -1)),
        (1e-7, (1, -7)),
        (1e100, (1, 100)),
        (0.1 + 0.2, (30000000000000004, -17)),
        (sys.float_info.max, (17976931348623157, 292)),
        (5e-324, (5, -324)),
        (math.inf, (1, -16384)),
        (-math.inf, (-1, -16384)),
        (math.nan, (0, -16384)),
        (Decimal("NaN"), (0, -16384)),
    ],
)
def test_parts_of_a_float(value: Any, parts: tuple[int, int]) -> None:
    assert float_parts(value) == parts


def test_every_float_comes_back() -> None:
    random = Random(20261121)
    for _ in range(2000):
        number = random.uniform(-1, 1) * 10.0 ** random.randint(-300, 300)
        mantissa, exponent = float_parts(number)
        assert float(f"{mantissa}e{exponent}") == number
        assert abs(mantissa) < 1 << 63
        assert mantissa % 10


@pytest.mark.parametrize(
    ("value", "parts"),
    [
        ("0", (False, 0, 0)),
        ("-0.0", (False, 0, 0)),
        ("0E-5000", (False, 0, 0)),
        ("1.0", (False, 1, 0)),
        ("100", (False, 100, 0)),
        ("1E+2", (False, 100, 0)),
        ("1.50", (False, 1, 5)),
        ("-1.5", (True, 1, 5)),
        ("-0.05", (True, 0, 50)),
        ("0.005", (False, 0, 500)),
        ("12.3400", (False, 12, 43)),
        (f"{2**64 - 1}.{str(2**64 - 1)[::-1]}", (False, 2**64 - 1, 2**64 - 1)),
        ("1E-20", (False, 0, 10**19)),
    ],
)
def test_parts_of_a_decimal(value: str, parts: tuple[bool, int, int]) -> None:
    assert decimal_parts(Decimal(value)) == parts


def test_numbers_of_other_kinds_are_decimals_too() -> None:
    assert decimal_parts(-3) == (True, 3, 0)
    assert decimal_parts(0.1) == (False, 0, 1)
    assert decimal_parts(1e-07) == (False, 0, 1000000)


@pytest.mark.parametrize("parts", [float_parts, decimal_parts])
@pytest.mark.parametrize("value", ["1", None, True, b"1", [1], 1j])
def test_what_is_no_number(parts: Any, value: object) -> None:
    with pytest.raises(TypeError, match="is no number"):
        parts(value)


@pytest.mark.parametrize(
    "value",
    [
        *(Decimal(text) for text in ("NaN", "sNaN", "Infinity", "1E+20", "1E-21", "1E+999999", "1E-999999")),
        Decimal(2**64),
        Decimal(f"0.{str(2**64)[::-1]}"),
        Decimal("0." + "1" * 5000),
        10**5000,
        math.inf,
        math.nan,
        1e300,
    ],
    ids=lambda value: str(value)[:20] if not isinstance(value, int) else "10**5000",
)
def test_decimals_that_cannot_be_written(value: Any) -> None:
    with pytest.raises(ValueError, match=r"."):
        decimal_parts(value)


def test_numbers_that_no_float_is() -> None:
    with pytest.raises(ValueError, match="larger than a float can be"):
        float_parts(10**400)
    with pytest.raises(ValueError, match=r"."):
        float_parts(Decimal("sNaN"))
