"""The Python modules of message sets: a few lines each, and stubs that tell type checkers everything."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable, Iterator
from typing import Final

from .model import ComplexType
from .simple import NO_LENGTH, Value
from .source import XSD, GenerateError
from .tables import NONE, SetRow, SlotRow, Tables, TypeRow
from .write_c import NOTICE

_PYTHON: Final = {
    "BOOLEAN": "bool", "NBIT": "int", "UNSIGNED": "int", "INTEGER": "int", "BIG": "int", "STRING": "str",
    "HEX": "bytes", "BASE64": "bytes", "DECIMAL": "Decimal", "FLOAT": "float",
}  # fmt: skip
_CONTENT: Final = "Element | AnyElement | str"
_KNOWN: Final = {
    "decimal": ("Decimal",),
    "typing": ("Literal", "TypeAlias"),
    "v2gexi": ("AnyElement", "Element", "Message"),
}


def module_name(message_set: str) -> str:
    """The module of a message set."""
    return message_set.replace("-", "_")


def module(row: SetRow) -> str:
    """The module itself: its classes are made from the tables when first asked for."""
    return (
        f'"""Classes of the message set {row.name}."""\n\n'
        f"# {NOTICE}\n\n"
        "from v2gexi._classes import of_set\n\n"
        f'__getattr__, __dir__ = of_set("{row.name}")\n'
    )


class Stubs:
    """The stubs of all sets: who owns which type, and what each module says."""

    def __init__(self, tables: Tables) -> None:
        self.tables = tables
        self.reached = {row.name: self._reached(row) for row in tables.sets}
        self.owner = [self._owner(number) for number in range(len(tables.types))]
        self._check()

    def _reached(self, messages: SetRow) -> set[int]:
        """The types that a set's elements are made of. Others could only come with xsi:type: no stub."""
        particles = self.tables.particles
        pending = {particles[n].type for n in (*messages.roots, *messages.fragments)} - {NONE}
        found: set[int] = set()
        while pending:
            number = pending.pop()
            found.add(number)
            pending |= set(self.tables.types_of(number)) - found
        return found

    def _owner(self, number: int) -> str | None:
        """The set whose module has the class: that of the namespace, or the first with the type."""
        having = [row for row in self.tables.sets if number in self.reached[row.name]]
        own = [row.name for row in having if row.namespace == self.tables.types[number].name[0]]
        return next(iter([*own, *(row.name for row in having)]), None)

    def _check(self) -> None:
        """Names must do for Python, and a module's classes must differ in theirs."""
        problems = []
        for row in self.tables.types:
            names = [] if "SIMPLE" in row.flags else [row.name[1], *(s.name[1] for s in row.slots if s.name)]
            for name in names:
                if not name.isidentifier() or keyword.iskeyword(name):
                    problems.append(f'{_where(row)}: "{name}" cannot be a name in Python: rename it')
        for messages in self.tables.sets:
            found: dict[str, TypeRow] = {}
            for number in self.named(messages):
                row = self.tables.types[number]
                other = found.setdefault(row.name[1], row)
                if other is not row:
                    told = (
                        f'another type of {messages.name} is called "{row.name[1]}" as well: {_where(other)}'
                    )
                    problems.append(f"{_where(row)}: {told}")
        if problems:
            raise GenerateError(list(dict.fromkeys(problems)))

    def named(self, messages: SetRow) -> list[int]:
        """The types that have a name in a set's module: classes and named enumerations."""
        types = ((number, self.tables.types[number]) for number in sorted(self.reached[messages.name]))
        return [number for number, row in types if _is_class(row) or self._is_alias(row)]

    def _is_alias(self, row: TypeRow) -> bool:
        return row.value is not None and row.value.kind == "ENUM" and row.flags == ("SIMPLE",)

    def aliases(self, messages: SetRow) -> list[tuple[str, str]]:
        """Global elements called like no class that share their complex type with no other: (name, class)."""
        roots = [self.tables.particles[number] for number in messages.roots]
        types = [root.type for root in roots]
        classes = {self.tables.types[number].name[1] for number in self.named(messages)}
        locals_ = [root.name[1] for root in roots]
        return [
            (root.name[1], self.tables.types[root.type].name[1])
            for root in roots
            if _is_class(self.tables.types[root.type])
            and types.count(root.type) == 1
            and locals_.count(root.name[1]) == 1
            and root.name[1] not in classes
        ]

    def classes_of_roots(self, messages: SetRow) -> list[tuple[str, str]]:
        """Global elements that share their complex type with others, each with its class: (name, base)."""
        roots = [self.tables.particles[number] for number in messages.roots]
        types = [root.type for root in roots]
        return [
            (root.name[1], self.tables.types[root.type].name[1])
            for root in roots
            if _is_class(self.tables.types[root.type]) and types.count(root.type) > 1
        ]

    def stub(self, messages: SetRow) -> str:
        """The .pyi file of a set's module."""
        own = [n for n in self.named(messages) if self.owner[n] == messages.name]
        shared = [n for n in self.named(messages) if self.owner[n] != messages.name]
        aliases = self.aliases(messages)
        body: list[str] = []
        for number in own:
            row = self.tables.types[number]
            if self._is_alias(row) and row.value is not None:
                body += [f"{row.name[1]}: TypeAlias = {_literal(row.value)}", ""]
        for number in _bases_first(self.tables, [n for n in own if _is_class(self.tables.types[n])]):
            body += [*self._class(number), ""]
        body += [f"{element} = {made}" for element, made in aliases]
        body += [f"class {element}({base}): ..." for element, base in self.classes_of_roots(messages)]
        used = _words(body)
        lines = [f"# {NOTICE}", "# fmt: off", "# ruff: noqa: E501, I001, N801, N803, N815, N816, RUF100", ""]
        for place, names in _KNOWN.items():
            found = [name for name in names if name in used]
            lines += [f"from {place} import {', '.join(found)}"] if found else []
        imports = sorted((module_name(self.owner[n] or ""), self.tables.types[n].name[1]) for n in shared)
        lines += [f"from v2gexi.{place} import {name} as {name}" for place, name in imports]
        return "\n".join([*lines, "", *body]).rstrip("\n") + "\n"

    def _class(self, number: int) -> Iterator[str]:
        row = self.tables.types[number]
        base = self._base(row)
        inherited = {_local(slot) for slot in base.slots} if base else set()
        types = {_local(slot): self._slot_type(slot) for slot in row.slots}
        # A slot that is called like a type would hide it inside the class.
        for word in sorted(_words(types.values()) & types.keys()):
            yield f"_{word} = {word}"
            types = {name: re.sub(rf"\b{word}\b", f"_{word}", text) for name, text in types.items()}
        yield f"class {row.name[1]}({base.name[1] if base else 'Message'}):"
        for slot in row.slots:
            if _local(slot) not in inherited:
                comment = self._comment(slot)
                yield f"    {_local(slot)}: {types[_local(slot)]}{f'  # {comment}' if comment else ''}"
        arguments = [f"{_local(s)}: {types[_local(s)]}{_default(s)}" for s in row.slots]
        yield f"    def __init__(self{', *, ' if arguments else ''}{', '.join(arguments)}) -> None: ..."

    def _base(self, row: TypeRow) -> TypeRow | None:
        base = None if row.base == NONE else self.tables.types[row.base]
        return base if base is not None and _is_class(base) else None

    def _slot_type(self, slot: SlotRow) -> str:
        text = self._value_type(slot.type)
        if "CONTENT" in slot.flags or "LIST" in slot.flags:
            return f"list[{text}]"
        return text if "REQUIRED" in slot.flags else f"{text} | None"

    def _value_type(self, number: int) -> str:
        if number == NONE:
            return _CONTENT
        row = self.tables.types[number]
        if row.value is None or "SIMPLE" not in row.flags:
            return row.name[1] if _is_class(row) else _CONTENT
        if row.value.kind != "ENUM":
            return _PYTHON[row.value.kind]
        return row.name[1] if self._is_alias(row) else _literal(row.value)

    def _comment(self, slot: SlotRow) -> str:
        of = None if slot.type == NONE else self.tables.types[slot.type]
        told = [_limits(of.value)] if of is not None and of.value is not None and "SIMPLE" in of.flags else []
        if "LIST" in slot.flags:
            told.insert(0, _range(slot.min, slot.max or None))
        if "GROUP" in slot.flags:
            told.append("an instance of a subclass")
        return "; ".join(text for text in told if text)


