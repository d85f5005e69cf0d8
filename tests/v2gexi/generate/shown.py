"""What tests look at: the tables of the schemas beside the tests, and grammars as text."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from v2gexi.generate.__main__ import read_sets
from v2gexi.generate.source import GenerateError
from v2gexi.generate.tables import NONE, Tables, TypeRow

SCHEMAS = Path(__file__).with_name("schemas")


@cache
def tables_of(name: str) -> Tables:
    """The tables of one of the schemas beside the tests."""
    return Tables(read_sets(None, [f"{name}={SCHEMAS / name}.xsd"]))


def written(folder: Path, body: str, *, attributes: str = "", **files: str) -> Path:
    """A schema document around the body, and others beside it; line 2 is the first of the body."""
    for name, text in files.items():
        (folder / f"{name}.xsd").write_text(text)
    main = folder / "main.xsd"
    main.write_text(
        '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns="urn:t" targetNamespace="urn:t" '
        f"{attributes}>\n{body}\n</xs:schema>\n"
    )
    return main


def problems(folder: Path, body: str, **more: str) -> list[str]:
    """The lines with which the generator refuses a schema, without the folder; empty if it does not."""
    main = written(folder, body, **more)
    try:
        Tables(read_sets(None, [f"t={main}"]))
    except GenerateError as error:
        return [line.replace(f"{folder}/", "") for line in error.problems]
    return []


def type_named(tables: Tables, name: str) -> TypeRow:
    (found,) = (row for row in tables.types if row.name[1] == name)
    return found


def grammar(tables: Tables, name: str) -> str:
    """A type's states, numbered as they are met: flags, and productions with the state afterwards."""
    made = type_named(tables, name)
    numbers: dict[int, int] = {}
    order: list[int] = []

    def number(state: int) -> int:
        if state not in numbers:
            numbers[state] = len(numbers)
            order.append(state)
        return numbers[state]

    number(made.start)
    lines = []
    for state in order:
        row = tables.states[state]
        shown = []
        for symbol, after in row.productions:
            if isinstance(symbol, str):
                shown.append(symbol if after == NONE else f"{symbol}>{number(after)}")
                continue
            particle = tables.particles[symbol]
            at = "@" if "ATTRIBUTE" in particle.flags else ""
            more = f"|{particle.max}:{number(after + 1)}" if particle.max > 1 else ""
            shown.append(f"{at}{particle.name[1]}>{number(after)}{more}")
        flags = "".join(flag[0] for flag in row.flags)
        lines.append(f"{numbers[state]} {flags or '-'}: {' '.join(shown)}")
        if len(lines) == len(order):
            number(made.content)  # where it is behind no production
    return "\n".join([*lines, f"content {numbers[made.content]}"])


def slots(tables: Tables, name: str) -> list[str]:
    """A type's slots: name, bounds, flags."""
    found = []
    for slot in type_named(tables, name).slots:
        local = slot.name[1] if slot.name else "value" if "TEXT" in slot.flags else "content"
        found.append(" ".join([local, f"{slot.min}..{slot.max or '*'}", *slot.flags]))
    return found
