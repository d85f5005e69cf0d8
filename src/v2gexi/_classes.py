"""The message classes, made from the tables when they are first needed."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from threading import RLock
from typing import Any

from v2gexi import _core, schema
from v2gexi.errors import DecodeError, EncodeError
from v2gexi.message import AnyElement, Element, Message

_classes: dict[int, type[Message]] = {}
_lock = RLock()
"""Two threads that need a class for the first time get the same one."""
_roots: dict[int, type[Message]] = {}
"""By the number of the element's name."""
OWNERS = ("xmldsig", "app", "din", "iso2", "iso20-common", "iso20-ac", "iso20-dc", "iso20-wpt", "iso20-acdp")
"""Message sets in the order in which they own types that several have."""


def class_of(type_number: int) -> type[Message]:
    """The class of a complex type."""
    with _lock:
        return _classes.get(type_number) or _make(type_number)


def _make(type_number: int) -> type[Message]:
    of_type = schema.type_of(type_number)
    base: type[Message] = Message
    if of_type.base is not None and not schema.type_of(of_type.base).flags & schema.SIMPLE:
        base = class_of(of_type.base)
    names = tuple(slot.name for slot in of_type.slots)
    inherited = {name for parent in base.__mro__ for name in getattr(parent, "__slots__", ())}
    made = type(
        of_type.name,
        (base,),
        {
            "__slots__": tuple(name for name in names if name not in inherited),
            "__match_args__": names,
            "__module__": f"v2gexi.{owner_of(type_number).replace('-', '_')}",
            "_type": type_number,
            "_slots": names,
        },
    )
    _core.register_class(type_number, made)
    _classes[type_number] = made
    for element in shared_roots().get(type_number, ()):
        _roots[element.name_number] = _class_of_root(element, made)
    return made


def _class_of_root(element: schema.Element, base: type[Message]) -> type[Message]:
    inside = {"__slots__": (), "__module__": base.__module__, "_element": element.name}
    made = type(element.name, (base,), inside)
    _core.register_root(element.type, element.name_number, made)
    return made


@cache
def shared_roots() -> dict[int, tuple[schema.Element, ...]]:
    """The messages that have their type in common with others of their set: each has a class of its own."""
    found: dict[int, tuple[schema.Element, ...]] = {}
    for number in schema.set_names().values():
        roots: dict[int, list[schema.Element]] = {}
        for element in schema.set_of(number).roots:
            if not schema.type_of(element.type).flags & schema.SIMPLE:
                roots.setdefault(element.type, []).append(element)
        found |= {kind: tuple(elements) for kind, elements in roots.items() if len(elements) > 1}
    return found


@cache
def owner_of(type_number: int) -> str:
    """The message set whose module a type's class belongs to."""
    name = schema.type_of(type_number).name
    known = schema.set_names()
    for owner in (*OWNERS, *known):
        if owner in known and schema.types_of(known[owner]).get(name) == type_number:
            return owner
    raise LookupError(f"no message set has type {name}")


def of_set(name: str) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """``__getattr__`` and ``__dir__`` of the module that has the classes of a message set.

    A class has the name of its type. The name of a message means the class too; where several have the
    type, each has a class that derives from it."""

    @cache
    def names() -> dict[str, tuple[int, int | None]]:
        message_set = schema.set_named(name)
        found: dict[str, tuple[int, int | None]] = {
            kind: (number, None) for kind, number in schema.types_of(message_set.number).items()
        }
        for element in message_set.roots:
            if schema.type_of(element.type).flags & schema.SIMPLE:
                continue
            shared = element in shared_roots().get(element.type, ())
            found.setdefault(element.name, (element.type, element.name_number if shared else None))
        return found

    def module_getattr(attribute: str) -> Any:
        known = None if attribute.startswith("__") else names().get(attribute)
        if known is None:
            raise AttributeError(f"message set {name} has no {attribute}")
        type_number, root = known
        made = class_of(type_number)
        return made if root is None else _roots[root]

    def module_dir() -> list[str]:
        return sorted(names())

    return module_getattr, module_dir


_core.set_up(class_of, Element, AnyElement, DecodeError, EncodeError)
