"""XML text to messages: expat's events fill the slots."""

from __future__ import annotations

from typing import Any
from xml.parsers import expat

from v2gexi import _places, _values, schema
from v2gexi._places import Path
from v2gexi.dicts import WRONG, missing_of, new_message
from v2gexi.message import AnyElement, Element, Message

_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_XML_SPACE = " \t\r\n"
_CONTENT, _VALUE = "content", "value"
"""Slots that no name of the schema has."""
_MOST_PROBLEMS = 100
_DEEPEST = 200
"""Elements may be nested so deep; those of the standards need 12."""


class XmlError(ValueError):
    """A text that is no message.

    Attributes:
        problems: a line for each thing that is wrong: ``line:column: where: what``.
    """

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def from_xml(text: str | bytes, message_set: str | None = None) -> Any:
    """The message in an XML document: the opposite of :func:`to_xml`.

    Ranges, lengths and choices are for :func:`v2gexi.encode` and :func:`v2gexi.problems`.

    Args:
        text: the document; bytes are in the encoding that it declares, or UTF-8.
        message_set: its name; only needed where elements of that name and namespace have different types in
            several.

    Raises:
        XmlError: it is not well-formed, or no message; all that is wrong is named at once, each with line
        and column. ValueError: there is no such message set.
    """
    if message_set is not None:
        schema.set_named(message_set)
    return _Reader(message_set, isinstance(text, str)).read(text.encode() if isinstance(text, str) else text)


class _Open:
    """An element that has begun."""

    __slots__ = ("any", "message", "name", "number", "path", "place", "said", "text", "value")

    def __init__(self, name: str, path: Path, place: _places.Place | None) -> None:
        self.name = name
        self.path = path
        self.place = place
        self.number: int | None = None
        self.message: Message | None = None
        self.any: AnyElement | None = None
        self.value: schema.Value | None = None
        self.text: list[str] = []
        self.said = False
        """Whether text where none is allowed was reported."""

    @property
    def content(self) -> list[Any]:
        """Of an element whose children keep their order."""
        items: list[Any] = self.any.content if self.any is not None else getattr(self.message, _CONTENT)
        return items


