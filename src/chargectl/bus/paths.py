"""Topic paths: which declared topic a path belongs to, and which name stands in place of its ``+``.

Only charge port 0 exists on the interface (guide, section 15.1): a declaration for another port, or with a
wildcard where the port's name stands, is a mistake and is refused before anything is subscribed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from chargectl.declarations.types import Topic

MAXIMUM_NAME_CHARACTERS = 64
"""Names "should be kept as short as possible" (Table 74); anyone may choose them, so they are bounded."""

_OTHER_PORT = re.compile(r"port(?!0/)[0-9]*/")


class PathError(ValueError):
    """A topic path or name that cannot be used; the text says which and what is allowed."""


def check_path(topic: Topic) -> None:
    """Raise PathError unless the declared path can be subscribed: port 0, at most one ``+``, no ``#``."""
    levels = topic.path.split("/")
    whole = all(level == "+" or not set(level) & {"+", "#"} for level in levels)
    if not whole or levels.count("+") > 1 or "#" in topic.path:
        raise PathError(
            f"topic {topic.name}: path {topic.path!r}: allowed is at most one '+', as a whole level"
        )
    if levels[0] == "+" or _OTHER_PORT.match(topic.path):
        raise PathError(f"topic {topic.name}: path {topic.path!r}: the only charge port is port0/")


def full_path(topic: Topic, name: str = "") -> str:
    """The path to publish at, with ``name`` in place of the ``+``. Raises PathError."""
    if "+" not in topic.path:
        if name:
            raise PathError(f"topic {topic.name} takes no name; got {name!a}")
        return topic.path
    if not is_name(name):
        raise PathError(
            f"topic {topic.name}: name {name[:MAXIMUM_NAME_CHARACTERS]!a}: allowed are 1 to "
            f"{MAXIMUM_NAME_CHARACTERS} printable characters without / + #"
        )
    return topic.path.replace("+", name)


def is_name(name: str) -> bool:
    """Whether a free name is one that may be published and is accepted."""
    return 0 < len(name) <= MAXIMUM_NAME_CHARACTERS and name.isprintable() and not set(name) & set("/+#")


class TopicTable:
    """Finds the declared topic of a received path."""

    def __init__(self, topics: Iterable[Topic]) -> None:
        """Raises PathError for a topic that cannot be subscribed."""
        self._exact: dict[str, Topic] = {}
        self._named: list[tuple[str, str, Topic]] = []
        for topic in topics:
            check_path(topic)
            if "+" in topic.path:
                before, _, after = topic.path.partition("+")
                self._named.append((before, after, topic))
            else:
                self._exact[topic.path] = topic

    def filters(self) -> list[str]:
        """The MQTT topic filters to subscribe to."""
        return [*self._exact, *(topic.path for _, _, topic in self._named)]

    def find(self, path: str) -> tuple[Topic, str] | None:
        """The topic and the name of a received path; None when it is not a declared one.

        The name is returned as it came: ``is_name`` tells whether it may be used.
        """
        topic = self._exact.get(path)
        if topic is not None:
            return topic, ""
        for before, after, named in self._named:
            end = len(path) - len(after)
            if path.startswith(before) and path.endswith(after) and end >= len(before):
                name = path[len(before) : end]
                if "/" not in name:
                    return named, name
        return None
