"""States of all grammars: equal ones merged, the two that a counter chooses between laid side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import chain
from typing import Final

from .grammar import END, Production, State, Symbol
from .refine import classes

NO_STATE: Final = 0xFFFF


@dataclass(frozen=True)
class StateRow:
    """A row of v2gexi_states: its productions as (particle or special, next state), and its flags."""

    productions: tuple[tuple[int | str, int], ...]
    flags: tuple[str, ...]


def _after(production: Production) -> tuple[State | None, State | None]:
    return production.next, production.last


def reachable(starts: Iterable[State]) -> list[State]:
    """All states, each once, in the order in which they are reached."""
    found: dict[State, None] = {}
    for start in starts:
        pending = [start]
        while pending:
            state = pending.pop()
            if state not in found:
                found[state] = None
                after = chain.from_iterable(map(_after, state.productions))
                pending += reversed([one for one in after if one is not None])
    return list(found)


def _flags(state: State) -> tuple[str, ...]:
    has_end = any(production.symbol == END for production in state.productions)
    named = (("FIRST", state.is_first), ("ATTRIBUTES", state.attributes), ("HAS_EE", has_end))
    return tuple(name for name, given in named if given)


def lay_out(
    starts: Iterable[State], number_of: Callable[[Symbol], int | str]
) -> tuple[list[StateRow], dict[State, int]]:
    """The rows of v2gexi_states and the row of each state. `number_of` gives a symbol's particle."""
    found = reachable(starts)

    def facts(state: State) -> tuple[object, ...]:
        return _flags(state), tuple(number_of(p.symbol) for p in state.productions)

    def neighbours(state: State) -> list[State | None]:
        return [one for production in state.productions for one in _after(production)]

    same = classes(found, facts, neighbours)
    representative = {same[state]: state for state in reversed(found)}
    last_of: dict[int, int] = {}
    for production in chain.from_iterable(state.productions for state in found):
        if production.next is not None and production.last is not None:
            last = last_of.setdefault(same[production.next], same[production.last])
            assert last == same[production.last], "one state counts for two places"
    row_of: dict[int, int] = {}
    order: list[int] = []
    behind = set(last_of.values())
    for kind in [*(kind for kind in sorted(representative) if kind not in behind), *sorted(behind)]:
        if kind in row_of:
            continue
        following: int | None = kind
        while following is not None and following not in row_of:
            row_of[following] = len(order)
            order.append(following)
            following = last_of.get(following)
        if following is not None:
            order.append(following)  # a copy beside the one that counts; what leads elsewhere takes the other
    rows = []
    for kind in order:
        state = representative[kind]
        productions = tuple(
            (number_of(p.symbol), row_of[same[p.next]] if p.next else NO_STATE) for p in state.productions
        )
        rows.append(StateRow(productions, _flags(state)))
    return rows, {state: row_of[same[state]] for state in found}
