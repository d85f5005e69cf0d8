"""Payloads to damage and to begin fuzzing with: recorded ones, generated messages, and foreign elements.

    python -m tests.v2gexi.c.seeds FOLDER

writes them as inputs for the fuzz targets: the first byte has the message set's number and, four bits higher,
the options.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import v2gexi
from tests.v2gexi.messages import Builder
from tests.v2gexi.vectors import load
from v2gexi import AnyElement, Element, schema

FRAGMENT = 1
LONGEST = 1200


class Seed(NamedTuple):
    """A payload: number of its message set, options of the decoder."""

    set_number: int
    options: int
    payload: bytes


def recorded() -> Iterator[Seed]:
    """What real cars and chargers sent."""
    numbers = schema.set_names()
    for vector in load():
        yield Seed(numbers[vector.message_set], 0, vector.payload)


def generated(each: int = 2) -> Iterator[Seed]:
    """Some messages for every element that a document can be, also as fragments."""
    builder = Builder(Random(15118))
    for name, number in schema.set_names().items():
        of_set = schema.set_of(number)
        fragments = {element.name for element in of_set.fragments}
        for element in of_set.roots:
            of_type = schema.type_of(element.type)
            if of_type.flags & (schema.SIMPLE | schema.ABSTRACT) or "xmldsig" in element.namespace:
                continue
            for _ in range(each):
                message = builder.message(element.type)
                for options in (0, FRAGMENT):
                    if options and element.name not in fragments:
                        continue
                    payload = encoded(message, name, element.name, options)
                    if payload is not None:
                        yield Seed(number, options, payload)


def encoded(message: Any, name: str, element: str, options: int) -> bytes | None:
    """The payload, if the message can be one; a generated one can be nested too deep."""
    try:
        return v2gexi.encode(message, name, element=element, fragment=bool(options), lenient=True)
    except v2gexi.EncodeError:
        return None


def foreign() -> Iterator[Seed]:
    """Objects of signatures with elements of which no schema says anything."""
    from v2gexi import xmldsig

    leaf = AnyElement("leaf", "urn:x", {"a": "1", "{urn:y}b": "ü"}, ["text"])
    contents: list[list[Any]] = [
        ["text"],
        [AnyElement("a")],
        [leaf, leaf, AnyElement("leaf", "", {}, ["text"])],
        ["x", AnyElement("a", "urn:x", {}, [leaf, "y", leaf, Element("DigestValue", b"123")]), "x", leaf],
        [AnyElement("a", "", {"{http://www.w3.org/2001/XMLSchema-instance}type": "{urn:x}t"}, ["🚗"])] * 3,
        [AnyElement("a", "", {}, [AnyElement("a", "", {}, ["x", AnyElement("a")])])] * 2,
        [AnyElement(f"e{number}", f"urn:{number}", {"n": str(number)}) for number in range(7)],
        [f"text {number}" for number in range(40)],
        [Element("Object", xmldsig.ObjectType(Id="x", content=[leaf])), leaf],
    ]
    for content in contents:
        message = xmldsig.ObjectType(Id="id", content=content)
        for name, number in schema.set_names().items():
            for options in (0, FRAGMENT):
                payload = None
                with suppress(ValueError):  # the set has no signatures
                    payload = encoded(message, name, "Object", options)
                if payload is not None:
                    yield Seed(number, options, payload)


def all_seeds() -> list[Seed]:
    """Everything, each once."""
    return list(dict.fromkeys((*recorded(), *generated(), *foreign())))


def write(folder: Path, seeds: list[Seed]) -> int:
    """Inputs of the fuzz targets; how many."""
    folder.mkdir(parents=True, exist_ok=True)
    count = 0
    for seed in seeds:
        if len(seed.payload) > LONGEST:
            continue
        data = bytes([seed.set_number | seed.options << 4]) + seed.payload
        (folder / hashlib.sha256(data).hexdigest()[:20]).write_bytes(data)
        count += 1
    return count


if __name__ == "__main__":
    print(write(Path(sys.argv[1]), all_seeds()), "seeds")
