"""The published message sets: committed files are what the schemas say, and real messages fit the tables."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.v2gexi import vectors, wheel
from tests.v2gexi.generate.walker import Walker
from v2gexi.generate.__main__ import main, read_sets, sizes
from v2gexi.generate.sets import PUBLISHED
from v2gexi.generate.tables import NONE, Tables
from v2gexi.generate.write_python import module_name

needs_wheel = pytest.mark.skipif(wheel.find() is None, reason=f"needs {wheel.NAME}: make v2gexi-wheel")
STUBS = Path(__file__).parents[3] / "src/v2gexi"


@cache
def tables() -> Tables:
    return Tables(read_sets(wheel.find(), []))


@needs_wheel
def test_committed_files_are_what_the_schemas_say():
    assert main(["--schemas", str(wheel.find()), "--check"]) == 0


@needs_wheel
def test_a_folder_is_as_good_as_the_wheel():
    found = wheel.find()
    assert found
    assert main(["--schemas", str(wheel.unpacked(found) / "schemas"), "--check"]) == 0


@needs_wheel
def test_tables_stay_small():
    total = int(sizes(tables()).split()[0])
    assert total < 110_000


@needs_wheel
def test_types_are_shared_between_sets():
    everywhere = [row.name[1] for row in tables().types if len(row.sets) == len(PUBLISHED) - 1]
    assert "SignatureType" in everywhere
    (header,) = (row for row in tables().types if row.name[1] == "RationalNumberType")
    assert header.sets == ("iso20-common", "iso20-ac", "iso20-dc", "iso20-wpt", "iso20-acdp")


@needs_wheel
def test_fragments_of_several_types():
    particles = tables().particles
    found = {row.name: sum(particles[n].type == NONE for n in row.fragments) for row in tables().sets}
    # eMAID of ISO 15118-2 is once a string and once a string with an Id.
    assert found == {name: int(name == "iso2") for name in PUBLISHED}


@pytest.mark.parametrize("name", PUBLISHED)
def test_stubs_have_the_classes_that_the_modules_have(name: str):
    """Classes, bases, slots, and the elements' names for them. Enumerations are in the stubs alone."""
    module = importlib.import_module(f"v2gexi.{module_name(name)}")
    stub = ast.parse(STUBS.joinpath(f"{module_name(name)}.pyi").read_text(encoding="utf-8"))
    told = set()
    for node in stub.body:
        if isinstance(node, ast.ImportFrom) and node.module not in {"typing", "v2gexi"}:
            told |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ClassDef):
            told.add(node.name)
            made = getattr(module, node.name)
            bases = [base.id for base in node.bases if isinstance(base, ast.Name)]
            assert bases == [made.__base__.__name__]
            if made._element:
                # One of several messages of a type: all that it has is the type's.
                continue
            init = next(each for each in node.body if isinstance(each, ast.FunctionDef))
            assert [argument.arg for argument in init.args.kwonlyargs] == list(made._slots)
            slots = [each.target for each in node.body if isinstance(each, ast.AnnAssign)]
            assert {slot.id for slot in slots if isinstance(slot, ast.Name)} == set(made.__slots__)
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Name):
            (alias,) = (target.id for target in node.targets if isinstance(target, ast.Name))
            if not alias.startswith("_"):
                told.add(alias)
                assert getattr(module, alias).__name__ == node.value.id
    enumerations = {each for each in told if each[0].islower() and each not in dir(module)}
    assert told - enumerations == set(dir(module))


@needs_wheel
def test_recorded_messages_fit():
    """What EXIficient decodes has the same elements here, down to the last bit; nothing else has."""
    refused = 0
    for vector in vectors.load():
        walker = Walker(tables(), vector.message_set, vector.payload)
        if vector.error:
            refused += 1
            with pytest.raises((IndexError, AssertionError)):
                walker.message()
            continue
        root = walker.message()
        expected = [node.tag.rpartition("}")[2] for node in ElementTree.fromstring(vector.xml).iter()]
        assert list(names_of(root)) == expected
        assert (walker.bits.at + 7) // 8 == len(vector.document)
    assert refused


def names_of(element: list) -> Iterator[str]:
    yield element[0]
    for child in element[2]:
        if isinstance(child, list):
            yield from names_of(child)
