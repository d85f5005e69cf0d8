"""What every message class has, and what stands in for elements that no class has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from v2gexi import _core


class Message(_core.Record):
    """Base of the message classes: a record with the slots that the schema names.

    Values are given by name, ``None`` means absent, and what may stand more than once is a list. The
    classes are made from the tables when they are first needed; their stubs say what each takes."""

    __slots__ = ()
    _type: ClassVar[int]
    _slots: ClassVar[tuple[str, ...]] = ()
    _element: ClassVar[str | None] = None
    """Which message it is, where several have the type."""
    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in self._slots)

    def __repr__(self) -> str:
        there = ((name, getattr(self, name)) for name in self._slots)
        inside = ", ".join(f"{name}={value!r}" for name, value in there if value is not None and value != [])
        return f"{type(self).__name__}({inside})"

    def __reduce__(self) -> tuple[Callable[[type[Message], int], Message], tuple[type[Message], int], object]:
        """For pickle and copy: the class by its module and name, the values by the names of their slots."""
        return _empty, (type(self), self._texts), self.__getstate__()

    def to_dict(self) -> dict[str, Any]:
        """This message as values that JSON knows; see :func:`v2gexi.to_dict`."""
        from v2gexi.dicts import to_dict

        return to_dict(self)


def _empty(message_class: type[Message], texts: int) -> Message:
    """A message without values, also of a class that needs some; ``texts``: how its payload wrote texts."""
    message = message_class.__new__(message_class)
    message._texts = texts
    return message


class Element:
    """A declared element in the ``content`` of a type whose children keep their order."""

    __slots__ = ("name", "value")
    __match_args__ = ("name", "value")
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, name: str, value: Any) -> None:
        self.name = name
        self.value = value

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Element):
            return NotImplemented
        return self.name == other.name and bool(self.value == other.value)

    def __repr__(self) -> str:
        return f"Element({self.name!r}, {self.value!r})"


class AnyElement:
    """An element of which no schema of the message set says anything, with all that was in it.

    ``content`` holds characters (str), :class:`Element` and :class:`AnyElement` in their order."""

    __slots__ = ("attributes", "content", "name", "namespace")
    __match_args__ = ("name", "namespace", "attributes", "content")
    __hash__ = None  # type: ignore[assignment]

    def __init__(
        self,
        name: str,
        namespace: str = "",
        attributes: dict[str, str] | None = None,
        content: list[str | Element | AnyElement] | None = None,
    ) -> None:
        self.name = name
        self.namespace = namespace
        self.attributes = {} if attributes is None else attributes
        self.content = [] if content is None else content

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, AnyElement):
            return NotImplemented
        return (self.name, self.namespace, self.attributes, self.content) == (
            other.name,
            other.namespace,
            other.attributes,
            other.content,
        )

    def __repr__(self) -> str:
        return f"AnyElement({self.name!r}, {self.namespace!r}, {self.attributes!r}, {self.content!r})"
