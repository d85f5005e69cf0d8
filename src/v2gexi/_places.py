"""Where values stand in a message, by the tables: what dictionaries, XML and checks have in common."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from v2gexi import _classes, _core, schema
from v2gexi.message import Message

MOST_SHOWN = 100
"""Characters of a wrong value that an error quotes."""


class Place(NamedTuple):
    """An element or attribute in a type: the slot that holds it, and what it is."""

    slot: schema.Slot
    name: str
    namespace: str
    type: int


class Path:
    """Where something stands: names joined by points, from the first member of a substitution group on, or
    the root."""

    __slots__ = ("_in_group", "text")

    def __init__(self, text: str, in_group: bool = False) -> None:
        self.text = text
        self._in_group = in_group

    def child(self, name: str, number: int | None = None, group: bool = False) -> Path:
        """The path of an element or attribute below; ``number`` says which of a list."""
        step = name if number is None else f"{name}[{number}]"
        if group and not self._in_group:
            return Path(step, True)
        return Path(f"{self.text}.{step}", self._in_group)

    def says(self, reason: str) -> str:
        """The line for a problem that is there."""
        return f"{self.text}: {reason}"


def shown(value: object) -> str:
    """A value as errors quote it."""
    text = repr(value)
    return text if len(text) <= MOST_SHOWN else text[:MOST_SHOWN]


@cache
def places_of(type_number: int) -> dict[str, Place]:
    """Elements and attributes of a complex type, by local name."""
    found = {}
    for index, slot in enumerate(schema.type_of(type_number).slots):
        if slot.flags & schema.ATTRIBUTE:
            found[slot.name] = Place(slot, slot.name, slot.namespace, slot.type)
        elif not slot.flags & schema.TEXT:
            for member in schema.members_of(type_number, index):
                found[member.name] = Place(slot, member.name, member.namespace, member.type)
    return found


@cache
def member_of(type_number: int, slot: int, value_type: int | None) -> Place | None:
    """The element as which a value of a type stands in a slot; of a group, its member of that very type."""
    of_slot = schema.type_of(type_number).slots[slot]
    for member in schema.members_of(type_number, slot):
        if not of_slot.flags & schema.GROUP or member.type == value_type:
            return Place(of_slot, member.name, member.namespace, member.type)
    return None


def type_number_of(value: object) -> int | None:
    """The type whose class a value is of; None for what is no message."""
    number = getattr(type(value), "_type", None)
    return number if isinstance(value, Message) and isinstance(number, int) else None


@cache
def is_a(type_number: int, base: int) -> bool:
    """Whether a type is, or derives from, another."""
    at: int | None = type_number
    while at is not None and at != base:
        at = schema.type_of(at).base
    return at == base


@cache
def derived(base: int) -> dict[str, tuple[schema.Type, ...]]:
    """Complex types that may stand in for one by xsi:type, itself included, by name."""
    found: dict[str, tuple[schema.Type, ...]] = {}
    for number in range(_core.counts()[1]):
        of_type = schema.type_of(number)
        if not of_type.flags & schema.SIMPLE and is_a(number, base):
            found[of_type.name] = (*found.get(of_type.name, ()), of_type)
    return found


def is_simple(type_number: int) -> bool:
    """Whether a type is nothing but a value."""
    return bool(schema.type_of(type_number).flags & schema.SIMPLE)


def simple_value(type_number: int) -> schema.Value:
    """What a simple type, or one with simple content, takes."""
    value = schema.type_of(type_number).value
    if value is None:
        raise LookupError(f"type {type_number} has no value")
    return value


class Root(NamedTuple):
    """An element that can be a document, or one to be signed, of a message set."""

    set_number: int
    element: schema.Element


def roots_named(name: str, namespace: str | None = None, message_set: str | None = None) -> list[Root]:
    """Elements of that name that documents, or else fragments, can consist of; each type once.

    Raises:
        ValueError: there is no such message set.
    """
    sets = _sets(message_set)
    for of_documents in (True, False):
        found: dict[int, Root] = {}
        for of_set in sets:
            for element in of_set.roots if of_documents else of_set.fragments:
                if element.name == name and namespace in (None, element.namespace):
                    known = found.setdefault(element.type, Root(of_set.number, element))
                    if known.set_number != of_set.number and _is_owner(of_set, element):
                        found[element.type] = Root(of_set.number, element)
        if found:
            return list(found.values())
    return []


def _sets(message_set: str | None) -> list[schema.MessageSet]:
    if message_set is not None:
        return [schema.set_named(message_set)]
    return [schema.set_of(number) for number in schema.set_names().values()]


def _is_owner(of_set: schema.MessageSet, element: schema.Element) -> bool:
    return not is_simple(element.type) and _classes.owner_of(element.type) == of_set.name


def root_of(message: Message, element: str | None = None) -> schema.Element:
    """The element that a message is as a document (or, if it cannot be one, as a fragment).

    Raises:
        ValueError: it is no message, no element has its type, or ``element`` has to say which.
    """
    number = type_number_of(message)
    if number is None:
        raise ValueError(f"{shown(message)} is no message")
    return _root_of(number, element or message._element)


@cache
def _root_of(number: int, element: str | None) -> schema.Element:
    of_class = schema.type_of(number).name
    for found in (elements_of(number, documents=True), elements_of(number, documents=False)):
        fitting = [each for each in found if element in (None, each.name)]
        if len({each.name for each in fitting}) > 1:
            said = ", ".join(sorted({each.name for each in fitting}))
            raise ValueError(f"{of_class} can be {said}: say which")
        if fitting:
            return fitting[0]
    what = f"element {element!r}" if element else "element"
    raise ValueError(f"there is no {what} of type {of_class}")


@cache
def elements_of(type_number: int, documents: bool) -> tuple[schema.Element, ...]:
    """Elements of a type that can be documents, or fragments."""
    return tuple(
        each
        for of_set in _sets(None)
        for each in (of_set.roots if documents else of_set.fragments)
        if each.type == type_number
    )


def place_in_content(type_number: int | None, name: str, value: object) -> Place | None:
    """What an ``Element`` in the content of an ordered type, or of an undeclared element, is.

    Declared children come first; where there is a wildcard, any element that can be a document may stand."""
    declared = places_of(type_number).get(name) if type_number is not None else None
    if declared is not None and declared.slot.flags & schema.CONTENT:
        return declared
    value_type = type_number_of(value)
    for root in roots_named(name):
        if root.element.type == value_type or (value_type is None and is_simple(root.element.type)):
            return Place(CONTENT_SLOT, root.element.name, root.element.namespace, root.element.type)
    return None


CONTENT_SLOT = schema.Slot("content", "", -1, 0, 0, schema.LIST | schema.CONTENT)
"""The slot of what stands in an undeclared element."""