def _words(lines: Iterable[str]) -> set[str]:
    text = " ".join(lines)
    return set("".join(c if c.isidentifier() or c.isdigit() else " " for c in text).split())


def _where(row: TypeRow) -> str:
    return row.of.where if isinstance(row.of, ComplexType) else row.name[0]


def _is_class(row: TypeRow) -> bool:
    return "SIMPLE" not in row.flags and row.name != (XSD, "anyType")


def _local(slot: SlotRow) -> str:
    return slot.name[1] if slot.name is not None else "value" if "TEXT" in slot.flags else "content"


def _literal(value: Value) -> str:
    texts = (f'"{text}"' if _is_plain(text) else repr(text) for text in value.enumeration)
    return f"Literal[{', '.join(texts)}]"


def _is_plain(text: str) -> bool:
    return text.isprintable() and '"' not in text and "\\" not in text


def _default(slot: SlotRow) -> str:
    if "REQUIRED" in slot.flags:
        return ""
    return " = ..." if "LIST" in slot.flags or "CONTENT" in slot.flags else " = None"


def _limits(value: Value) -> str:
    if value.kind in {"NBIT", "UNSIGNED", "INTEGER"}:
        return _range(value.min, value.max)
    if value.kind == "BIG":
        return _range(value.min, None) if value.flags else ""
    if value.kind in {"STRING", "HEX", "BASE64"}:
        unit = "characters" if value.kind == "STRING" else "bytes"
        if value.max_length != NO_LENGTH or value.min_length:
            most = value.max_length if value.max_length != NO_LENGTH else None
            return f"{_range(value.min_length, most)} {unit}"
    return ""


def _range(low: int, high: int | None) -> str:
    if low == high:
        return str(low)
    return f"{low} or more" if high is None else f"{low} to {high}"


def _bases_first(tables: Tables, numbers: list[int]) -> list[int]:
    """The types, each behind its base."""
    ordered: dict[int, None] = {}

    def place(number: int) -> None:
        base = tables.types[number].base
        if base != NONE and base in wanted and base not in ordered:
            place(base)
        ordered.setdefault(number)

    wanted = set(numbers)
    for number in numbers:
        place(number)
    return list(ordered)
