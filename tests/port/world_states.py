"""All states of a port that a small alphabet of events can reach, by breadth-first search.

A state is everything that the port's parts remember, with moments as ages: two states with equal ages behave
alike. An age that no timer asks about any more is held at its timer's end, so that a search can close. Time
moves only from one of the port's deadlines to the next.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from operator import attrgetter
from typing import Any, Final

from chargectl.port import effects, events
from chargectl.port.machine import Port
from chargectl.port.settings import PortSettings

Snapshot = tuple[Any, ...]

AGES: Final = {
    "_off_since": 6_000,
    "_unsettled_since": 500,
    "_since": 10_000,
    "_unexpected_since": 500,
    "_bad_since": 1_500,
    "_stop_since": 3_000,
    "_tripped_since": 100,
    "_started": 10_000,
    "_trigger_ended": 10_000,
    "_connected_since": 0,
    "_seen_since": 100,
    "_offered_since": 0,
}
"""Attributes that hold a moment in the past, and the age (ms) after which no timer asks for it.

The cable is there from the start and nobody asks for a wake-up, so these ages do not matter here.
"""
MOMENTS: Final = ("_retry_at", "_resume_at", "_pulse_until", "_imposed_until", "_doubtful_until")
"""Attributes that hold a moment to come."""
UNTOLD: Final = (
    *("settings", "_settings", "_lock", "_phases", "_feedback", "_guard_ms", "_mode"),
    *("_now", "_tested", "_publisher", "notes", "refusals"),
    *("_dynamic", "_heard_ms", "_sources"),
)
"""What is no state here: constants, the clock, the time since the last RCD test, what was published,
a counter, and what no word of the alphabets changes: limits and faults of the board."""
PARTS: Final = (
    "AuthorizationState",
    "BoardHealth",
    "Contactor",
    "CurrentLimits",
    "PilotWatch",
    "PlugLock",
    "PluggedCable",
    "PowerPath",
    "Rcd",
    "Ventilation",
    "WakeUp",
)


class _Mute:
    """A publisher that publishes nothing: the search looks at the outputs."""

    def plugged_in(self) -> None:
        pass

    def rcd_test_ended(self) -> None:
        pass

    def rcd_answered(self) -> None:
        pass

    def changes(self, _port: Port) -> list[effects.Effect]:
        return []


class Machine:
    """A port that can be put back to any state it has been in."""

    def __init__(self, settings: PortSettings, first: Iterable[events.Event]) -> None:
        self.port = Port(settings, 0)
        vars(self.port)["_publisher"] = _Mute()
        ages = AGES | {"_off_at": settings.phases.delay_s * 1000 if settings.phase_switching else 0}
        fields = list(_fields(self.port, ""))
        names = [name for _, name, _ in fields]
        self._owners = [(owner, name) for owner, name, _ in fields]
        # One call into C reads all: this is most of the search's time.
        self._read = attrgetter(*(path for _, _, path in fields))
        self._ages = [(index, ages[name]) for index, name in enumerate(names) if name in ages]
        self._moments = [index for index, name in enumerate(names) if name in MOMENTS]
        self._drive = names.index("_since")
        self.port.start(0)
        for event in first:
            self.port.handle(event, 0)

    def handle(self, event: events.Event, now: int) -> list[effects.Effect]:
        """Let the port handle an event; the 24 hours between two RCD tests never pass."""
        self.port.rcd._tested = now
        return [effect for effect in self.port.handle(event, now) if not isinstance(effect, effects.Note)]

    def save(self) -> Snapshot:
        """Everything that the port remembers."""
        snapshot: Snapshot = self._read(self.port)
        return snapshot

    def restore(self, snapshot: Snapshot, now: int) -> None:
        """Go back to a moment."""
        for (owner, name), value, present in zip(self._owners, snapshot, self.save(), strict=True):
            if value is not present:
                setattr(owner, name, value)
        self.port._now = now

    def fingerprint(self, snapshot: Snapshot, now: int) -> Snapshot:
        """What makes ``snapshot``, the port's present state, differ from others at any time."""
        values = list(snapshot)
        for index, most in self._ages:
            since = values[index]
            values[index] = None if since is None else min(now - since, most)
        for index in self._moments:
            moment = values[index]
            values[index] = None if moment is None else max(moment - now, 0)
        if self.port.lock._phase.value == "idle":
            values[self._drive] = 0
        return tuple(values)


def _fields(part: Any, path: str) -> Iterator[tuple[Any, str, str]]:
    """Each attribute that is state: its owner, its name, and its path from the port."""
    for name in vars(part) if hasattr(part, "__dict__") else part.__slots__:
        value = getattr(part, name)
        if type(value).__name__ in PARTS:
            yield from _fields(value, f"{path}{name}.")
        elif name not in UNTOLD:
            yield part, name, path + name


