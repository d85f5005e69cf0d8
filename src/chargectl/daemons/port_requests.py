"""From received MQTT messages to the port's events."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from chargectl.bus.message import Message
from chargectl.bus.payload import Value
from chargectl.bus.retained import RetainedBurst
from chargectl.declarations import topics
from chargectl.declarations.types import Topic
from chargectl.port import events
from chargectl.port.settings import AuthenticationMode, PortSettings

MAXIMUM_REMEMBERED: Final = 256
"""Retained values remembered; more names than that have no effect on the port anyway."""


def _number(message: Message) -> float:
    if not isinstance(message.value, int | float):
        raise TypeError(f"{message.topic.path}: a number was expected")
    return message.value


_EVENT: Final[dict[str, Callable[[Message], events.Event]]] = {
    topics.TOPIC_AUTHORIZATION_STATUS.path: lambda m: events.Authorization(bool(m.value), not m.retained),
    topics.TOPIC_GLOBAL_DYN_CURRENT_LIMIT.path: lambda m: events.DynamicLimit(m.name, _number(m)),
    topics.TOPIC_EVSE_BASIC_MAXCURRENTLIMIT.path: lambda m: events.StationLimit(_number(m)),
    topics.TOPIC_EVSE_PHASE_TARGET.path: lambda m: events.PhaseTarget(int(_number(m))),
    topics.TOPIC_EVSE_PHASE_SWITCH_DELAY.path: lambda m: events.PhaseSwitchDelay(int(_number(m))),
    topics.TOPIC_RCD_TEST_PERFORM.path: lambda m: events.RcdTestRequest(),
    topics.TOPIC_VENTILATION_AVAILABLE.path: lambda m: events.VentilationAvailable(bool(m.value)),
    topics.TOPIC_VENTILATION_STATE_TARGET.path: lambda m: events.VentilationTarget(bool(m.value)),
}


def subscriptions(settings: PortSettings) -> list[Topic]:
    """Return the topics that matter with these settings: what the port itself publishes is not among them."""
    wanted = [
        topics.TOPIC_GLOBAL_DYN_CURRENT_LIMIT,
        topics.TOPIC_EVSE_BASIC_MAXCURRENTLIMIT,
        topics.TOPIC_EVSE_PHASE_TARGET,
        topics.TOPIC_EVSE_PHASE_SWITCH_DELAY,
        topics.TOPIC_RCD_TEST_PERFORM,
    ]
    if settings.authentication in (AuthenticationMode.MQTT, AuthenticationMode.OCPP):
        wanted.append(topics.TOPIC_AUTHORIZATION_STATUS)
    if settings.ventilation.external and not settings.phase_switching:
        wanted += [topics.TOPIC_VENTILATION_AVAILABLE, topics.TOPIC_VENTILATION_STATE_TARGET]
    return wanted


class PortRequests:
    """Turns messages into events; limits under free names that were retained come sorted by name.

    What the broker had retained comes again with each reconnect. A value that has been received before is no
    news then: it must not end a session that was authorized since, nor make a limit look young whose
    publisher fell silent.
    """

    def __init__(self) -> None:
        self._burst = RetainedBurst()
        self._retained: dict[tuple[str, str], Value] = {}

    def take(self, messages: list[Message], now_ms: int) -> list[events.Event]:
        """Return the events of the messages received by ``now_ms``, and of those held back until now."""
        ready = self._burst.due(now_ms)
        for message in messages:
            ready += self._burst.put(message, now_ms)
        return [_EVENT[message.topic.path](message) for message in ready if self._is_news(message)]

    def _is_news(self, message: Message) -> bool:
        if not message.retained:
            return True
        place = (message.topic.path, message.name)
        known = place in self._retained
        repeated = known and self._retained[place] == message.value
        if known or len(self._retained) < MAXIMUM_REMEMBERED:
            self._retained[place] = message.value
        return not (repeated and message.kept)
