"""Every MQTT topic of the charging stack, declared once.

The constants carry the names of the guide (chapter 15, 3.3.4, 3.3.5, 3.3.8, 11.5); where the guide gives a
path without a name, one in its style. Directions are seen from the stack. QoS is 0 everywhere. Retained are
lasting states, so that whoever subscribes late sees them at once; signals, requests, tags, the phases and the
parameters of one session are not, because a late subscriber would act on them again.

Only ``port0`` exists.
"""

from __future__ import annotations

from typing import Final

from chargectl.declarations.topics import charge, ev, evse, limits, port, station
from chargectl.declarations.topics.charge import *  # noqa: F403
from chargectl.declarations.topics.ev import *  # noqa: F403
from chargectl.declarations.topics.evse import *  # noqa: F403
from chargectl.declarations.topics.limits import *  # noqa: F403
from chargectl.declarations.topics.port import *  # noqa: F403
from chargectl.declarations.topics.station import *  # noqa: F403
from chargectl.declarations.types import Topic

TOPICS: Final[tuple[Topic, ...]] = tuple(
    value
    for module in (charge, port, limits, station, evse, ev)
    for value in vars(module).values()
    if isinstance(value, Topic)
)
"""All topics: the session, the port, its limits, the station, what the EVSE's owner supplies, what the EV
sends."""

BY_NAME: Final[dict[str, Topic]] = {topic.name: topic for topic in TOPICS}
BY_PATH: Final[dict[str, Topic]] = {topic.path: topic for topic in TOPICS}
"""By declared path; those with a free name under their ``+`` form. See :func:`match` for received paths."""

_PATTERNS: Final[tuple[tuple[str, str, Topic], ...]] = tuple(
    (before, after, topic) for topic in TOPICS for before, plus, after in (topic.path.partition("+"),) if plus
)


def match(path: str) -> tuple[Topic, str] | None:
    """Find the topic of a received path and the name that stands for its ``+`` (empty without one).

    None for an undeclared path. An empty name, or one with a slash, matches nothing.
    """
    exact = BY_PATH.get(path)
    if exact is not None:
        return None if "+" in path else (exact, "")
    for before, after, topic in _PATTERNS:
        if path.startswith(before) and path.endswith(after):
            name = path[len(before) : len(path) - len(after)]
            if name and "/" not in name:
                return topic, name
    return None