class _Reader:
    def __init__(self, message_set: str | None, as_utf8: bool) -> None:
        self._set = message_set
        self._open: list[_Open] = []
        self._skipped = 0
        self._known: dict[str, list[str]] = {}
        """Namespaces of the prefixes, the one that counts last."""
        self._problems: list[str] = []
        self._root: Any = None
        self._parser = parser = expat.ParserCreate("utf-8" if as_utf8 else None, namespace_separator=" ")
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        parser.StartDoctypeDeclHandler = self._doctype
        parser.StartNamespaceDeclHandler = self._declare
        parser.EndNamespaceDeclHandler = self._undeclare

    def read(self, text: bytes) -> Any:
        try:
            self._parser.Parse(text, True)
        except expat.ExpatError as error:
            self._problems.append(f"{error.lineno}:{error.offset + 1}: {expat.ErrorString(error.code)}")
        except (LookupError, UnicodeError) as error:
            raise XmlError([f"1:1: {error}"]) from None
        if self._problems:
            raise XmlError(self._problems)
        return self._root

    def _problem(self, reason: str) -> None:
        self._problems.append(
            f"{self._parser.CurrentLineNumber}:{self._parser.CurrentColumnNumber + 1}: {reason}"
        )
        if len(self._problems) >= _MOST_PROBLEMS:
            raise XmlError([*self._problems, "and more"])

    def _doctype(self, *_: object) -> None:
        self._problem("document types are not allowed")
        raise XmlError(self._problems)

    def _declare(self, prefix: str | None, uri: str | None) -> None:
        self._known.setdefault(prefix or "", []).append(uri or "")

    def _undeclare(self, prefix: str | None) -> None:
        self._known[prefix or ""].pop()

    def _start(self, qualified: str, attributes: dict[str, str]) -> None:
        namespace, name = _split(qualified)
        if self._skipped:
            self._skipped += 1
            return
        if len(self._open) >= _DEEPEST:
            self._problem(f"elements are nested deeper than {_DEEPEST}")
            raise XmlError(self._problems)
        opened = self._find(name, namespace)
        if opened is None:
            self._skipped = 1
            return
        self._open.append(opened)
        if opened.any is not None:
            opened.any.attributes.update((_braced(key), text) for key, text in attributes.items())
            return
        attributes = self._retype(opened, attributes)
        if opened.number is not None and _places.is_simple(opened.number):
            opened.value = _places.simple_value(opened.number)
        elif opened.number is not None:
            opened.message = new_message(opened.number)
            opened.value = schema.type_of(opened.number).value
        self._attributes(opened, attributes)

    def _find(self, name: str, namespace: str) -> _Open | None:
        """What an element is where it stands; None if it may not stand there, which has been said."""
        if not self._open:
            return self._find_root(name, namespace)
        holder = self._open[-1]
        number = holder.number if holder.any is None else None
        if number is not None and holder.message is None:
            self._problem(holder.path.says(f"has a value, no element {name}"))
            return None
        if number is not None and (place := _places.places_of(number).get(name)) is not None:
            if not place.slot.flags & schema.ATTRIBUTE and place.namespace == namespace:
                return self._child(holder, place, name)
        if number is None or schema.type_of(number).flags & schema.ORDERED:
            return self._in_wildcard(holder, name, namespace)
        self._problem(holder.path.child(name).says(_not_here(number, name, namespace)))
        return None

    def _child(self, holder: _Open, place: _places.Place, name: str) -> _Open:
        many = place.slot.flags & (schema.LIST | schema.CONTENT)
        at = len(getattr(holder.message, place.slot.name)) if many else None
        opened = _Open(name, holder.path.child(name, at, bool(place.slot.flags & schema.GROUP)), place)
        opened.number = place.type
        return opened

    def _find_root(self, name: str, namespace: str) -> _Open | None:
        roots = [
            each
            for each in _places.roots_named(name, namespace, self._set)
            if not _places.is_simple(each.element.type)
        ]
        if len(roots) == 1:
            opened = _Open(name, Path(name), None)
            opened.number = roots[0].element.type
            return opened
        where = f"message set {self._set}" if self._set else "any message set"
        if not roots:
            self._problem(f"{name}: there is no such element of namespace {namespace!r} in {where}")
        else:
            names = ", ".join(schema.set_of(each.set_number).name for each in roots)
            self._problem(f"{name}: it is not the same in {names}: say which message set")
        return None

    def _in_wildcard(self, holder: _Open, name: str, namespace: str) -> _Open:
        path = holder.path.child(name, len(holder.content))
        place = _places.Place(_places.CONTENT_SLOT, name, namespace, -1)
        opened = _Open(name, path, place)
        roots = _places.roots_named(name, namespace, self._set)
        if roots:
            opened.number = roots[0].element.type
        else:
            opened.any = AnyElement(name, namespace)
        return opened

    def _retype(self, opened: _Open, attributes: dict[str, str]) -> dict[str, str]:
        """Attributes without those of XML Schema; xsi:type changes the element's type."""
        left = {}
        for key, text in attributes.items():
            namespace, name = _split(key)
            if namespace != _XSI:
                left[key] = text
            elif name == "type" and opened.number is not None and not _places.is_simple(opened.number):
                prefix, _, local = text.strip(_XML_SPACE).rpartition(":")
                uri = (self._known.get(prefix) or [""])[-1]
                types = [
                    each for each in _places.derived(opened.number).get(local, ()) if each.namespace == uri
                ]
                if types:
                    opened.number = types[0].number
                else:
                    known = ", ".join(sorted(_places.derived(opened.number)))
                    self._problem(opened.path.says(f"{_places.shown(text)} is no type of it, only {known}"))
            elif name == "nil" and text.strip(_XML_SPACE) not in ("false", "0"):
                self._problem(opened.path.says("may not be nil"))
        return left

    def _attributes(self, opened: _Open, attributes: dict[str, str]) -> None:
        for key, text in attributes.items():
            namespace, name = _split(key)
            place = (
                _places.places_of(opened.number).get(name)
                if opened.message and opened.number is not None
                else None
            )
            path = opened.path.child(name)
            if place is None or not place.slot.flags & schema.ATTRIBUTE or place.namespace != namespace:
                self._problem(path.says("there is no such attribute"))
                continue
            setattr(
                opened.message, place.slot.name, self._simple(_places.simple_value(place.type), text, path)
            )

    def _characters(self, text: str) -> None:
        if self._skipped or not self._open:
            return
        opened = self._open[-1]
        if (
            opened.any is not None
            or opened.value is not None
            or (opened.number is not None and schema.type_of(opened.number).flags & schema.MIXED)
        ):
            opened.text.append(text)
        elif text.strip(_XML_SPACE) and not opened.said:
            opened.said = True
            self._problem(opened.path.says(f"has no text such as {_places.shown(text.strip(_XML_SPACE))}"))

    def _flush(self, opened: _Open, at_end: bool) -> None:
        """Text so far becomes content; white space does not, but where it is all there is."""
        text = "".join(opened.text)
        opened.text.clear()
        content = opened.content
        if text.strip(_XML_SPACE) or (text and at_end and not content):
            content.append(text)

    def _end(self, _: str) -> None:
        if self._skipped:
            self._skipped -= 1
            return
        opened = self._open.pop()
        result: Any = opened.message if opened.any is None else opened.any
        if opened.any is not None or (
            opened.number is not None and schema.type_of(opened.number).flags & schema.ORDERED
        ):
            self._flush(opened, at_end=True)
        elif opened.value is not None:
            given = self._simple(opened.value, "".join(opened.text), opened.path)
            if opened.message is None:
                result = given
            else:
                setattr(opened.message, _VALUE, given)
        if opened.message is not None and opened.number is not None:
            for name in missing_of(opened.message, opened.number):
                self._problem(opened.path.says(f"{name} is missing"))
        self._store(opened, result)

    def _store(self, opened: _Open, result: Any) -> None:
        if opened.place is None:
            self._root = result
            return
        holder, slot = self._open[-1], opened.place.slot
        if slot.flags & schema.CONTENT:
            self._flush(holder, at_end=False)
            item = result if opened.any is not None else Element(opened.name, result)
            holder.content.append(item)
        elif slot.flags & schema.LIST:
            getattr(holder.message, slot.name).append(result)
        elif getattr(holder.message, slot.name) is not None:
            self._problem(opened.path.says(f"there already is a {slot.name}"))
        else:
            setattr(holder.message, slot.name, result)

    def _simple(self, value: schema.Value, text: str, path: Path) -> Any:
        try:
            return _values.from_text(value, text)
        except ValueError as error:
            self._problem(path.says(str(error)))
            return WRONG


def _split(qualified: str) -> tuple[str, str]:
    namespace, _, name = qualified.rpartition(" ")
    return namespace, name


def _braced(qualified: str) -> str:
    """An attribute of an undeclared element: ``{namespace}name``, or the name alone."""
    namespace, name = _split(qualified)
    return f"{{{namespace}}}{name}" if namespace else name


def _not_here(number: int, name: str, namespace: str) -> str:
    place = _places.places_of(number).get(name)
    if place is not None and not place.slot.flags & schema.ATTRIBUTE:
        return f"its namespace is {place.namespace!r}, not {namespace!r}"
    there = [
        each.name for each in _places.places_of(number).values() if not each.slot.flags & schema.ATTRIBUTE
    ]
    return f"unknown; there is {', '.join(there) or 'nothing'}"


def root_name(text: bytes) -> str:
    """The local name of a document's first element."""
    names: list[str] = []
    parser = expat.ParserCreate(namespace_separator=" ")

    def start(name: str, _: object) -> None:
        if not names:
            names.append(_split(name)[1])

    parser.StartElementHandler = start
    parser.Parse(text, True)
    return names[0]
