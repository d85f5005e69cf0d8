"""What the port's topics mean, in words. Pure: values of topics in, text out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from chargectl.bus.payload import Value
from chargectl.declarations import topics
from chargectl.declarations.errors import BY_CODE
from chargectl.declarations.types import JsonValue, Topic

Values = Mapping[str, Value]
"""The newest value of each topic, by path."""

_CURRENT_FROM: Final = 8.0
_CURRENT_TO: Final = 97.0
"""Duty cycles in percent that offer a current (IEC 61851-1 Table A.7)."""


@dataclass(frozen=True, slots=True)
class ActiveError:
    """An active error with what its declaration says."""

    code: str
    meaning: str
    ends: str


@dataclass(frozen=True, slots=True)
class Status:
    """What the port does. ``state`` is a stable word for programs, ``text`` says the same to people."""

    state: str
    text: str
    online: bool
    errors: tuple[ActiveError, ...]


def status_of(values: Values) -> Status:
    """The status that follows from the topics; what was never published is left open."""
    online = values.get(topics.TOPIC_PORTD_ONLINE.path) is True
    errors = _errors(values)
    if not online:
        state, text = "offline", "portd is offline"
    elif values.get(topics.TOPIC_CHARGING.path) is True:
        state, text = _charging(values)
    elif errors:
        state, text = "error", f"error: {errors[0].meaning}"
    else:
        state, text = _idle(values)
    return Status(state, text, online, errors)


def lines(values: Values) -> list[str]:
    """The status as lines: what the port does, then the facts as a table, then the errors."""
    status = status_of(values)
    facts = _facts(values) if status.online else []
    width = max((len(label) for label, _ in facts), default=0)
    table = [f"  {label:{width}}  {text}" for label, text in facts]
    errors = [f"  {error.code}: {error.meaning}; it ends {error.ends}" for error in status.errors]
    return [status.text, *table, *(["errors:", *errors] if status.online and errors else [])]


def as_json(values: Values) -> dict[str, JsonValue]:
    """The status for programs: ``state``, ``text``, ``online``, ``errors`` and all ``topics`` by path."""
    status = status_of(values)
    return {
        "state": status.state,
        "text": status.text,
        "online": status.online,
        "errors": [{"code": each.code, "meaning": each.meaning, "ends": each.ends} for each in status.errors],
        "topics": {path: plain(values[path]) for path in sorted(values)},
    }


def plain(value: Value) -> JsonValue:
    """A topic's value as JSON: a moment becomes RFC 3339 in UTC, everything else stays."""
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return value


def _charging(values: Values) -> tuple[str, str]:
    offered = values.get(topics.TOPIC_EVSE_BASIC_OFFERED_CURRENT_LIMIT.path)
    if not isinstance(offered, int | float):
        return "charging", "charging"
    if offered <= 0:
        return "paused", "power is on, but a limit below 6 A offers no current"
    return "charging", f"charging at {offered:.1f} A"


def _idle(values: Values) -> tuple[str, str]:
    pilot = values.get(topics.TOPIC_CHARGE_CP_STATUS.path)
    if pilot == "A":
        return "available", "no car"
    if pilot in ("E", "F"):
        return "unavailable", f"out of service: the control pilot is in state {pilot}"
    if pilot not in ("B", "C", "D"):
        return "unknown", "portd has not told the state of the control pilot"
    duty = values.get(topics.TOPIC_CHARGE_PWM_STATUS.path)
    if isinstance(duty, int | float) and _CURRENT_FROM <= duty <= _CURRENT_TO:
        if pilot == "B":
            return "waiting_car", "car connected, waiting for the car to ask for energy"
        return "starting", "the car asks for energy, power is about to be switched on"
    if values.get(topics.TOPIC_EVSE_BASIC_OFFERED_CURRENT_LIMIT.path) == 0:
        return "paused", "car connected, but a limit below 6 A offers no current"
    if pilot == "D" and values.get(topics.TOPIC_VENTILATION_AVAILABLE.path) is not True:
        return "unventilated", "the car needs ventilation, which is not available"
    if values.get(topics.TOPIC_PLUG_LOCK.path) is True:
        return "preparing", "car connected, the session is being prepared"
    return "waiting_authorization", "car connected, waiting for authorisation"


