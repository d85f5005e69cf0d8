"""Messages as dictionaries that JSON can hold.

    >>> to_dict(v2gexi.decode(payload, "iso2"))
    {"V2G_Message": {"Header": {"SessionID": "0A1B..."}, "Body": {"CurrentDemandReq": {...}}}}

- A message that can be a document (its type is that of a global element) is wrapped in its element's name;
  what stands inside of messages is plain.
- Keys are names of elements and attributes; a member of a substitution group stands under its own element's
  name. What is absent has no key; what may stand more than once is a list.
- hexBinary is text of upper-case hexadecimal digits, base64Binary base64 text; integers, booleans, texts and
  words of enumerations are themselves. Floats that JSON does not know are ``"INF"``, ``"-INF"``, ``"NaN"``;
  decimals are text.
- Simple content of an element with attributes has the key ``value``.
- Where the order of children matters (signatures), they are a list under ``content``: texts,
  ``{"X509Certificate": ...}`` for declared elements, and ``{"{namespace}name": {"attributes": {...},
  "content": [...]}}`` for undeclared ones.
- An object of a derived type where no element says so has the key ``xsi:type`` with the type's name.
"""

from __future__ import annotations

from typing import Any

from v2gexi import _classes, _places, _values, schema
from v2gexi._places import Path, Place
from v2gexi.message import AnyElement, Element, Message

TYPE_KEY = "xsi:type"


class DictError(ValueError):
    """A dictionary that is no message.

    Attributes:
        problems: a line for each thing that is wrong: where, and what.
    """

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def to_dict(message: Message, element: str | None = None) -> dict[str, Any]:
    """A message as a dictionary; its form is described above.

    Args:
        message: an instance of one of the message classes.
        element: wrap it in this element's name; needed only where several elements that can be documents
            have its type.

    Raises:
        ValueError: it has values of a wrong kind, or ``element`` is none of its own; the text says where.
    """
    number = _places.type_number_of(message)
    if number is None:
        raise ValueError(f"{_places.shown(message)} is no message")
    if element is None and not _places.elements_of(number, documents=True):
        return _object(message, number, Path(type(message).__name__))
    name = _places.root_of(message, element).name
    return {name: _object(message, number, Path(name))}


def _object(message: Message, number: int, path: Path) -> dict[str, Any]:
    data: dict[str, Any] = {}
    of_type = schema.type_of(number)
    for index, slot in enumerate(of_type.slots):
        value = getattr(message, slot.name)
        if value is None or (slot.flags & (schema.LIST | schema.CONTENT) and value == []):
            continue
        if slot.flags & schema.CONTENT:
            data[slot.name] = [
                _item(item, number, path.child(slot.name, at)) for at, item in enumerate(value)
            ]
        elif slot.flags & schema.TEXT:
            data[slot.name] = _simple(_places.simple_value(number), value, path)
        elif slot.flags & schema.ATTRIBUTE:
            data[slot.name] = _simple(_places.simple_value(slot.type), value, path.child(slot.name))
        elif slot.flags & schema.LIST and slot.flags & schema.GROUP:
            data[slot.name] = [
                {place.name: _value(item, place, below)}
                for place, item, below in (
                    _member(item, number, index, path, at) for at, item in enumerate(value)
                )
            ]
        elif slot.flags & schema.LIST:
            data[slot.name] = [
                _value(item, *_member(item, number, index, path, at)[::2]) for at, item in enumerate(value)
            ]
        else:
            place, item, below = _member(value, number, index, path, None)
            data[place.name] = _value(item, place, below)
    return data


def _member(value: Any, number: int, index: int, path: Path, at: int | None) -> tuple[Place, Any, Path]:
    slot = schema.type_of(number).slots[index]
    place = _places.member_of(number, index, _places.type_number_of(value))
    if place is None:
        names = ", ".join(schema.type_of(each.type).name for each in schema.members_of(number, index))
        raise ValueError(path.child(slot.name, at).says(f"{_places.shown(value)} is none of {names}"))
    return place, value, path.child(place.name, at, bool(slot.flags & schema.GROUP))


