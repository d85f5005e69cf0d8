"""Writes the files a device ships with from the declarations, every key with its meaning as a comment."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass

from chargectl.config.paths import ANY_INDEX, ANY_NAME
from chargectl.config.shape import Shape
from chargectl.config.values import allowed_text
from chargectl.declarations.types import JsonValue, Key, KeyType

WIDTH = 90
"""Comments are wrapped at this many characters."""
INDENT = "  "

_PLACEHOLDERS: dict[KeyType, JsonValue] = {
    KeyType.BOOLEAN: False,
    KeyType.INTEGER: 1,
    KeyType.STRING: "",
    KeyType.STRINGS: [],
    KeyType.STRING_OR_STRINGS: "",
    KeyType.INTEGERS: [],
    KeyType.OBJECT: {},
    KeyType.OBJECTS: [],
}


def shipped_text(keys: Iterable[Key]) -> str:
    """The shipped content of one file.

    A key without a default and without a shipped value is a commented-out line, so that removing ``//``
    is all it takes to use it. The text is valid and, read back, yields the shipped values.
    """
    lines = [
        "// JSON with comments: '//' up to the end of the line, or /* ... */.",
        "// A key that is missing or commented out takes its default.",
        *_object(Shape.of(keys), None, explain=True),
    ]
    return "".join(line.rstrip() + "\n" for line in lines)


@dataclass(frozen=True, slots=True)
class _Block:
    """One member: the comment above it, its lines without a comma, and whether it is commented out."""

    comment: list[str]
    lines: list[str]
    live: bool = True


def _example(place: Shape) -> JsonValue:
    """What the declarations put at a place as a whole; None when its members say it themselves."""
    key = place.key
    if key is None:
        return None
    return key.default if key.shipped is None else key.shipped


def _sample(place: Shape) -> JsonValue:
    """What to write where nothing is set, to show what the value looks like."""
    key = place.key
    if key is None or key.default is not None:
        return key.default if key else {}
    return key.allowed[0] if key.allowed else _PLACEHOLDERS[key.type]


def _object(place: Shape, example: JsonValue, *, explain: bool) -> list[str]:
    """The lines of an object; ``example`` is its content, None to compose it of the members' defaults."""
    blocks = []
    given = example if isinstance(example, dict) else None
    for name, below in place.members.items():
        if name != ANY_NAME:
            if given is None or name in given or explain:
                content = None if given is None else given.get(name)
                blocks.append(_member(name, below, content, explain=explain, exact=given is not None))
        else:
            free = [other for other in given or {} if other not in place.members]
            for number, other in enumerate(free):
                content = (given or {})[other]
                blocks.append(_member(other, below, content, explain=explain and number == 0, exact=True))
    return _braced(blocks)


def _member(name: str, place: Shape, content: JsonValue, *, explain: bool, exact: bool) -> _Block:
    comment = _comment(place.key) if explain and place.key else []
    label = f"{json.dumps(name, ensure_ascii=False)}: "
    value = content if exact else _example(place)
    if place.members:
        lines = _object(place, value, explain=explain)
    elif place.elements:
        lines = _array(place, value, explain=explain)
    else:
        live = value is not None
        written = value if live else _sample(place)
        return _Block(comment, [label + json.dumps(written, ensure_ascii=False)], live)
    return _Block(comment, [label + lines[0], *lines[1:]])


def _array(place: Shape, example: JsonValue, *, explain: bool) -> list[str]:
    fixed = [index for index in place.elements if index != ANY_INDEX]
    count = len(example) if isinstance(example, list) else len(fixed)
    blocks = []
    for index in range(count):
        below = place.below(index)
        content = example[index] if isinstance(example, list) else None
        if below is None or not below.members:
            blocks.append(_Block([], [json.dumps(content, ensure_ascii=False)]))
        else:
            blocks.append(_Block([], _object(below, content, explain=explain and index == 0)))
    if not count and explain and ANY_INDEX in place.elements:
        below = place.elements[ANY_INDEX]
        sample = _object(below, {name: _sample(leaf) for name, leaf in below.members.items()}, explain=True)
        return ["[", *(f"{INDENT}// {line}" for line in sample if line.strip()), "]"]
    lines: list[str] = []
    for number, block in enumerate(blocks):
        lines += [INDENT + line for line in _with_comma(block, number + 1 < count)]
    return ["[", *lines, "]"] if lines else ["[]"]


def _braced(blocks: list[_Block]) -> list[str]:
    """An object of members; the last one is no comment if possible, so that any line can be uncommented."""
    live = [number for number, block in enumerate(blocks) if block.live]
    if live:
        blocks.append(blocks.pop(live[-1]))
    if not blocks:
        return ["{}"]
    lines = ["{"]
    for number, block in enumerate(blocks):
        if block.comment and number:
            lines.append("")
        lines += [INDENT + line for line in block.comment]
        body = _with_comma(block, number + 1 < len(blocks))
        mark = "" if block.live else "// "
        lines += [INDENT + mark + line if line else "" for line in body]
    return [*lines, "}"]


def _with_comma(block: _Block, wanted: bool) -> list[str]:
    return [*block.lines[:-1], block.lines[-1] + ("," if wanted else "")]


def _comment(key: Key) -> list[str]:
    facts = allowed_text(key)
    if key.default is None:
        facts += f"; when missing: {key.default_meaning}" if key.default_meaning else ""
    elif key.type not in (KeyType.OBJECT, KeyType.OBJECTS):
        facts += f"; default {json.dumps(key.default, ensure_ascii=False)}"
    if key.applies:
        facts += f"; applies {key.applies}"
    lines = []
    for text in (key.meaning, facts + "."):
        lines += textwrap.wrap(text, WIDTH, break_long_words=False, break_on_hyphens=False)
    return [f"// {line}" for line in lines]
