"""Checks a file against the declared keys: all problems at once, and the values that apply."""

from __future__ import annotations

from dataclasses import dataclass, field

from chargectl.config.configuration import Configuration
from chargectl.config.document import Document
from chargectl.config.paths import Segment, format_path, parse_path
from chargectl.config.problem import Problem, Severity
from chargectl.config.rules import RULES, Rule
from chargectl.config.shape import Shape
from chargectl.config.tree import Array, Node, Object, child, plain
from chargectl.config.values import allowed_text, closest, judge
from chargectl.declarations.types import JsonValue


@dataclass(frozen=True, slots=True)
class Checked:
    """The values in force and everything that is wrong, in the order of the file."""

    configuration: Configuration
    problems: list[Problem]


def defaults(shape: Shape) -> Configuration:
    """The configuration of an empty file."""
    return Configuration(shape, {}, {})


def validate(document: Document, shape: Shape, rules: tuple[Rule, ...] = RULES) -> Checked:
    """Check a document.

    Unknown keys have no effect; a value of the wrong type or out of range takes the documented default;
    text that is too long is cut. A broken document yields the defaults only: its tree is a guess.
    """
    walk = _Walk(document, shape, list(document.problems))
    if document.root is not None:
        walk.visit(document.root, shape, ())
    if document.broken:
        return Checked(defaults(shape), _sorted(walk.problems))
    configuration = Configuration(shape, walk.given, walk.sizes)
    for rule in rules:
        for finding in rule(configuration):
            walk.warn(walk.offset(finding.path), finding.message, finding.path)
            walk.given.update(finding.instead)
    return Checked(configuration, _sorted(walk.problems))


def _sorted(problems: list[Problem]) -> list[Problem]:
    return sorted(problems, key=lambda problem: (problem.line, problem.column))


@dataclass(slots=True)
class _Walk:
    document: Document
    root: Shape
    problems: list[Problem]
    given: dict[str, JsonValue] = field(default_factory=dict)
    sizes: dict[str, int | list[str]] = field(default_factory=dict)

    def visit(self, node: Node, place: Shape, path: tuple[Segment, ...]) -> None:
        text = format_path(path)
        container = bool(place.members or place.elements)
        if place.key is not None and not self._judge(node, place, text):
            return
        if not container:
            return
        if place.members and isinstance(node, Object):
            self._members(node, place, path)
        elif place.elements and isinstance(node, Array):
            self._elements(node, place, path)
        elif place.key is None:
            wanted = "an object { ... }" if place.members else "an array [ ... ]"
            self.warn(node.start, f"{wanted} is expected here; the keys below take their defaults", text)

    def _judge(self, node: Node, place: Shape, text: str) -> bool:
        key = place.key
        if key is None:
            return True
        verdict = judge(key, plain(node))
        if verdict.message:
            self.warn(node.start, verdict.message, text, allowed_text(key), verdict.suggestion)
        if not verdict.replaced:
            self.given[text] = verdict.value
        return not verdict.replaced

    def _members(self, node: Object, place: Shape, path: tuple[Segment, ...]) -> None:
        names: list[str] = []
        self.sizes[format_path(path)] = names
        for name, member in node.members.items():
            below = place.below(name)
            if below is not None and not _is_name(name):
                message = f'the name "{name}" has no effect; a name may hold no / [ ]'
                self.warn(member.key_start, message, format_path(path))
                continue
            if below is not None:
                names.append(name)
                self.visit(member.value, below, (*path, name))
                continue
            suggestion = closest(name, [known for known in place.members if known not in node.members])
            self.warn(
                member.key_start,
                "there is no such key; it has no effect",
                format_path((*path, name)),
                suggestion=suggestion or self._elsewhere(name),
            )

    def _elements(self, node: Array, place: Shape, path: tuple[Segment, ...]) -> None:
        self.sizes[format_path(path)] = len(node.items)
        for index, item in enumerate(node.items):
            below = place.below(index)
            if below is not None:
                self.visit(item, below, (*path, index))
            else:
                element = format_path((*path, index))
                self.warn(item.start, "there is no such element; it has no effect", element)

    def _elsewhere(self, name: str) -> str:
        """A declared key of the same name at another place: it was probably put at the wrong level."""
        for path in self.root.key_paths():
            if path.rsplit("/", 1)[-1] == name:
                return path
        return ""

    def warn(self, offset: int, message: str, path: str, allowed: str = "", suggestion: str = "") -> None:
        """Note a problem at a character."""
        found = self.document.problem(offset, message, Severity.WARNING, path, allowed, suggestion)
        self.problems.append(found)

    def offset(self, path: str) -> int:
        """Where a key stands, or the deepest object around it that the file has."""
        node = self.document.root
        offset = node.start if node else 0
        for segment in parse_path(path):
            node = child(node, segment)
            if node is None:
                break
            offset = node.start
        return offset


def _is_name(name: str) -> bool:
    """Whether a free name can stand in a key path."""
    return bool(name) and not set(name) & set("/[]")
