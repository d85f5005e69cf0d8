"""The inbox: nothing lost while the loop keeps up, bounded when it does not."""

import threading

from hypothesis import given
from hypothesis import strategies as st

from chargectl.bus.inbox import Inbox
from chargectl.bus.message import Message
from chargectl.declarations import topics

LIMIT = topics.TOPIC_GLOBAL_DYN_CURRENT_LIMIT
STATUS = topics.TOPIC_AUTHORIZATION_STATUS


def limit(name, value, retained=False, size=4):
    return Message(LIMIT, name, value, retained, size)


def test_everything_arrives_in_order():
    inbox = Inbox()
    sent = [limit("a", float(n)) for n in range(1000)]
    for message in sent:
        inbox.put(message)
    assert len(inbox) == 1000
    assert inbox.drain() == sent
    assert inbox.drain() == []
    assert inbox.replaced == 0


def test_overflow_keeps_the_newest_of_each_topic_and_name():
    inbox = Inbox(capacity=10)
    inbox.put(Message(STATUS, "", True))
    for n in range(100_000):
        inbox.put(limit("a", float(n)))
        if n == 50_000:
            inbox.put(limit("b", 6.0))
    assert len(inbox) == 3
    assert inbox.drain() == [Message(STATUS, "", True), limit("b", 6.0), limit("a", 99_999.0)]
    assert inbox.replaced == 99_999


def test_after_a_drain_nothing_is_coalesced_any_more():
    inbox = Inbox(capacity=2)
    for n in range(5):
        inbox.put(limit("a", float(n)))
    assert inbox.drain() == [limit("a", 4.0)]
    inbox.put(limit("a", 5.0))
    inbox.put(limit("a", 6.0))
    assert inbox.drain() == [limit("a", 5.0), limit("a", 6.0)]


def test_large_payloads_count():
    inbox = Inbox(capacity_bytes=100_000)
    for n in range(1000):
        inbox.put(limit("a", float(n), size=60_000))
    assert inbox.drain() == [limit("a", 999.0, size=60_000)]


def test_many_names_of_one_topic_do_not_push_out_another_topic():
    inbox = Inbox(capacity=10, names_per_topic=5)
    for n in range(1000):
        inbox.put(limit(f"n{n:04}", 1.0))
    inbox.put(Message(STATUS, "", False))
    inbox.put(limit("n0003", 2.0))
    kept = inbox.drain()
    assert [(message.name, message.value) for message in kept] == [
        ("n0000", 1.0),
        ("n0001", 1.0),
        ("n0002", 1.0),
        ("n0004", 1.0),
        ("", False),
        ("n0003", 2.0),
    ]


@given(st.permutations([f"n{n}" for n in range(9)]))
def test_too_many_retained_names_leave_the_same_ones_in_any_order(names):
    inbox = Inbox(capacity=1, names_per_topic=3)
    for name in names:
        inbox.put(limit(name, 1.0, retained=True))
    assert sorted(message.name for message in inbox.drain()) == ["n0", "n1", "n2"]


def test_retained_names_never_push_out_published_ones():
    inbox = Inbox(capacity=0, names_per_topic=1)
    inbox.put(limit("z", 1.0))
    inbox.put(limit("a", 2.0, retained=True))
    assert inbox.drain() == [limit("z", 1.0)]


def test_puts_and_drains_of_different_threads_lose_nothing():
    inbox = Inbox(capacity=10**9, capacity_bytes=10**12)

    def write(name):
        for n in range(5000):
            inbox.put(limit(name, float(n)))

    writers = [threading.Thread(target=write, args=(name,)) for name in "abc"]
    for writer in writers:
        writer.start()
    received = []
    while any(writer.is_alive() for writer in writers):
        received += inbox.drain()
    received += inbox.drain()
    for name in "abc":
        assert [message.value for message in received if message.name == name] == [
            float(n) for n in range(5000)
        ]
