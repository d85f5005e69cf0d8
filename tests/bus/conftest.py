"""Fixtures of the bus tests."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from chargectl.bus.client import Bus
from chargectl.bus.inbox import Inbox
from chargectl.declarations import topics
from tests.broker import Recorder, wait_until


class Connected:
    """A started bus with its inbox."""

    def __init__(self, port: int, **more: Any) -> None:
        self.port = port
        self.inbox = Inbox()
        self.bus = Bus("127.0.0.1", port, "test-client", **{"on_message": self.inbox.put, **more})
        self.received: list[Any] = []
        self.bus.start()

    def wait_connected(self) -> None:
        wait_until(lambda: self.bus.connected, 30, "connected")

    def wait_subscribed(self) -> None:
        """Wait until whatever is published reaches it: the broker takes one connection's packets in order."""
        self.wait_connected()
        with Recorder(self.port, topics.TOPIC_CONFIG_CHANGED.path) as recorder:
            assert self.bus.publish(topics.TOPIC_CONFIG_CHANGED, {})
            recorder.wait_for(topics.TOPIC_CONFIG_CHANGED.path)

    def wait_received(self, count: int, timeout: float = 30) -> list[Any]:
        """Drain until so many messages have come, in all."""

        def enough() -> bool:
            self.received += self.inbox.drain()
            return len(self.received) >= count

        wait_until(enough, timeout, f"{count} messages")
        return self.received


@pytest.fixture
def connect() -> Iterator[Callable[..., Connected]]:
    """Start buses, stopped after the test: ``connect(port, subscribe=..., ...)``."""
    started: list[Connected] = []

    def make(port: int, **more: Any) -> Connected:
        started.append(Connected(port, **more))
        return started[-1]

    yield make
    for one in started:
        one.bus.stop()
