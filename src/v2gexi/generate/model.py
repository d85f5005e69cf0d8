"""What a schema says, as the grammars need it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

from .simple import Facts
from .source import XSD, QName


@dataclass(eq=False)
class SimpleType:
    """A simple type. An anonymous one has the name of the element or attribute that holds it."""

    name: QName
    facts: Facts
    base: SimpleType | None = None
    anonymous: bool = False


@dataclass(eq=False)
class Attribute:
    """An attribute of a complex type."""

    name: QName
    type: SimpleType
    required: bool


@dataclass(eq=False)
class Element:
    """An element declaration. `members` of a global one: its substitution group, itself included."""

    name: QName
    find_type: Callable[[], Type]
    is_global: bool = False
    abstract: bool = False
    head: QName | None = None
    where: str = ""
    members: list[Element] = field(default_factory=list)

    @cached_property
    def type(self) -> Type:
        """Its type; found when first asked for, as types may hold each other."""
        return self.find_type()


@dataclass(eq=False)
class Leaf:
    """A place for an element in a content model, or (element None) for any. `high` None: without bound."""

    element: Element | None
    low: int
    high: int | None
    where: str = ""


@dataclass(eq=False)
class Group:
    """A sequence or a choice of terms."""

    choice: bool
    items: list[Term]
    low: int = 1
    high: int | None = 1
    where: str = ""


Term = Leaf | Group


@dataclass(eq=False)
class ComplexType:
    """A complex type. Attributes are sorted; content is that of the base first."""

    name: QName
    anonymous: bool = False
    where: str = ""
    base: Type | None = None
    restricts: bool = False
    abstract: bool = False
    mixed: bool = False
    attributes: list[Attribute] = field(default_factory=list)
    any_attribute: bool = False
    content: Group = field(default_factory=lambda: Group(False, []))
    simple: SimpleType | None = None


Type = SimpleType | ComplexType


def leaves(term: Term) -> list[Leaf]:
    """The term's leaves in the order of the schema."""
    if isinstance(term, Leaf):
        return [term]
    return [leaf for item in term.items for leaf in leaves(item)]


def any_type() -> ComplexType:
    """xs:anyType: any attributes, any content."""
    content = Group(False, [Leaf(None, 0, None)])
    return ComplexType((XSD, "anyType"), mixed=True, any_attribute=True, content=content)


@dataclass
class MessageSet:
    """All that the schema documents of one message set declare."""

    name: str
    namespace: str
    """That of the main schema document."""
    namespaces: list[str]
    elements: list[Element]
    """Global elements, sorted by local name, then URI."""
    types: list[Type]
    """Named types, in the order of the documents, then anonymous and built-in ones as they are met."""
    declared: list[Element]
    """All element declarations, local ones included."""
    attributes: list[Attribute]
    """All attribute declarations."""
    names: set[QName]
    """The names of all elements, attributes and types: what the string table starts with."""
