"""JSON payloads of the customer's software: what is taken, and one clear reason for what is not."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargectl.declarations import topics
from chargectl.declarations.types import Topic
from chargectl.hlc import values
from chargectl.hlc.values import ValueRefusedError
from tests.hlc.bench import HlcBench
from v2g.common.terms import EnergyMode


@pytest.mark.spec(164)
@pytest.mark.parametrize(
    ("value", "number"),
    [
        ({"Multiplier": 0, "Value": 16}, 16),
        ({"Multiplier": -1, "Value": 325}, 32.5),
        ({"Multiplier": 3, "Value": 11, "Unit": 5}, 11_000),
        ({"Multiplier": -3, "Value": -32768}, -32.768),
    ],
)
def test_a_physical_value(value: Any, number: float) -> None:
    assert values.physical(value) == number


@pytest.mark.spec(164)
@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (16, "an object"),
        ({}, "an object"),
        ({"Multiplier": 0}, "an object"),
        ({"Multiplier": 0, "Value": 1, "More": 2}, "an object"),
        ({"Multiplier": 4, "Value": 1}, "Multiplier from -3 to 3"),
        ({"Multiplier": -4, "Value": 1}, "Multiplier from -3 to 3"),
        ({"Multiplier": 0, "Value": 32768}, "Value from -32768 to 32767"),
        ({"Multiplier": 0, "Value": 1.5}, "Value from"),
        ({"Multiplier": False, "Value": 1}, "Multiplier from"),
        ({"Multiplier": 0, "Value": 1, "Unit": 7}, "Unit from 0 to 6"),
    ],
)
def test_no_physical_value(value: Any, reason: str) -> None:
    with pytest.raises(ValueRefusedError, match=reason):
        values.physical(value)


@given(st.floats(-32_767_000, 32_767_000))
def test_a_number_is_written_as_exactly_as_it_can_be(number: float) -> None:
    written = values.physical_value(number)
    read = values.physical(written)
    assert abs(read - number) <= max(abs(number) * 0.0002, 0.0005)
    assert isinstance(written["Multiplier"], int)
    if written["Multiplier"] > 0:
        assert abs(number) > 32_767


@pytest.mark.parametrize(("number", "value"), [(1e9, 32767), (-1e9, -32768)])
def test_what_is_too_large_becomes_the_largest(number: float, value: int) -> None:
    assert values.physical_value(number) == {"Multiplier": 3, "Value": value}


def schedule(**fields: Any) -> Any:
    return {
        "SAScheduleTupled": 1,
        "Start": [0, 600],
        "Duration": 3000,
        "PMax": [22, 11],
        "PMaxMultiplier": [3, 3],
        **fields,
    }


@pytest.mark.spec(163)
def test_a_schedule() -> None:
    (found,) = values.schedules(schedule())
    assert [(each.start_s, each.maximum_power_w) for each in found.periods] == [(0, 22_000), (600, 11_000)]
    assert found.tuple_id == 1
    assert found.duration_s == 3600, "the duration is the last entry's"


@pytest.mark.spec(163)
def test_the_standards_spelling_is_read_too() -> None:
    fields = schedule()
    fields["SAScheduleTupleID"] = fields.pop("SAScheduleTupled")
    assert values.schedules(fields) == values.schedules(schedule())


@pytest.mark.parametrize("nothing", [{}, []])
def test_no_schedule_takes_it_back(nothing: Any) -> None:
    assert values.schedules(nothing) == ()


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"SAScheduleTupled": 0}, "SAScheduleTupled from 1 to 255"),
        ({"Start": [1, 600]}, "Start beginning with 0 and rising"),
        ({"Start": [0, 16_777_215]}, "each of Start from 0 to 16777214"),
        ({"Start": [-1, 600]}, "each of Start from 0 to 16777214"),
        ({"Start": [0, 0]}, "Start beginning with 0 and rising"),
        ({"Start": [0]}, "same length"),
        ({"PMax": [22, -1]}, "each of PMax from 0"),
        ({"PMaxMultiplier": [3, 4]}, "each of PMaxMultiplier from -3 to 3"),
        ({"Duration": 0}, "Duration from 1 to 86400"),
        ({"Start": [], "PMax": [], "PMaxMultiplier": []}, "Start as a list of 1 to 1024"),
        ({"Start": 0}, "Start as a list"),
        ({"Tariff": 1}, "an object"),
    ],
)
def test_no_schedule(fields: Any, reason: str) -> None:
    with pytest.raises(ValueRefusedError, match=reason):
        values.schedules(schedule(**fields))


def test_a_schedule_may_have_1024_entries() -> None:
    many = {"Start": list(range(1024)), "PMax": [11] * 1024, "PMaxMultiplier": [3] * 1024}
    assert len(values.schedules(schedule(**many))[0].periods) == 1024
    with pytest.raises(ValueRefusedError, match="1 to 1024"):
        values.schedules(schedule(**{name: [*column, 2000] for name, column in many.items()}))


@pytest.mark.spec(161)
@pytest.mark.parametrize(
    "value",
    [{"PaymentOption0": 0}, {"PaymentOption0": 1, "PaymentOption1": 0}, {}, [], 1, {"PaymentOption0": True}],
)
def test_other_payment_options_are_refused(value: Any) -> None:
    with pytest.raises(ValueRefusedError, match="only ExternalPayment is supported"):
        values.payment_options(value)


@pytest.mark.spec(162)
@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({}, (False, ())),
        (
            {
                "ServiceID": 1,
                "ServiceName": "AC",
                "ServiceCategory": 0,
                "ServiceScope": "",
                "FreeService": False,
                "SupportedEnergyTransferType0": 1,
                "SupportedEnergyTransferType1": 0,
            },
            (False, (EnergyMode.AC_THREE_PHASE, EnergyMode.AC_SINGLE_PHASE)),
        ),
        (
            {"FreeService": 1, "SupportedEnergyTransferType0": 0, "SupportedEnergyTransferType4": 0},
            (True, (EnergyMode.AC_SINGLE_PHASE,)),
        ),
    ],
)
def test_a_charge_service(value: Any, expected: Any) -> None:
    assert values.charge_service(value) == expected


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ([], "an object"),
        ({"SupportedEnergyTransferType0": 3}, "SupportedEnergyTransferType0 from 0 to 1"),
        ({"SupportedEnergyTransferType5": 0}, "an object"),
        ({"ServiceID": 2}, "ServiceID from 1 to 1"),
        ({"ServiceCategory": 1}, "ServiceCategory from 0 to 0"),
        ({"ServiceName": 1}, "ServiceName as a text"),
        ({"FreeService": "yes"}, "FreeService true or false"),
    ],
)
def test_no_charge_service(value: Any, reason: str) -> None:
    with pytest.raises(ValueRefusedError, match=reason):
        values.charge_service(value)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ({"MeterID": "", "MeterReading": 1}, "MeterID of 1 to 32"),
        ({"MeterID": "x" * 33, "MeterReading": 1}, "MeterID of 1 to 32"),
        ({"MeterID": 5, "MeterReading": 1}, "MeterID of 1 to 32"),
        ({"MeterID": "x", "MeterReading": -1}, "MeterReading from 0"),
        ({"MeterID": "x", "MeterReading": 2**63}, "MeterReading from 0"),
        ({"MeterID": "x", "MeterReading": 1, "TMeter": 2**63}, "TMeter from 0"),
        ({"MeterID": "x"}, "an object"),
        ({"MeterID": "x", "MeterReading": 1, "TMeter": "now"}, "TMeter from 0"),
    ],
)
def test_no_meter_reading(value: Any, reason: str) -> None:
    with pytest.raises(ValueRefusedError, match=reason):
        values.meter_reading(value)


@pytest.mark.parametrize(
    ("topic", "value", "line"),
    [
        (topics.TOPIC_EVSE_INIT_SESSIONID, 0, "allowed is an integer from 1 to 2^64-1; got 0"),
        (topics.TOPIC_EVSE_INIT_SESSIONID, 2**64, "allowed is an integer from 1 to 2^64-1; got 1844"),
        (topics.TOPIC_EVSE_INIT_EVSEID, "short", "allowed is a text of 7 to 37 characters; got 'short'"),
        (topics.TOPIC_EVSE_INIT_EVSEID, "x" * 38, "allowed is a text of 7 to 37 characters; got 'xxx"),
        (topics.TOPIC_EVSE_PARAMETER_MAXCURRENTLIMIT, 16, "allowed is an object"),
        (
            topics.TOPIC_EVSE_PARAMETER_MAXCURRENTLIMIT,
            {"Multiplier": 0, "Value": -1},
            "allowed is a current of at least 0 A",
        ),
        (
            topics.TOPIC_EVSE_PARAMETER_NOMINALVOLTAGE,
            {"Multiplier": 0, "Value": 0},
            "allowed is a voltage above 0 V",
        ),
    ],
)
def test_a_bad_payload_is_one_line_with_its_topic(topic: Topic, value: Any, line: str) -> None:
    bench = HlcBench().port(connected=True, pilot="B")
    before = bench.station.ac.maximum_current_a
    (note,) = bench.say(topic, value).notes
    assert note.startswith(f"{topic.path}: {line}")
    assert "\n" not in note
    assert bench.station.ac.maximum_current_a == before
    assert bench.core.session_id is None


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["Multiplier", "Value", "Start", "PMax", "PaymentOption0", "MeterID", "ServiceID"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)
_JSON_TOPICS = [
    topics.TOPIC_EVSE_INIT_PAYMENTOPTIONS,
    topics.TOPIC_EVSE_INIT_CHARGESERVICE,
    topics.TOPIC_EVSE_PARAMETER_SASCHEDULELIST,
    topics.TOPIC_EVSE_PARAMETER_MAXCURRENTLIMIT,
    topics.TOPIC_EVSE_PARAMETER_NOMINALVOLTAGE,
    topics.TOPIC_EVSE_CHARGE_METERINFO,
]


@given(st.sampled_from(_JSON_TOPICS), _JSON)
def test_any_json_is_taken_or_refused_with_a_line(topic: Topic, value: Any) -> None:
    bench = HlcBench().port(connected=True, pilot="B").say(topic, json.loads(json.dumps(value)))
    assert len(bench.notes) <= 1
