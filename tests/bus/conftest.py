"""Fixtures of the bus tests."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from chargectl.bus.client import Bus
from chargectl.bus.inbox import Inbox
from tests.broker import wait_until


class Connected:
    """A started bus with its inbox."""

    def __init__(self, port: int, **more: Any) -> None:
        self.inbox = Inbox()
        self.bus = Bus("127.0.0.1", port, "test-client", **{"on_message": self.inbox.put, **more})
        self.received: list[Any] = []
        self.bus.start()

    def wait_connected(self) -> None:
        wait_until(lambda: self.bus.connected, 20, "connected")

    def wait_received(self, count: int, timeout: float = 10) -> list[Any]:
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
