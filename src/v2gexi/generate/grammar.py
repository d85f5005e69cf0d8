"""The grammar of a complex type (EXI 8.5.4): states, and their productions in the order of event codes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from .model import ComplexType, Leaf, Type
from .positions import Automaton, Position, TooLargeError, automaton
from .slots import Slots, slots_of
from .source import Problems, QName

END: Final = "EE"
CHARACTERS: Final = "CH"
ANY: Final = "ANY"
ANY_ATTRIBUTE: Final = "ANY_ATTR"
MIXED: Final = "MIXED"


@dataclass(frozen=True)
class Particle:
    """A place for an element or attribute in a type, or a global element: the row of v2gexi_particles."""

    name: QName
    type: Type
    max: int = 1
    slot: int = 0xFF
    attribute: bool = False
    is_global: bool = False


Symbol = Particle | str


@dataclass
class Production:
    """What is consumed, and the state afterwards; `last`: the one instead after the most that may follow."""

    symbol: Symbol
    next: State | None
    last: State | None = None


@dataclass(eq=False)
class State:
    """A state of a grammar."""

    productions: list[Production] = field(default_factory=list)
    is_first: bool = False
    attributes: bool = False


@dataclass
class Grammar:
    """The first state of a type, and the first one behind the attributes, which takes no more of them."""

    start: State
    content: State
    slots: Slots


class _Content:
    """The states of a content model: sets of positions, so that the copies of one leaf cannot be at odds."""

    def __init__(self, made: ComplexType, slots: Slots, model: Automaton, problems: Problems) -> None:
        self.type = made
        self.slots = slots
        self.model = model
        self.problems = problems
        self.states: dict[frozenset[Position], State] = {}
        self.pending: list[frozenset[Position]] = []

    def state(self, positions: frozenset[Position]) -> State:
        """The state in which these positions have just been passed."""
        if positions not in self.states:
            self.states[positions] = State()
            self.pending.append(positions)
        return self.states[positions]

    def first(self) -> State:
        """The state before everything, with all states behind it."""
        first = self.state(frozenset({self.model.start}))
        while self.pending:
            positions = self.pending.pop()
            self.states[positions].productions = self.productions(positions, self.states[positions])
        return first

    def productions(self, positions: frozenset[Position], here: State) -> list[Production]:
        """SE(name) in the order of the schema, SE(*), EE, characters (EXI 8.5.4.3)."""
        following: dict[int, set[Position]] = {}
        for position in positions:
            for after in position.follow:
                following.setdefault(after.leaf, set()).add(after)
        named: list[Production] = []
        wild: list[Production] = []
        for number in sorted(following):
            leaf = self.model.leaves[number]
            for symbol in self.symbols(leaf, number):
                into = wild if symbol == ANY else named
                into.append(self.production(symbol, following[number]))
        self.check_unique(named, wild)
        ending = [Production(END, None)] if any(position.may_end for position in positions) else []
        mixed = [Production(MIXED, here)] if self.type.mixed else []
        return [*named, *wild, *ending, *mixed]

    def production(self, symbol: Symbol, after: set[Position]) -> Production:
        counted = next(iter(after)) if len(after) == 1 else None
        state = self.state(frozenset(after))
        if counted is not None and counted.last is not None:
            return Production(symbol, state, self.state(frozenset({counted.last})))
        return Production(symbol, state)

    def symbols(self, leaf: Leaf, number: int) -> list[Symbol]:
        """What a leaf stands for: an element, the members of its substitution group, or any element."""
        if leaf.element is None:
            return [ANY]
        element = leaf.element
        most = 1 if number in self.model.repeated or len(element.members) > 1 else leaf.high or 0
        if leaf.high is None:
            most = 0
        slot = self.slots.slot_of(element)
        members = element.members if element.is_global else [element]
        return [Particle(m.name, m.type, most, slot, is_global=m.is_global) for m in members]

    def check_unique(self, named: list[Production], wild: list[Production]) -> None:
        names = [p.symbol.name for p in named if isinstance(p.symbol, Particle)]
        for name in sorted({name for name in names if names.count(name) > 1}):
            self.problems.add(
                self.type.where, f'the content is ambiguous: two places for "{name[1]}" at once'
            )
        if len(wild) > 1:
            self.problems.add(self.type.where, "the content is ambiguous: two places for any element at once")


def grammar_of(made: ComplexType, problems: Problems) -> Grammar:
    """The grammar of a complex type."""
    slots = slots_of(made, problems)
    if made.simple is not None:
        content = State([Production(CHARACTERS, State([Production(END, None)]))])
    else:
        content = _content(made, slots, problems)
    return Grammar(_attributes(made, slots, content), content, slots)


def _content(made: ComplexType, slots: Slots, problems: Problems) -> State:
    try:
        model = automaton(made.content)
    except TooLargeError:
        problems.add(
            made.where, "the content model is too large: bounds of repeated groups are written out as copies"
        )
        return State([Production(END, None)])
    for number, leaf in enumerate(model.leaves):
        if leaf.high is not None and leaf.high > 0xFFFF and number not in model.repeated:
            problems.add(leaf.where, f"maxOccurs {leaf.high}: up to 65535 and unbounded are allowed")
    return _Content(made, slots, model, problems).first()


def _attributes(made: ComplexType, slots: Slots, content: State) -> State:
    """The states before the content: one for each attribute, and the content's first while more may come."""
    states = [State(attributes=True) for _ in range(len(made.attributes) + 1)]
    for number, state in enumerate(states):
        rest = made.attributes[number:]
        for offset, attribute in enumerate(rest):
            particle = Particle(
                attribute.name, attribute.type, slot=slots.names[attribute.name], attribute=True
            )
            state.productions.append(Production(particle, states[number + offset + 1]))
            if attribute.required:
                break
        if made.any_attribute:
            state.productions.append(Production(ANY_ATTRIBUTE, state))
        if not any(attribute.required for attribute in rest):
            state.productions += content.productions
    states[0].is_first = True
    return states[0]