def _value(value: Any, place: Place, path: Path) -> Any:
    if _places.is_simple(place.type):
        return _simple(_places.simple_value(place.type), value, path)
    number = _places.type_number_of(value)
    if number is None or not _places.is_a(number, place.type):
        raise ValueError(path.says(f"{_places.shown(value)} is no {schema.type_of(place.type).name}"))
    data = _object(value, number, path)
    return data if number == place.type else {TYPE_KEY: schema.type_of(number).name, **data}


def _simple(value: schema.Value, given: Any, path: Path) -> Any:
    try:
        return _values.to_json(value, given)
    except ValueError as error:
        raise ValueError(path.says(str(error))) from None


def _item(item: Any, number: int | None, path: Path) -> Any:
    if isinstance(item, str):
        return item
    if isinstance(item, Element):
        place = _places.place_in_content(number, item.name, item.value)
        if place is None:
            raise ValueError(path.says(f"there is no element {item.name!r}"))
        return {item.name: _value(item.value, place, path)}
    if not isinstance(item, AnyElement):
        raise ValueError(path.says(f"{_places.shown(item)} is no text, Element or AnyElement"))
    inside: dict[str, Any] = {}
    if item.attributes:
        inside["attributes"] = dict(item.attributes)
    if item.content:
        below = path.child(item.name)
        inside["content"] = [
            _item(each, None, below.child("content", at)) for at, each in enumerate(item.content)
        ]
    return {f"{{{item.namespace}}}{item.name}": inside}


def from_dict(message_set: str, data: dict[str, Any]) -> Any:
    """The message that a dictionary describes: the opposite of :func:`to_dict`.

    Ranges, lengths and choices are for :func:`v2gexi.encode` and :func:`v2gexi.problems`.

    Args:
        message_set: its name, such as ``"iso2"``.
        data: ``{element: {...}}``.

    Raises:
        DictError: it describes no message; all that is unknown, missing or of a wrong kind is named at once.
        ValueError: there is no such message set.
    """
    schema.set_named(message_set)
    given: object = data  # from JSON it may be anything
    if not isinstance(given, dict) or len(given) != 1:
        raise DictError(["a message is one element: {name: {...}}"])
    ((name, inside),) = given.items()
    roots = [
        root
        for root in _places.roots_named(str(name), None, message_set)
        if not _places.is_simple(root.element.type)
    ]
    if not roots:
        raise DictError([f"{name}: message set {message_set} has no such element"])
    reader = _Reader(message_set)
    message = reader.object(roots[0].element.type, inside, Path(name))
    if reader.problems:
        raise DictError(reader.problems)
    return message


