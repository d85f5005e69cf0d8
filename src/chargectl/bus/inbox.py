"""Received messages between the network thread and the loop that works on them.

As long as the loop keeps up every message is delivered, in order. When it does not, only the newest message
of each topic and name is kept: a flood costs bounded memory, and a busy topic cannot push out another one.
"""

from __future__ import annotations

import threading
from collections import deque

from chargectl.bus.message import Message


class Inbox:
    """A bounded, thread-safe queue that coalesces when it is full.

    ``capacity`` (messages) and ``capacity_bytes`` (sum of payload sizes) bound the plain queue. Beyond that
    the newest message of each (topic, name) stays, at most ``names_per_topic`` names for one topic. Further
    names are dropped; among retained messages, whose order of arrival means nothing, the names that sort
    first stay.
    """

    def __init__(
        self, capacity: int = 1000, capacity_bytes: int = 4 * 1024 * 1024, names_per_topic: int = 64
    ) -> None:
        self._capacity = capacity
        self._capacity_bytes = capacity_bytes
        self._names_per_topic = names_per_topic
        self._lock = threading.Lock()
        self._queue: deque[Message] = deque()
        self._bytes = 0
        self._newest: dict[str, dict[str, tuple[int, Message]]] | None = None
        self._arrivals = 0
        self._replaced = 0

    @property
    def replaced(self) -> int:
        """How many messages were given up for newer ones or for want of room, since the start."""
        return self._replaced

    def put(self, message: Message) -> None:
        """Add a message; never blocks for longer than another put or drain takes."""
        with self._lock:
            if self._newest is None:
                if len(self._queue) < self._capacity and self._bytes + message.size <= self._capacity_bytes:
                    self._queue.append(message)
                    self._bytes += message.size
                    return
                self._newest = {}
                for waiting in self._queue:
                    self._keep_newest(self._newest, waiting)
                self._queue.clear()
                self._bytes = 0
            self._keep_newest(self._newest, message)

    def drain(self) -> list[Message]:
        """Take out everything that has arrived, in the order of arrival (of the newest, where coalesced)."""
        with self._lock:
            if self._newest is None:
                messages = list(self._queue)
                self._queue.clear()
                self._bytes = 0
                return messages
            kept = [entry for names in self._newest.values() for entry in names.values()]
            self._newest = None
        kept.sort(key=lambda entry: entry[0])
        return [message for _, message in kept]

    def __len__(self) -> int:
        with self._lock:
            if self._newest is None:
                return len(self._queue)
            return sum(len(names) for names in self._newest.values())

    def _keep_newest(self, newest: dict[str, dict[str, tuple[int, Message]]], message: Message) -> None:
        self._arrivals += 1
        names = newest.setdefault(message.topic.path, {})
        if message.name in names:
            self._replaced += 1
        elif len(names) >= self._names_per_topic:
            self._replaced += 1
            last = max((name for name, (_, kept) in names.items() if kept.retained), default="")
            if not (message.retained and message.name < last):
                return
            del names[last]
        names[message.name] = (self._arrivals, message)