@dataclass(frozen=True, slots=True)
class Facts:
    """The world around the port, in the tests' own words; ages in ms, held at their end."""

    pilot: str = "A"
    allowed: bool = True
    emergency: bool = False
    unplug_needed: bool = False
    rcd: bool = True
    tripped_with_ev: bool = False
    closed: bool = False
    secondary: bool = False
    locked: bool = False
    phases: int = 3
    phases_used: int | None = None
    off: int = 0
    """Time since the contactor was switched off, or seen to open."""
    off_held: int = 6_000
    withdrawn: int | None = None
    """Time since power is on without authorization."""

    def older(self, ms: int) -> Facts:
        """The same after ``ms``."""
        withdrawn = None if self.withdrawn is None else self.withdrawn + ms
        return replace(self, off=min(self.off + ms, self.off_held), withdrawn=withdrawn)


Word = Callable[[Facts, Port], tuple[Facts, events.Event]]
"""What a word of the alphabet makes of the facts, and the event that tells the port."""
Check = Callable[[Facts, Facts, Port, list[effects.Effect]], Facts]
"""Checks one step (facts before, facts now, the port, its effects); returns the facts after it."""


@dataclass(slots=True)
class Node:
    """A reachable state, and the step that led to it first."""

    snapshot: Snapshot
    facts: Facts
    now: int
    path: tuple[int, str] | None
    marks: frozenset[str]
    successors: dict[str, int] = field(default_factory=dict)


class Search:
    """Visits the states; each step is checked, each new state is marked."""

    def __init__(
        self,
        machine: Machine,
        facts: Facts,
        alphabet: dict[str, Word],
        check: Check,
        marks: Callable[[Facts, Port], frozenset[str]],
    ) -> None:
        self.machine = machine
        self.alphabet = alphabet
        self.nodes: list[Node] = []
        self._check = check
        self._marks = marks
        self._numbers: dict[tuple[Any, ...], int] = {}
        self._add(facts, 0, None)

    def _add(self, facts: Facts, now: int, path: tuple[int, str] | None) -> int:
        snapshot = self.machine.save()
        key = (facts, self.machine.fingerprint(snapshot, now))
        number = self._numbers.get(key)
        if number is None:
            number = self._numbers[key] = len(self.nodes)
            marks = self._marks(facts, self.machine.port)
            self.nodes.append(Node(snapshot, facts, now, path, marks))
        return number

    def run(self, most: int) -> bool:
        """Visit every state; False when there are more than ``most``."""
        number = 0
        while number < len(self.nodes):
            node = self.nodes[number]
            for word in ("time", *self.alphabet):
                following = self._follow(node, number, word)
                if following is not None:
                    node.successors[word] = following
            if len(self.nodes) > most:
                return False
            number += 1
        return True

    def _follow(self, node: Node, number: int, word: str) -> int | None:
        machine, now, facts = self.machine, node.now, node.facts
        event: events.Event = events.Tick()
        machine.restore(node.snapshot, now)
        if word == "time":
            deadline = machine.port.deadline()
            if deadline is None:
                return None
            assert deadline > now, self.story(number, word)
            facts, now = facts.older(deadline - now), deadline
        else:
            facts, event = self.alphabet[word](facts, machine.port)
            if facts == node.facts and not isinstance(event, events.RcdTestRequest):
                return None
        done = machine.handle(event, now)
        try:
            facts = self._check(node.facts, facts, machine.port, done)
            known = len(self.nodes)
            following = self._add(facts, now, (number, word))
            if following == known:
                again = machine.handle(events.Tick(), now)
                assert not again, f"a second look at the same moment changes {again}"
        except AssertionError as error:
            raise AssertionError(f"{error}\nafter {self.story(number, word)}") from None
        return following

    def story(self, number: int, last: str = "") -> str:
        """The shortest way to a state, with the moment of each step."""
        words = [last] if last else []
        step = self.nodes[number].path
        while step is not None:
            words.append(f"{step[1]} ({self.nodes[step[0]].now} ms)")
            step = self.nodes[step[0]].path
        return ", ".join(reversed(words))

    def reaching(self, mark: str, words: Iterable[str]) -> set[int]:
        """Numbers of the states from which ``words`` alone can lead to one with ``mark``."""
        allowed = set(words)
        back: dict[int, list[int]] = {}
        for number, node in enumerate(self.nodes):
            for word in allowed & node.successors.keys():
                back.setdefault(node.successors[word], []).append(number)
        found = {number for number, node in enumerate(self.nodes) if mark in node.marks}
        waiting = deque(found)
        while waiting:
            for before in back.get(waiting.popleft(), ()):
                if before not in found:
                    found.add(before)
                    waiting.append(before)
        return found

    def marked(self, mark: str) -> set[int]:
        """Numbers of the states with ``mark``."""
        return {number for number, node in enumerate(self.nodes) if mark in node.marks}
