"""The declared keys of one file as a tree, to walk a file with and to look keys up by concrete path."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from chargectl.config.paths import ANY_INDEX, ANY_NAME, Segment, format_path, parse_path
from chargectl.declarations.types import Key


class Shape:
    """One place in the tree: the key declared there, if any, and what may stand below it.

    ``members`` maps names (or `ANY_NAME`) to shapes, ``elements`` indices (or `ANY_INDEX`).
    """

    __slots__ = ("elements", "key", "members", "path")

    def __init__(self, path: tuple[Segment, ...] = ()) -> None:
        """An empty place at a declared path."""
        self.path = path
        self.key: Key | None = None
        self.members: dict[str, Shape] = {}
        self.elements: dict[int, Shape] = {}

    @classmethod
    def of(cls, keys: Iterable[Key]) -> Shape:
        """The tree of the keys of one file; declarations keep their order."""
        root = cls()
        for key in keys:
            place = root
            for segment in parse_path(key.path):
                place = place._grow(segment)
            place.key = key
        return root

    def _grow(self, segment: Segment) -> Shape:
        path = (*self.path, segment)
        if isinstance(segment, str):
            return self.members.setdefault(segment, Shape(path))
        return self.elements.setdefault(segment, Shape(path))

    def below(self, segment: Segment) -> Shape | None:
        """The shape of that member or element; None when none is declared."""
        if isinstance(segment, str):
            return self.members.get(segment) or self.members.get(ANY_NAME)
        return self.elements.get(segment) or self.elements.get(ANY_INDEX)

    def lookup(self, path: str) -> Shape | None:
        """The shape at a concrete path such as ``ports[0]/meter/enable``; None when none is declared."""
        place: Shape | None = self
        try:
            segments = parse_path(path)
        except ValueError:
            return None
        for segment in segments:
            if segment in (ANY_INDEX, ANY_NAME) or place is None:
                return None
            place = place.below(segment)
        return place

    def walk(self) -> Iterator[Shape]:
        """This place and all below it, in the order of declaration."""
        yield self
        for place in (*self.members.values(), *self.elements.values()):
            yield from place.walk()

    def key_paths(self) -> list[str]:
        """All declared key paths."""
        return [format_path(place.path) for place in self.walk() if place.key is not None]
