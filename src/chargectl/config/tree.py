"""The tree of a JSON text: every node knows which characters it was read from."""

from __future__ import annotations

from dataclasses import dataclass, field

from chargectl.config.paths import Segment
from chargectl.declarations.types import JsonValue

ScalarValue = None | bool | int | float | str


@dataclass(slots=True)
class Scalar:
    """A string, number, Boolean or null at ``text[start:end]``."""

    start: int
    end: int
    value: ScalarValue


@dataclass(slots=True)
class Array:
    """An array; ``commas`` are the offsets of the commas behind its elements."""

    start: int
    end: int
    items: list[Node] = field(default_factory=list)
    commas: list[int] = field(default_factory=list)


@dataclass(slots=True)
class Member:
    """A key (``key_start`` is its opening quote) and its value."""

    key_start: int
    value: Node


@dataclass(slots=True)
class Object:
    """An object; of a key that stands twice the later one counts, as in other JSON readers."""

    start: int
    end: int
    members: dict[str, Member] = field(default_factory=dict)
    commas: list[int] = field(default_factory=list)


Node = Scalar | Array | Object


def plain(node: Node) -> JsonValue:
    """The value of a node without positions."""
    if isinstance(node, Object):
        return {name: plain(member.value) for name, member in node.members.items()}
    if isinstance(node, Array):
        return [plain(item) for item in node.items]
    return node.value


def child(node: Node | None, segment: Segment) -> Node | None:
    """The member of that name or the element of that index; None when it is not there."""
    if isinstance(segment, str):
        member = node.members.get(segment) if isinstance(node, Object) else None
        return member.value if member else None
    if isinstance(node, Array) and 0 <= segment < len(node.items):
        return node.items[segment]
    return None
