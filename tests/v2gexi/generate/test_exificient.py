"""EXIficient makes the same grammars of the same schemas: string tables, roots, fragments, every state."""

from __future__ import annotations

from copy import deepcopy
from functools import cache
from pathlib import Path

import pytest

from tests.v2gexi import wheel
from tests.v2gexi.generate.exificient_grammars import Comparison, Theirs, grammars
from tests.v2gexi.generate.shown import SCHEMAS, tables_of
from v2gexi.generate.__main__ import read_sets
from v2gexi.generate.sets import PUBLISHED
from v2gexi.generate.tables import Tables

pytestmark = pytest.mark.skipif(bool(wheel.missing()), reason=wheel.missing())


@cache
def shared() -> Path:
    found = wheel.find()
    assert found
    return wheel.unpacked(found)


@cache
def published() -> Tables:
    return Tables(read_sets(shared() / "schemas", []))


OTHERS = ("kiosk", "maze")


@cache
def theirs() -> dict[str, Theirs]:
    """EXIficient's grammars of all schemas."""
    files = {name: shared() / "schemas" / main for name, main in PUBLISHED.items()}
    files |= {name: SCHEMAS / f"{name}.xsd" for name in OTHERS}
    found = grammars(shared() / "EXICodec.jar", *files.values())
    return dict(zip(files, found, strict=True))


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_sets(name: str):
    found = Comparison(published(), name, theirs()[name])
    assert found.differences == []
    assert found.pairs > 40


@pytest.mark.parametrize("name", OTHERS)
def test_schemas_of_others(name: str):
    found = Comparison(tables_of(name), name, theirs()[name])
    assert found.differences == []
    assert found.pairs >= 90


def test_a_difference_is_seen():
    """The comparison itself: a production that is not there is noticed."""
    kiosk = deepcopy(theirs()["kiosk"])
    del next(state[2] for state in kiosk.states.values() if len(state[2]) > 4)[1]
    assert Comparison(tables_of("kiosk"), "kiosk", kiosk).differences
