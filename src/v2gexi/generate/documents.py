"""The schema documents of a message set, the main one and all it refers to, and what they declare."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from .source import XSD, Files, GenerateError, Node, Problems, QName, parse

KINDS: Final = {
    "element": "element", "attribute": "attribute", "group": "group", "attributeGroup": "attributeGroup",
    "simpleType": "type", "complexType": "type",
}  # fmt: skip
UNKNOWN: Final = "unknown"
"""The namespace of names whose prefix is not declared; that problem has been noted."""


@dataclass(frozen=True, eq=False)
class Document:
    """An XSD file, read for a namespace (a file without one takes that of the file that includes it)."""

    root: Node
    namespace: str
    chameleon: bool

    def qname(self, node: Node, text: str, problems: Problems) -> QName:
        """The qualified name that the text stands for at this node."""
        prefix, _, local = text.strip().rpartition(":")
        uri = node.names.get(prefix)
        if uri is None:
            problems.add(node, f'"{text}": no namespace is declared for the prefix "{prefix}"')
            return UNKNOWN, local
        if not uri and not prefix and self.chameleon:
            uri = self.namespace
        return uri, local

    def local_name(self, node: Node, default: str) -> QName:
        """The name of a local element or attribute: qualified or not."""
        form = node.get("form") or self.root.get(default) or "unqualified"
        return self.namespace if form == "qualified" else "", node.get("name") or ""


@dataclass(frozen=True, eq=False)
class Declaration:
    """A global declaration and where it stands."""

    node: Node
    document: Document
    name: QName


class Documents:
    """All documents of a message set, and their global declarations by kind and name."""

    def __init__(self, files: Files, main: str, problems: Problems) -> None:
        self._files = files
        self._problems = problems
        self._seen: set[tuple[str, str]] = set()
        self.all: list[Document] = []
        self.declarations: dict[tuple[str, QName], Declaration] = {}
        self._load(main, None)
        problems.check()

    @property
    def namespaces(self) -> list[str]:
        """The target namespaces, sorted."""
        return sorted({document.namespace for document in self.all if document.namespace})

    def of_kind(self, kind: str) -> list[Declaration]:
        """The global declarations of a kind, in the order of the documents."""
        return [found for (of, _), found in self.declarations.items() if of == kind]

    def _load(
        self, path: str, includer: str | None, expected: str | None = None, by: Node | None = None
    ) -> None:
        """Reads a document and what it refers to; `includer`: the namespace of the file that includes it."""
        try:
            root = parse(path, self._files.read(path))
        except GenerateError as error:
            self._problems.lines += [line for line in error.problems if line not in self._problems.lines]
            return
        target = root.get("targetNamespace") or ""
        chameleon = bool(includer) and not target
        namespace = (includer or "") if chameleon else target
        wanted = expected if includer is None else includer
        if by is not None and wanted is not None and namespace != wanted:
            self._problems.add(by, f'{path} declares the namespace "{namespace}", not "{wanted}"')
        if (path, namespace) in self._seen:
            return
        self._seen.add((path, namespace))
        document = Document(root, namespace, chameleon)
        self.all.append(document)
        self._declare(document)
        for node in root.named("include", "import", "redefine", "override"):
            self._refer(document, node)

    def _declare(self, document: Document) -> None:
        for node in document.root.children:
            kind = KINDS.get(node.tag)
            if kind is None:
                continue
            name = (document.namespace, node.get("name") or "")
            other = self.declarations.setdefault((kind, name), Declaration(node, document, name))
            if other.node is not node:
                self._problems.add(node, f'"{name[1]}" is already declared at {other.node.where}')

    def _refer(self, document: Document, node: Node) -> None:
        location = node.get("schemaLocation")
        if node.tag in {"redefine", "override"}:
            self._problems.add(node, f"xs:{node.tag} is not supported: xs:include and xs:import are")
        elif location is None:
            if node.tag == "include":
                self._problems.add(node, "xs:include without a schemaLocation")
        elif (found := self._files.beside(node.path, location)) is None:
            self._problems.add(
                node, f'"{location}" is not there: looked beside the file and in the folder above'
            )
        elif node.tag == "include":
            self._load(found, document.namespace, by=node)
        else:
            self._load(found, None, node.get("namespace") or "", by=node)


def is_xsd(name: QName) -> bool:
    """Whether the name is one of XML Schema's own."""
    return name[0] == XSD
