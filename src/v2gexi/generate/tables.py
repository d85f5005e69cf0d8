"""The tables of all message sets together, equal things once: types, particles, states, names, strings."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Final

from .grammar import Grammar, Particle, Production, State, Symbol, grammar_of
from .model import Attribute, ComplexType, Element, MessageSet, SimpleType, Type
from .pack import pack, pack_strings
from .refine import classes
from .simple import BUILT_IN, Value
from .slots import Slot
from .source import XSD, GenerateError, Problems, QName
from .states import StateRow, lay_out, reachable
from .strings import partitions

NONE: Final = 0xFFFF
_MOST: Final = 0xFFFA  # numbers above it mean something else
_MOST_STATES: Final = 0x7FF0  # the engine keeps a mark of its own in the highest bit


@dataclass(frozen=True)
class ParticleRow:
    """A row of v2gexi_particles."""

    name: QName
    type: int
    max: int
    slot: int
    flags: tuple[str, ...]


@dataclass(frozen=True)
class SlotRow:
    """A row of v2gexi_slots."""

    name: QName | None
    type: int
    min: int
    max: int
    flags: tuple[str, ...]


@dataclass(frozen=True)
class TypeRow:
    """A row of v2gexi_types; `sets` are the message sets that have the type."""

    name: QName
    base: int
    value: Value | None
    start: int
    content: int
    slots: tuple[SlotRow, ...]
    flags: tuple[str, ...]
    of: Type
    sets: tuple[str, ...]


@dataclass(frozen=True)
class SetRow:
    """A row of v2gexi_sets: roots and fragments by particle, partitions as URI and names."""

    name: str
    namespace: str
    roots: tuple[int, ...]
    fragments: tuple[int, ...]
    attributes: tuple[int, ...]
    partitions: tuple[tuple[str, tuple[QName, ...]], ...]


class Tables:
    """All tables. Rows refer to other rows by number, to names and values by themselves."""

    def __init__(self, sets: Sequence[MessageSet]) -> None:
        self._problems = Problems()
        self._grammars: dict[Type, Grammar] = {}
        self._owners: dict[Type, str] = {}
        self._string = SimpleType((XSD, "string"), BUILT_IN["string"])
        self._owners[self._string] = sets[0].name if sets else ""
        for messages in sets:
            self._gather(messages)
        self._problems.check()
        self.class_of = classes(list(self._owners), self._facts, self._neighbours)
        self._particles: dict[ParticleRow, int] = {}
        starts = [state for g in self._grammars.values() for state in (g.start, g.content)]
        rows, row_of = lay_out(starts, self._number_of)
        self.states: list[StateRow] = rows
        self.types = self._type_rows(row_of)
        self.sets = [self._set_row(messages) for messages in sets]
        self.particles = list(self._particles)
        self.productions, self.first_production = pack(row.productions for row in rows)
        self.slots, self.first_slot = pack(row.slots for row in self.types)
        self._intern_names()
        self._intern_values()
        self._check_sizes()

    def _gather(self, messages: MessageSet) -> None:
        """All types of a message set that anything refers to, and all complex ones; with their grammars."""
        pending: list[Type] = [made for made in messages.types if isinstance(made, ComplexType)]
        pending += [element.type for element in messages.declared]
        while pending:
            made = pending.pop(0)
            if made in self._owners:
                continue
            self._owners[made] = messages.name
            if isinstance(made, ComplexType):
                self._grammars[made] = grammar_of(made, self._problems)
            pending += [near for near in self._neighbours(made) if near is not None]

    def _productions(self, made: Type) -> list[Production]:
        states = reachable([self._grammars[made].start, self._grammars[made].content])
        return [production for state in states for production in state.productions]

    def _neighbours(self, made: Type) -> list[Type | None]:
        base = made.base
        if isinstance(made, SimpleType):
            return [base]
        types: list[Type | None] = [base, *(slot.type for slot in self._grammars[made].slots.all)]
        symbols = (production.symbol for production in self._productions(made))
        return types + [symbol.type for symbol in symbols if isinstance(symbol, Particle)]

    def types_of(self, number: int) -> list[int]:
        """The types that one is made of: its base, and those of its attributes and elements."""
        return [self.class_of[near] for near in self._neighbours(self.types[number].of) if near is not None]

    def _facts(self, made: Type) -> Hashable:
        if isinstance(made, SimpleType):
            return made.name, made.anonymous, made.facts.value
        grammar = self._grammars[made]
        states = reachable([grammar.start, grammar.content])
        number: dict[State | None, int] = {state: n for n, state in enumerate(states)}
        shape = tuple(
            (
                s.is_first,
                s.attributes,
                tuple((_shape(p.symbol), number.get(p.next), number.get(p.last)) for p in s.productions),
            )
            for s in states
        )
        slots = tuple((slot.name, slot.min, slot.max, slot.kind) for slot in grammar.slots.all)
        simple = made.simple.facts.value if made.simple else None
        return (
            made.name,
            made.anonymous,
            made.abstract,
            made.mixed,
            simple,
            slots,
            shape,
            number[grammar.content],
        )

    def _number_of(self, symbol: Symbol) -> int | str:
        if isinstance(symbol, str):
            return symbol
        flags = ("ATTRIBUTE",) * symbol.attribute + ("GLOBAL",) * symbol.is_global
        row = ParticleRow(symbol.name, self.class_of[symbol.type], symbol.max, symbol.slot, flags)
        return self._particles.setdefault(row, len(self._particles))

    def _type_rows(self, row_of: dict[State, int]) -> list[TypeRow]:
        rows: dict[int, TypeRow] = {}
        sets: dict[int, dict[str, None]] = {}
        for made, number in self.class_of.items():
            sets.setdefault(number, {})[self._owners[made]] = None
        for made, number in self.class_of.items():
            if number in rows:
                continue
            base = NONE if made.base is None else self.class_of[made.base]
            of_sets = tuple(sets[number])
            if isinstance(made, SimpleType):
                flags = ("SIMPLE",) + ("ANONYMOUS",) * made.anonymous
                row = TypeRow(made.name, base, made.facts.value, NONE, NONE, (), flags, made, of_sets)
            else:
                grammar = self._grammars[made]
                value = made.simple.facts.value if made.simple else None
                slots = tuple(self._slot_row(slot) for slot in grammar.slots.all)
                start, content = row_of[grammar.start], row_of[grammar.content]
                flags = self._type_flags(made)
                row = TypeRow(made.name, base, value, start, content, slots, flags, made, of_sets)
            rows[number] = row
        return [rows[number] for number in sorted(rows)]

    def _type_flags(self, made: ComplexType) -> tuple[str, ...]:
        ordered = self._grammars[made].slots.ordered
        named = (("ABSTRACT", made.abstract), ("MIXED", made.mixed), ("ORDERED", ordered))
        more = (("ANONYMOUS", made.anonymous), ("ANY", made.name == (XSD, "anyType")))
        return tuple(name for name, given in named + more if given)

    def _slot_row(self, slot: Slot) -> SlotRow:
        flags = ("LIST",) * (slot.max != 1 and slot.kind != "content") + ("REQUIRED",) * (slot.min > 0)
        flags += (slot.kind.upper(),) * bool(slot.kind)
        return SlotRow(
            slot.name, NONE if slot.type is None else self.class_of[slot.type], slot.min, slot.max, flags
        )

    def _set_row(self, messages: MessageSet) -> SetRow:
        roots = tuple(self._global(element) for element in messages.elements)
        by_name: dict[QName, list[Element]] = {}
        for element in messages.declared:
            by_name.setdefault((element.name[1], element.name[0]), []).append(element)
        fragments = tuple(self._fragment(by_name[name]) for name in sorted(by_name))
        attributes: dict[QName, list[Attribute]] = {}
        for attribute in messages.attributes:
            attributes.setdefault((attribute.name[1], attribute.name[0]), []).append(attribute)
        relaxed = tuple(self._relaxed(attributes[name]) for name in sorted(attributes))
        names = tuple((uri, tuple(names)) for uri, names in partitions(messages))
        return SetRow(messages.name, messages.namespace, roots, fragments, relaxed, names)

    def _global(self, element: Element) -> int:
        number = self._number_of(Particle(element.name, element.type, is_global=element.is_global))
        assert isinstance(number, int)
        return number

    def _fragment(self, declared: Sequence[Element]) -> int:
        """The element of the fragment grammar; its type is NONE if its declarations differ (EXI 8.5.3)."""
        if len({id(element.type) for element in declared}) > 1:
            row = ParticleRow(declared[0].name, NONE, 1, 0xFF, ())
            return self._particles.setdefault(row, len(self._particles))
        return self._global(next((e for e in declared if e.is_global), declared[0]))

    def _relaxed(self, declared: Sequence[Attribute]) -> int:
        """An attribute of elements of several types (EXI 8.5.3): of its type, or of several a string."""
        types = {attribute.type for attribute in declared}
        of = declared[0].type if len(types) == 1 else self._string
        number = self._number_of(Particle(declared[0].name, of, attribute=True))
        assert isinstance(number, int)
        return number

    def _intern_names(self) -> None:
        used = {row.name for row in self.types} | {row.name for row in self.particles}
        used |= {slot.name for slot in self.slots if slot.name is not None}
        for row in self.sets:
            used.update(name for _, names in row.partitions for name in names)
        order: dict[str, None] = {}
        for row in self.sets:
            order |= dict.fromkeys(uri for uri, _ in row.partitions)
        self.uris = list(order)
        self.names = sorted(used, key=lambda name: (self.uris.index(name[0]), name[1]))
        self.name_number = {name: number for number, name in enumerate(self.names)}
        numbers = (
            tuple(self.name_number[n] for n in names) for row in self.sets for _, names in row.partitions
        )
        self.partition_names, self.first_partition_name = pack(numbers)

    def _intern_values(self) -> None:
        self.values = list(dict.fromkeys(row.value for row in self.types if row.value is not None))
        texts = {text for value in self.values for text in value.enumeration}
        self.strings, self.string_offset = pack_strings(texts | {local for _, local in self.names})
        enumerations = (value.enumeration for value in self.values)
        self.enum_values, self.first_enum_value = pack(enumerations)

    def _check_sizes(self) -> None:
        length = sum(len(text.encode()) + 1 for text in self.strings)
        counted = {
            "types": len(self.types), "states": len(self.states), "particles": len(self.particles),
            "names": len(self.names), "bytes of strings": length, "productions": len(self.productions),
            "slots": len(self.slots), "values": len(self.values), "enumeration values": len(self.enum_values),
        }  # fmt: skip
        most = {"states": _MOST_STATES}
        problems = [
            f"too large: {n} {what}; up to {most.get(what, _MOST)} are allowed"
            for what, n in counted.items()
            if n > most.get(what, _MOST)
        ]
        if len(self.uris) > 0xFF:
            problems.append(f"too large: {len(self.uris)} namespaces; up to 255 are allowed")
        if problems:
            raise GenerateError(problems)


def _shape(symbol: Symbol) -> Hashable:
    if isinstance(symbol, str):
        return symbol
    return symbol.name, symbol.max, symbol.slot, symbol.attribute, symbol.is_global
