"""Topic payloads as text: one strict reader and one writer for each kind of declared payload.

Anybody on the network may publish, so a reader accepts exactly what the declaration allows and answers
everything else with :class:`PayloadError`; no other exception leaves this module for any bytes.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import NoReturn, TypeVar

from chargectl.declarations.types import JsonValue, Payload, Topic

Value = JsonValue | datetime
"""A decoded payload: bool, int, float, str, datetime (UTC), a JSON value, or None for a signal."""

MAXIMUM_JSON_BYTES = 64 * 1024
"""An EV's complete charging profile with its price levels stays below 32 KiB; twice that is refused."""
MAXIMUM_TEXT_BYTES = 1024
"""The longest declared text is a URL."""
MAXIMUM_JSON_DEPTH = 32
"""Deeper nesting than any declared message, and far from what a recursive reader could overflow on."""

_BLANKS = " \t\r\n"
_SHOWN_CHARACTERS = 40
_INTEGER = re.compile(r"-?[0-9]{1,18}")
_DECIMAL = re.compile(r"-?[0-9]{1,6}(\.[0-9]+)?")
_TIMESTAMP = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})"
)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_HALF_SURROGATE = re.compile("[\ud800-\udfff]")
_INTEGER_64_BIT = 2**63
_Number = TypeVar("_Number", int, float)


class PayloadError(ValueError):
    """A payload that its topic does not allow; the text is one printable ASCII line."""


class _RefusedError(Exception):
    """Internal: the payload does not fit; the caller words the message."""


def maximum_bytes(payload: Payload) -> int:
    """The longest accepted payload in bytes."""
    return MAXIMUM_JSON_BYTES if payload is Payload.JSON else MAXIMUM_TEXT_BYTES


def allowed(topic: Topic) -> str:
    """What the topic accepts, in words and on one line."""
    match topic.payload:
        case Payload.BOOL:
            return "1 or 0"
        case Payload.INTEGER:
            return "an integer" + _bounds(topic)
        case Payload.DECIMAL_1 | Payload.DECIMAL_2:
            return "a decimal number" + _bounds(topic)
        case Payload.ENUM:
            return "one of " + ", ".join(ascii(value) for value in topic.values)
        case Payload.TIMESTAMP:
            return "a time as 2023-06-23T06:54:55.123Z"
        case Payload.JSON:
            return f"JSON of at most {MAXIMUM_JSON_BYTES} bytes"
        case Payload.STRING:
            return f"text of at most {MAXIMUM_TEXT_BYTES} bytes without control characters"
        case Payload.SIGNAL:
            return "anything"


def decode(topic: Topic, raw: bytes | bytearray) -> Value:
    """Read a received payload.

    Returns None for a signal, whose payload does not matter. Numbers outside ``minimum``..``maximum``
    (both inclusive) are refused. Raises PayloadError.
    """
    if topic.payload is Payload.SIGNAL:
        return None
    try:
        if len(raw) > maximum_bytes(topic.payload):
            raise _RefusedError
        return _READERS[topic.payload](topic, raw.decode("utf-8"))
    except (_RefusedError, UnicodeError):
        _refuse(topic, _shown(raw))


def encode(topic: Topic, value: Value) -> str:
    """Write a value as the payload of a topic.

    Decimals get the declared number of places, a datetime (aware) becomes UTC with milliseconds
    (as in Table 73, TOPIC_RCD_TEST_TIMESTAMP). A signal is written as ``1``. Raises PayloadError
    for a value that ``decode`` would not accept again.
    """
    try:
        text = _WRITERS[topic.payload](topic, value)
        if len(text.encode("utf-8")) > maximum_bytes(topic.payload):
            raise _RefusedError
    except (_RefusedError, UnicodeError):
        _refuse(topic, _shown_value(value))
    return text


def _refuse(topic: Topic, shown: str) -> NoReturn:
    raise PayloadError(f"{ascii(topic.path)[1:-1]}: allowed is {allowed(topic)}; got {shown}") from None


def _shown(raw: bytes | bytearray) -> str:
    text = raw[:_SHOWN_CHARACTERS].decode("utf-8", "replace")
    dots = "..." if len(raw) > _SHOWN_CHARACTERS else ""
    return f"{text!a}{dots} ({len(raw)} bytes)"


def _shown_value(value: object) -> str:
    try:
        text = ascii(value)
    except (ValueError, RecursionError):
        # An integer of more digits than Python converts, or a bottomless list.
        return f"a value of type {type(value).__name__} that cannot be shown"
    return text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + "..."


def _bounds(topic: Topic) -> str:
    unit = f" {ascii(topic.unit)[1:-1]}" if topic.unit else ""
    match topic.minimum, topic.maximum:
        case None, None:
            return f" in{unit}" if unit else ""
        case low, None:
            return f" of at least {low:g}{unit}"
        case None, high:
            return f" of at most {high:g}{unit}"
        case low, high:
            return f" from {low:g} to {high:g}{unit}"


def _within(topic: Topic, number: _Number) -> _Number:
    if topic.minimum is not None and number < topic.minimum:
        raise _RefusedError
    if topic.maximum is not None and number > topic.maximum:
        raise _RefusedError
    return number


