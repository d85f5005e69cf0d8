"""How the live screen looks: MQTT on the left, pins and car on the right, each with what happened last."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any, Final

from rich.console import Group, RenderableType
from rich.layout import Layout
from rich.panel import Panel
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from chargectl.declarations import topics
from chargectl.declarations.types import Topic
from chargectl.sim.stage_desk import Desk, Happening, Source
from chargectl.sim.stage_words import fact_words, listed, topic_words

_HEAD_LINES: Final = 1
_FRAME_LINES: Final = 3
"""Two borders and the rule above the happenings."""
_GOOD, _BAD, _QUIET = "green", "bold red", "bright_black"

Row = tuple[str, str, str]
"""Label, value, style of the value."""


def layout(desk: Desk, keys: Iterable[str], height: int, width: int) -> RenderableType:
    """The whole screen for a terminal of this many lines and columns; ``keys`` says what can be pressed."""
    foot = [*_folded(keys, width), f"or: chargectl sim do --socket {desk.stage.socket} ACTION"]
    mqtt, pins = list(_mqtt_rows(desk)), list(_pin_rows(desk))
    space = max(height - _HEAD_LINES - len(foot) - _FRAME_LINES - len(mqtt), 1)
    screen = Layout()
    body = Layout()
    screen.split_column(
        Layout(_head(desk), size=_HEAD_LINES),
        body,
        Layout(Text("\n".join(foot), no_wrap=True), size=len(foot)),
    )
    body.split_row(
        Layout(_side("as MQTT tells it", mqtt, _mqtt_happenings(desk, space))),
        Layout(_side("the pins and the car", pins, _pin_happenings(desk, space))),
    )
    return screen


def _folded(words: Iterable[str], width: int) -> list[str]:
    """Words in as many lines as they need, none of them broken."""
    lines = [""]
    for word in words:
        longer = f"{lines[-1]}  {word}" if lines[-1] else word
        if len(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def _head(desk: Desk) -> Text:
    minutes, seconds = divmod(int(desk.now_s), 60)
    return Text.assemble(
        (" chargectl ", "bold reverse"),
        f" simulated board · MQTT broker 127.0.0.1:{desk.stage.port} · {minutes:02}:{seconds:02}",
    )


def _side(title: str, rows: list[Row], happenings: list[Text]) -> Panel:
    table = Table.grid(padding=(0, 1), expand=True)
    table.add_column(style=_QUIET, no_wrap=True)
    table.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
    for label, value, style in rows:
        table.add_row(label, Text(value, style))
    return Panel(Group(table, Rule(style=_QUIET), *happenings), title=title, padding=(0, 1))


def _mqtt_rows(desk: Desk) -> Iterator[Row]:
    def get(topic: Topic) -> Any:
        return desk.value(topic)

    def text(topic: Topic, form: Callable[[Any], str] = str) -> str:
        value = get(topic)
        return "?" if value is None else form(value)

    def ampere(value: Any) -> str:
        return "-" if value == -1 else f"{value:g}"

    state = text(topics.TOPIC_CHARGE_CP_STATUS)
    charging = get(topics.TOPIC_CHARGING) is True
    yield "state", f"{state}, {'charging' if charging else 'not charging'}", _GOOD if charging else ""
    yield "pilot", text(topics.TOPIC_CHARGE_PWM_STATUS, lambda value: f"{value:.2f} %"), ""
    physical = text(topics.TOPIC_EVSE_BASIC_PHYSICAL_CURRENT_LIMIT, ampere)
    offered = text(topics.TOPIC_EVSE_BASIC_OFFERED_CURRENT_LIMIT, ampere)
    yield "current", f"offered {offered}, physical {physical} A", ""
    grid = text(topics.TOPIC_EVSE_GRID_CURRENT_LIMIT_ACTUAL, ampere)
    station = text(topics.TOPIC_EVSE_EVSE_CURRENT_LIMIT_ACTUAL, ampere)
    cable = text(topics.TOPIC_CABLE_CURRENT_LIMIT, ampere)
    yield "limits", f"grid {grid}, evse {station}, cable {cable}", ""
    yield "dynamic", listed(_dynamic_limits(desk)), ""
    wanted = text(topics.TOPIC_PLUG_LOCK, lambda value: "locked" if value else "unlocked")
    yield "plug", _aim(text(topics.TOPIC_CHARGE_PLUG_STATUS), wanted), ""
    wanted = text(topics.TOPIC_CONTACTOR_STATE_TARGET, _closed)
    actual = text(topics.TOPIC_CONTACTOR_STATE_ACTUAL, _closed)
    yield "contactor", _aim(actual, wanted), _GOOD if actual == "closed" else ""
    yield "vent fan", text(topics.TOPIC_VENTILATION_STATE_ACTUAL, lambda value: "on" if value else "off"), ""
    tripped = get(topics.TOPIC_RCD_STATE_ACTUAL) is False
    tested = get(topics.TOPIC_RCD_TEST_TIMESTAMP)
    when = f", tested {tested.astimezone():%H:%M:%S}" if isinstance(tested, datetime) else ""
    yield "RCD", ("tripped" if tripped else "ok") + when, _BAD if tripped else ""
    emergency = get(topics.TOPIC_EMERGENCY_SHUTDOWN) is True
    yield "emergency", "shutdown" if emergency else "no", _BAD if emergency else ""
    errors = get(topics.TOPIC_PORTD_ERRORS) or []
    others = f" and {len(errors) - 1} more" if len(errors) > 1 else ""
    yield "errors", listed(errors[:1]) + others, _BAD if errors else ""


def _pin_rows(desk: Desk) -> Iterator[Row]:
    state = desk.state
    facts, car, pilot, lock = state["facts"], state["car"], state["pilot"], state["lock"]
    plugged = facts["plugged"]
    asks = "asks for energy" if facts["car_asks"] else "asks for none"
    yield "cable", f"inserted, {state['cable_a']} A" if plugged else "not inserted", ""
    volts = f"{pilot['high_mv'] / 1000:.1f} V"
    yield (
        "pilot",
        f"{volts}, {pilot['wave']}" + (f" {facts['duty']:.2f} %" if pilot["wave"] == "PWM" else ""),
        "",
    )
    yield "car", asks if car["connected"] else "away", ""
    flows = car["current_a"] > 0
    phases = state["safety"]["phases_in_use"]
    power = f"{car['current_a']:.1f} A, {phases} phases, {car['power_w'] / 1000:.1f} kW"
    yield "current", power if flows else "none", _GOOD if flows else ""
    full = ", full" if facts["car_full"] else ""
    yield "battery", f"{car['battery_percent']:.2f} %, {car['received_wh'] / 1000:.2f} kWh taken{full}", ""
    yield "bolt", f"{facts['lock']}{', motor on' if lock['drive'] in ('lock', 'unlock') else ''}", ""
    primary, secondary = state["contactors"]
    yield "contactor", _contactor(primary), _GOOD if primary["closed"] else ""
    yield "relay 2", _contactor(secondary), ""
    test = ", test input on" if facts["rcd_test"] else ""
    yield "RCD", ("tripped" if facts["rcd_tripped"] else "ok") + test, _BAD if facts["rcd_tripped"] else ""
    yield "emergency", "pressed" if facts["emergency"] else "released", _BAD if facts["emergency"] else ""
    hazards = state["safety"]["hazards"]
    yield "dangers", hazards[-1]["what"] if hazards else "none", _BAD if hazards else ""


def _dynamic_limits(desk: Desk) -> Iterator[str]:
    for path, value in desk.mqtt.items():
        found = topics.match(path)
        if found is not None and found[0] is topics.TOPIC_GLOBAL_DYN_CURRENT_LIMIT:
            yield f"{found[1]} no limit" if value == -1 else f"{found[1]} {value:g} A"


def _closed(value: object) -> str:
    return "closed" if value else "open"


def _aim(actual: str, wanted: str) -> str:
    return actual if actual == wanted else f"{actual}, to be {wanted}"


def _contactor(contactor: dict[str, Any]) -> str:
    return _closed(contactor["closed"]) + (f", {contactor['fault']}" if contactor["fault"] else "")


def _mqtt_happenings(desk: Desk, count: int) -> list[Text]:
    def words(each: Happening) -> str | None:
        if each.source is Source.PINS or not each.name:
            return None
        text = topic_words(each.name, each.value)
        if each.source is Source.USER:
            return f"you: {text or each.name}"
        return text

    return _last(desk.happenings, words, count)


def _pin_happenings(desk: Desk, count: int) -> list[Text]:
    def words(each: Happening) -> str | None:
        if each.source is Source.PINS:
            return fact_words(each.name, each.value)
        return f"you: {each.value}" if each.source is Source.USER and not each.name else None

    return _last(desk.happenings, words, count)


def _last(
    happenings: Iterable[Happening], words: Callable[[Happening], str | None], count: int
) -> list[Text]:
    lines: list[Text] = []
    for each in reversed(list(happenings)):
        text = words(each)
        if text is None:
            continue
        style = "bold" if text.startswith("you:") else _BAD if "DANGER" in text else ""
        time = f"{each.at_s:7.2f} "
        lines.append(Text.assemble((time, _QUIET), (text, style), no_wrap=True, overflow="ellipsis"))
        if len(lines) == count:
            break
    return lines[::-1]
