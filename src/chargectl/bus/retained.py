"""Retained messages of a topic with free names, in an order that does not depend on the broker.

After every subscription the broker delivers the retained messages in an order of its own. Where only the
first few names count (five dynamic current limits, guide section 15.16.1) that order would decide which
ones, and differently after each restart. So the burst is collected for a moment and handed on sorted by
name.
"""

from __future__ import annotations

from chargectl.bus.message import Message

WINDOW_MS = 500
"""How long a burst is collected. A broker on the same device delivers hundreds of messages in this time."""
MAXIMUM_NAMES = 256
"""Names collected for one topic. Beyond that the names that sort first stay."""


class _Burst:
    def __init__(self, ends_ms: int) -> None:
        self.ends_ms = ends_ms
        self.retained: dict[str, Message] = {}
        self.live: dict[str, Message] = {}

    def add(self, message: Message) -> None:
        group = self.retained if message.retained else self.live
        # Taken out first, so that the newest one of a name stands where it arrived.
        group.pop(message.name, None)
        if len(group) >= MAXIMUM_NAMES:
            last = max(group)
            if not message.retained or message.name > last:
                return
            del group[last]
        group[message.name] = message

    def messages(self) -> list[Message]:
        return [self.retained[name] for name in sorted(self.retained)] + list(self.live.values())


class RetainedBurst:
    """Sorts each burst of retained messages by name; hands everything else on at once.

    A burst begins with the first retained message of a topic that has a ``+`` and ends ``window_ms`` later.
    Messages of that topic that are published meanwhile wait and follow the sorted ones, so that the newest
    value of a name is the last one delivered. Times are milliseconds of one monotonic clock.
    """

    def __init__(self, window_ms: int = WINDOW_MS) -> None:
        self._window_ms = window_ms
        self._bursts: dict[str, _Burst] = {}

    @property
    def deadline_ms(self) -> int | None:
        """When ``due`` next has something to return; None while no burst is being collected."""
        return min((burst.ends_ms for burst in self._bursts.values()), default=None)

    def put(self, message: Message, now_ms: int) -> list[Message]:
        """Take a received message; returns the messages to work on now, in order."""
        ready = self.due(now_ms)
        path = message.topic.path
        burst = self._bursts.get(path)
        if burst is None and message.retained and "+" in path:
            burst = self._bursts[path] = _Burst(now_ms + self._window_ms)
        if burst is None:
            return [*ready, message]
        burst.add(message)
        return ready

    def due(self, now_ms: int) -> list[Message]:
        """The messages of all bursts that are complete at ``now_ms``."""
        complete = [path for path, burst in self._bursts.items() if now_ms >= burst.ends_ms]
        return [message for path in complete for message in self._bursts.pop(path).messages()]