class _Reader:
    def __init__(self, message_set: str) -> None:
        self.message_set = message_set
        self.problems: list[str] = []

    def problem(self, path: Path, reason: str) -> None:
        self.problems.append(path.says(reason))

    def object(self, number: int, data: Any, path: Path) -> Any:
        if not isinstance(data, dict):
            self.problem(
                path, f"{_places.shown(data)} is a {type(data).__name__}, not a dictionary of elements"
            )
            return WRONG
        if TYPE_KEY in data:
            types = _places.derived(number).get(str(data[TYPE_KEY]), ())
            if not types:
                known = ", ".join(sorted(_places.derived(number)))
                self.problem(path, f"{_places.shown(data[TYPE_KEY])} is no type of it, only {known}")
                return WRONG
            number = types[0].number
        message = new_message(number)
        places = _places.places_of(number)
        plain = {slot.name: slot for slot in schema.type_of(number).slots if _own_key(slot)}
        for key, value in data.items():
            slot = plain.get(key)
            if key == TYPE_KEY:
                continue
            if slot is not None:
                setattr(message, key, self._plain(number, slot, value, path))
            elif key in places and not places[key].slot.flags & schema.CONTENT:
                self._element(message, places[key], value, path)
            else:
                names = [*plain, *(name for name, place in places.items() if _own_name(place))]
                self.problem(path.child(str(key)), f"unknown; there is {', '.join(names) or 'nothing'}")
        for name in missing_of(message, number):
            self.problem(path, f"{name} is missing")
        return message

    def _plain(self, number: int, slot: schema.Slot, value: Any, path: Path) -> Any:
        if slot.flags & schema.TEXT:
            return self._simple(_places.simple_value(number), value, path.child(slot.name))
        if not isinstance(value, list):
            self.problem(
                path.child(slot.name), f"{_places.shown(value)} is a {type(value).__name__}, not a list"
            )
            return []
        if slot.flags & schema.CONTENT:
            return [self._item(item, number, path.child(slot.name, at)) for at, item in enumerate(value)]
        return [
            self._of_group(number, slot, item, path.child(slot.name, at)) for at, item in enumerate(value)
        ]

    def _of_group(self, number: int, slot: schema.Slot, item: Any, path: Path) -> Any:
        """One of several members of a substitution group: {element: {...}}."""
        place = _places.places_of(number).get(_only_key(item))
        if place is None or place.slot != slot:
            self.problem(path, f"{_places.shown(item)} is no member of {slot.name}: {{element: {{...}}}}")
            return WRONG
        return self._value(place.type, item[place.name], path)

    def _element(self, message: Message, place: Place, value: Any, path: Path) -> None:
        slot = place.slot
        below = path.child(place.name, group=bool(slot.flags & schema.GROUP))
        if slot.flags & schema.LIST:
            if not isinstance(value, list):
                self.problem(below, f"{_places.shown(value)} is a {type(value).__name__}, not a list")
                return
            items = [
                self._value(place.type, item, path.child(place.name, at)) for at, item in enumerate(value)
            ]
            setattr(message, slot.name, items)
        elif getattr(message, slot.name) is not None:
            self.problem(below, f"there already is a {slot.name}")
        else:
            setattr(message, slot.name, self._value(place.type, value, below))

    def _value(self, number: int, value: Any, path: Path) -> Any:
        if _places.is_simple(number):
            return self._simple(_places.simple_value(number), value, path)
        return self.object(number, value, path)

    def _simple(self, value: schema.Value, data: Any, path: Path) -> Any:
        try:
            return _values.from_json(value, data)
        except ValueError as error:
            self.problem(path, str(error))
            return WRONG

    def _item(self, item: Any, number: int | None, path: Path) -> Any:
        if isinstance(item, str):
            return item
        key = _only_key(item)
        if not key:
            self.problem(path, f"{_places.shown(item)} is no text and no {{element: ...}}")
            return None
        if key.startswith("{") and "}" in key:
            return self._any(key, item[key], path)
        number = self._content_type(number, key)
        if number is None:
            self.problem(path, f"there is no element {key!r}")
            return None
        return Element(key, self._value(number, item[key], path.child(key)))

    def _content_type(self, number: int | None, name: str) -> int | None:
        declared = _places.places_of(number).get(name) if number is not None else None
        if declared is not None and declared.slot.flags & schema.CONTENT:
            return declared.type
        roots = _places.roots_named(name, None, self.message_set)
        return roots[0].element.type if roots else None

    def _any(self, key: str, inside: Any, path: Path) -> AnyElement | None:
        namespace, _, name = key[1:].partition("}")
        known = {"attributes": {}, "content": [], **inside} if isinstance(inside, dict) else {}
        attributes, content = known.pop("attributes", None), known.pop("content", None)
        if not isinstance(attributes, dict) or not isinstance(content, list) or known:
            self.problem(path, f"{key} is no dictionary of attributes (a dictionary) and content (a list)")
            return None
        below = path.child(name)
        items = [self._item(each, None, below.child("content", at)) for at, each in enumerate(content)]
        return AnyElement(name, namespace, {str(each): str(text) for each, text in attributes.items()}, items)


WRONG = object()
"""Stands where a value was of a wrong kind, so that it is not missing as well."""


def _only_key(item: Any) -> str:
    return str(next(iter(item))) if isinstance(item, dict) and len(item) == 1 else ""


def _own_key(slot: schema.Slot) -> bool:
    """Whether a slot's own name is the key, rather than its element's."""
    group_list = schema.LIST | schema.GROUP
    return bool(slot.flags & (schema.TEXT | schema.CONTENT)) or slot.flags & group_list == group_list


def _own_name(place: Place) -> bool:
    return not _own_key(place.slot)


def new_message(type_number: int) -> Message:
    """An empty message, whatever it needs."""
    message_class = _classes.class_of(type_number)
    return message_class.__new__(message_class)


def missing_of(message: Message, type_number: int) -> list[str]:
    """What a message has to have, and has not."""
    return [
        slot.name
        for slot in schema.type_of(type_number).slots
        if slot.flags & schema.REQUIRED
        and not slot.flags & (schema.LIST | schema.CONTENT)
        and getattr(message, slot.name) is None
    ]
