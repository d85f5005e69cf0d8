"""One received message."""

from __future__ import annotations

from dataclasses import dataclass, field

from chargectl.bus.payload import Value
from chargectl.declarations.types import Topic


@dataclass(frozen=True, slots=True)
class Message:
    """A payload that its topic allows, decoded.

    ``name`` is what stood in place of the topic's ``+``, else empty. ``retained`` says that the broker had
    kept the message from before this subscription; False means that it was published just now. For the topics
    that the bus takes as published it says instead that the publisher had it retained.
    ``size`` is the length of the payload in bytes. ``kept`` says, for every topic, that the message came out
    of the broker's store with the latest connection: it may be one that was received before.
    """

    topic: Topic
    name: str
    value: Value
    retained: bool = False
    size: int = 0
    kept: bool = field(default=False, compare=False)
