"""Brings a configuration file of an older version to the keys of this one; comments and layout stay.

What changed between versions is data (`Step`), read from the migration manifest. There is no version mark in
the files: people edit them, copy them between devices and restore old ones. So steps look at what is there:
a renamed key is renamed where the old name stands, and applying the steps again changes nothing. Only `ADD`
cannot be told from the file (a missing key may be meant), so it also asks which version the file comes from.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum, unique

from chargectl.config.document import Document
from chargectl.config.edit import EditError, remove_value, set_value
from chargectl.config.paths import ANY_INDEX, ANY_NAME, Segment, format_path, parse_path
from chargectl.config.tree import Array, Node, Object, child, plain
from chargectl.declarations.types import ConfigFile, JsonValue

_KEY = re.compile(r'"(?:[^"\\]|\\.)*"')


@unique
class Action(Enum):
    """What a step does."""

    RENAME = "rename"
    """The value of ``path`` moves to ``to``; where both stand, ``to`` wins and ``path`` goes."""
    REMOVE = "remove"
    """``path`` goes: it no longer has a meaning."""
    CHANGE = "change"
    """A value ``old`` of ``path`` becomes ``value``; ``old`` must no longer be allowed in this version."""
    ADD = "add"
    """``path`` is set to ``value`` where it is missing, so that an updated device keeps its behaviour when
    the default has changed. Only for files of versions before ``since``."""


@dataclass(frozen=True, slots=True)
class Step:
    """One change of the keys of ``file``.

    ``since`` is the first version with the change (``1.4``); ``path`` and ``to`` are written as in the guide,
    ``[]`` and ``*`` standing for any element or name (in ``to`` for the same ones). ``reason`` says in a
    sentence why, for the reference.
    """

    action: Action
    file: ConfigFile
    path: str
    since: str
    reason: str
    to: str = ""
    old: JsonValue = None
    value: JsonValue = None


@dataclass(frozen=True, slots=True)
class Migrated:
    """The document afterwards, and one line for each change that was made (values are not told)."""

    document: Document
    notes: tuple[str, ...]


def migrate(document: Document, file: ConfigFile, steps: Iterable[Step], version: str) -> Migrated:
    """Apply the steps of ``file`` in their order to a document that is not broken.

    ``version`` is that of the firmware that the file comes from, empty when unknown: then it counts as older
    than every step. Raises `EditError` when a step cannot be carried out; the message names it.
    """
    notes: list[str] = []
    for step in steps:
        if step.file is file:
            document, made = _apply(document, step, version)
            notes += made
    return Migrated(document, tuple(notes))


def older(version: str, other: str) -> bool:
    """Whether ``version`` comes before ``other``; an unknown (empty) one is older than any.

    Compared are the numbers between dots (1.9 before 1.10, 2.0 the same as 2); what follows the first part
    that is no number (``1.4-rc1``, ``1.4+dev``) does not count.
    """
    return _numbers(version) < _numbers(other)


def _numbers(version: str) -> tuple[int, ...]:
    match = re.match(r"[0-9]+(?:\.[0-9]+)*", version)
    numbers = [int(part) for part in match.group().split(".")] if match else [-1]
    while len(numbers) > 1 and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


def _apply(document: Document, step: Step, version: str) -> tuple[Document, list[str]]:
    if step.action is Action.ADD:
        return _add(document, step, version)
    notes = []
    for segments, free in list(_standing(document.root, parse_path(step.path))):
        path = format_path(segments)
        if step.action is Action.REMOVE:
            document = remove_value(document, path)
            notes.append(f"{path} removed: {step.reason}")
        elif step.action is Action.CHANGE:
            node = document.find(segments)
            if node is not None and json.dumps(plain(node)) == json.dumps(step.old):
                document = set_value(document, path, step.value)
                notes.append(f"{path} changed: {step.reason}")
        else:
            target = format_path(_filled(parse_path(step.to), free))
            if document.find(target) is None:
                document = _move(document, segments, parse_path(target))
                notes.append(f"{path} is now {target}: {step.reason}")
            else:
                document = remove_value(document, path)
                notes.append(f"{path} removed, {target} stands already: {step.reason}")
    return document, notes


def _add(document: Document, step: Step, version: str) -> tuple[Document, list[str]]:
    if document.find(step.path) is not None or not older(version, step.since):
        return document, []
    return set_value(document, step.path, step.value), [f"{step.path} added: {step.reason}"]


def _standing(
    node: Node | None, pattern: tuple[Segment, ...], done: tuple[Segment, ...] = ()
) -> Iterator[tuple[tuple[Segment, ...], tuple[Segment, ...]]]:
    """The concrete paths in the file that fit a pattern, each with what its free places stand for."""
    if node is None:
        return
    if not pattern:
        yield done, ()
        return
    first, rest = pattern[0], pattern[1:]
    names: list[Segment] = [first]
    if first == ANY_NAME and isinstance(node, Object):
        names = list(node.members)
    elif first == ANY_INDEX and isinstance(node, Array):
        names = list(range(len(node.items)))
    for name in names:
        for path, free in _standing(child(node, name), rest, (*done, name)):
            yield path, ((name, *free) if first in (ANY_NAME, ANY_INDEX) else free)


def _filled(pattern: tuple[Segment, ...], free: tuple[Segment, ...]) -> tuple[Segment, ...]:
    left = iter(free)
    return tuple(next(left) if segment in (ANY_NAME, ANY_INDEX) else segment for segment in pattern)


def _move(document: Document, old: tuple[Segment, ...], new: tuple[Segment, ...]) -> Document:
    """Rename in place within one object, so that the comments around the key keep their subject."""
    parent = document.find(old[:-1])
    name, wanted = old[-1], new[-1]
    if old[:-1] == new[:-1] and isinstance(parent, Object) and isinstance(name, str):
        start = parent.members[name].key_start
        match = _KEY.match(document.text, start)
        if match is not None:
            written = json.dumps(wanted, ensure_ascii=False)
            edited = Document(document.text[:start] + written + document.text[match.end() :], document.name)
            if edited.broken or edited.find(new) is None or edited.find(old) is not None:
                raise EditError(f"{document.name}: {format_path(old)} could not be renamed")
            return edited
    node = document.find(old)
    if node is None:
        return document
    moved = set_value(document, format_path(new), plain(node))
    return remove_value(moved, format_path(old))
