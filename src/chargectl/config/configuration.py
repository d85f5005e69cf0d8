"""The values of one configuration file as the daemons read them: always a value, typed, by path."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from chargectl.config.paths import ANY_INDEX, ANY_NAME, Segment, format_path, join
from chargectl.config.shape import Shape
from chargectl.declarations.types import JsonValue, Key, KeyType


@dataclass(frozen=True, slots=True)
class Entry:
    """One value in force and the one that would be without the file.

    ``given`` says that it stands in the file (and was accepted).
    """

    path: str
    key: Key
    value: JsonValue
    default: JsonValue
    given: bool

    @property
    def is_default(self) -> bool:
        """Whether the file changes nothing."""
        return self.value == self.default and type(self.value) is type(self.default)


class Configuration:
    """Read access to the values in force.

    Paths are concrete (``ports[0]/rcd_monitor/enable``). A path that is not declared raises KeyError, so
    that a slip of the pen in a program fails its tests; a key that the file lacks yields its default.
    """

    def __init__(self, shape: Shape, given: dict[str, JsonValue], sizes: dict[str, int | list[str]]) -> None:
        """``given`` are the accepted values by path, ``sizes`` the lengths of arrays and names in objects."""
        self._shape = shape
        self._given = given
        self._defaults: dict[str, JsonValue] = {}
        """Values below arrays and objects that have a default as a whole."""
        self._implied: dict[str, JsonValue] = {}
        """Those of them that are in force, because the file lacks the array or object."""
        self._sizes = dict(sizes)
        for place in shape.walk():
            if place.key is None or not place.key.default or not (place.members or place.elements):
                continue
            path = format_path(place.path)
            if ANY_INDEX in place.path or ANY_NAME in place.path:
                continue
            below: dict[str, JsonValue] = {}
            counted: dict[str, int | list[str]] = {}
            _expand(place, path, place.key.default, below, counted)
            self._defaults.update(below)
            if path not in sizes:
                self._implied.update(below)
                self._sizes.update(counted)

    def key(self, path: str) -> Key:
        """The declaration of a path; raises KeyError for an undeclared one."""
        place = self._shape.lookup(path)
        if place is None or place.key is None:
            raise KeyError(f"{path} is not declared")
        return place.key

    def declares(self, path: str) -> bool:
        """Whether the path is a declared key."""
        place = self._shape.lookup(path)
        return place is not None and place.key is not None

    def __getitem__(self, path: str) -> JsonValue:
        """The value in force. Raises KeyError for a path that is not declared."""
        return self._value(path, self.key(path))

    def given(self, path: str) -> bool:
        """Whether the file holds an accepted value for the key."""
        self.key(path)
        return path in self._given

    def boolean(self, path: str) -> bool:
        """The value of a Boolean key."""
        value = self._typed(path, KeyType.BOOLEAN)
        if not isinstance(value, bool):
            raise _unset(path)
        return value

    def integer(self, path: str) -> int:
        """The value of an Integer key that has a default; ValueError when it is unset."""
        value = self.optional_integer(path)
        if value is None:
            raise _unset(path)
        return value

    def optional_integer(self, path: str) -> int | None:
        """The value of an Integer key; None when it is unset."""
        value = self._typed(path, KeyType.INTEGER)
        return value if isinstance(value, int) else None

    def string(self, path: str) -> str:
        """The value of a String key that has a default; ValueError when it is unset."""
        value = self.optional_string(path)
        if value is None:
            raise _unset(path)
        return value

    def optional_string(self, path: str) -> str | None:
        """The value of a String key; None when it is unset."""
        value = self._typed(path, KeyType.STRING)
        return value if isinstance(value, str) else None

    def integers(self, path: str) -> tuple[int, ...]:
        """The value of an Array of Integers; empty when it is unset."""
        value = self._typed(path, KeyType.INTEGERS)
        return tuple(item for item in value if isinstance(item, int)) if isinstance(value, list) else ()

    def strings(self, path: str) -> tuple[str, ...]:
        """The value of an Array of Strings, or of a String as an array of one; empty when it is unset."""
        value = self._typed(path, KeyType.STRINGS, KeyType.STRING_OR_STRINGS, KeyType.STRING)
        if isinstance(value, str):
            return (value,)
        return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()

    def length(self, path: str) -> int:
        """How many elements the file gives an array (``leds[0]/behaviors``); KeyError when undeclared."""
        self._container(path, elements=True)
        size = self._sizes.get(path, 0)
        return size if isinstance(size, int) else 0

    def names(self, path: str) -> tuple[str, ...]:
        """The names of an object's members in the file (``fake_highlevel_dc_vendors``)."""
        self._container(path, elements=False)
        size = self._sizes.get(path, [])
        return tuple(size) if isinstance(size, list) else ()

    def entries(self) -> Iterator[Entry]:
        """All values in force, in the order of declaration; of free elements and names those in the file."""
        yield from self._entries(self._shape, ())

    def _entries(self, place: Shape, path: tuple[Segment, ...]) -> Iterator[Entry]:
        text = format_path(path)
        if place.key is not None:
            default = self._defaults.get(text, place.key.default)
            yield Entry(text, place.key, self._value(text, place.key), default, text in self._given)
        size = self._sizes.get(text, 0)
        for name, below in place.members.items():
            if name != ANY_NAME:
                yield from self._entries(below, (*path, name))
            elif isinstance(size, list):
                for free in (free for free in size if free not in place.members):
                    yield from self._entries(below, (*path, free))
        for index, below in place.elements.items():
            if index != ANY_INDEX:
                yield from self._entries(below, (*path, index))
            elif isinstance(size, int):
                for free_index in (number for number in range(size) if number not in place.elements):
                    yield from self._entries(below, (*path, free_index))

    def _container(self, path: str, *, elements: bool) -> None:
        place = self._shape.lookup(path)
        if place is None or not (place.elements if elements else place.members):
            raise KeyError(f"{path} is not declared as {'an array' if elements else 'an object'}")

    def _typed(self, path: str, *types: KeyType) -> JsonValue:
        key = self.key(path)
        if key.type not in types:
            raise KeyError(f"{path} is declared as {key.type.value}")
        return self._value(path, key)

    def _value(self, path: str, key: Key) -> JsonValue:
        if path in self._given:
            return self._given[path]
        return self._implied.get(path, key.default)


def _expand(
    place: Shape,
    path: str,
    value: JsonValue,
    values: dict[str, JsonValue],
    sizes: dict[str, int | list[str]],
) -> None:
    """Note a value and all values below it by their paths."""
    if place.key is not None:
        values[path] = value
    parts: list[tuple[Segment, JsonValue]] = []
    if isinstance(value, dict):
        sizes[path] = list(value)
        parts = list(value.items())
    elif isinstance(value, list) and place.elements:
        sizes[path] = len(value)
        parts = list(enumerate(value))
    for segment, item in parts:
        below = place.below(segment)
        if below is not None:
            _expand(below, join(path, segment), item, values, sizes)


def _unset(path: str) -> ValueError:
    return ValueError(f"{path} is not set and has no default")