def _matching(pattern: re.Pattern[str], text: str) -> str:
    if pattern.fullmatch(text) is None:
        raise _RefusedError
    return text


def _read_bool(_topic: Topic, text: str) -> bool:
    match text.strip(_BLANKS):
        case "1":
            return True
        case "0":
            return False
        case _:
            raise _RefusedError


def _read_integer(topic: Topic, text: str) -> int:
    return _within(topic, int(_matching(_INTEGER, text.strip(_BLANKS))))


def _read_decimal(topic: Topic, text: str) -> float:
    # Adding zero turns -0.0 into 0.0.
    return _within(topic, float(_matching(_DECIMAL, text.strip(_BLANKS))) + 0.0)


def _read_enum(topic: Topic, text: str) -> str:
    for candidate in (text, text.strip(_BLANKS)):
        if candidate in topic.values:
            return candidate
    raise _RefusedError


def _read_string(_topic: Topic, text: str) -> str:
    if _CONTROL.search(text):
        raise _RefusedError
    return text


def _read_timestamp(_topic: Topic, text: str) -> datetime:
    try:
        return _to_ms(datetime.fromisoformat(_matching(_TIMESTAMP, text.strip(_BLANKS))).astimezone(UTC))
    except (ValueError, OverflowError):
        raise _RefusedError from None


def _read_json(_topic: Topic, text: str) -> JsonValue:
    try:
        value: JsonValue = json.loads(text)
    except (ValueError, RecursionError):
        raise _RefusedError from None
    _check_json(value)
    return value


def _write_bool(_topic: Topic, value: Value) -> str:
    if not isinstance(value, bool):
        raise _RefusedError
    return "1" if value else "0"


def _write_integer(topic: Topic, value: Value) -> str:
    if not isinstance(value, int) or isinstance(value, bool):
        raise _RefusedError
    # Compared before it is written: str() of an enormous integer is slow and raises ValueError.
    if abs(value) >= 10**18:
        raise _RefusedError
    return str(_within(topic, value))


def _write_decimal(topic: Topic, value: Value) -> str:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise _RefusedError
    # Worded this way round it refuses nan as well.
    if not abs(value) < 10**6:
        raise _RefusedError
    places = 1 if topic.payload is Payload.DECIMAL_1 else 2
    # Rounding first, then adding zero: a small negative number would otherwise be written "-0.0".
    text = f"{round(float(value), places) + 0.0:.{places}f}"
    _read_decimal(topic, text)
    return text


def _write_string(topic: Topic, value: Value) -> str:
    if not isinstance(value, str):
        raise _RefusedError
    return _read_string(topic, value)


def _write_enum(topic: Topic, value: Value) -> str:
    if not isinstance(value, str) or value not in topic.values:
        raise _RefusedError
    return value


def _write_timestamp(_topic: Topic, value: Value) -> str:
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise _RefusedError
    try:
        moment = value.astimezone(UTC)
    except OverflowError:
        raise _RefusedError from None
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _write_json(_topic: Topic, value: Value) -> str:
    if isinstance(value, datetime):
        raise _RefusedError
    _check_json(value)
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _write_signal(_topic: Topic, value: Value) -> str:
    if value is not None:
        raise _RefusedError
    return "1"


def _to_ms(moment: datetime) -> datetime:
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def _check_json(value: JsonValue) -> None:
    """Refuse what the json module takes but others cannot read: nan, half surrogates, huge integers."""
    pending: list[tuple[JsonValue, int]] = [(value, 1)]
    while pending:
        item, depth = pending.pop()
        if depth > MAXIMUM_JSON_DEPTH:
            raise _RefusedError
        match item:
            case dict():
                pending.extend((key, depth) for key in item)
                pending.extend((element, depth + 1) for element in item.values())
                if not all(isinstance(key, str) for key in item):
                    raise _RefusedError
            case list():
                pending.extend((element, depth + 1) for element in item)
            case _:
                _check_json_scalar(item)


def _check_json_scalar(value: JsonValue) -> None:
    match value:
        case None | bool():
            fits = True
        case int():
            fits = -_INTEGER_64_BIT <= value < _INTEGER_64_BIT
        case float():
            fits = math.isfinite(value)
        case str():
            fits = _HALF_SURROGATE.search(value) is None
        case _:
            fits = False
    if not fits:
        raise _RefusedError


_READERS: dict[Payload, Callable[[Topic, str], Value]] = {
    Payload.STRING: _read_string,
    Payload.BOOL: _read_bool,
    Payload.INTEGER: _read_integer,
    Payload.DECIMAL_1: _read_decimal,
    Payload.DECIMAL_2: _read_decimal,
    Payload.ENUM: _read_enum,
    Payload.TIMESTAMP: _read_timestamp,
    Payload.JSON: _read_json,
}

_WRITERS: dict[Payload, Callable[[Topic, Value], str]] = {
    Payload.STRING: _write_string,
    Payload.BOOL: _write_bool,
    Payload.INTEGER: _write_integer,
    Payload.DECIMAL_1: _write_decimal,
    Payload.DECIMAL_2: _write_decimal,
    Payload.ENUM: _write_enum,
    Payload.TIMESTAMP: _write_timestamp,
    Payload.JSON: _write_json,
    Payload.SIGNAL: _write_signal,
}
