"""All that is wrong with a message at once, where encoding stops at the first."""

from __future__ import annotations

from typing import Any

from v2gexi import _places, _values, schema
from v2gexi._grammar import Offer, wrong_places
from v2gexi._places import Path
from v2gexi.codec import encode
from v2gexi.errors import EncodeError
from v2gexi.message import AnyElement, Element, Message


def problems(message: Message, message_set: str | None = None, *, element: str | None = None) -> list[str]:
    """What the schema forbids about a message: a line each, where and what; empty if it can be encoded.

    Ranges, lengths and kinds of values, words of enumerations, what is missing or too much, and elements
    that exclude each other are all named.

    Args:
        message: an instance of one of the message classes.
        message_set: as for :func:`v2gexi.encode`.
        element: as for :func:`v2gexi.encode`.

    Raises:
        ValueError: there is no such message set.
    """
    number = _places.type_number_of(message)
    if number is None:
        return [f"{_places.shown(message)} is no message"]
    try:
        name = _places.root_of(message, element).name
    except ValueError as error:
        return [str(error)]
    walk = _Walk()
    walk.object(message, number, Path(name))
    fragment = not any(each.name == name for each in _places.elements_of(number, documents=True))
    try:
        encode(message, message_set, element=name, fragment=fragment, lenient=bool(walk.found))
    except EncodeError as error:
        if error.path not in walk.paths:
            walk.found.append(str(error))
    return walk.found


def problems_inside(message: Message, name: str) -> list[str]:
    """What the schema forbids about a message by itself, as an element of that name: nothing is encoded."""
    number = _places.type_number_of(message)
    if number is None:
        return [f"{_places.shown(message)} is no message"]
    walk = _Walk()
    walk.object(message, number, Path(name))
    return walk.found


class _Walk:
    def __init__(self) -> None:
        self.found: list[str] = []
        self.paths: set[str] = set()

    def say(self, path: Path, reason: str) -> None:
        self.found.append(path.says(reason))
        self.paths.add(path.text)

    def object(self, message: Message, number: int, path: Path) -> None:
        offers: list[Offer] = []
        missing: set[str] = set()
        for index, slot in enumerate(schema.type_of(number).slots):
            value = getattr(message, slot.name)
            if slot.flags & (schema.LIST | schema.CONTENT):
                offers += self._list(value, number, index, path)
            elif value is None:
                pass
            elif slot.flags & schema.TEXT:
                self._simple(_places.simple_value(number), value, path)
                offers.append(Offer(index, slot.name, path, special=schema.CHARACTERS))
            elif slot.flags & schema.ATTRIBUTE:
                self._simple(_places.simple_value(slot.type), value, path.child(slot.name))
                offers.append(Offer(index, slot.name, path.child(slot.name)))
            else:
                offers.append(self._member(value, number, index, path, None))
            if slot.flags & schema.REQUIRED and (value is None or (slot.flags & schema.LIST and value == [])):
                self.say(path, f"{_names(number, index)} is missing")
                missing.add(slot.name)
        wrong_places(number, offers, path, missing, self.say)

    def _list(self, value: Any, number: int, index: int, path: Path) -> list[Offer]:
        slot = schema.type_of(number).slots[index]
        if value is None:
            value = []
        if not isinstance(value, list | tuple):
            self.say(path.child(slot.name), f"{_places.shown(value)} is a {type(value).__name__}, not a list")
            return []
        if slot.flags & schema.CONTENT:
            return self._items(value, number, index, path)
        return [self._member(item, number, index, path, at) for at, item in enumerate(value)]

    def _member(self, value: Any, number: int, index: int, path: Path, at: int | None) -> Offer:
        slot = schema.type_of(number).slots[index]
        place = _places.member_of(number, index, _places.type_number_of(value))
        if place is None:
            names = ", ".join(schema.type_of(each.type).name for each in schema.members_of(number, index))
            self.say(path.child(slot.name, at), f"{_places.shown(value)} is none of {names}")
            # As any member would be, so that nothing is missing as well.
            first = schema.members_of(number, index)[0]
            return Offer(index, first.name, path.child(slot.name, at), first.type)
        group = bool(slot.flags & schema.GROUP)
        below = path.child(place.name, at, group)
        self._value(value, place.type, below)
        return Offer(index, place.name, below, place.type if group else None)

    def _value(self, value: Any, declared: int, path: Path) -> None:
        if _places.is_simple(declared):
            self._simple(_places.simple_value(declared), value, path)
            return
        number = _places.type_number_of(value)
        if number is None or not _places.is_a(number, declared):
            self.say(path, f"{_places.shown(value)} is no {schema.type_of(declared).name}")
        else:
            self.object(value, number, path)

    def _simple(self, value: schema.Value, given: Any, path: Path) -> None:
        wrong = _values.problem(value, given)
        if wrong is not None:
            self.say(path, wrong)

    def _items(
        self, items: list[Any] | tuple[Any, ...], number: int | None, index: int, path: Path
    ) -> list[Offer]:
        offers = []
        for at, item in enumerate(items):
            below = path.child("content", at)
            if isinstance(item, str):
                offers.append(Offer(index, "", below, special=schema.MIXED_CHARACTERS))
            elif isinstance(item, AnyElement):
                self._items(item.content, None, index, path.child(item.name, at))
                offers.append(Offer(index, "", below, special=schema.ANY_ELEMENT))
            elif isinstance(item, Element):
                place = _places.place_in_content(number, item.name, item.value)
                if place is None:
                    self.say(below, f"{_places.shown(item.name)} is not allowed here")
                    continue
                below = path.child(item.name, at)
                self._value(item.value, place.type, below)
                special = schema.ANY_ELEMENT if place.slot is _places.CONTENT_SLOT else None
                offers.append(Offer(index, item.name, below, special=special))
            else:
                kind = type(item).__name__
                self.say(below, f"{_places.shown(item)} is a {kind}, not a text, an Element or an AnyElement")
        return offers


def _names(number: int, index: int) -> str:
    """The elements that may fill a slot, as encoding names them when they are missing."""
    slot = schema.type_of(number).slots[index]
    if slot.flags & schema.GROUP:
        return " or ".join(member.name for member in schema.members_of(number, index))
    return slot.name
