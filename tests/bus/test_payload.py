"""Payloads: strict reading, exact writing, and nothing but PayloadError for any bytes."""

import json
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargectl.bus.payload import (
    MAXIMUM_JSON_BYTES,
    MAXIMUM_TEXT_BYTES,
    PayloadError,
    allowed,
    decode,
    encode,
)
from chargectl.declarations import topics
from chargectl.declarations.types import Direction, Payload, Topic


def topic(payload: Payload, **more) -> Topic:
    return Topic("TOPIC_TEST", "port0/test", Direction.BOTH, payload, "for tests", "", "portd", **more)


STRING = topic(Payload.STRING)
BOOL = topic(Payload.BOOL)
INTEGER = topic(Payload.INTEGER, minimum=-1, maximum=100, unit="%")
DECIMAL_1 = topic(Payload.DECIMAL_1, minimum=-1, maximum=1000, unit="A")
DECIMAL_2 = topic(Payload.DECIMAL_2, minimum=0, maximum=100, unit="%")
ENUM = topic(Payload.ENUM, values=("A", "B", "", "not a"))
TIMESTAMP = topic(Payload.TIMESTAMP)
JSON = topic(Payload.JSON)
SIGNAL = topic(Payload.SIGNAL)
KINDS = [STRING, BOOL, INTEGER, DECIMAL_1, DECIMAL_2, ENUM, TIMESTAMP, JSON, SIGNAL]


def name_of(value):
    return value.payload.name if isinstance(value, Topic) else None


json_scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=10)
)
json_values = st.recursive(
    json_scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)
plain_text = st.text(st.characters(blacklist_categories=("Cs", "Cc")), max_size=200)


@given(plain_text)
def test_string_round_trip(value):
    assert decode(STRING, encode(STRING, value).encode()) == value


@given(st.booleans())
def test_bool_round_trip(value):
    assert decode(BOOL, encode(BOOL, value).encode()) is value


@given(st.integers(-1, 100))
def test_integer_round_trip(value):
    result = decode(INTEGER, encode(INTEGER, value).encode())
    assert result == value
    assert type(result) is int


@given(st.integers(-1000, 100_000))
def test_decimal_round_trip(hundredths):
    for declared, places in ((DECIMAL_1, 1), (DECIMAL_2, 2)):
        value = hundredths / 100
        if declared.minimum <= round(value, places) <= declared.maximum:
            assert decode(declared, encode(declared, value).encode()) == round(value, places)
        else:
            with pytest.raises(PayloadError):
                encode(declared, value)


@given(st.sampled_from(ENUM.values))
def test_enum_round_trip(value):
    assert decode(ENUM, encode(ENUM, value).encode()) == value


@given(
    st.datetimes(
        datetime(2, 1, 1),  # noqa: DTZ001
        datetime(9998, 12, 31),  # noqa: DTZ001
        timezones=st.sampled_from(
            [UTC, timezone(timedelta(hours=5, minutes=30)), timezone(-timedelta(hours=12))]
        ),
    )
)
def test_timestamp_round_trip(value):
    result = decode(TIMESTAMP, encode(TIMESTAMP, value).encode())
    assert isinstance(result, datetime)
    assert result == value - timedelta(microseconds=value.microsecond % 1000)
    assert result.utcoffset() == timedelta(0)


@given(json_values)
def test_json_round_trip(value):
    assert decode(JSON, encode(JSON, value).encode()) == value


@pytest.mark.parametrize("kind", KINDS, ids=name_of)
def test_arbitrary_bytes_raise_nothing_but_payload_error(kind):
    @given(st.binary(max_size=300) | st.text(max_size=60).map(lambda text: text.encode("utf-8", "replace")))
    def check(raw):
        try:
            decode(kind, raw)
        except PayloadError as error:
            text = str(error)
            assert text.isascii()
            assert text.isprintable()
            assert text.startswith("port0/test: allowed is ")
            assert len(text) < 400

    check()


@pytest.mark.parametrize("kind", KINDS, ids=name_of)
def test_arbitrary_values_raise_nothing_but_payload_error(kind):
    @given(
        json_values | st.datetimes() | st.binary() | st.floats() | st.integers() | st.tuples(st.integers())
    )
    def check(value):
        try:
            text = encode(kind, value)
        except PayloadError:
            return
        decode(kind, text.encode())

    check()


ABSURD = {
    "nan": b"nan",
    "inf": b"inf",
    "minus infinity": b"-Infinity",
    "exponent": b"1e9",
    "hexadecimal": b"0x10",
    "underscore": b"1_0",
    "plus sign": b"+5",
    "below minimum": b"-5",
    "above maximum": b"1000.1",
    "comma": b"20,2",
    "no integer part": b".5",
    "no fraction": b"5.",
    "inner blank": b"2 0",
    "Arabic digits": "\u0662\u0660".encode(),
    "no-break space": "\u00a020".encode(),
    "empty": b"",
    "only blanks": b"  \n",
    "zero byte": b"20\x00",
    "not UTF-8": b"\xff\xfe20",
    "true": b"true",
    "JSON string": b'"20"',
    "seven digits": b"1234567",
    "10 MB of digits": b"1" * 10_000_000,
    "10 MB of zero bytes": bytes(10_000_000),
}


