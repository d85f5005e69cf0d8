"""Payloads of real cars, chargers and other stacks: what EXIficient reads in them, the same bytes again."""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree.ElementTree import Element, fromstring

import pytest

import v2gexi
from tests.v2gexi.vectors import Vector, load
from v2gexi import DecodeError, EncodeError
from v2gexi.xml import to_xml

VECTORS = load()
SETS = sorted({vector.message_set for vector in VECTORS})
READABLE = [vector for vector in VECTORS if vector.xml]


def of_set(name: str) -> Iterator[Vector]:
    return (vector for vector in READABLE if vector.message_set == name)


def tree(xml: str) -> object:
    """Names, attributes, characters and children; nothing of how they were written."""

    def of(element: Element) -> object:
        children = [(of(child), child.tail or "") for child in element]
        return element.tag, element.attrib, element.text or "", children

    return of(fromstring(xml))


def test_nothing_is_missing() -> None:
    assert len(VECTORS) == 3764
    assert len(READABLE) == 3760
    assert SETS == ["app", "din", "iso2", "iso20-ac", "iso20-common", "iso20-dc"]


@pytest.mark.parametrize("name", SETS)
def test_the_content_is_what_exificient_reads(name: str) -> None:
    for vector in of_set(name):
        message = v2gexi.decode(vector.payload, name)
        assert tree(to_xml(message)) == tree(vector.xml), vector.payload.hex()


@pytest.mark.parametrize("name", SETS)
def test_written_out_they_are_the_same_bytes_again(name: str) -> None:
    for vector in of_set(name):
        message = v2gexi.decode(vector.payload, name)
        again = v2gexi.encode(message, name, literal=True, lenient=bool(vector.violation))
        assert again.hex() == vector.document.hex()


@pytest.mark.parametrize("name", SETS)
def test_with_references_they_are_what_exificient_writes(name: str) -> None:
    for vector in of_set(name):
        message = v2gexi.decode(vector.payload, name)
        again = v2gexi.encode(message, name, lenient=bool(vector.violation), literal=False)
        assert again.hex() == (vector.with_hits or vector.document).hex()
        assert v2gexi.decode(again, name) == message


@pytest.mark.parametrize(
    "vector", [each for each in VECTORS if each.error], ids=lambda each: each.payload.hex()
)
def test_what_exificient_refuses_is_refused(vector: Vector) -> None:
    with pytest.raises(DecodeError, match="the payload ends within the message"):
        v2gexi.decode(vector.payload, vector.message_set)


def test_what_breaks_a_limit_of_the_schema_is_refused_when_checked() -> None:
    """A contract id of 18 characters; EXI does not code its limit."""
    (vector,) = (each for each in READABLE if "maxLength" in each.violation)
    message = v2gexi.decode(vector.payload, vector.message_set)
    with pytest.raises(DecodeError, match="eMAID: 18 characters are more than 15"):
        v2gexi.decode(vector.payload, vector.message_set, check=True)
    with pytest.raises(EncodeError, match="eMAID: 18 characters are more than 15"):
        v2gexi.encode(message)
