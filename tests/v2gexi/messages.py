"""Valid messages of every kind, made by walking the grammars of the schemas.

:class:`Builder` takes each decision from a source of randomness and prefers what no message has had yet.
What chance leaves out can be made on purpose: :func:`ways_to_states` knows the way to each state of a type.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache, partial
from random import Random
from typing import Any

from v2gexi import _core, schema
from v2gexi._classes import class_of
from v2gexi.message import Element
from v2gexi.schema import Kind

FAR = 12
"""So many productions of a type are taken at most to get to one of its states."""
EDGES = (-129, -128, -1, 0, 1, 127, 128, 16383, 16384)
"""Where the encoding of an integer grows by a byte."""
DEEP, LONG = 6, 40
"""From this depth and this number of children on, the shortest way to the end is taken."""
TEXTS = ("", "a", "urn:iso:15118:2:2013:MsgDef", "Grüße", "電気自動車", "🚗", "x" * 70, "a")
"""Some of them twice: a text that returns becomes a reference."""

Production = tuple[int, int]
"""What is consumed, and the state afterwards (schema.state_info)."""
Steps = list[tuple[int, Production]]
"""Productions, each with the state that has it."""


@cache
def derived_types(number: int) -> list[int]:
    """Types that derive from one and are not abstract."""
    return [
        candidate
        for candidate in range(_core.counts()[1])
        if _derives(candidate, number) and not schema.type_of(candidate).flags & schema.ABSTRACT
    ]


def _derives(candidate: int, base: int) -> bool:
    at: int | None = candidate
    while at is not None:
        at = schema.type_of(at).base
        if at == base:
            return True
    return False


class Builder:
    """Makes messages. ``covered`` fills with what they have had: productions, words, extremes."""

    def __init__(self, random: Random, covered: set[object] | None = None) -> None:
        self._random = random
        self.covered = set() if covered is None else covered

    def message(self, type_number: int, depth: int = 0) -> Any:
        """An object of that type, or a value of it where it is a simple one."""
        of_type = schema.type_of(type_number)
        if of_type.flags & schema.SIMPLE:
            return self.value(of_type.value)
        values: dict[str, Any] = {}
        state, last, run = of_type.start, -1, 0
        assert state is not None
        steps = 0
        while True:
            production = self._choose(type_number, state, depth, steps)
            self.covered.add((type_number, state, production))
            particle, following = production
            steps += 1
            if particle == schema.END:
                return class_of(type_number)(**values)
            if particle == schema.CHARACTERS:
                values["value"] = self.value(of_type.value)
            elif particle == schema.MIXED_CHARACTERS:
                self._say(values, self._random.choice(TEXTS[1:]))
            else:
                run = run + 1 if particle == last else 1
                self._take(of_type, values, particle, depth)
                maximum = schema.particle_of(particle).maximum
                if maximum > 1 and run >= maximum:
                    following += 1
                    particle = -1
            state, last = following, particle

    def around(self, outer: int, type_number: int, steps: Steps) -> Any:
        """A message of type ``outer`` with an object inside that is made along these productions."""
        inner = self._along(type_number, steps)
        for holder, particle in reversed(way(outer, type_number)):
            inner = self._along(holder, to_particle(holder, particle), inner)
        return inner

    def _along(self, type_number: int, steps: Steps, last: Any = None) -> Any:
        """An object made along these productions; ``last``: what the last of them puts there."""
        of_type = schema.type_of(type_number)
        values: dict[str, Any] = {}
        for number, (state, production) in enumerate(steps):
            self.covered.add((type_number, state, production))
            if last is not None and number == len(steps) - 1:
                self._put(of_type, values, production[0], last)
            else:
                self._step(of_type, values, production)
        at = after(steps) if steps else of_type.start
        assert at is not None
        while not steps or steps[-1][1][0] != schema.END:
            production = min(filter(can_be_taken, _core.state_info(at)), key=partial(distance, type_number))
            steps = [*steps, (at, production)]
            self.covered.add((type_number, at, production))
            self._step(of_type, values, production)
            at = after(steps)
        return class_of(type_number)(**values)

    def _step(self, of_type: schema.Type, values: dict[str, Any], production: Production) -> None:
        if production[0] == schema.CHARACTERS:
            values["value"] = self.value(of_type.value)
        elif production[0] == schema.MIXED_CHARACTERS:
            self._say(values, "characters")
        elif production[0] < schema.FIRST_SPECIAL:
            self._take(of_type, values, production[0], DEEP)

    def _say(self, values: dict[str, Any], text: str) -> None:
        """Characters that follow characters are one text in XML."""
        content = values.setdefault("content", [])
        if not content or not isinstance(content[-1], str):
            content.append(text)

    def _take(self, of_type: schema.Type, values: dict[str, Any], number: int, depth: int) -> None:
        particle = schema.particle_of(number)
        kind = particle.type
        if schema.type_of(kind).flags & schema.ABSTRACT:
            kind = self._random.choice(derived_types(kind))
        self._put(of_type, values, number, self.message(kind, depth + 1))

    def _put(self, of_type: schema.Type, values: dict[str, Any], number: int, value: Any) -> None:
        particle = schema.particle_of(number)
        slot = of_type.slots[particle.slot]
        if slot.flags & schema.CONTENT:
            values.setdefault("content", []).append(Element(particle.name, value))
        elif slot.flags & schema.LIST:
            values.setdefault(slot.name, []).append(value)
        else:
            values[slot.name] = value

    def _choose(self, type_number: int, state: int, depth: int, steps: int) -> tuple[int, int]:
        possible = [production for production in _core.state_info(state) if _can_be(production[0])]
        if depth >= DEEP or steps > LONG:
            # The shortest way out: the end, or else what leads to it soonest.
            return min(possible, key=lambda production: distance(type_number, production))
        fresh = [
            production for production in possible if (type_number, state, production) not in self.covered
        ]
        if not fresh and self._random.random() < 0.5:
            return min(possible, key=lambda production: distance(type_number, production))
        return self._random.choice(fresh or possible)

    def value(self, allowed: schema.Value | None) -> Any:
        """A value of a simple type."""
        assert allowed is not None
        candidates = extremes(allowed)
        fresh = [candidate for candidate in candidates if (allowed, repr(candidate)) not in self.covered]
        if fresh or self._random.random() < 0.3:
            value = self._random.choice(fresh or candidates)
            self.covered.add((allowed, repr(value)))
            return value
        return self._inside(allowed)

    def _inside(self, allowed: schema.Value) -> Any:
        random = self._random
        match allowed.kind:
            case Kind.BOOLEAN:
                return random.random() < 0.5
            case Kind.ENUM:
                return random.choice(allowed.words)
            case Kind.NBIT | Kind.UNSIGNED | Kind.INTEGER:
                return random.randint(allowed.minimum, allowed.maximum)
            case Kind.BIG:
                return random.randint(-(1 << 160), 1 << 160)
            case Kind.STRING:
                text = random.choice(TEXTS)
                most = min(allowed.max_length, 80)
                return (text + "y" * allowed.min_length)[: max(most, 0)]
            case Kind.HEX | Kind.BASE64:
                size = random.randint(allowed.min_length, min(allowed.max_length, allowed.min_length + 40))
                return bytes(random.randint(0, 255) for _ in range(size))
        raise AssertionError(f"no value of kind {allowed.kind!r}")


@cache
def _can_be(particle: int) -> bool:
    """Whether a production can be taken, and what begins there be ended, without unknown elements."""
    if particle in (schema.ANY_ELEMENT, schema.ANY_ATTRIBUTE):
        return False
    if particle >= schema.FIRST_SPECIAL:
        return True
    declared = schema.particle_of(particle)
    # The head of a substitution group is there for its members.
    head = declared.flags & GLOBAL and schema.type_of(declared.type).flags & schema.ABSTRACT
    return not head and can_be_made(declared.type)


_under_way: set[int] = set()


@cache
def can_be_made(type_number: int) -> bool:
    """Whether there are objects of a type without elements that no schema knows."""
    of_type = schema.type_of(type_number)
    if of_type.flags & schema.SIMPLE:
        return True
    if of_type.flags & schema.ABSTRACT:
        return any(map(can_be_made, derived_types(type_number)))
    if type_number in _under_way:
        return False
    _under_way.add(type_number)
    try:
        return min(distances(type_number).values()) == 0 and distances(type_number)[of_type.start] < NEVER
    finally:
        _under_way.remove(type_number)


NEVER, GLOBAL = 1000, 2


def distance(type_number: int, production: tuple[int, int]) -> int:
    """How many more productions it takes to end an object of the type."""
    if production[0] == schema.END:
        return 0
    return 1 + min(distances(type_number).get(state, NEVER) for state in schema.next_states(production))


@cache
def distances(type_number: int) -> dict[int, int]:
    """For each state of a type, how many productions it takes to the end."""
    start = schema.type_of(type_number).start
    assert start is not None
    found, todo = {start: NEVER}, [start]
    for state in todo:
        for production in _core.state_info(state):
            for following in schema.next_states(production):
                if following not in found:
                    found[following] = NEVER
                    todo.append(following)
    changed = True
    while changed:
        changed = False
        for state in todo:
            for production in _core.state_info(state):
                if not _can_be(production[0]):
                    continue
                ends = production[0] == schema.END
                length = 0 if ends else 1 + min(found[after] for after in schema.next_states(production))
                if length < found[state]:
                    found[state] = length
                    changed = True
    return found


def can_be_taken(production: Production) -> bool:
    """Whether a production can be in a message."""
    return _can_be(production[0])


def after(steps: Steps) -> int:
    """The state behind these productions: a bounded list that is full leads elsewhere."""
    (particle, following) = steps[-1][1]
    if particle >= schema.FIRST_SPECIAL:
        return following
    maximum = schema.particle_of(particle).maximum
    run = 0
    for _, (taken, _) in reversed(steps):
        if taken != particle:
            break
        run += 1
    return following + 1 if maximum > 1 and run >= maximum else following


@cache
def ways_to_states(type_number: int) -> dict[int, Steps]:
    """For each state of a type, how to get there: the shortest, of at most FAR steps."""
    start = schema.type_of(type_number).start
    assert start is not None
    found: dict[int, Steps] = {start: []}
    seen: set[object] = {(start, None, 0)}
    todo: list[tuple[int, int | None, int, Steps]] = [(start, None, 0, [])]
    for state, last, run, steps in todo:
        if len(steps) >= FAR:
            continue
        for production in filter(can_be_taken, _core.state_info(state)):
            if production[0] == schema.END or production[0] == schema.MIXED_CHARACTERS == last:
                continue
            longer = [*steps, (state, production)]
            following = after(longer)
            repeated = run + 1 if production[0] == last else 1
            node = (following, production[0], repeated)
            if node not in seen and repeated <= FAR:
                # An unbounded list is the same state however long it is.
                bounded = (
                    production[0] < schema.FIRST_SPECIAL and schema.particle_of(production[0]).maximum > 1
                )
                if not bounded and following in found:
                    continue
                seen.add(node)
                found.setdefault(following, longer)
                todo.append((following, production[0], repeated, longer))
    return found


def to_particle(type_number: int, particle: int) -> Steps:
    """How to get to a particle, and through it."""
    return min(
        (
            [*steps, (state, production)]
            for state, steps in ways_to_states(type_number).items()
            for production in _core.state_info(state)
            if production[0] == particle
        ),
        key=len,
    )


@cache
def holding(outer: int) -> tuple[tuple[int, int], ...]:
    """All types that a message of a type can have inside, itself included, with each of their particles."""
    types, todo = {outer}, [outer]
    places = []
    for number in todo:
        for particle in _particle_numbers(number):
            if not _can_be(particle):
                continue
            places.append((number, particle))
            inner = schema.particle_of(particle).type
            kinds = derived_types(inner) if schema.type_of(inner).flags & schema.ABSTRACT else [inner]
            for kind in kinds:
                if not schema.type_of(kind).flags & schema.SIMPLE and kind not in types:
                    types.add(kind)
                    todo.append(kind)
    return tuple(places)


@cache
def _particle_numbers(type_number: int) -> tuple[int, ...]:
    found = {
        production[0]: None
        for state in distances(type_number)
        for production in _core.state_info(state)
        if production[0] < schema.FIRST_SPECIAL
    }
    return tuple(found)


def way(outer: int, inner: int) -> list[tuple[int, int]]:
    """From a type to one inside of it: each holder with the particle that leads on."""
    ways: dict[int, list[tuple[int, int]]] = {outer: []}
    for number, particle in holding(outer):
        kind = schema.particle_of(particle).type
        if number in ways:
            ways.setdefault(kind, [*ways[number], (number, particle)])
    return ways[inner]


def everything_of(types: list[int]) -> set[object]:
    """What messages of these types can have: each production, and the extremes of each value."""
    wanted: set[object] = set()
    for outer in types:
        for number in {outer} | {place[0] for place in holding(outer)}:
            of_type = schema.type_of(number)
            values = {of_type.value}
            for state in ways_to_states(number):
                for production in filter(can_be_taken, _core.state_info(state)):
                    wanted.add((number, state, production))
                    if production[0] < schema.FIRST_SPECIAL:
                        values.add(schema.type_of(schema.particle_of(production[0]).type).value)
            wanted |= {
                (value, repr(each)) for value in values if value is not None for each in extremes(value)
            }
    return wanted


@cache
def extremes(allowed: schema.Value) -> tuple[Any, ...]:
    """Values at the bounds of what is allowed, and all of what can be counted."""
    return tuple(_extremes(allowed))


def _extremes(allowed: schema.Value) -> Iterator[Any]:
    match allowed.kind:
        case Kind.BOOLEAN:
            yield from (False, True)
        case Kind.ENUM:
            yield from allowed.words
        case Kind.NBIT | Kind.UNSIGNED | Kind.INTEGER:
            yield allowed.minimum
            yield allowed.maximum
            yield from (n for n in EDGES if allowed.minimum < n < allowed.maximum)
        case Kind.BIG:
            yield from (0, 1, -1, 127, 128, 1 << 63, -(1 << 63), 1 << 64, -(1 << 64), (1 << 160) - 1)
        case Kind.STRING:
            yield "z" * allowed.min_length
            yield "ü" * min(allowed.max_length, max(200, allowed.min_length))
        case Kind.HEX | Kind.BASE64:
            yield b"\x00" * allowed.min_length
            yield b"\xff" * min(allowed.max_length, max(200, allowed.min_length))
