"""Plays steps on a running demonstration and holds both sides to them: what MQTT says and what the pins show.

A step is one action and what must then be seen before a deadline. Every step prints a line with the time,
and below it both sides in words; a missed one prints what was expected and what was there instead.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from chargectl.bus.paths import full_path
from chargectl.bus.payload import Value
from chargectl.declarations import topics
from chargectl.declarations.errors import BY_CODE
from chargectl.declarations.types import Topic
from chargectl.sim.client import SimError
from chargectl.sim.stage import StageError
from chargectl.sim.stage_desk import Desk, Source
from chargectl.sim.stage_words import fact_words, topic_words

POLL_S: Final = 0.02
_MARGIN: Final = " " * 10


@dataclass(frozen=True, slots=True)
class Expectation:
    """Something that must be seen on one side. ``first`` in both is the number of the first happening after
    the last action; ``shown`` says in words what is seen there now.
    """

    source: Source
    wanted: str
    holds: Callable[[Desk, int], bool]
    shown: Callable[[Desk, int], str]


@dataclass(frozen=True, slots=True)
class Step:
    """One action and its consequences; without an action, more consequences of the last one."""

    title: str
    act: Callable[[Desk], None] | None
    expect: tuple[Expectation, ...]
    within_s: float = 15.0


def says(topic: Topic, value: Value) -> Expectation:
    """A topic's newest value is this one."""
    path = full_path(topic)
    return Expectation(
        Source.MQTT,
        _topic_text(path, value),
        lambda desk, _: path in desk.mqtt and desk.mqtt[path] == value,
        lambda desk, _: _topic_text(path, desk.mqtt[path]) if path in desk.mqtt else f"nothing at {path}",
    )


def says_about(topic: Topic, number: float, within: float) -> Expectation:
    """A topic's newest value is near a number."""
    path = full_path(topic)
    exact = says(topic, number)

    def holds(desk: Desk, _: int) -> bool:
        value = desk.mqtt.get(path)
        return isinstance(value, int | float) and abs(value - number) <= within

    return replace(exact, holds=holds)


def said(topic: Topic, *values: Value) -> Expectation:
    """A topic took these values since the last action, in this order (others may come between)."""
    path = full_path(topic)
    return _sequence(Source.MQTT, [(path, value) for value in values])


def said_anything(topic: Topic) -> Expectation:
    """A topic was published since the last action, whatever its value."""
    path = full_path(topic)

    def values(desk: Desk, first: int) -> list[Value]:
        return [value for name, value in _since(desk, first, Source.MQTT) if name == path]

    return Expectation(
        Source.MQTT,
        f"a message at {path}",
        lambda desk, first: bool(values(desk, first)),
        lambda desk, first: (
            " → ".join(_topic_text(path, value) for value in values(desk, first)) or f"nothing new at {path}"
        ),
    )


def never_said(topic: Topic, value: Value) -> Expectation:
    """A topic did not take this value since the last action."""
    path = full_path(topic)
    text = _topic_text(path, value)
    return Expectation(
        Source.MQTT,
        f"never {text}",
        lambda desk, first: (path, value) not in _since(desk, first, Source.MQTT),
        lambda desk, first: text if (path, value) in _since(desk, first, Source.MQTT) else f"never {text}",
    )


def is_(fact: str, value: Any) -> Expectation:
    """A fact of the plant is this."""
    return Expectation(
        Source.PINS,
        _fact_text(fact, value),
        lambda desk, _: bool(desk.state["facts"][fact] == value),
        lambda desk, _: _fact_text(fact, desk.state["facts"][fact]),
    )


def is_about(fact: str, number: float, within: float) -> Expectation:
    """A fact of the plant is near a number."""
    return replace(
        is_(fact, number), holds=lambda desk, _: bool(abs(desk.state["facts"][fact] - number) <= within)
    )


def went(*changes: tuple[str, Any]) -> Expectation:
    """Facts of the plant took these values since the last action, in this order (others may come between)."""
    return _sequence(Source.PINS, changes)


