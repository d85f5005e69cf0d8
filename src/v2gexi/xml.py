"""Messages as XML text, for tools and people.

    >>> text = to_xml(v2gexi.decode(payload, "iso2"), indent=2)
    >>> v2gexi.encode(from_xml(text))

Namespaces are declared at the root; the prefix is the last word of the namespace (``msgdef`` for
``urn:iso:15118:2:2013:MsgDef``; ``ds`` for signatures). Elements and attributes are qualified as their
schema says, xsi:type names the type of an object whose element does not.

Reading takes any prefixes and every lexical form of a value, passes over comments, processing instructions
and white space between elements, and refuses document types, so that no entity is ever expanded. The order
of elements is not looked at: a message holds its values by name, and encoding writes them in the order of
the schema.
"""

from __future__ import annotations

from typing import Any

from v2gexi import _places, _values, schema
from v2gexi._places import Path
from v2gexi._xml_read import XmlError, from_xml, root_name
from v2gexi.message import AnyElement, Element, Message

__all__ = ["XmlError", "from_xml", "root_name", "to_xml"]

XSI = "http://www.w3.org/2001/XMLSchema-instance"
_XML = "http://www.w3.org/XML/1998/namespace"


def to_xml(message: Message, element: str | None = None, *, indent: int | None = None) -> str:
    """A message as an XML document, without declaration.

    Args:
        message: an instance of one of the message classes.
        element: the root's name; needed only where several elements have the message's type.
        indent: blanks for each level of elements on lines of their own; everything on one line without.

    Raises:
        ValueError: it cannot be written, as values of a wrong kind or characters that XML does not have; the
            text says where.
    """
    root = _places.root_of(message, element)
    writer = _Writer(indent)
    writer.value(root.name, root.namespace, root.type, message, Path(root.name), 0)
    return writer.text()


