"""Payloads to messages and back."""

from __future__ import annotations

from functools import cache
from typing import Any

from v2gexi import _classes, _core, schema
from v2gexi.errors import EncodeError
from v2gexi.message import AnyElement, Message

_FRAGMENT, _CHECK, _LENIENT = 1, 2, 8
_TEXTS = {True: 4, False: 0, None: 16}
_SETS = schema.set_names()


def decode(
    payload: bytes | bytearray | memoryview, message_set: str, *, fragment: bool = False, check: bool = False
) -> Any:
    """The message in an EXI payload (without the V2GTP header).

    Args:
        payload: the bytes; whatever follows the message in them is ignored.
        message_set: "app", "din", "iso2", "iso20-common", "iso20-ac", "iso20-dc", "iso20-wpt", "iso20-acdp"
            or "xmldsig".
        fragment: the payload is a fragment, as signatures digest it. An element that the schema declares with
            several types (eMAID of ISO 15118-2) is an object of the class that has just its attributes, text
            and children in their order, or else an AnyElement.
        check: refuse also numbers and lengths that the schema forbids; by default they are taken as they
            come, because real peers send some (contract ids with hyphens are longer than the schema allows).

    Raises:
        DecodeError: it is no such message; the text says at which bit and element.
        ValueError: there is no such message set.
        TypeError: the payload is not bytes, or the message set's name no text.
    """
    number = _SETS.get(message_set) if type(message_set) is str else None
    if number is None:
        number = schema.set_named(message_set).number
    if not fragment:
        return _core.decode(payload, number, _CHECK if check else 0)
    message = _core.decode(payload, number, _FRAGMENT | (_CHECK if check else 0))
    if isinstance(message, AnyElement):
        from v2gexi._relaxed import fitting

        return fitting(message, number)
    return message


def encode(
    message: Message | AnyElement,
    message_set: str | None = None,
    *,
    element: str | None = None,
    fragment: bool = False,
    literal: bool | None = None,
    lenient: bool = False,
) -> bytes:
    """The EXI payload of a message.

    Args:
        message: an instance of one of the message classes; an AnyElement only as the fragment of an element
            that a schema declares with several types.
        message_set: only needed where the class belongs to several, such as those of signatures.
        element: the element's name; only needed where several have the message's type.
        fragment: as a fragment, for a signature.
        literal: True: write every text out, for peers that cannot read a reference to an earlier one. False:
            refer. None: refer, unless the message was decoded from a payload that repeats a text in full.
        lenient: take numbers and lengths that the schema forbids.

    Raises:
        EncodeError: the schema does not allow the message; the text says which element, and what is allowed.
        ValueError: there is no such message set.
        TypeError: the name of the message set or element is no text.
    """
    if message_set is not None and not isinstance(message_set, str):
        raise schema.no_set_name(message_set)
    if element is not None and not isinstance(element, str):
        raise TypeError(f"the name of an element is a text, not a {type(element).__name__}")
    message_class: Any = type(message)
    if message_class is AnyElement:
        number, name = _place_of_any(message, message_set, element, fragment)
    else:
        number, name = _place(message_class, message_set, element, fragment)
    options = (_FRAGMENT if fragment else 0) | _TEXTS[literal] | (_LENIENT if lenient else 0)
    return _core.encode(message, number, name, options)


@cache
def _place(
    message_class: Any, message_set: str | None, element: str | None, fragment: bool
) -> tuple[int, int]:
    """Message set and name with which objects of a class are encoded."""
    type_number = getattr(message_class, "_type", None)
    if type_number is None:
        raise EncodeError(f"{message_class.__name__} is no message class")
    element = element or message_class._element
    numbers = [schema.set_named(message_set).number] if message_set else list(_SETS.values())
    found = []
    for number in numbers:
        of_set = schema.set_of(number)
        for candidate in of_set.fragments if fragment else of_set.roots:
            if candidate.type == type_number and element in (None, candidate.name):
                found.append((of_set.name, candidate))
    if not found:
        what = f"element {element!r} of type" if element else "element of type"
        where = f"message set {message_set}" if message_set else "any message set"
        raise EncodeError(f"there is no {what} {message_class.__name__} in {where}")
    if len({name for name, _ in found}) > 1:
        # A type that several sets share, as they are: the same bytes only in its own.
        own = _classes.owner_of(type_number)
        found = [entry for entry in found if entry[0] == own] or found
    if len(found) > 1:
        said = ", ".join(f"{candidate.name} of {name}" for name, candidate in found)
        raise EncodeError(f"{message_class.__name__} can be {said}: say which")
    name, candidate = found[0]
    return _SETS[name], candidate.name_number


def _place_of_any(
    message: Any, message_set: str | None, element: str | None, fragment: bool
) -> tuple[int, int]:
    """Message set and name with which an element of several types is encoded."""
    numbers = [schema.set_named(message_set).number] if message_set else list(_SETS.values())
    wanted = (message.name, message.namespace)
    for number in numbers if fragment and element in (None, message.name) else ():
        found = [each for each in schema.set_of(number).fragments if (each.name, each.namespace) == wanted]
        if len(found) > 1:
            return number, found[0].name_number
    reason = "an AnyElement has to be the fragment of an element that the schema declares with several types"
    raise EncodeError(reason, str(message.name))
