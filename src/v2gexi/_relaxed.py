"""Elements that a schema declares with several types, in fragments.

There EXI lets them have any attributes and children (EXI 8.5.3), so that they are an :class:`AnyElement`.
One that is just what a single class says is an object of that class: it has the class's attributes, text and
children in their order, and nothing lacks that the class needs."""

from __future__ import annotations

from functools import cache
from typing import Any

from v2gexi import _places, _values, schema
from v2gexi._places import Path
from v2gexi.checks import problems_inside
from v2gexi.dicts import missing_of, new_message
from v2gexi.errors import EncodeError
from v2gexi.message import AnyElement, Element, Message


@cache
def types_of(name: str, namespace: str, set_number: int | None = None) -> tuple[int, ...]:
    """The types that an element of fragments has, in a message set or in any."""
    numbers = schema.set_names().values() if set_number is None else (set_number,)
    found = (
        element.type
        for number in numbers
        for element in schema.set_of(number).fragments
        if (element.name, element.namespace) == (name, namespace)
    )
    return tuple(dict.fromkeys(found))


def fitting(found: AnyElement, set_number: int) -> Any:
    """The object that an element of several types is; the element if none of its classes fits, or several."""
    types = types_of(found.name, found.namespace, set_number)
    if len(types) < 2:
        return found
    objects = [_object_of(found, number) for number in types if not _places.is_simple(number)]
    fits = [each for each in objects if each is not None]
    return fits[0] if len(fits) == 1 else found


def _object_of(found: AnyElement, number: int) -> Message | None:
    message = new_message(number)
    try:
        for key, text in found.attributes.items():
            _set_attribute(message, number, key, text)
        for item in found.content:
            _add(message, number, item)
        same = _loosened(message, number, found.name, found.namespace)
    except ValueError:
        return None
    fits = same == found and list(same.attributes) == list(found.attributes)
    return message if fits and not missing_of(message, number) else None


def _set_attribute(message: Message, number: int, key: str, text: str) -> None:
    for slot in schema.type_of(number).slots:
        if slot.flags & schema.ATTRIBUTE and _key(slot) == key:
            setattr(message, slot.name, _values.from_text(_places.simple_value(slot.type), text))
            return
    raise ValueError(key)


def _add(message: Message, number: int, item: Any) -> None:
    """Put a child or characters where a class has them."""
    slots = schema.type_of(number).slots
    place = _places.places_of(number).get(item.name) if isinstance(item, Element) else None
    for slot in slots:
        if slot.flags & schema.CONTENT:
            getattr(message, slot.name).append(item)
            return
        if isinstance(item, str) and slot.flags & schema.TEXT and getattr(message, slot.name) is None:
            setattr(message, slot.name, _values.from_text(_places.simple_value(number), item))
            return
    if place is None or place.slot.flags & schema.ATTRIBUTE:
        raise ValueError(str(item))
    if place.slot.flags & schema.LIST:
        getattr(message, place.slot.name).append(item.value)
    elif getattr(message, place.slot.name) is None:
        setattr(message, place.slot.name, item.value)
    else:
        raise ValueError(str(item))


def loosened(value: Any, name: str, namespace: str, lenient: bool) -> AnyElement:
    """What stands in an element of several types.

    Args:
        value: an object of a class that the element is declared with, or an AnyElement of its name.
        name: the element's.
        namespace: the element's.
        lenient: take lengths and numbers that the class's schema forbids.

    Raises:
        EncodeError: it is neither, or not what its class needs.
    """
    if isinstance(value, AnyElement) and (value.name, value.namespace) == (name, namespace):
        return value
    number = _places.type_number_of(value)
    if number is None or number not in types_of(name, namespace):
        kinds = [schema.type_of(each) for each in types_of(name, namespace)]
        classes = [each.name for each in kinds if not each.flags & schema.SIMPLE]
        said = " or ".join([*classes, f"AnyElement of name {name}"])
        raise EncodeError(f"{_places.shown(value)} is no {said}", name)
    wrong = [] if lenient else problems_inside(value, name)
    wrong += [f"{name}: {each} is missing" for each in missing_of(value, number) if not wrong]
    if wrong:
        path, _, reason = wrong[0].partition(": ")
        raise EncodeError(reason, path)
    try:
        return _loosened(value, number, name, namespace)
    except ValueError as error:
        path, _, reason = str(error).partition(": ")
        raise EncodeError(reason, path) from None


def _loosened(message: Message, number: int, name: str, namespace: str) -> AnyElement:
    made = AnyElement(name, namespace)
    path = Path(name)
    for index, slot in enumerate(schema.type_of(number).slots):
        value = getattr(message, slot.name)
        if value is None:
            continue
        if slot.flags & schema.ATTRIBUTE:
            simple = _places.simple_value(slot.type)
            made.attributes[_key(slot)] = _text(simple, value, path.child(slot.name))
        elif slot.flags & schema.TEXT:
            made.content.append(_text(_places.simple_value(number), value, path))
        elif slot.flags & schema.CONTENT:
            made.content += value
        else:
            for item in value if slot.flags & schema.LIST else [value]:
                place = _places.member_of(number, index, _places.type_number_of(item))
                if place is None:
                    raise ValueError(path.says(f"{_places.shown(item)} is no {slot.name}"))
                made.content.append(Element(place.name, item))
    return made


def _key(slot: schema.Slot) -> str:
    return f"{{{slot.namespace}}}{slot.name}" if slot.namespace else slot.name


def _text(value: schema.Value, given: Any, path: Path) -> str:
    try:
        return _values.to_text(value, given)
    except ValueError as error:
        raise ValueError(path.says(str(error))) from None


def text_of(value_number: int, value: Any) -> str:
    """The text of an attribute that has a type; :class:`AnyElement` has texts only."""
    return _values.to_text(schema.value_of(value_number), value)


def from_text(value_number: int, text: str) -> Any:
    """The value that the text of such an attribute means; None if it is none of its type."""
    value = schema.value_of(value_number)
    try:
        meant = _values.from_text(value, text)
    except ValueError:
        return None
    return meant if _values.problem(value, meant) is None else None
