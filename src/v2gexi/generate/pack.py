"""Short sequences laid into one long one; what is part of another sequence costs nothing."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import TypeVar

Item = TypeVar("Item", bound=Hashable)


def pack(sequences: Iterable[tuple[Item, ...]]) -> tuple[list[Item], dict[tuple[Item, ...], int]]:
    """The long sequence and where in it each of the short ones begins. Those kept stay in their order."""
    different = list(dict.fromkeys(sequences))
    kept: list[tuple[Item, ...]] = []
    starts: dict[Item, list[tuple[tuple[Item, ...], int]]] = {}
    for sequence in sorted(different, key=len, reverse=True):
        if sequence and not any(_is_at(sequence, other, at) for other, at in starts.get(sequence[0], ())):
            kept.append(sequence)
            for at, item in enumerate(sequence):
                starts.setdefault(item, []).append((sequence, at))
    order = {sequence: number for number, sequence in enumerate(different)}
    flat: list[Item] = []
    begins: dict[tuple[Item, ...], int] = {}
    for sequence in sorted(kept, key=lambda sequence: order[sequence]):
        begins[sequence] = len(flat)
        flat += sequence
    offsets = dict(begins)
    for sequence in different:
        if sequence and sequence not in offsets:
            places = (begins[o] + at for o, at in starts[sequence[0]] if _is_at(sequence, o, at))
            offsets[sequence] = min(places)
        offsets.setdefault(sequence, 0)
    return flat, offsets


def _is_at(sequence: tuple[Item, ...], other: tuple[Item, ...], at: int) -> bool:
    return other[at : at + len(sequence)] == sequence


def pack_strings(strings: Iterable[str]) -> tuple[list[str], dict[str, int]]:
    """The strings to write one behind the other, each with a zero behind it, and where each begins, in bytes.

    A string that another one ends with is a part of that one.
    """
    different = sorted(set(strings), key=lambda text: text[::-1], reverse=True)
    kept: dict[str, int] = {}
    inside: dict[str, str] = {}
    for text, before in zip(different, [None, *different], strict=False):
        if before is not None and before.endswith(text):
            inside[text] = before
        else:
            kept[text] = 0
    offset = 0
    for text in sorted(kept):
        kept[text] = offset
        offset += len(text.encode()) + 1
    offsets = dict(kept)
    for text in different:  # the longer ones first
        if text in inside:
            longer = inside[text]
            offsets[text] = offsets[longer] + len(longer.encode()) - len(text.encode())
    return sorted(kept), offsets
