"""Reads the schema documents of a message set into the model.

Allowed is what the engine's tables can say: global and local elements and attributes, groups and attribute
groups, sequences and choices with any bounds, extension and restriction, simple and mixed content, wildcards
for any namespace, substitution groups, facets of lengths, bounds and enumerations. Everything else is a
problem, told with its place.
"""

from __future__ import annotations

from functools import partial

from . import content
from .documents import UNKNOWN, Declaration, Document, Documents, is_xsd
from .model import Attribute, ComplexType, Element, MessageSet, SimpleType, Type, any_type
from .simple import BUILT_IN, Facts, restrict
from .source import XSD, Files, Node, Problems, QName


def by_name(name: QName) -> tuple[str, str]:
    """The order of EXI: local name, then URI."""
    return name[1], name[0]


class Reader:
    """The declarations of one message set, each read when first asked for."""

    def __init__(self, documents: Documents, problems: Problems) -> None:
        self.documents = documents
        self.problems = problems
        self.types: dict[QName, Type] = {}
        self.anonymous: dict[Node, Type] = {}
        self.elements: dict[QName, Element] = {}
        self.declared: list[Element] = []
        self.attributes: list[Attribute] = []
        self.names: set[QName] = set()
        self._any = any_type()
        self._open: set[QName] = set()

    def missing(self, node: Node, kind: str, name: QName) -> None:
        """Notes that a name is not declared."""
        if name[0] != UNKNOWN:
            self.problems.add(node, f'{kind} "{name[1]}" of namespace "{name[0]}" is not declared')

    def find(self, kind: str, name: QName, node: Node) -> Declaration | None:
        """The global declaration of that name; noted as a problem when there is none."""
        found = self.documents.declarations.get((kind, name))
        if found is None:
            self.missing(node, kind, name)
        return found

    # Types

    def type(self, name: QName, node: Node) -> Type:
        """The named type."""
        if name in self.types:
            return self.types[name]
        if is_xsd(name):
            return self._built_in(name, node)
        found = self.find("type", name, node)
        if found is None:
            return self._any
        if name in self._open:
            self.problems.add(node, f'type "{name[1]}" is made from itself')
            return self._any
        self._open.add(name)
        made = self._make(found.node, found.document, name)
        self._open.discard(name)
        return self.types.setdefault(name, made)

    def _built_in(self, name: QName, node: Node) -> Type:
        if name[1] == "anyType":
            return self.types.setdefault(name, self._any)
        if name[1] not in BUILT_IN:
            allowed = "all built-in types but lists, dates and times, QName and NOTATION are"
            self.problems.add(node, f"xs:{name[1]} is not supported: {allowed}")
        return self.types.setdefault(name, SimpleType(name, BUILT_IN.get(name[1], Facts("STRING"))))

    def _make(self, node: Node, document: Document, name: QName, anonymous: bool = False) -> Type:
        if node.tag == "simpleType":
            return self._simple(node, document, name, anonymous)
        return content.read_complex(self, node, document, ComplexType(name, anonymous, node.where))

    def inner(self, node: Node, document: Document, name: QName) -> Type:
        """The anonymous type at this node; `name` is that of its holder."""
        if node not in self.anonymous:
            self.anonymous[node] = self._make(node, document, name, True)
            if isinstance(made := self.anonymous[node], ComplexType):
                made.anonymous = True
        return self.anonymous[node]

    def _simple(self, node: Node, document: Document, name: QName, anonymous: bool) -> SimpleType:
        for refused in node.named("list", "union"):
            allowed = "a simple type has to be an xs:restriction of another"
            self.problems.add(refused, f"xs:{refused.tag} is not supported: {allowed}")
        restriction = node.first("restriction")
        if restriction is None:
            return SimpleType(name, Facts("STRING"), None, anonymous)
        base = self.base_of(restriction, document, name)
        if not isinstance(base, SimpleType):
            self.problems.add(restriction, f'base "{base.name[1]}" is no simple type')
            return SimpleType(name, Facts("STRING"), None, anonymous)
        facts = restrict(base.facts, restriction, self.problems)
        return SimpleType(name, facts, base, anonymous)

    def base_of(self, node: Node, document: Document, holder: QName) -> Type:
        """The type that an xs:restriction or xs:extension starts from."""
        base = node.get("base")
        if base is not None:
            return self.type(document.qname(node, base, self.problems), node)
        inner = node.first("simpleType")
        if inner is not None:
            return self.inner(inner, document, holder)
        self.problems.add(node, f"xs:{node.tag} without a base")
        return self._any

    # Elements and attributes

    def _type_of_element(self, node: Node, document: Document, name: QName) -> Type:
        named = node.get("type")
        inner = node.first("complexType", "simpleType")
        head = node.get("substitutionGroup")
        if named is not None:
            return self.type(document.qname(node, named, self.problems), node)
        if inner is not None:
            return self.inner(inner, document, name)
        if head is not None and (found := self.elements.get(document.qname(node, head, self.problems))):
            return found.type
        return self.type((XSD, "anyType"), node)

    def _element(self, node: Node, document: Document, name: QName, is_global: bool) -> Element:
        for refused in ("block", "nillable"):
            if (node.get(refused) or "false") not in {"false", "0"}:
                self.problems.add(node, f'{refused}="{node.get(refused)}" is not supported: leave it out')
        head = node.get("substitutionGroup")
        element = Element(
            name,
            partial(self._type_of_element, node, document, name),
            is_global,
            node.get("abstract") in {"true", "1"},
            document.qname(node, head, self.problems) if head else None,
            node.where,
        )
        self.declared.append(element)
        self.names.add(name)
        return element

    def local_element(self, node: Node, document: Document) -> Element | None:
        """The element of a content model: declared there, or a global one it refers to."""
        ref = node.get("ref")
        if ref is None:
            return self._element(node, document, document.local_name(node, "elementFormDefault"), False)
        name = document.qname(node, ref, self.problems)
        if name not in self.elements:
            self.missing(node, "element", name)
        return self.elements.get(name)

    def attribute(self, node: Node, document: Document) -> Attribute | None:
        """An attribute of a type: declared there, or a global one it refers to."""
        ref = node.get("ref")
        required = node.get("use") == "required"
        name = document.local_name(node, "attributeFormDefault")
        if ref is not None:
            name = document.qname(node, ref, self.problems)
            found = self.find("attribute", name, node)
            if found is None:
                return None
            node, document = found.node, found.document
        self.names.add(name)
        named, inner = node.get("type"), node.first("simpleType")
        if named is not None:
            of = self.type(document.qname(node, named, self.problems), node)
        elif inner is not None:
            of = self.inner(inner, document, name)
        else:
            of = self.type((XSD, "anySimpleType"), node)
        if not isinstance(of, SimpleType):
            self.problems.add(node, f'attribute "{name[1]}" has no simple type')
            return None
        made = Attribute(name, of, required)
        self.attributes.append(made)
        return made

    # All of it

    def read_all(self) -> None:
        """Reads every declaration, also those that no other refers to."""
        for found in self.documents.of_kind("element"):
            self.elements[found.name] = self._element(found.node, found.document, found.name, True)
        for element in self.elements.values():
            self._join(element)
        for found in self.documents.of_kind("attribute"):
            self.attribute(found.node, found.document)
            self.names.add(found.name)
        for found in self.documents.of_kind("type"):
            self.names.add(found.name)
            self.type(found.name, found.node)
        for element in self.declared:  # grows while the types of elements are read
            _ = element.type

    def _join(self, element: Element) -> None:
        """Puts a global element into the substitution groups above it, and its own."""
        seen: set[QName] = set()
        head: Element | None = element
        while head is not None and head.name not in seen:
            seen.add(head.name)
            head.members.append(element)
            if head.head is not None and head.head not in self.elements:
                self.problems.add(head.where, f'substitutionGroup: element "{head.head[1]}" is not declared')
            head = self.elements.get(head.head) if head.head is not None else None


def read_set(name: str, files: Files, main: str) -> MessageSet:
    """The message set whose main schema document is `main`. Raises GenerateError with all problems."""
    problems = Problems()
    documents = Documents(files, main, problems)
    reader = Reader(documents, problems)
    reader.read_all()
    problems.check()
    for element in reader.elements.values():
        element.members.sort(key=lambda member: by_name(member.name))
    types = list(reader.types.values())
    types += [found for found in reader.anonymous.values() if found not in types]
    elements = sorted(reader.elements.values(), key=lambda element: by_name(element.name))
    return MessageSet(
        name,
        documents.all[0].namespace,
        documents.namespaces,
        elements,
        types,
        reader.declared,
        reader.attributes,
        reader.names,
    )
