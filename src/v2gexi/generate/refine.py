"""Which things of a graph are equal: same facts, and equal neighbours (partition refinement)."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import TypeVar

Item = TypeVar("Item", bound=Hashable)


def classes(
    items: Sequence[Item],
    facts: Callable[[Item], Hashable],
    neighbours: Callable[[Item], Sequence[Item | None]],
) -> dict[Item, int]:
    """A number for each item, the same for equal ones, counted in the order of the items."""
    number = _numbered(items, {item: facts(item) for item in items})
    while True:
        around = {
            item: (number[item], tuple(None if n is None else number[n] for n in neighbours(item)))
            for item in items
        }
        finer = _numbered(items, around)
        if finer == number:
            return number
        number = finer


def _numbered(items: Sequence[Item], keys: Mapping[Item, Hashable]) -> dict[Item, int]:
    seen: dict[Hashable, int] = {}
    return {item: seen.setdefault(keys[item], len(seen)) for item in items}