class _Writer:
    def __init__(self, indent: int | None) -> None:
        self._indent = indent
        self._parts: list[str] = []
        self._prefixes: dict[str, str] = {}
        self._declarations_at = 0

    def text(self) -> str:
        declared = "".join(
            f' xmlns:{prefix}="{_escaped(uri)}"' for uri, prefix in self._prefixes.items() if uri != _XML
        )
        self._parts.insert(self._declarations_at, declared)
        return "".join(self._parts)

    def value(self, name: str, namespace: str, number: int, value: Any, path: Path, level: int) -> None:
        """An element with its value."""
        if _places.is_simple(number):
            self._begin(name, namespace, level)
            text = self._simple(_places.simple_value(number), value, path)
            self._parts.append(f">{text}</{self._qualified(name, namespace)}>" if text else "/>")
            return
        own = _places.type_number_of(value)
        if own is None or not _places.is_a(own, number):
            raise ValueError(path.says(f"{_places.shown(value)} is no {schema.type_of(number).name}"))
        self._begin(name, namespace, level)
        if own != number:
            of_type = schema.type_of(own)
            self._attribute("type", XSI, self._qualified(of_type.name, of_type.namespace))
        self._object(name, namespace, own, value, path, level)

    def _object(
        self, name: str, namespace: str, number: int, message: Message, path: Path, level: int
    ) -> None:
        start = len(self._parts)
        flat = False
        for index, slot in enumerate(schema.type_of(number).slots):
            value = getattr(message, slot.name)
            if value is None:
                continue
            if slot.flags & schema.ATTRIBUTE:
                text = self._simple(_places.simple_value(slot.type), value, path.child(slot.name))
                self._attribute(slot.name, slot.namespace, text, escaped=True)
                start = len(self._parts)
            elif slot.flags & schema.TEXT:
                self._parts.append(self._simple(_places.simple_value(number), value, path))
                flat = True
            elif slot.flags & schema.CONTENT:
                flat = self._content(value, number, path, level)
            elif slot.flags & schema.LIST:
                for at, item in enumerate(value):
                    self._member(number, index, item, path, at, level)
            else:
                self._member(number, index, value, path, None, level)
        self._finish(name, namespace, start, flat, level)

    def _member(self, number: int, index: int, value: Any, path: Path, at: int | None, level: int) -> None:
        slot = schema.type_of(number).slots[index]
        place = _places.member_of(number, index, _places.type_number_of(value))
        if place is None:
            names = ", ".join(schema.type_of(each.type).name for each in schema.members_of(number, index))
            raise ValueError(path.child(slot.name, at).says(f"{_places.shown(value)} is none of {names}"))
        below = path.child(place.name, at, bool(slot.flags & schema.GROUP))
        self.value(place.name, place.namespace, place.type, value, below, level + 1)

    def _content(self, items: list[Any], number: int | None, path: Path, level: int) -> bool:
        """What stands in an ordered type or an undeclared element; whether there is text, which no indent
        may change."""
        flat = any(isinstance(item, str) for item in items)
        kept = self._indent
        if flat:
            self._indent = None
        for at, item in enumerate(items):
            below = path.child("content", at)
            if isinstance(item, str):
                self._parts.append(_checked(item, below))
            elif isinstance(item, AnyElement):
                self._begin(item.name, item.namespace, level + 1)
                for name, text in item.attributes.items():
                    uri, _, local = name.rpartition("}")
                    self._attribute(local, uri[1:], _checked(text, below.child(name)), escaped=True)
                start = len(self._parts)
                inner = self._content(item.content, None, below, level + 1)
                self._finish(item.name, item.namespace, start, inner, level + 1)
            elif isinstance(item, Element):
                place = _places.place_in_content(number, item.name, item.value)
                if place is None:
                    raise ValueError(below.says(f"there is no element {item.name!r}"))
                self.value(
                    place.name, place.namespace, place.type, item.value, path.child(item.name, at), level + 1
                )
            else:
                raise ValueError(below.says(f"{_places.shown(item)} is no text, Element or AnyElement"))
        self._indent = kept
        return flat

    def _begin(self, name: str, namespace: str, level: int) -> None:
        if self._indent is not None and self._parts:
            self._parts.append("\n" + " " * (self._indent * level))
        at_root = not self._parts
        self._parts.append(f"<{self._qualified(name, namespace)}")
        if at_root:
            self._declarations_at = 1

    def _attribute(self, name: str, namespace: str, text: str, escaped: bool = False) -> None:
        value = (
            text.replace('"', "&quot;").replace("\t", "&#9;").replace("\n", "&#10;")
            if escaped
            else _escaped(text)
        )
        self._parts.append(f' {self._qualified(name, namespace)}="{value}"')

    def _finish(self, name: str, namespace: str, start: int, flat: bool, level: int) -> None:
        """The end of an element whose content begins at a part."""
        if not any(self._parts[start:]):
            self._parts.append("/>")
            return
        self._parts.insert(start, ">")
        if self._indent is not None and not flat:
            self._parts.append("\n" + " " * (self._indent * level))
        self._parts.append(f"</{self._qualified(name, namespace)}>")

    def _qualified(self, name: str, namespace: str) -> str:
        if not namespace:
            return name
        prefix = self._prefixes.get(namespace)
        if prefix is None:
            prefix = self._prefixes[namespace] = _prefix(namespace, set(self._prefixes.values()))
        return f"{prefix}:{name}"

    def _simple(self, value: schema.Value, given: Any, path: Path) -> str:
        try:
            text = _values.to_text(value, given)
        except ValueError as error:
            raise ValueError(path.says(str(error))) from None
        return _checked(text, path)


def _prefix(namespace: str, taken: set[str]) -> str:
    """The namespace's last word in lower case, with a number if another has it."""
    if namespace in (XSI, _XML):
        return "xsi" if namespace == XSI else "xml"
    words = "".join(c if c.isascii() and c.isalnum() else " " for c in namespace).split()
    word = words[-1].lower() if words else ""
    if not word[:1].isalpha() or (word.startswith("xml") and word != "xmldsig"):
        word = f"n{word}"
    # "xml..." is reserved, but for what nobody can take for anything else.
    word = "ds" if word == "xmldsig" else word
    prefix, number = word, 2
    while prefix in taken or prefix in ("xsi", "xml"):
        prefix, number = f"{word}{number}", number + 1
    return prefix


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")


def _checked(text: str, path: Path) -> str:
    """Text with what XML cannot have as such replaced; a carriage return alone would become a newline."""
    for character in text:
        code = ord(character)
        if (
            (code < 0x20 and character not in "\t\n\r")
            or 0xD800 <= code <= 0xDFFF
            or code in (0xFFFE, 0xFFFF)
        ):
            raise ValueError(path.says(f"{_places.shown(text)} has characters that XML cannot have"))
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\r", "&#13;")
