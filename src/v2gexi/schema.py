"""The tables, as Python sees them: types, slots, values and message sets of the schemas."""

from __future__ import annotations

from enum import IntEnum
from functools import cache
from typing import NamedTuple

from v2gexi import _core


class Kind(IntEnum):
    """How a value is written; the numbers are those of enum v2gexi_kind (c/tables.h)."""

    COMPLEX = 0
    BOOLEAN = 1
    ENUM = 2
    NBIT = 3
    UNSIGNED = 4
    INTEGER = 5
    BIG = 6
    STRING = 7
    HEX = 8
    BASE64 = 9
    DECIMAL = 10
    FLOAT = 11


ABSTRACT, MIXED, ORDERED, SIMPLE, ANONYMOUS = 1, 2, 4, 8, 16
"""Flags of a type."""
LIST, REQUIRED, ATTRIBUTE, TEXT, GROUP, CONTENT = 1, 2, 4, 8, 16, 32
"""Flags of a slot."""
END, CHARACTERS, ANY_ELEMENT, ANY_ATTRIBUTE, MIXED_CHARACTERS = 0xFFFF, 0xFFFE, 0xFFFD, 0xFFFC, 0xFFFB
FIRST_SPECIAL = MIXED_CHARACTERS
"""What a production consumes that is no particle."""
NO_LENGTH_LIMIT = 0xFFFFFFFF


class Value(NamedTuple):
    """A simple type: kind of its values, and what is allowed.

    ``minimum`` and ``maximum`` bound numbers, the lengths bound characters or bytes; ``words`` are an
    enumeration's values in the order of the schema."""

    kind: Kind
    minimum: int
    maximum: int
    min_length: int
    max_length: int
    words: tuple[str, ...]


class Slot(NamedTuple):
    """What a message class has: an attribute, elements, its text or its content. ``maximum`` 0: no bound."""

    name: str
    namespace: str
    type: int
    minimum: int
    maximum: int
    flags: int


class Type(NamedTuple):
    """A type of the schema. ``base``, ``value`` and ``start`` (its grammar's first state) may be None."""

    number: int
    name: str
    namespace: str
    base: int | None
    value: Value | None
    start: int | None
    flags: int
    slots: tuple[Slot, ...]


class Particle(NamedTuple):
    """A place for an element or attribute in a type, of which ``maximum`` (0: any) may follow each other."""

    name_number: int
    name: str
    namespace: str
    type: int
    maximum: int
    slot: int
    flags: int


class Element(NamedTuple):
    """A declared element: the number of its name, the name, its type."""

    name_number: int
    name: str
    namespace: str
    type: int


class MessageSet(NamedTuple):
    """A message set: elements that may be a whole document, and those that may be a fragment.

    An element that is declared with several types is there once for each of them."""

    number: int
    name: str
    roots: tuple[Element, ...]
    fragments: tuple[Element, ...]


@cache
def value_of(number: int) -> Value:
    """The simple type of that number."""
    kind, minimum, maximum, min_length, max_length, _, words = _core.value_info(number)
    return Value(Kind(kind), minimum, maximum, min_length, max_length, words)


@cache
def type_of(number: int) -> Type:
    """The type of that number."""
    name, base, value, start, flags, slots = _core.type_info(number)
    return Type(
        number,
        *name,
        None if base < 0 else base,
        None if value < 0 else value_of(value),
        None if start < 0 else start,
        flags,
        tuple(_slot(*slot) for slot in slots),
    )


def _slot(name: tuple[str, str] | None, type_number: int, minimum: int, maximum: int, flags: int) -> Slot:
    if name is None:
        name = ("content" if flags & CONTENT else "value", "")
    return Slot(*name, type_number, minimum, maximum, flags)


def _elements(entries: list[tuple[int, tuple[str, str], int]]) -> tuple[Element, ...]:
    return tuple(Element(number, *name, type_number) for number, name, type_number in entries)


@cache
def particle_of(number: int) -> Particle:
    """The particle of that number."""
    name_number, name, type_number, maximum, slot, flags = _core.particle_info(number)
    return Particle(name_number, *name, type_number, maximum, slot, flags)


def next_states(production: tuple[int, int]) -> tuple[int, ...]:
    """Where a production leads: a second state where no more of a bounded element may follow."""
    particle, state = production
    if particle == END:
        return ()
    if particle < FIRST_SPECIAL and particle_of(particle).maximum > 1:
        return (state, state + 1)
    return (state,)


@cache
def particles_of(type_number: int) -> tuple[Particle, ...]:
    """The attributes and elements of a type, as its grammar comes to them."""
    start = type_of(type_number).start
    todo = [] if start is None else [start]
    seen = set(todo)
    found: dict[int, Particle] = {}
    for state in todo:
        for production in _core.state_info(state):
            if production[0] < FIRST_SPECIAL:
                found.setdefault(production[0], particle_of(production[0]))
            for following in next_states(production):
                if following not in seen:
                    seen.add(following)
                    todo.append(following)
    return tuple(found.values())


@cache
def members_of(type_number: int, slot: int) -> tuple[Element, ...]:
    """The elements that may stand in a slot: one, or those of a substitution group."""
    particles = {each.name_number: each for each in particles_of(type_number) if each.slot == slot}
    return tuple(
        Element(particle.name_number, particle.name, particle.namespace, particle.type)
        for particle in particles.values()
    )


@cache
def set_names() -> dict[str, int]:
    """The message sets by name."""
    return {_core.set_info(number)[0]: number for number in range(_core.counts()[0])}


@cache
def set_of(number: int) -> MessageSet:
    """The message set of that number."""
    name, roots, fragments = _core.set_info(number)
    return MessageSet(number, name, _elements(roots), _elements(fragments))


def no_set_name(given: object) -> TypeError:
    """The error for what is no name of a message set because it is no text."""
    return TypeError(f"the name of a message set is a text such as 'iso2', not a {type(given).__name__}")


def set_named(name: str) -> MessageSet:
    """The message set of that name.

    Raises:
        TypeError: that is no text.
        ValueError: there is none; the text has the names.
    """
    if not isinstance(name, str):
        raise no_set_name(name)
    number = set_names().get(name)
    if number is None:
        raise ValueError(f"there is no message set {name!r}, only {', '.join(set_names())}")
    return set_of(number)


@cache
def types_of(set_number: int) -> dict[str, int]:
    """The complex types that a message set's elements are made of, by name."""
    message_set = set_of(set_number)
    todo = [element.type for element in message_set.roots + message_set.fragments]
    found: dict[str, int] = {}
    seen: set[int] = set()
    while todo:
        number = todo.pop()
        if number in seen:
            continue
        seen.add(number)
        of_type = type_of(number)
        if of_type.base is not None:
            todo.append(of_type.base)
        if of_type.flags & SIMPLE:
            continue
        found.setdefault(of_type.name, number)
        for index, slot in enumerate(of_type.slots):
            if slot.type >= 0:
                todo.append(slot.type)
            todo += [member.type for member in members_of(number, index)]
    return found
