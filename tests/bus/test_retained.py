"""A burst of retained messages is delivered sorted by name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargectl.bus.limiter import WarningLimiter
from chargectl.bus.message import Message
from chargectl.bus.retained import MAXIMUM_NAMES, RetainedBurst
from chargectl.declarations import topics

LIMIT = topics.TOPIC_GLOBAL_DYN_CURRENT_LIMIT
STATUS = topics.TOPIC_AUTHORIZATION_STATUS


def limit(name, value=6.0, retained=True):
    return Message(LIMIT, name, value, retained)


@given(st.permutations(["f", "b", "d", "a", "c", "e"]))
def test_any_order_of_arrival_gives_the_same_order(names):
    burst = RetainedBurst()
    for delay, name in enumerate(names):
        assert burst.put(limit(name), 1000 + delay) == []
    assert burst.deadline_ms == 1500
    assert burst.due(1499) == []
    assert [message.name for message in burst.due(1500)] == ["a", "b", "c", "d", "e", "f"]
    assert burst.deadline_ms is None
    assert burst.due(9999) == []


def test_messages_published_meanwhile_follow_and_win():
    burst = RetainedBurst()
    burst.put(limit("b", 10.0), 0)
    burst.put(limit("b", 16.0, retained=False), 100)
    burst.put(limit("z", 1.0, retained=False), 101)
    burst.put(limit("b", 20.0, retained=False), 102)
    burst.put(limit("a", 8.0), 103)
    assert [(m.name, m.value, m.retained) for m in burst.due(500)] == [
        ("a", 8.0, True),
        ("b", 10.0, True),
        ("z", 1.0, False),
        ("b", 20.0, False),
    ]


def test_everything_else_passes_at_once():
    burst = RetainedBurst()
    retained = Message(STATUS, "", True, True)
    assert burst.put(retained, 0) == [retained]
    published = limit("a", retained=False)
    assert burst.put(published, 1) == [published]
    burst.put(limit("a"), 2)
    assert burst.put(retained, 3) == [retained]


def test_a_later_message_brings_the_complete_burst_before_itself():
    burst = RetainedBurst(window_ms=100)
    burst.put(limit("b"), 0)
    burst.put(limit("a"), 1)
    late = limit("c", retained=False)
    assert burst.put(late, 100) == [limit("a"), limit("b"), late]


def test_a_second_burst_after_a_reconnect():
    burst = RetainedBurst(window_ms=100)
    burst.put(limit("b"), 0)
    burst.due(100)
    burst.put(limit("b"), 5000)
    burst.put(limit("a"), 5001)
    assert burst.due(5099) == []
    assert [message.name for message in burst.due(5100)] == ["a", "b"]


@pytest.mark.parametrize("step", [1, -1])
def test_a_burst_of_too_many_names_keeps_the_first_ones(step):
    burst = RetainedBurst()
    for number in range(2000)[::step]:
        burst.put(limit(f"{number:04}"), 0)
    for number in range(2000):
        burst.put(limit(f"{number:04}", retained=False), 0)
    names = [message.name for message in burst.due(500)]
    assert names == [f"{number:04}" for number in range(MAXIMUM_NAMES)] * 2


def test_warnings_are_counted_in_between():
    limiter = WarningLimiter(window_ms=10_000)
    assert limiter.count("a", 0) == 1
    assert [limiter.count("a", now) for now in (1, 5000, 9999)] == [0, 0, 0]
    assert limiter.count("b", 9999) == 1
    assert limiter.count("a", 10_000) == 4
    assert limiter.count("a", 19_999) == 0
    assert limiter.count("a", 20_000) == 2