def pilot_volts(volts: float, within: float = 0.5) -> Expectation:
    """The pilot line's high level is near this voltage."""
    return Expectation(
        Source.PINS,
        f"pilot {volts:.1f} V",
        lambda desk, _: abs(desk.state["pilot"]["high_mv"] / 1000 - volts) <= within,
        lambda desk, _: f"pilot {desk.state['pilot']['high_mv'] / 1000:.1f} V",
    )


def no_hazard() -> Expectation:
    """Nothing has happened so far that could hurt somebody."""
    return Expectation(
        Source.PINS,
        "no hazard so far",
        lambda desk, _: not desk.state["safety"]["hazards"],
        lambda desk, _: (
            "; ".join(hazard["what"] for hazard in desk.state["safety"]["hazards"]) or "no hazard so far"
        ),
    )


def play(desk: Desk, steps: Sequence[Step], say: Callable[[str], None], patience: float = 1.0) -> bool:
    """Play the steps, telling each; returns False at the first that is not seen on both sides.

    ``patience`` multiplies the steps' deadlines. Raises what the stage's ``interrupted`` raises."""
    first = 0
    for number, step in enumerate(steps, 1):
        try:
            desk.poll()
            if step.act:
                first = desk.count
                step.act(desk)
            missed = _watch(desk, step, first, say, step.within_s * patience)
        except (StageError, SimError) as error:
            missed = [str(error)]
            say(f"{desk.now_s:7.2f} s  MISSED  {step.title}")
        if missed:
            for line in [*missed, f"step {number} of {len(steps)} was not seen"]:
                say(f"{_MARGIN}{line}")
            return False
    say(f"{desk.now_s:7.2f} s  all {len(steps)} steps were seen, on MQTT and on the pins")
    return True


def _watch(desk: Desk, step: Step, first: int, say: Callable[[str], None], within_s: float) -> list[str]:
    """Watch for what a step expects; returns what was missed, in words."""
    deadline = desk.now_s + within_s
    while True:
        desk.poll(POLL_S)
        missing = [each for each in step.expect if not each.holds(desk, first)]
        if not missing:
            say(f"{desk.now_s:7.2f} s  ok      {step.title}")
            for source in (Source.MQTT, Source.PINS):
                shown = [each.shown(desk, first) for each in step.expect if each.source is source]
                say(f"{_MARGIN}{source.value}  {' · '.join(shown)}")
            return []
        if desk.now_s > deadline:
            say(f"{desk.now_s:7.2f} s  MISSED  {step.title}")
            return [*_explain(desk, missing, first), f"waited {within_s:g} s"]


def _explain(desk: Desk, missing: list[Expectation], first: int) -> list[str]:
    lines = [
        f"{each.source.value}  expected: {each.wanted}; seen: {each.shown(desk, first)}" for each in missing
    ]
    codes = desk.value(topics.TOPIC_PORTD_ERRORS)
    for code in codes if isinstance(codes, list) else []:
        row = BY_CODE.get(str(code))
        lines.append(f"MQTT  error {code}: {row.meaning if row else 'not declared'}")
    return lines


def _sequence(source: Source, changes: Sequence[tuple[str, Any]]) -> Expectation:
    words = _topic_text if source is Source.MQTT else _fact_text

    def found(desk: Desk, first: int) -> list[str]:
        """The part of the sequence that was seen, in words."""
        seen: list[str] = []
        for change in _since(desk, first, source):
            if len(seen) < len(changes) and change == changes[len(seen)]:
                seen.append(words(*change))
        return seen

    return Expectation(
        source,
        " → ".join(words(*change) for change in changes),
        lambda desk, first: len(found(desk, first)) == len(changes),
        lambda desk, first: " → ".join(found(desk, first)) or "none of it",
    )


def _since(desk: Desk, first: int, source: Source) -> list[tuple[str, Any]]:
    return [
        (each.name, each.value) for each in desk.happenings if each.number >= first and each.source is source
    ]


def _topic_text(path: str, value: Value) -> str:
    return topic_words(path, value) or f"{path} {value}"


def _fact_text(fact: str, value: Any) -> str:
    return fact_words(fact, value) or f"{fact} {value}"
