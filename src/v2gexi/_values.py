"""Simple values: as JSON has them, as XML writes them, and what the schema forbids."""

from __future__ import annotations

import base64
import binascii
import math
import re
from typing import Any

from v2gexi._places import shown
from v2gexi.schema import NO_LENGTH_LIMIT, Kind, Value

_NUMBERS = (Kind.NBIT, Kind.UNSIGNED, Kind.INTEGER, Kind.BIG)
_REALS = (Kind.FLOAT, Kind.DECIMAL)
_NOT_FINITE = {"INF": math.inf, "-INF": -math.inf, "NaN": math.nan}
_INTEGER = re.compile(r"[+-]?[0-9]+")
_DECIMAL = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)")
_FLOAT = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")
_XML_SPACE = " \t\r\n"
_MOST_DIGITS = 4000  # what int() takes without complaint (sys.int_info.default_max_str_digits is 4300)


def kind_problem(value: Value, given: object) -> str | None:
    """What is wrong with the Python type of a value; None if nothing is."""
    wanted: str | None = None
    if value.kind is Kind.BOOLEAN:
        wanted = None if isinstance(given, bool) else "True or False"
    elif value.kind in _NUMBERS:
        wanted = None if isinstance(given, int) and not isinstance(given, bool) else "an integer"
    elif value.kind in (Kind.HEX, Kind.BASE64):
        wanted = None if isinstance(given, bytes | bytearray | memoryview) else "bytes"
    elif value.kind in _REALS:
        wanted = None if _is_real(given) else "a number that can be written"
    elif not isinstance(given, str):
        wanted = "a text"
    return None if wanted is None else f"{shown(given)} is a {type(given).__name__}, not {wanted}"


def _is_real(given: object) -> bool:
    from decimal import Decimal

    return isinstance(given, int | float | Decimal) and not isinstance(given, bool)


def problem(value: Value, given: Any) -> str | None:
    """What the schema forbids about a value; None if it is allowed."""
    wrong = kind_problem(value, given)
    if wrong is not None:
        return wrong
    if value.kind is Kind.ENUM:
        return None if given in value.words else f"{shown(given)} is none of {', '.join(value.words)}"
    if value.kind in _NUMBERS:
        return _range_problem(value, given)
    if value.kind in (Kind.STRING, Kind.HEX, Kind.BASE64):
        return _length_problem(value, given)
    return None


def _range_problem(value: Value, number: int) -> str | None:
    if number < value.minimum and (value.kind is not Kind.BIG or value.minimum >= 0):
        return f"{number} is below {value.minimum}"
    if number > value.maximum and value.kind is not Kind.BIG:
        return f"{number} is above {value.maximum}"
    return None


def _length_problem(value: Value, given: str | bytes) -> str | None:
    length = len(given)
    if isinstance(given, str):
        unit = "characters"
        if any("\ud800" <= character <= "\udfff" for character in given):
            return f"{shown(given)} has characters that no text can have"
    else:
        unit = "bytes"
        length = memoryview(given).nbytes
    if value.max_length != NO_LENGTH_LIMIT and length > value.max_length:
        return f"{length} {unit} are more than {value.max_length}"
    if length < value.min_length:
        return f"{length} {unit} are less than {value.min_length}"
    return None


def to_json(value: Value, given: Any) -> Any:
    """A value as JSON has it.

    Raises:
        ValueError: it is of another kind than the schema's.
    """
    wrong = kind_problem(value, given)
    if wrong is not None:
        raise ValueError(wrong)
    if value.kind is Kind.HEX:
        return bytes(given).hex().upper()
    if value.kind is Kind.BASE64:
        return base64.b64encode(given).decode("ascii")
    if value.kind is Kind.DECIMAL:
        return _decimal_text(given)
    if value.kind is Kind.FLOAT:
        return given if math.isfinite(given) else _float_text(given)
    return given


def from_json(value: Value, data: Any) -> Any:
    """The opposite of :func:`to_json`; does not look at ranges and lengths.

    Raises:
        ValueError: it is of another kind than the schema's.
    """
    if value.kind in (Kind.HEX, Kind.BASE64):
        form = "hexadecimal digits" if value.kind is Kind.HEX else "base64"
        if not isinstance(data, str):
            raise ValueError(f"{shown(data)} is a {type(data).__name__}, not a text of {form}")
        return _bytes(value, data)
    if value.kind in _REALS and isinstance(data, str):
        return from_text(value, data)
    if value.kind is Kind.ENUM:
        wrong = problem(value, data)
    else:
        wrong = kind_problem(value, data)
    if wrong is not None:
        raise ValueError(wrong)
    return data


def to_text(value: Value, given: Any) -> str:
    """A value as XML writes it.

    Raises:
        ValueError: it is of another kind than the schema's.
    """
    data = to_json(value, given)
    if isinstance(data, bool):
        return "true" if data else "false"
    if value.kind is Kind.FLOAT:
        return _float_text(float(given))
    return str(data)


def from_text(value: Value, text: str) -> Any:
    """The opposite of :func:`to_text`, for every lexical form that XML Schema has; does not look at ranges
    and lengths.

    Raises:
        ValueError: it is no such form.
    """
    if value.kind is Kind.STRING:
        return text
    text = text.strip(_XML_SPACE)
    if value.kind is Kind.BOOLEAN:
        if text not in ("true", "false", "1", "0"):
            raise ValueError(f"{shown(text)} is none of true, false, 1, 0")
        return text in ("true", "1")
    if value.kind is Kind.ENUM:
        wrong = problem(value, text)
        if wrong is not None:
            raise ValueError(wrong)
        return text
    if value.kind in (Kind.HEX, Kind.BASE64):
        return _bytes(value, text)
    if value.kind in _REALS:
        return _real(value, text)
    if not _INTEGER.fullmatch(text) or len(text) > _MOST_DIGITS:
        raise ValueError(f"{shown(text)} is no integer")
    return int(text)


def _bytes(value: Value, text: str) -> bytes:
    try:
        if value.kind is Kind.BASE64:
            return base64.b64decode("".join(text.split()), validate=True)
        if not re.fullmatch(r"([0-9A-Fa-f]{2})*", text):
            raise ValueError
        return bytes.fromhex(text)
    except (ValueError, binascii.Error):
        form = "pairs of hexadecimal digits" if value.kind is Kind.HEX else "base64"
        raise ValueError(f"{shown(text)} is not {form}") from None


def _real(value: Value, text: str) -> Any:
    if value.kind is Kind.FLOAT:
        if text in _NOT_FINITE:
            return _NOT_FINITE[text]
        if _FLOAT.fullmatch(text):
            return float(text)
    elif _DECIMAL.fullmatch(text):
        from decimal import Decimal

        return Decimal(text)
    raise ValueError(f"{shown(text)} is no number")


def _float_text(number: float) -> str:
    if math.isnan(number):
        return "NaN"
    if math.isinf(number):
        return "INF" if number > 0 else "-INF"
    return repr(float(number)).replace("e+", "E").replace("e", "E")


def _decimal_text(given: Any) -> str:
    from decimal import Decimal

    number = given if isinstance(given, Decimal) else Decimal(str(given))
    if not number.is_finite():
        raise ValueError(f"{shown(given)} is no number that can be written")
    return format(number, "f")
