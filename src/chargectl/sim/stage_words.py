"""What MQTT and the pins say, in a few words each: for the timeline and for the screen."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, Final

from chargectl.bus.payload import Value
from chargectl.declarations import topics
from chargectl.declarations.types import Direction, Topic


def _either(yes: str, no: str) -> Callable[[Any], str]:
    return lambda value: yes if value else no


def _ampere(name: str) -> Callable[[Any], str]:
    return lambda value: f"{name} none" if value == -1 else f"{name} {value:g} A"


def clock_time(value: Value) -> str:
    """A moment as local time of day with milliseconds; any other value as it stands."""
    return f"{value.astimezone():%H:%M:%S.%f}"[:-3] if isinstance(value, datetime) else str(value)


def listed(values: Iterable[object]) -> str:
    """Values in a row, or "none"."""
    return ", ".join(map(str, values)) or "none"


_TOPIC_WORDS: Final[tuple[tuple[Topic, Callable[[Any], str]], ...]] = (
    (topics.TOPIC_CONFIGD_ONLINE, _either("configd online", "configd offline")),
    (topics.TOPIC_PORTD_ONLINE, _either("portd online", "portd offline")),
    (topics.TOPIC_PORTD_ERRORS, lambda value: f"errors {listed(value)}"),
    (topics.TOPIC_CHARGE_INIT_PROTOCOL, lambda value: f"protocol {value}"),
    (topics.TOPIC_CHARGE_CP_STATUS, lambda value: f"state {value}"),
    (topics.TOPIC_CHARGE_PWM_STATUS, lambda value: f"PWM {value:.2f} %"),
    (topics.TOPIC_CHARGE_PLUG_STATUS, lambda value: f"plug {value}"),
    (topics.TOPIC_PLUG_LOCK, _either("plug to be locked", "plug to be unlocked")),
    (topics.TOPIC_CONTACTOR_STATE_TARGET, _either("contactor to be closed", "contactor to be open")),
    (topics.TOPIC_CONTACTOR_STATE_ACTUAL, _either("contactor closed", "contactor open")),
    (topics.TOPIC_CHARGING, _either("charging", "not charging")),
    (topics.TOPIC_EVSE_PHASE_ACTUAL, lambda value: f"{value} phases"),
    (topics.TOPIC_VENTILATION_STATE_ACTUAL, _either("ventilation on", "ventilation off")),
    (topics.TOPIC_CABLE_CURRENT_LIMIT, _ampere("cable")),
    (topics.TOPIC_EVSE_BASIC_OFFERED_CURRENT_LIMIT, _ampere("limit")),
    (topics.TOPIC_EVSE_BASIC_PHYSICAL_CURRENT_LIMIT, _ampere("physical limit")),
    (topics.TOPIC_RCD_STATE_ACTUAL, _either("RCD ok", "RCD tripped")),
    (topics.TOPIC_RCD_ERROR, lambda value: f"RCD error {value or 'none'}"),
    (topics.TOPIC_RCD_TEST_TIMESTAMP, lambda value: f"RCD test ended {clock_time(value)}"),
    (topics.TOPIC_EMERGENCY_SHUTDOWN, _either("emergency shutdown", "no emergency shutdown")),
    (topics.TOPIC_PLUG_LOCK_PERMANENT_FAILURE, lambda value: f"lock failure {value or 'none'}"),
    (topics.TOPIC_SESSION_PROXIMITY_ERROR, lambda value: f"proximity error {value or 'none'}"),
    (topics.TOPIC_V2G_MAC, lambda value: f"car {value}"),
    (topics.TOPIC_CHARGE_TCP_STATUS, _either("TCP connected", "TCP not connected")),
    (topics.TOPIC_CHARGE_INIT_STATUS, lambda value: f"initialisation {value}"),
    (topics.TOPIC_CHARGE_AUTH_STATUS, lambda value: f"authorisation {value}"),
    (topics.TOPIC_CHARGE_PARAMETER_STATUS, lambda value: f"parameters {value}"),
    (topics.TOPIC_CHARGE_CHARGE_STATUS, lambda value: f"charge loop {value}"),
    (topics.TOPIC_EV_STOP_PROGRESS, lambda value: "session stop"),
    (topics.TOPIC_AUTHORIZATION_STATUS, _either("authorised", "authorisation withdrawn")),
)
_TOPIC: Final = {topic.path: words for topic, words in _TOPIC_WORDS}
_LIMIT: Final = topics.TOPIC_GLOBAL_DYN_CURRENT_LIMIT

SHOWN_TOPICS: Final[tuple[Topic, ...]] = (
    *(topic for topic in topics.TOPICS if topic.daemon == "portd" and topic.retain),
    *(
        topic
        for topic in topics.TOPICS
        if topic.daemon == "iso15118d" and topic.direction is Direction.PUBLISHED
    ),
    topics.TOPIC_CONFIGD_ONLINE,
)
"""Everything lasting that portd publishes or reads, and what iso15118d tells of a session."""

_FACT: Final[dict[str, Callable[[Any], str]]] = {
    "plugged": _either("cable inserted", "no cable"),
    "pilot": lambda value: f"pilot {value}",
    "duty": lambda value: f"duty {value:.2f} %",
    "car_asks": _either("car asks for energy", "car asks for none"),
    "contactor_1": _either("contactor closed", "contactor open"),
    "contactor_2": _either("relay 2 closed", "relay 2 open"),
    "lock": lambda value: f"bolt {value}",
    "current_a": lambda value: f"{value:.1f} A flow",
    "rcd_tripped": _either("RCD tripped", "RCD ok"),
    "rcd_test": _either("RCD test input on", "RCD test input off"),
    "emergency": _either("emergency pressed", "emergency released"),
    "car_full": _either("battery full", "battery not full"),
    "hazard": lambda value: f"DANGER: {value}",
}


def topic_words(path: str, value: Value) -> str | None:
    """What a topic says, in words; None for one that says nothing new (a twin of another)."""
    if words := _TOPIC.get(path):
        return words(value)
    found = topics.match(path)
    if found is not None and found[0] is _LIMIT:
        return _ampere(f"limit '{found[1]}'")(value)
    return None


def fact_words(name: str, value: Any) -> str | None:
    """What a fact of the plant is, in words; None for one that is not shown."""
    words = _FACT.get(name)
    return words(value) if words else None
