"""Messages of every kind against EXIficient: both write the same bytes, and both read the same content."""

from __future__ import annotations

from random import Random
from typing import Any
from xml.etree.ElementTree import Element, fromstring

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import v2gexi
from tests.v2gexi.exificient import Exificient
from tests.v2gexi.messages import (
    Builder,
    can_be_made,
    can_be_taken,
    everything_of,
    extremes,
    holding,
    to_particle,
    ways_to_states,
)
from v2gexi import _core, schema
from v2gexi._classes import class_of, shared_roots
from v2gexi.xml import to_xml

SETS = tuple(schema.set_names())
ROUNDS = 12
"""Messages of each element by chance, before what they have left out is made on purpose."""
EXAMPLES = 400


def roots_of(name: str) -> list[schema.Element]:
    """The elements that can be a message: what is abstract, or nothing but a value, cannot."""
    return [
        element
        for element in schema.set_named(name).roots
        if not schema.type_of(element.type).flags & (schema.ABSTRACT | schema.SIMPLE)
        and can_be_made(element.type)
    ]


def payload_of(name: str, element: schema.Element, message: Any) -> bytes:
    """Our payload, which we read as the message again."""
    payload = v2gexi.encode(message, name, element=element.name)
    read = v2gexi.decode(payload, name, check=True)
    if element in shared_roots().get(element.type, ()):
        # A class of its own says which of several messages of the type it is.
        assert type(read).__name__ == element.name
        assert v2gexi.encode(read) == payload
        read = class_of(element.type)(**{slot: getattr(read, slot) for slot in read._slots})
    assert read == message, payload.hex()
    return payload


def compare(oracle: Exificient, name: str, messages: list[tuple[schema.Element, Any]]) -> None:
    """EXIficient reads in our payload what we say in XML, and writes the same bytes."""
    payloads = [payload_of(name, *entry) for entry in messages]
    decoded = list(oracle.ask_all([("decode", name, "document", payload) for payload in payloads]))
    encoded = oracle.ask_all([("encode", name, "document", answer.must()) for answer in decoded])
    for (element, message), payload, theirs, again in zip(messages, payloads, decoded, encoded, strict=True):
        ours = to_xml(message, element=element.name)
        told = f"{name} {element.name} {payload.hex()}\n{message!r}\n{ours}\n{theirs.text}"
        assert again.must() == payload, told
        assert tree(ours) == tree(theirs.text), told


def tree(xml: str) -> object:
    """Names, attributes, characters and children; nothing of how they were written."""

    def of(element: Element) -> object:
        return (
            element.tag,
            element.attrib,
            element.text or "",
            [(of(child), child.tail or "") for child in element],
        )

    return of(fromstring(xml))


@pytest.mark.parametrize("name", SETS)
def test_everything_a_message_set_has(name: str, exificient: Exificient) -> None:
    covered: set[object] = set()
    builder = Builder(Random(20261121), covered)
    elements = roots_of(name)
    messages = [(element, builder.message(element.type)) for _ in range(ROUNDS) for element in elements]
    # What chance has left out.
    for element in elements:
        for number in {element.type} | {place[0] for place in holding(element.type)}:
            for state, steps in ways_to_states(number).items():
                for production in _core.state_info(state):
                    if can_be_taken(production) and (number, state, production) not in covered:
                        to_it = [*steps, (state, production)]
                        messages.append((element, builder.around(element.type, number, to_it)))
        for number, particle in holding(element.type):
            value = schema.type_of(schema.particle_of(particle).type).value
            while value and any((value, repr(each)) not in covered for each in extremes(value)):
                steps = to_particle(number, particle)
                messages.append((element, builder.around(element.type, number, steps)))
    wanted = everything_of([element.type for element in elements])
    assert wanted <= covered, sorted(map(repr, wanted - covered))[:20]
    for first in range(0, len(messages), 500):
        compare(exificient, name, messages[first : first + 500])


@pytest.mark.parametrize("name", SETS)
def test_random_messages(name: str, exificient: Exificient) -> None:
    elements = roots_of(name)

    @settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))
    @given(st.sampled_from(elements), st.randoms(use_true_random=False))
    def check(element: schema.Element, random: Random) -> None:
        compare(exificient, name, [(element, Builder(random).message(element.type))])

    check()


def bounded() -> list[tuple[str, schema.Element, int, int]]:
    """Places of lists with a bound: message set, a message that has it, its type, the particle."""
    found: dict[tuple[int, int], tuple[str, schema.Element]] = {}
    for name in SETS:
        for element in roots_of(name):
            for type_number, particle in holding(element.type):
                if schema.particle_of(particle).maximum > 1:
                    found.setdefault((type_number, particle), (name, element))
    return [(name, element, *place) for place, (name, element) in found.items()]


@pytest.mark.parametrize(
    "place", bounded(), ids=lambda place: f"{place[0]}-{schema.particle_of(place[3]).name}-{place[3]}"
)
def test_a_list_may_be_as_long_as_the_schema_says(
    place: tuple[str, schema.Element, int, int], exificient: Exificient
) -> None:
    name, element, type_number, particle = place
    most = schema.particle_of(particle).maximum
    state, production = to_particle(type_number, particle)[-1]
    before = to_particle(type_number, particle)[:-1]
    full = Builder(Random(1)).around(element.type, type_number, before + [(state, production)] * most)
    compare(exificient, name, [(element, full)])
    over = Builder(Random(1)).around(element.type, type_number, before + [(state, production)] * (most + 1))
    with pytest.raises(v2gexi.EncodeError, match=rf"\[{most}\]: at most {most} are allowed"):
        v2gexi.encode(over, name, element=element.name)


def test_the_tables_bound_every_list_that_the_schemas_bound() -> None:
    limits = {schema.particle_of(place[3]).maximum for place in bounded()}
    assert {5, 10, 16, 20, 1024} <= limits
    assert _core.counts()[0] == len(SETS)
