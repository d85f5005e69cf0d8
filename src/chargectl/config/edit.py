"""Sets or removes one key in the text of a file and leaves every other character as it is."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from chargectl.config.document import Document
from chargectl.config.paths import ANY_INDEX, Segment, format_path, parse_path
from chargectl.config.problem import Severity
from chargectl.config.scanner import gap
from chargectl.config.tree import Array, Node, Object, Scalar, child, plain
from chargectl.declarations.types import JsonValue

_INDENT = re.compile(r"[ \t]*")


class EditError(ValueError):
    """The file cannot take the change; the message says why."""


def set_value(document: Document, path: str, value: JsonValue) -> Document:
    """The document with ``path`` set to ``value``.

    A key that exists keeps its place, and only its value is replaced; a missing one is added behind the last
    member of its object, together with the objects and arrays around it that are missing. A commented-out
    line for the same key stays. Raises `EditError` when the document is broken or something else stands
    where an object or array is needed, ValueError for a malformed path.
    """
    segments = _concrete(document, path)
    node: Node | None = document.root
    for depth, segment in enumerate(segments):
        below = child(node, segment)
        if below is None:
            if node is None:
                break
            text = _insert(document, node, segments[:depth], segments[depth:], value)
            return _proven(document, text, segments, value)
        node = below
    if node is None:
        raise EditError(f"{document.name}: there is no object to put {path} into")
    if _same(plain(node), value):
        return document
    style = _Style.of(document)
    written = style.render(value, style.indent_at(node.start), inline=False)
    text = document.text[: node.start] + written + document.text[node.end :]
    return _proven(document, text, segments, value)


def remove_value(document: Document, path: str) -> Document:
    """The document without the key ``path``; its line goes too when nothing else, no comment, stands on it.

    Elements of arrays cannot be removed. A key that is not there leaves the document as it is.
    """
    segments = _concrete(document, path)
    name = segments[-1]
    parent = document.find(segments[:-1])
    if not isinstance(name, str):
        raise EditError(f"{path} is an element of an array; only keys can be removed")
    if not isinstance(parent, Object) or name not in parent.members:
        return document
    member = parent.members[name]
    start, end = member.key_start, member.value.end
    comma = next((offset for offset in parent.commas if offset >= end), None)
    text = document.text
    if comma is not None:
        text = text[:comma] + text[comma + 1 :]
    elif before := [offset for offset in parent.commas if offset < start]:
        text = text[: before[-1]] + text[before[-1] + 1 :]
        start, end = start - 1, end - 1
    text = _cut(text, start, end)
    edited = Document(text, document.name)
    if edited.broken or edited.find(segments) is not None:
        raise EditError(f"{document.name}: {path} could not be removed; edit the file by hand")
    return edited


def _cut(text: str, start: int, end: int) -> str:
    """The text without ``start:end``, and without the line when nothing but white space is left of it."""
    line_start = max(text.rfind("\n", 0, start), text.rfind("\r", 0, start)) + 1
    follows = gap(text, end)
    rest = _INDENT.match(text, end)
    blank_behind = rest is None or text[rest.end() : rest.end() + 1] in ("\n", "\r", "")
    if text[line_start:start].strip(" \t") == "" and blank_behind and follows.breaks_line:
        line_end = rest.end() if rest else end
        line_end += 2 if text[line_end : line_end + 2] == "\r\n" else 1
        return text[:line_start] + text[line_end:]
    return text[:start] + text[end:]


def _concrete(document: Document, path: str) -> tuple[Segment, ...]:
    segments = parse_path(path)
    if ANY_INDEX in segments:
        raise EditError(f"{path} names no single key; write a number between [ and ]")
    if document.broken:
        first = next(problem for problem in document.problems if problem.severity is Severity.ERROR)
        raise EditError(f"{document.name} has syntax errors; they must be mended first: {first}")
    return segments


def _proven(document: Document, text: str, segments: tuple[Segment, ...], value: JsonValue) -> Document:
    """The edited document, after reading it back: a wrong edit must never reach the disk."""
    edited = Document(text, document.name)
    node = edited.find(segments)
    if edited.broken or node is None or not _same(plain(node), value):
        raise EditError(f"{document.name}: {format_path(segments)} could not be set; edit the file by hand")
    return edited


def _same(left: JsonValue, right: JsonValue) -> bool:
    return json.dumps(left, sort_keys=True) == json.dumps(right, sort_keys=True)


def _insert(
    document: Document, node: Node, done: tuple[Segment, ...], missing: tuple[Segment, ...], value: JsonValue
) -> str:
    where = format_path(done) or "the file"
    first = missing[0]
    if isinstance(first, str) and not isinstance(node, Object):
        raise EditError(f"{document.name}: {where} is not an object; {first} cannot be put into it")
    if isinstance(first, int) and not isinstance(node, Array):
        raise EditError(f"{document.name}: {where} is not an array; it has no element [{first}]")
    if isinstance(node, Array) and first != len(node.items):
        count = len(node.items)
        raise EditError(f"{document.name}: {where} has {count} elements; the next is [{count}]")
    for segment in reversed(missing[1:]):
        if isinstance(segment, str):
            value = {segment: value}
        elif segment == 0:
            value = [value]
        else:
            full = format_path((*done, *missing))
            raise EditError(f"{document.name}: {full} needs the elements before it first")
    if isinstance(node, Scalar):
        raise EditError(f"{document.name}: {where} is neither an object nor an array")
    return _add(document, node, first if isinstance(first, str) else None, value)


def _add(document: Document, parent: Object | Array, name: str | None, value: JsonValue) -> str:
    """Put a member or element behind the last one, or into an empty object or array."""
    text = document.text
    style = _Style.of(document)
    if isinstance(parent, Object):
        children = [member.value for member in parent.members.values()]
        starts = [member.key_start for member in parent.members.values()]
    else:
        children = parent.items
        starts = [item.start for item in children]
    outer = style.indent_at(parent.start)
    label = "" if name is None else json.dumps(name, ensure_ascii=False) + ": "
    if not children:
        follows = gap(text, parent.start + 1)
        at = follows.last_comment_end
        indent = outer + style.unit
        written = style.newline + indent + label + style.render(value, indent, inline=False)
        closing = text[at : follows.end]
        if "\n" not in closing and "\r" not in closing:
            written += style.newline + outer
        return text[:at] + written + text[at:]
    last = max(children, key=lambda item: item.end)
    end = last.end
    comma = next((offset for offset in parent.commas if offset >= end), None)
    insert_comma = "," if comma is None else ""
    follows = gap(text, end if comma is None else comma + 1)
    if follows.breaks_line:
        indent = style.indent_at(max(starts))
        written = style.newline + indent + label + style.render(value, indent, inline=False)
        at = follows.comment_end
    else:
        written = " " + label + style.render(value, "", inline=True)
        at = follows.last_comment_end
    return text[:end] + insert_comma + text[end:at] + written + text[at:]


@dataclass(frozen=True, slots=True)
class _Style:
    """How the file is laid out: its line ends and the indentation of one level."""

    text: str
    newline: str
    unit: str

    @classmethod
    def of(cls, document: Document) -> _Style:
        text = document.text
        match = re.search(r"\r\n|\n|\r", text)
        style = cls(text, match.group() if match else "\n", "  ")
        if isinstance(document.root, Object) and document.root.members:
            first = min(member.key_start for member in document.root.members.values())
            return cls(text, style.newline, style.indent_at(first) or "  ")
        return style

    def indent_at(self, offset: int) -> str:
        """The white space at the beginning of the line that ``offset`` stands on."""
        start = max(self.text.rfind("\n", 0, offset), self.text.rfind("\r", 0, offset)) + 1
        match = _INDENT.match(self.text, start)
        return match.group() if match else ""

    def render(self, value: JsonValue, indent: str, *, inline: bool) -> str:
        """A value as text; objects and arrays of objects over several lines unless ``inline``."""
        deeper = indent + self.unit
        if isinstance(value, dict) and value:
            parts = [
                f"{json.dumps(name, ensure_ascii=False)}: {self.render(item, deeper, inline=inline)}"
                for name, item in value.items()
            ]
            return self._block("{", parts, "}", indent, inline=inline)
        if isinstance(value, list) and any(isinstance(item, dict | list) for item in value):
            parts = [self.render(item, deeper, inline=inline) for item in value]
            return self._block("[", parts, "]", indent, inline=inline)
        try:
            return json.dumps(value, ensure_ascii=False, allow_nan=False)
        except ValueError:
            raise EditError("JSON has no infinite numbers") from None

    def _block(self, opened: str, parts: list[str], closed: str, indent: str, *, inline: bool) -> str:
        if inline:
            return opened + ", ".join(parts) + closed
        between = f",{self.newline}{indent}{self.unit}"
        return f"{opened}{self.newline}{indent}{self.unit}{between.join(parts)}{self.newline}{indent}{closed}"
