"""What is on record comes back, and nothing else is taken for it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargectl.update.record import FORMAT, LATEST_S, Phase, Record, from_json, to_json
from chargectl.update.request import LARGEST_NUMBER, Origin, Request

RECORD = Record(
    "boot", "A", Phase.FETCHING, Request("http://h/u.image", 3, 10), 2, "downloading", "", "no route"
)

records = st.builds(
    Record,
    boot_id=st.text(),
    slot=st.text(),
    phase=st.sampled_from(Phase),
    request=st.builds(
        Request,
        url=st.text().map(lambda text: "http://" + text),
        max_trials=st.integers(1, LARGEST_NUMBER),
        interval_s=st.integers(0, LARGEST_NUMBER),
        origin=st.sampled_from(Origin),
        not_before_s=st.integers(0, LATEST_S),
    ),
    trial=st.integers(0, LARGEST_NUMBER),
    state=st.text(),
    result=st.text(),
    message=st.text(),
    firmware_status=st.text(),
)


@given(records)
def test_there_and_back(record: Record) -> None:
    assert from_json(json.loads(json.dumps(to_json(record)))) == record


def test_the_record_of_an_older_version_is_read() -> None:
    row = to_json(RECORD)
    assert isinstance(row, dict)
    del row["firmware_status"]
    assert from_json(row) == RECORD


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("format", FORMAT + 1, "format"),
        ("url", "file:///etc/shadow", "url"),
        ("url", 1, "url"),
        ("phase", "flying", "phase"),
        ("origin", "mars", "phase or origin"),
        ("max_trials", 0, "max_trials"),
        ("max_trials", True, "max_trials"),
        ("interval_s", -1, "interval_s"),
        ("interval_s", 2**31, "interval_s"),
        ("not_before_s", 1.5, "not_before_s"),
        ("trial", "1", "trial"),
        ("state", None, "state"),
        ("firmware_status", 1, "firmware_status"),
    ],
)
def test_anything_else_is_refused(name: str, value: object, reason: str) -> None:
    row = to_json(RECORD)
    assert isinstance(row, dict)
    row[name] = value  # type: ignore[assignment]
    with pytest.raises(ValueError, match=reason):
        from_json(row)


@pytest.mark.parametrize("value", [None, [], "x", {}, 1])
def test_other_json_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="format"):
        from_json(value)  # type: ignore[arg-type]
