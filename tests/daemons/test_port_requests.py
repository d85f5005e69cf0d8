"""From messages to the port's events: what a reconnect brings again is no news."""

from __future__ import annotations

from chargectl.bus.message import Message
from chargectl.bus.payload import Value
from chargectl.daemons.port_requests import PortRequests
from chargectl.declarations import topics
from chargectl.declarations.types import Topic
from chargectl.port import events

AUTHORIZATION = topics.TOPIC_AUTHORIZATION_STATUS
LIMIT = topics.TOPIC_GLOBAL_DYN_CURRENT_LIMIT


def kept(topic: Topic, value: Value, name: str = "") -> Message:
    """A message out of the broker's store."""
    return Message(topic, name, value, retained=True, kept=True)


def live(topic: Topic, value: Value, name: str = "", *, retained: bool = False) -> Message:
    """A message that is published now."""
    return Message(topic, name, value, retained=retained)


def test_a_retained_authorization_that_comes_again_does_not_end_the_session_of_another() -> None:
    requests = PortRequests()
    assert requests.take([kept(AUTHORIZATION, False)], 0) == [events.Authorization(False, session=False)]
    assert requests.take([live(AUTHORIZATION, True)], 10) == [events.Authorization(True, session=True)]
    assert requests.take([kept(AUTHORIZATION, False)], 20) == []
    assert requests.take([kept(AUTHORIZATION, True)], 30) == [events.Authorization(True, session=False)]
    assert requests.take([live(AUTHORIZATION, True, retained=True)], 40) == [
        events.Authorization(True, session=False)
    ]


def test_a_retained_limit_that_comes_again_does_not_look_young() -> None:
    requests = PortRequests()
    requests.take([kept(LIMIT, 32.0, "ems")], 0)
    assert requests.take([], 1_000) == [events.DynamicLimit("ems", 32.0)]
    requests.take([kept(LIMIT, 32.0, "ems")], 60_000)
    assert requests.take([], 61_000) == []
    requests.take([kept(LIMIT, 10.0, "ems")], 70_000)
    assert requests.take([], 71_000) == [events.DynamicLimit("ems", 10.0)]
    assert requests.take([live(LIMIT, 10.0, "ems")], 80_000) == [events.DynamicLimit("ems", 10.0)]


def test_retained_limits_are_taken_in_the_order_of_their_names() -> None:
    requests = PortRequests()
    for name in ("c", "a", "b"):
        requests.take([kept(LIMIT, 16.0, name)], 0)
    assert [event.name for event in requests.take([], 1_000) if isinstance(event, events.DynamicLimit)] == [
        "a",
        "b",
        "c",
    ]
