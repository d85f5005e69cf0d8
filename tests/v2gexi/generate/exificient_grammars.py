"""The grammars that EXIficient makes of a schema, and whether the generator's are the same."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from v2gexi.generate.simple import Value
from v2gexi.generate.tables import NONE, Tables

PROGRAM = Path(__file__).parent.parent / "java" / "Grammars.java"
KINDS = {
    "BOOLEAN": "BOOLEAN", "UNSIGNED": "UNSIGNED_INTEGER", "INTEGER": "INTEGER", "STRING": "STRING",
    "HEX": "BINARY_HEX", "BASE64": "BINARY_BASE64", "DECIMAL": "DECIMAL", "FLOAT": "FLOAT",
}  # fmt: skip


@dataclass
class Theirs:
    """What Grammars.java has printed."""

    uris: list[tuple[str, list[str]]] = field(default_factory=list)
    document: list[list[str]] = field(default_factory=list)
    fragment: list[list[str]] = field(default_factory=list)
    states: dict[int, tuple[str, int, list[list[str]]]] = field(default_factory=dict)


def grammars(jar: Path, *schemas: Path) -> list[Theirs]:
    """The grammars of each of the schema documents; one Java process for all."""
    command = ["java", "-XX:+UseSerialGC", "-cp", str(jar), str(PROGRAM), *map(str, schemas)]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found: list[Theirs] = []
    productions: list[list[str]] = []
    for line in text.splitlines():
        what, *rest = line.split("\t")
        if what == "schema":
            found.append(Theirs())
        elif what == "uri":
            found[-1].uris.append((rest[0], []))
        elif what == "name":
            found[-1].uris[-1][1].append(rest[0])
        elif what == "state":
            productions = []
            found[-1].states[int(rest[0])] = (rest[1], int(rest[2]), productions)
        elif what == "production":
            productions.append(rest)
        else:
            getattr(found[-1], what).append(rest)
    return found


def told(value: Value | None) -> str:
    """A value's representation as Grammars.java says it."""
    assert value is not None
    if value.kind == "ENUM":
        return " ".join(["ENUMERATION", *value.enumeration])
    if value.kind == "NBIT":
        return f"NBIT_UNSIGNED_INTEGER {value.min} {value.bits}"
    if value.kind == "BIG":
        return "UNSIGNED_INTEGER" if value.flags else "INTEGER"
    return KINDS[value.kind]


