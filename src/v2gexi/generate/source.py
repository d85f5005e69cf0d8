"""XSD files, from a folder or a wheel, as trees whose nodes know their line, and the problems in them."""

from __future__ import annotations

import posixpath
import pyexpat
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

XSD: Final = "http://www.w3.org/2001/XMLSchema"
XML: Final = "http://www.w3.org/XML/1998/namespace"

QName = tuple[str, str]
"""A qualified name: (URI, local name); URI "" for none."""


class GenerateError(Exception):
    """The schemas cannot become tables; `problems` has a line each: file:line: what, what is allowed."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass(eq=False)
class Node:
    """An element of an XSD file. `names` are the namespace prefixes in force."""

    tag: str
    attributes: dict[str, str]
    names: Mapping[str, str]
    path: str
    line: int
    children: list[Node] = field(default_factory=list)

    def get(self, name: str) -> str | None:
        """The attribute's value; None without it."""
        return self.attributes.get(name)

    def named(self, *tags: str) -> Iterator[Node]:
        """The children with one of these tags."""
        return (child for child in self.children if child.tag in tags)

    def first(self, *tags: str) -> Node | None:
        """The first child with one of these tags."""
        return next(self.named(*tags), None)

    @property
    def where(self) -> str:
        """file:line."""
        return f"{self.path}:{self.line}"


class Problems:
    """What is wrong with the schemas, gathered so that all of it is told at once."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def add(self, where: Node | str, text: str) -> None:
        """Notes a problem, once."""
        line = f"{where.where if isinstance(where, Node) else where}: {text}"
        if line not in self.lines:
            self.lines.append(line)

    def check(self) -> None:
        """Raises GenerateError if there is any."""
        if self.lines:
            raise GenerateError(self.lines)


class Files:
    """The files of a folder or of a wheel (a zip archive); paths are relative to it, with forward slashes."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._archive = zipfile.ZipFile(root) if root.is_file() else None
        self._names = set(self._archive.namelist()) if self._archive else set()

    def exists(self, path: str) -> bool:
        """Whether there is such a file."""
        return path in self._names if self._archive else (self.root / path).is_file()

    def read(self, path: str) -> bytes:
        """What the file holds."""
        return self._archive.read(path) if self._archive else (self.root / path).read_bytes()

    def find(self, path: str) -> str | None:
        """The path from the top of the file whose path ends so: a wheel keeps its schemas in some folder."""
        if self.exists(path):
            return path
        if self._archive:
            found = (name for name in self._names if name.endswith("/" + path))
        else:
            found = (p.relative_to(self.root).as_posix() for p in self.root.rglob(path))
        return min(found, key=lambda name: (name.count("/"), name), default=None)

    def beside(self, path: str, location: str) -> str | None:
        """The file that `path` calls `location`: beside it or, as published schemas want, one folder up."""
        folder = posixpath.dirname(path)
        for place in (folder, posixpath.dirname(folder)):
            candidate = posixpath.normpath(posixpath.join(place, location))
            if self.exists(candidate):
                return candidate
        return None


def parse(path: str, data: bytes) -> Node:
    """The tree of an XSD file. Raises GenerateError when it is no XML or no schema."""
    parser = pyexpat.ParserCreate()
    top = Node("", {}, {"": "", "xml": XML}, path, 0)
    open_nodes = [top]

    def start(name: str, attributes: dict[str, str]) -> None:
        parent = open_nodes[-1]
        declared = {
            k.partition(":")[2]: v for k, v in attributes.items() if k == "xmlns" or k[:6] == "xmlns:"
        }
        names = {**parent.names, **declared} if declared else parent.names
        prefix, _, local = name.rpartition(":")
        tag = local if names.get(prefix) == XSD else name
        plain = {k: v for k, v in attributes.items() if k != "xmlns" and ":" not in k}
        node = Node(tag, plain, names, path, parser.CurrentLineNumber)
        parent.children.append(node)
        open_nodes.append(node)

    def end(_name: str) -> None:
        open_nodes.pop()

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    try:
        parser.Parse(data, True)
    except pyexpat.ExpatError as error:
        raise GenerateError([f"{path}:{error.lineno}: {pyexpat.ErrorString(error.code)}"]) from None
    root = top.children[0]
    if root.tag != "schema":
        raise GenerateError([f"{root.where}: <{root.tag}> is no schema: the root has to be xs:schema"])
    return root
