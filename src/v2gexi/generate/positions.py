"""Content models as positions: which leaf may begin, which may follow which, and whether all may end there.

A position is one occurrence of a leaf of the content model (Glushkov's construction); the copies that
minOccurs and repeated groups ask for are positions of their own. A leaf with a bound above one that stands in
no repeated group has instead a position that follows itself and is counted, and one for "no more of these".
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

from .model import Group, Leaf, Term, leaves

MOST_POSITIONS: Final = 4000


class TooLargeError(Exception):
    """The copies of a content model exceed MOST_POSITIONS."""


@dataclass(eq=False)
class Position:
    """An occurrence of leaf number `leaf`. `last`, of a counted one: the position instead at the maximum."""

    leaf: int
    follow: list[Position] = field(default_factory=list)
    may_end: bool = False
    last: Position | None = None


@dataclass
class _Part:
    """A piece of the automaton: where it begins, where it ends, whether it may be empty."""

    first: list[Position]
    ends: list[Position]
    empty: bool


@dataclass
class Automaton:
    """A whole content model. `start` is the position before everything; its leaf is -1."""

    start: Position
    leaves: list[Leaf]
    repeated: set[int]
    """Leaves inside repeated groups: their bounds are copies, not counters."""


class _Builder:
    def __init__(self, model: Group) -> None:
        self.leaves = leaves(model)
        self.numbers = {id(leaf): number for number, leaf in enumerate(self.leaves)}
        self.repeated: set[int] = set()
        self.positions = 0

    def position(self, leaf: int) -> Position:
        self.positions += 1
        if self.positions > MOST_POSITIONS:
            raise TooLargeError
        return Position(leaf)

    def term(self, term: Term, repeated: bool) -> _Part:
        """The automaton of a term with its bounds."""
        if isinstance(term, Leaf) and not repeated:
            if term.high is not None and term.high > 1 and _count(term) == 1:
                return self.counted(term)
        if isinstance(term, Leaf) and repeated:
            self.repeated.add(self.numbers[id(term)])
        copies = [self.once(term, repeated) for _ in range(term.low)]
        if term.high is None:
            again = copies.pop() if copies else self.once(term, repeated)
            _connect(again.ends, again.first)
            return _sequence([*copies, _Part(again.first, again.ends, again.empty or term.low == 0)])
        tail: _Part | None = None
        for _ in range(term.high - term.low):
            once = self.once(term, repeated)
            tail = once if tail is None else _sequence([once, tail])
            tail.empty = True
        return _sequence([*copies, tail] if tail else copies)

    def once(self, term: Term, repeated: bool) -> _Part:
        if isinstance(term, Leaf):
            position = self.position(self.numbers[id(term)])
            return _Part([position], [position], False)
        inside = repeated or term.high != 1
        parts = [self.term(item, inside) for item in term.items]
        if not term.choice or not parts:
            return _sequence(parts)
        first = [position for part in parts for position in part.first]
        ends = [position for part in parts for position in part.ends]
        return _Part(first, ends, any(part.empty for part in parts))

    def counted(self, leaf: Leaf) -> _Part:
        """At least `low` copies, the last of them repeated under the eyes of a counter."""
        number = self.numbers[id(leaf)]
        fixed = leaf.low == leaf.high
        copies = [self.position(number) for _ in range(max(leaf.low - fixed, 1))]
        for one, following in pairwise(copies):
            one.follow.append(following)
        more, last = copies[-1], self.position(number)
        more.follow.append(more)
        for one in copies:
            one.last = last
        return _Part(copies[:1], [last] if fixed else [more, last], leaf.low == 0)


def _count(leaf: Leaf) -> int:
    """How many element names a leaf stands for: one, or the members of a substitution group."""
    return len(leaf.element.members) if leaf.element is not None and leaf.element.is_global else 1


def _connect(ends: list[Position], first: list[Position]) -> None:
    for position in ends:
        position.follow += [following for following in first if following not in position.follow]


def _sequence(parts: list[_Part]) -> _Part:
    whole = _Part([], [], True)
    for part in parts:
        _connect(whole.ends, part.first)
        whole = _Part(
            whole.first + part.first if whole.empty else whole.first,
            whole.ends + part.ends if part.empty else part.ends,
            whole.empty and part.empty,
        )
    return whole


def automaton(model: Group) -> Automaton:
    """The positions of a content model. Raises TooLargeError."""
    builder = _Builder(model)
    whole = builder.term(model, False)
    start = Position(-1, whole.first, whole.empty)
    for position in whole.ends:
        position.may_end = True
    return Automaton(start, builder.leaves, builder.repeated)
