"""Simple types: which built-in type they come from, what facets leave, and how EXI writes the values."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from .source import Node, Problems

NO_LENGTH: Final = 0xFFFFFFFF
_BITS_64: Final = 1 << 64
_BITS_63: Final = 1 << 63
MOST_N_BIT: Final = 4096  # EXI 7.1.9: integers of at most so many values are written as n bits


@dataclass(frozen=True, order=True)
class Value:
    """How values are written: a row of v2gexi_values (see tables.h), and the values of an enumeration."""

    kind: str
    min: int = 0
    max: int = 0
    min_length: int = 0
    max_length: int = NO_LENGTH
    bits: int = 0
    flags: int = 0
    enumeration: tuple[str, ...] = ()


@dataclass(frozen=True)
class Facts:
    """A simple type's values: the kind of its built-in type and what the facets say. None: no bound."""

    kind: str
    low: int | None = None
    high: int | None = None
    min_length: int = 0
    max_length: int = NO_LENGTH
    enumeration: tuple[str, ...] = ()
    bits: int = 0

    @property
    def value(self) -> Value:
        """The representation after EXI 7.1."""
        if self.enumeration:
            count = len(self.enumeration)
            bits = (count - 1).bit_length()
            return Value("ENUM", max=count, max_length=count, bits=bits, enumeration=self.enumeration)
        if self.kind == "INTEGER":
            return _integer(self.low, self.high)
        if self.kind in {"STRING", "HEX", "BASE64"}:
            return Value(self.kind, min_length=self.min_length, max_length=self.max_length)
        if self.kind == "BOOLEAN":
            return Value("BOOLEAN", max_length=2, bits=1)
        return Value(self.kind, bits=self.bits)


def _integer(low: int | None, high: int | None) -> Value:
    if low is not None and high is not None and high - low < MOST_N_BIT:
        count = high - low + 1
        return Value("NBIT", low, high, max_length=count, bits=(count - 1).bit_length())
    if low is not None and low >= 0:
        if high is not None and high < _BITS_64:
            return Value("UNSIGNED", low, high)
        return Value("BIG", low, _BITS_64 - 1, flags=1)
    if low is not None and high is not None and low >= -_BITS_63 and high < _BITS_63:
        return Value("INTEGER", low, high)
    return Value("BIG", -_BITS_63, _BITS_63 - 1)


_STRINGS: Final = (
    "string", "normalizedString", "token", "language", "Name", "NCName", "NMTOKEN", "ID", "IDREF", "ENTITY",
    "anyURI", "duration", "anySimpleType",
)  # fmt: skip


def _built_in() -> dict[str, Facts]:
    integers: dict[str, tuple[int | None, int | None]] = {
        "integer": (None, None),
        "nonPositiveInteger": (None, 0),
        "negativeInteger": (None, -1),
        "nonNegativeInteger": (0, None),
        "positiveInteger": (1, None),
    }
    for name, bits in (("byte", 8), ("short", 16), ("int", 32), ("long", 64)):
        integers[name] = (-(1 << bits - 1), (1 << bits - 1) - 1)
        integers[f"unsigned{name.capitalize()}"] = (0, (1 << bits) - 1)
    types = {name: Facts("INTEGER", low, high) for name, (low, high) in integers.items()}
    types |= {name: Facts("STRING") for name in _STRINGS}
    types |= {"hexBinary": Facts("HEX"), "base64Binary": Facts("BASE64"), "boolean": Facts("BOOLEAN", bits=1)}
    return types | {"decimal": Facts("DECIMAL"), "float": Facts("FLOAT"), "double": Facts("FLOAT")}


BUILT_IN: Final = _built_in()
"""The built-in types but the lists (NMTOKENS, IDREFS, ENTITIES), dates and times, QName and NOTATION."""


def restrict(facts: Facts, restriction: Node, problems: Problems) -> Facts:
    """What is left of the values behind the facets of an xs:restriction."""
    values = tuple(_text(node, problems) for node in restriction.named("enumeration"))
    if values:
        facts = replace(facts, enumeration=tuple(dict.fromkeys(values)))
    for facet in restriction.children:
        if facet.tag == "pattern":
            allowed = "leave it out; facets of lengths, bounds and enumerations are read"
            problems.add(
                facet, f"xs:pattern changes how EXI writes characters and is not supported: {allowed}"
            )
        elif facet.tag in {"length", "minLength", "maxLength"}:
            facts = _length(facts, facet, problems)
        elif facet.tag in {"minInclusive", "maxInclusive", "minExclusive", "maxExclusive"}:
            facts = _bound(facts, facet, problems)
    return facts


def _text(facet: Node, problems: Problems) -> str:
    value = facet.get("value")
    if value is None:
        problems.add(facet, f"xs:{facet.tag} without a value")
    return value or ""


def _number(facet: Node, problems: Problems) -> int | None:
    text = _text(facet, problems)
    try:
        return int(text)
    except ValueError:
        problems.add(facet, f'xs:{facet.tag} "{text}" is no integer')
        return None


def _length(facts: Facts, facet: Node, problems: Problems) -> Facts:
    number = _number(facet, problems)
    if number is None:
        return facts
    if not 0 <= number < NO_LENGTH:
        problems.add(facet, f"xs:{facet.tag} {number}: 0 to {NO_LENGTH - 1} is allowed")
        return facts
    low = facts.min_length if facet.tag == "maxLength" else max(facts.min_length, number)
    high = facts.max_length if facet.tag == "minLength" else min(facts.max_length, number)
    return replace(facts, min_length=low, max_length=high)


def _bound(facts: Facts, facet: Node, problems: Problems) -> Facts:
    if facts.kind != "INTEGER":
        return facts  # bounds of decimals and floats change nothing in how they are written
    number = _number(facet, problems)
    if number is None:
        return facts
    if not -_BITS_63 <= number < (_BITS_63 if facet.tag.startswith("min") else _BITS_64):
        problems.add(facet, f"xs:{facet.tag} {number} does not fit 64 bits")
        return facts
    if facet.tag.startswith("min"):
        number += facet.tag == "minExclusive"
        facts = replace(facts, low=number if facts.low is None else max(facts.low, number))
    else:
        number -= facet.tag == "maxExclusive"
        facts = replace(facts, high=number if facts.high is None else min(facts.high, number))
    if facts.low is not None and facts.high is not None and facts.low > facts.high:
        problems.add(facet, f"xs:{facet.tag} leaves no value: {facts.low} is above {facts.high}")
        facts = replace(facts, high=facts.low)
    return facts