class Comparison:
    """Walks both grammars side by side from every root on; `differences` is what was found."""

    def __init__(self, tables: Tables, message_set: str, theirs: Theirs) -> None:
        self.tables, self.theirs = tables, theirs
        self.set = next(row for row in tables.sets if row.name == message_set)
        self.differences: list[str] = []
        self.pairs = 0
        self.seen: set[tuple] = set()
        self.todo: list[tuple] = []
        ours = [(uri, [local for _, local in names]) for uri, names in self.set.partitions]
        self.same("string table", ours, theirs.uris)
        self.roots("document", self.set.roots, theirs.document, 1)
        self.roots("fragment", self.set.fragments, theirs.fragment, 2)
        while self.todo:
            self.compare(*self.todo.pop())

    def same(self, where: str, ours: object, theirs: object) -> bool:
        if ours != theirs:
            self.differences.append(f"{where}: {ours!r} is not {theirs!r}")
        return ours == theirs

    def roots(self, what: str, ours: tuple[int, ...], theirs: list[list[str]], behind: int) -> None:
        self.same(f"{what} count", len(ours), len(theirs) - behind)
        for number, event in zip(ours, theirs, strict=False):
            particle = self.tables.particles[number]
            self.same(what, [particle.name[1], particle.name[0]], event[1:3])
            if particle.type != NONE:
                self.element(particle.type, int(event[3]), particle.name[1])
            else:
                self.relaxed(int(event[3]))

    def relaxed(self, state: int) -> None:
        """The grammar of an element of several types: all attributes, then all elements of fragments."""
        attributes = []
        for number in self.set.attributes:
            row = self.tables.particles[number]
            attributes.append(["AT", row.name[1], row.name[0], told(self.tables.types[row.type].value)])
        elements = [event[:3] for event in self.theirs.fragment if event[0] == "SE"]
        rest = [*elements, ["START_ELEMENT_GENERIC"], ["END_ELEMENT"], ["CHARACTERS_GENERIC"]]
        _, content, productions = self.theirs.states[state]
        shown = [event[: {"SE": 3, "AT": 4}.get(event[0], 1)] for event in productions]
        self.same("relaxed", [*attributes, ["ATTRIBUTE_GENERIC"], *rest], shown)
        shown = [event[: 3 if event[0] == "SE" else 1] for event in self.theirs.states[content][2]]
        self.same("relaxed content", rest, shown)

    def element(self, number: int, state: int, where: str) -> None:
        made = self.tables.types[number]
        ours = ("simple", number, 0) if "SIMPLE" in made.flags else (made.start, None, 0)
        self.push(number, ours, state, where)

    def push(self, number: int, ours: tuple, theirs: int, where: str) -> None:
        if (number, ours, theirs) not in self.seen:
            self.seen.add((number, ours, theirs))
            self.todo.append((number, ours, theirs, where))

    def compare(self, number: int, ours: tuple, theirs: int, where: str) -> None:
        """One state of ours, with what its counter says, and one of theirs."""
        self.pairs += 1
        made = self.tables.types[number]
        kind, content, productions = self.theirs.states[theirs]
        where = f"{where} ({theirs})"
        if ours[0] == "simple":
            step = ours[2]
            self.same(where, [["CH", told(made.value)], ["END_ELEMENT"]][step], productions[0][:-1])
            if step == 0:
                self.push(number, ("simple", number, 1), int(productions[0][-1]), where)
            return
        state, counted, count = ours
        row = self.tables.states[state]
        flags = {"first": {"FIRST", "ATTRIBUTES"}, "tag": {"ATTRIBUTES"}, "content": set()}[kind]
        self.same(f"{where} flags", set(row.flags) - {"HAS_EE"}, flags)
        self.same(f"{where} count", len(row.productions), len(productions))
        if "ATTRIBUTES" in row.flags:
            self.push(number, (made.content, None, 0), content, where)
        for (symbol, after), event in zip(row.productions, productions, strict=False):
            if isinstance(symbol, str):
                if self.same(where, self.special(symbol, made.value), event[:-1]) and symbol != "EE":
                    self.push(number, (after, None, 0), int(event[-1]), where)
                continue
            particle = self.tables.particles[symbol]
            kind = "AT" if "ATTRIBUTE" in particle.flags else "SE"
            if not self.same(where, [kind, particle.name[1], particle.name[0]], event[:3]):
                continue
            if "ATTRIBUTE" in particle.flags:
                value = self.tables.types[particle.type].value
                self.same(f"{where}@{particle.name[1]}", told(value), event[3])
            else:
                self.element(particle.type, int(event[3]), f"{where}/{particle.name[1]}")
            self.push(number, self.advance(symbol, after, counted, count), int(event[-1]), where)

    def advance(self, symbol: int, after: int, counted: object, count: int) -> tuple:
        most = self.tables.particles[symbol].max
        if most <= 1:
            return after, None, 0
        count = count + 1 if counted == symbol else 1
        return (after, symbol, count) if count < most else (after + 1, None, 0)

    @staticmethod
    def special(symbol: str, value: Value | None) -> list[str]:
        if symbol == "CH":
            return ["CH", told(value)]
        names = {"EE": "END_ELEMENT", "ANY": "START_ELEMENT_GENERIC", "ANY_ATTR": "ATTRIBUTE_GENERIC"}
        return [names[symbol]] if symbol in names else ["CHARACTERS_GENERIC"]