@pytest.mark.parametrize("raw", ABSURD.values(), ids=ABSURD.keys())
@pytest.mark.parametrize("kind", [BOOL, INTEGER, DECIMAL_1, DECIMAL_2, TIMESTAMP], ids=name_of)
def test_absurd_payloads_are_refused(kind, raw):
    with pytest.raises(PayloadError) as caught:
        decode(kind, raw)
    assert f"({len(raw)} bytes)" in str(caught.value)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("raw", [b"", b"nan", b"-5", bytes(10_000_000), b"\xff\xfe"])
def test_a_signal_is_its_arrival(raw):
    assert decode(SIGNAL, raw) is None
    assert encode(SIGNAL, None) == "1"


@pytest.mark.spec(90)
def test_declared_limit_takes_integers_and_decimals_with_a_dot_only():
    limit = topics.TOPIC_GLOBAL_DYN_CURRENT_LIMIT
    assert decode(limit, b"20") == 20.0
    assert decode(limit, b" 20.2\n") == 20.2
    assert encode(limit, 20) == "20.0"
    assert encode(limit, 6.05 + 0.001) == "6.1"
    with pytest.raises(PayloadError, match="20,2"):
        decode(limit, b"20,2")


@pytest.mark.spec(103)
def test_rcd_test_time_is_rfc_3339_in_utc_with_milliseconds():
    moment = datetime(2023, 6, 23, 8, 54, 55, 123999, timezone(timedelta(hours=2)))
    assert encode(topics.TOPIC_RCD_TEST_TIMESTAMP, moment) == "2023-06-23T06:54:55.123Z"
    assert decode(topics.TOPIC_RCD_TEST_TIMESTAMP, b"2023-06-23T08:54:55.123999+02:00") == datetime(
        2023, 6, 23, 6, 54, 55, 123000, UTC
    )


@pytest.mark.parametrize(
    "raw",
    [
        b"2023-06-23 06:54:55Z",
        b"2023-06-23T06:54:55",
        b"2023-02-30T00:00:00Z",
        b"2023-06-23T24:00:01Z",
        b"20230623T065455Z",
    ],
)
def test_other_times_are_refused(raw):
    with pytest.raises(PayloadError):
        decode(TIMESTAMP, raw)


def test_times_without_a_zone_or_out_of_range_are_not_written():
    for value in (
        datetime(2023, 6, 23),  # noqa: DTZ001
        datetime.max.replace(tzinfo=timezone(-timedelta(hours=1))),
        "2023-06-23T06:54:55.123Z",
    ):
        with pytest.raises(PayloadError):
            encode(TIMESTAMP, value)


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        (DECIMAL_2, 53.333, "53.33"),
        (DECIMAL_2, 100, "100.00"),
        (DECIMAL_2, 100.004, "100.00"),
        (DECIMAL_2, -0.001, "0.00"),
        (DECIMAL_1, 20.25, "20.2"),
        (DECIMAL_1, -1, "-1.0"),
        (INTEGER, -1, "-1"),
        (BOOL, True, "1"),
        (BOOL, False, "0"),
        (ENUM, "", ""),
        (JSON, {"a": [1, None, "ü"]}, '{"a":[1,null,"ü"]}'),
    ],
)
def test_written_form(kind, value, text):
    assert encode(kind, value) == text


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (BOOL, 1),
        (BOOL, "1"),
        (INTEGER, True),
        (INTEGER, 5.0),
        (INTEGER, 101),
        (INTEGER, -2),
        (topic(Payload.INTEGER), 10**18),
        (DECIMAL_1, float("nan")),
        (DECIMAL_1, float("inf")),
        (DECIMAL_1, True),
        (DECIMAL_1, "20"),
        (DECIMAL_2, 100.006),
        (topic(Payload.DECIMAL_1), 999_999.99),
        (ENUM, "a"),
        (ENUM, "A "),
        (STRING, "a\x1b[2J"),
        (STRING, "\ud800"),
        (STRING, "x" * (MAXIMUM_TEXT_BYTES + 1)),
        (JSON, {1: "x"}),
        (JSON, float("nan")),
        (JSON, [float("inf")]),
        (JSON, "\ud800"),
        (JSON, 2**63),
        (JSON, "x" * MAXIMUM_JSON_BYTES),
        (JSON, (1, 2)),
        (JSON, datetime(2023, 6, 23, tzinfo=UTC)),
        (SIGNAL, "1"),
    ],
)
def test_values_that_do_not_fit_are_not_written(kind, value):
    with pytest.raises(PayloadError) as caught:
        encode(kind, value)
    assert str(caught.value).isascii()


