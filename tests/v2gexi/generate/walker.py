"""A decoder that walks the generator's tables, so that real messages prove them without the engine."""

from __future__ import annotations

from v2gexi.generate.simple import Value
from v2gexi.generate.tables import NONE, Tables


class Bits:
    """Reads a payload bit by bit; IndexError behind its end."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, count: int) -> int:
        number = 0
        for _ in range(count):
            number = number << 1 | self.data[self.at >> 3] >> 7 - (self.at & 7) & 1
            self.at += 1
        return number

    def unsigned(self) -> int:
        number = shift = 0
        while True:
            octet = self.take(8)
            number |= (octet & 127) << shift
            shift += 7
            if octet < 128:
                return number


class Walker:
    """Decodes one message to nested lists: [name, attributes, children], simple content as a child."""

    def __init__(self, tables: Tables, message_set: str, data: bytes) -> None:
        self.tables, self.bits = tables, Bits(data)
        self.set = next(row for row in tables.sets if row.name == message_set)
        self.all: list[str] = []
        self.of: dict[object, list[str]] = {}

    def message(self) -> list:
        assert self.bits.take(8) == 0x80
        roots = self.set.roots
        code = self.bits.take(len(roots).bit_length())
        row = self.tables.particles[roots[code]]
        return self.element(row.name, row.type)

    def element(self, name: tuple[str, str], number: int) -> list:
        made = self.tables.types[number]
        if "SIMPLE" in made.flags:
            assert made.value is not None
            assert self.bits.take(1) == 0, "undeclared"
            text = self.value(made.value, name)
            assert self.bits.take(1) == 0, "undeclared"
            return [name[1], {}, [text]]
        attributes: dict[str, object] = {}
        children: list[object] = []
        state, count, before = made.start, 0, None
        while True:
            row = self.tables.states[state]
            code = self.bits.take(len(row.productions).bit_length())
            assert code < len(row.productions), f"undeclared in {name[1]} at bit {self.bits.at}"
            symbol, after = row.productions[code]
            if symbol == "EE":
                return [name[1], attributes, children]
            if symbol in {"CH", "MIXED"}:
                children.append(self.value(made.value or Value("STRING"), name))
            else:
                assert isinstance(symbol, int), symbol
                particle = self.tables.particles[symbol]
                count = count + 1 if symbol == before else 1
                before = symbol
                assert particle.max == 0 or count <= particle.max
                after += particle.max > 1 and count == particle.max
                if "ATTRIBUTE" in particle.flags:
                    of = self.tables.types[particle.type]
                    assert of.value is not None
                    attributes[particle.name[1]] = self.value(of.value, particle.name)
                else:
                    children.append(self.element(particle.name, particle.type))
            assert after != NONE
            state = after

    def value(self, value: Value, name: tuple[str, str]) -> object:
        bits = self.bits
        match value.kind:
            case "ENUM":
                return value.enumeration[bits.take(value.bits)]
            case "BOOLEAN":
                return bool(bits.take(1))
            case "NBIT":
                return value.min + bits.take(value.bits)
            case "UNSIGNED":
                return bits.unsigned()
            case "INTEGER" | "BIG":
                negative = not value.flags and bits.take(1)
                return -bits.unsigned() - 1 if negative else bits.unsigned()
            case "HEX" | "BASE64":
                return bytes(bits.take(8) for _ in range(bits.unsigned())).hex()
            case "STRING":
                return self.string(name)
        raise AssertionError(value.kind)

    def string(self, name: tuple[str, str]) -> str:
        known = self.of.setdefault(name, [])
        length = self.bits.unsigned()
        if length == 0:
            return known[self.bits.take((len(known) - 1).bit_length())]
        if length == 1:
            return self.all[self.bits.take((len(self.all) - 1).bit_length())]
        text = "".join(chr(self.bits.unsigned()) for _ in range(length - 2))
        if text:
            self.all.append(text)
            known.append(text)
        return text