def _errors(values: Values) -> tuple[ActiveError, ...]:
    codes = values.get(topics.TOPIC_PORTD_ERRORS.path)
    found = []
    for code in codes if isinstance(codes, list) else []:
        row = BY_CODE.get(str(code))
        if row is None:
            found.append(ActiveError(str(code), "this version does not know this error", "unknown"))
        else:
            found.append(ActiveError(row.code, row.meaning, row.recovery.value))
    return tuple(found)


def _facts(values: Values) -> list[tuple[str, str]]:
    """Label and text of everything that was published."""

    def text(topic: Topic, form: str = "{}") -> str:
        value = values.get(topic.path)
        return "" if value is None else form.format(value)

    def either(topic: Topic, yes: str, no: str) -> str:
        value = values.get(topic.path)
        return yes if value is True else no if value is False else ""

    def ampere(topic: Topic, label: str) -> str:
        value = values.get(topic.path)
        if not isinstance(value, int | float):
            return ""
        return f"{label} {value:g} A" if value >= 0 else f"{label} no limit"

    tested = values.get(topics.TOPIC_RCD_TEST_TIMESTAMP.path)
    last_test = f"last test {tested.astimezone():%Y-%m-%d %H:%M:%S}" if isinstance(tested, datetime) else ""
    monitored = values.get(topics.TOPIC_RCD_FEEDBACK_AVAILABLE.path) is not False
    rcd = either(topics.TOPIC_RCD_STATE_ACTUAL, "ok", "tripped") if monitored else "not monitored"
    table = [
        ("pilot", text(topics.TOPIC_CHARGE_CP_STATUS, "state {}"), _percent(values)),
        (
            "current",
            ampere(topics.TOPIC_EVSE_BASIC_OFFERED_CURRENT_LIMIT, "offered"),
            ampere(topics.TOPIC_EVSE_BASIC_PHYSICAL_CURRENT_LIMIT, "physical limit"),
        ),
        (
            "limits",
            ampere(topics.TOPIC_EVSE_GRID_CURRENT_LIMIT_ACTUAL, "grid"),
            ampere(topics.TOPIC_EVSE_EVSE_CURRENT_LIMIT_ACTUAL, "EVSE"),
            ampere(topics.TOPIC_CABLE_CURRENT_LIMIT, "cable"),
        ),
        ("dynamic limits", *_dynamic(values)),
        ("plug lock", text(topics.TOPIC_CHARGE_PLUG_STATUS)),
        (
            "contactor",
            either(topics.TOPIC_CONTACTOR_STATE_ACTUAL, "closed", "open"),
            text(topics.TOPIC_EVSE_PHASE_ACTUAL, "{} phases"),
        ),
        ("ventilation", either(topics.TOPIC_VENTILATION_STATE_ACTUAL, "on", "off")),
        ("RCD", rcd, last_test),
        ("emergency", either(topics.TOPIC_EMERGENCY_SHUTDOWN, "shut down", "no")),
    ]
    rows = [(label, ", ".join(filter(None, parts))) for label, *parts in table]
    return [(label, row) for label, row in rows if row]


def _percent(values: Values) -> str:
    duty = values.get(topics.TOPIC_CHARGE_PWM_STATUS.path)
    return f"PWM {duty:.2f} %" if isinstance(duty, int | float) else ""


def _dynamic(values: Values) -> list[str]:
    found = []
    for path, value in sorted(values.items(), key=lambda item: item[0]):
        match = topics.match(path)
        if match and match[0] is topics.TOPIC_GLOBAL_DYN_CURRENT_LIMIT and isinstance(value, int | float):
            found.append(f"{match[1]} {value:g} A" if value >= 0 else f"{match[1]} no limit")
    return found
