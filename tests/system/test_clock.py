"""Clocks and the text form of a time."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from chargectl.system.clock import SystemClock, rfc3339, rfc3339_now


def test_the_monotonic_clock_runs_forward_in_milliseconds():
    clock = SystemClock()
    first = clock.monotonic_ms()
    deadline = clock.utc_now() + timedelta(seconds=20)
    while clock.monotonic_ms() < first + 20:
        assert clock.utc_now() < deadline
    assert isinstance(first, int)


def test_the_time_of_day_knows_its_zone():
    now = SystemClock().utc_now()
    assert now.utcoffset() == timedelta(0)
    assert abs(now - datetime.now(UTC)) < timedelta(seconds=20)


class Stopped:
    def monotonic_ms(self):
        return 0

    def utc_now(self):
        return datetime(2023, 6, 23, 6, 54, 55, 123999, UTC)


def test_rfc_3339():
    assert rfc3339_now(Stopped()) == "2023-06-23T06:54:55.123Z"
    east = timezone(timedelta(hours=2))
    assert rfc3339(datetime(2023, 1, 1, 1, 0, tzinfo=east)) == "2022-12-31T23:00:00.000Z"
    with pytest.raises(ValueError, match="needs a time zone"):
        rfc3339(datetime(2023, 1, 1))  # noqa: DTZ001