def test_a_value_that_cannot_even_be_shown_is_refused():
    huge = 10 ** (sys.get_int_max_str_digits() + 10)
    bottomless: list[Any] = []
    bottomless.append(bottomless)
    nested: list[Any] = []
    for _ in range(sys.getrecursionlimit() * 2):
        nested = [nested]
    cases: tuple[tuple[Topic, Any], ...] = (
        (INTEGER, huge),
        (DECIMAL_1, huge),
        (JSON, [huge]),
        (JSON, bottomless),
        (JSON, nested),
    )
    for kind, value in cases:
        with pytest.raises(PayloadError):
            encode(kind, value)


def test_bounds_are_inclusive():
    assert decode(INTEGER, b"-1") == -1
    assert decode(INTEGER, b"100") == 100
    for raw in (b"-2", b"101"):
        with pytest.raises(PayloadError, match="from -1 to 100 %"):
            decode(INTEGER, raw)
    assert decode(DECIMAL_2, b"100.00") == 100.0
    with pytest.raises(PayloadError):
        decode(DECIMAL_2, b"100.0000001")


def test_blanks_around_a_value_are_ignored():
    assert decode(BOOL, b" 1\r\n") is True
    assert decode(INTEGER, b"\t42 ") == 42
    assert decode(ENUM, b"A\n") == "A"
    assert decode(ENUM, b"not a") == "not a"
    assert decode(ENUM, b"") == ""


@pytest.mark.parametrize("raw", [b"a", b"C", b"A,B", "А".encode(), b"AB"])
def test_only_declared_words(raw):
    with pytest.raises(PayloadError, match="one of 'A', 'B', '', 'not a'"):
        decode(ENUM, raw)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "NaN",
        "[Infinity]",
        "1e999",
        '{"a":1',
        "[1,]",
        '"\\ud800"',
        '{"\\udfff":1}',
        "9" * 5000,
        "9223372036854775808",
        "[" * 33 + "]" * 33,
        "[" * 30_000 + "]" * 30_000,
        '{"a":' * 10_000 + "1" + "}" * 10_000,
    ],
    ids=lambda text: text[:12],
)
def test_json_others_cannot_read_is_refused(text):
    with pytest.raises(PayloadError):
        decode(JSON, text.encode())


def test_json_at_its_limits_is_accepted():
    assert decode(JSON, b"[" * 32 + b"]" * 32) is not None
    assert decode(JSON, json.dumps("x" * (MAXIMUM_JSON_BYTES - 2)).encode()) == "x" * (MAXIMUM_JSON_BYTES - 2)
    assert decode(JSON, b"9223372036854775807") == 2**63 - 1


def test_the_message_names_topic_allowed_and_received():
    declared = replace(ENUM, path="port0/\u20ac/x")
    with pytest.raises(PayloadError) as caught:
        decode(declared, "\u20ac\x1b".encode() + b"x" * 100)
    assert str(caught.value) == (
        "port0/\\u20ac/x: allowed is one of 'A', 'B', '', 'not a'; got "
        + repr("\\u20ac\\x1b" + "x" * 36).replace("\\\\", "\\")
        + "... (104 bytes)"
    )


@pytest.mark.parametrize(
    ("declared", "words"),
    [
        (BOOL, "1 or 0"),
        (topic(Payload.INTEGER), "an integer"),
        (topic(Payload.INTEGER, unit="s"), "an integer in s"),
        (topic(Payload.INTEGER, minimum=0), "an integer of at least 0"),
        (topic(Payload.DECIMAL_1, maximum=80, unit="A"), "a decimal number of at most 80 A"),
        (DECIMAL_2, "a decimal number from 0 to 100 %"),
        (TIMESTAMP, "a time as 2023-06-23T06:54:55.123Z"),
        (JSON, "JSON of at most 65536 bytes"),
        (STRING, "text of at most 1024 bytes without control characters"),
        (SIGNAL, "anything"),
    ],
)
def test_what_is_allowed_in_words(declared, words):
    assert allowed(declared) == words


@pytest.mark.parametrize("declared", topics.TOPICS, ids=lambda declared: declared.path)
def test_every_declared_topic_can_be_read_and_described(declared):
    samples: dict[Payload, Any] = {
        Payload.STRING: "text",
        Payload.BOOL: True,
        Payload.INTEGER: max(declared.minimum or 0, 1),
        Payload.DECIMAL_1: max(declared.minimum or 0, 1),
        Payload.DECIMAL_2: max(declared.minimum or 0, 1),
        Payload.ENUM: declared.values[-1] if declared.values else "",
        Payload.TIMESTAMP: datetime(2023, 6, 23, tzinfo=UTC),
        Payload.JSON: {"a": 1},
        Payload.SIGNAL: None,
    }
    sample = samples[declared.payload]
    assert decode(declared, encode(declared, sample).encode()) == sample
    assert allowed(declared).isprintable()
