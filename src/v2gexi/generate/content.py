"""Complex types: attributes, content models, extension and restriction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from .documents import Document
from .model import Attribute, ComplexType, Group, Leaf, SimpleType, Term
from .simple import restrict
from .source import Node

if TYPE_CHECKING:
    from .xsd import Reader

_ATTRIBUTES: Final = ("attribute", "attributeGroup", "anyAttribute")
_TERMS: Final = ("sequence", "choice", "all", "group", "element", "any")
_TRUE: Final = {"true", "1"}


def read_complex(reader: Reader, node: Node, document: Document, made: ComplexType) -> ComplexType:
    """Fills a complex type from its node."""
    made.abstract = node.get("abstract") in _TRUE
    made.mixed = node.get("mixed") in _TRUE
    if node.get("block"):
        reader.problems.add(node, "block is not supported: leave it out")
    derived = node.first("simpleContent", "complexContent")
    if derived is None:
        _attributes(reader, node, document, made)
        _content(reader, node, document, made)
    else:
        made.mixed = made.mixed or derived.get("mixed") in _TRUE
        step = derived.first("extension", "restriction")
        if step is None:
            reader.problems.add(derived, f"xs:{derived.tag} without xs:extension or xs:restriction")
        elif derived.tag == "simpleContent":
            _simple_content(reader, step, document, made)
        else:
            _complex_content(reader, step, document, made)
    made.attributes.sort(key=lambda attribute: (attribute.name[1], attribute.name[0]))
    return made


def _simple_content(reader: Reader, step: Node, document: Document, made: ComplexType) -> None:
    base = reader.base_of(step, document, made.name)
    made.base = base
    made.restricts = step.tag == "restriction"
    made.simple = base if isinstance(base, SimpleType) else base.simple
    if isinstance(base, ComplexType):
        made.attributes = list(base.attributes)
        made.any_attribute = base.any_attribute
    if made.simple is None:
        reader.problems.add(step, f'base "{base.name[1]}" has no simple content')
    elif step.tag == "restriction":
        inner = step.first("simpleType")
        start = reader.inner(inner, document, made.name) if inner is not None else made.simple
        if isinstance(start, SimpleType):
            facts = restrict(start.facts, step, reader.problems)
            made.simple = start if facts == start.facts else SimpleType(made.name, facts, start, True)
    _attributes(reader, step, document, made)


def _complex_content(reader: Reader, step: Node, document: Document, made: ComplexType) -> None:
    base = reader.base_of(step, document, made.name)
    if not isinstance(base, ComplexType):
        reader.problems.add(step, f'base "{base.name[1]}" is no complex type')
        return
    made.base = base
    made.restricts = step.tag == "restriction"
    made.attributes = list(base.attributes) if base.name[1] != "anyType" else []
    _attributes(reader, step, document, made)
    _content(reader, step, document, made)
    if step.tag == "extension":
        made.any_attribute = made.any_attribute or base.any_attribute
        made.mixed = made.mixed or base.mixed
        made.simple = base.simple
        if base.content.items:
            own = [made.content] if made.content.items else []
            made.content = Group(False, [base.content, *own], where=step.where)


def _attributes(reader: Reader, node: Node, document: Document, made: ComplexType, depth: int = 0) -> None:
    """Adds the attributes declared at a node; one that is declared again replaces the inherited one."""
    for child in node.named(*_ATTRIBUTES):
        if child.tag == "anyAttribute":
            _any_namespace(reader, child)
            made.any_attribute = True
        elif child.tag == "attributeGroup":
            name = document.qname(child, child.get("ref") or "", reader.problems)
            found = reader.find("attributeGroup", name, child)
            if depth > 20:
                reader.problems.add(child, f'attributeGroup "{name[1]}" is made from itself')
            elif found is not None:
                _attributes(reader, found.node, found.document, made, depth + 1)
        else:
            _attribute(reader, child, document, made)


def _attribute(reader: Reader, node: Node, document: Document, made: ComplexType) -> None:
    attribute = reader.attribute(node, document)
    if attribute is None:
        return
    others: list[Attribute] = [other for other in made.attributes if other.name != attribute.name]
    made.attributes = others if node.get("use") == "prohibited" else [*others, attribute]


def _content(reader: Reader, node: Node, document: Document, made: ComplexType) -> None:
    model = node.first("sequence", "choice", "all", "group")
    term = _term(reader, model, document) if model is not None else None
    if isinstance(term, Group):
        made.content = term
    if isinstance(term, Leaf):  # not by XSD, whose models are groups
        made.content = Group(False, [term])


def _bounds(reader: Reader, node: Node) -> tuple[int, int | None]:
    low, high = node.get("minOccurs") or "1", node.get("maxOccurs") or "1"
    try:
        bounds = int(low), None if high == "unbounded" else int(high)
    except ValueError:
        reader.problems.add(node, f'minOccurs="{low}" maxOccurs="{high}": numbers are allowed, and unbounded')
        return 1, 1
    if bounds[0] < 0 or (bounds[1] is not None and bounds[0] > bounds[1]):
        reader.problems.add(node, f"minOccurs {low} is above maxOccurs {high}")
        return 1, 1
    return bounds


def _term(reader: Reader, node: Node, document: Document, depth: int = 0) -> Term | None:
    """What a node of a content model says; None: nothing (not even once)."""
    low, high = _bounds(reader, node)
    if high == 0:
        return None
    if node.tag == "element":
        element = reader.local_element(node, document)
        return None if element is None else Leaf(element, low, high, node.where)
    if node.tag == "any":
        _any_namespace(reader, node)
        return Leaf(None, low, high, node.where)
    if node.tag == "group":
        return _group(reader, node, document, depth)
    inner = [
        term for child in node.named(*_TERMS) if (term := _term(reader, child, document, depth)) is not None
    ]
    if node.tag == "all":
        return _all(inner, node)
    return _lowered(Group(node.tag == "choice", inner, low, high, node.where))


def _all(inner: list[Term], node: Node) -> Group:
    """What EXI makes of xs:all: any of its elements, in any order, any number of times (EXI 8.5.4.1.8.3)."""
    for term in inner:
        term.low, term.high = 1, 1
    return Group(True, inner, 0, None, node.where)


def _lowered(group: Group) -> Group:
    """The same group; bounds around a single term that has none of its own become that term's."""
    if len(group.items) == 1 and (group.low, group.high) != (1, 1):
        only = group.items[0]
        if (only.low, only.high) == (1, 1):
            only.low, only.high, group.low, group.high = group.low, group.high, 1, 1
            if isinstance(only, Group):
                _lowered(only)
    return group


def _group(reader: Reader, node: Node, document: Document, depth: int) -> Term | None:
    name = document.qname(node, node.get("ref") or "", reader.problems)
    found = reader.find("group", name, node)
    if depth > 20:
        reader.problems.add(node, f'group "{name[1]}" is made from itself')
        return None
    model = found.node.first("sequence", "choice", "all") if found is not None else None
    if found is None or model is None:
        return None
    low, high = _bounds(reader, node)
    term = _term(reader, model, found.document, depth + 1)
    return None if term is None else _lowered(Group(False, [term], low, high, node.where))


def _any_namespace(reader: Reader, node: Node) -> None:
    namespace = node.get("namespace") or "##any"
    if namespace not in {"##any", "##other"}:
        what = f'xs:{node.tag} namespace="{namespace}" is not supported: "##any" and "##other" are'
        reader.problems.add(node, what)
