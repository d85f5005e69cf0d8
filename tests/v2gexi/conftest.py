"""What the tests of v2gexi share: EXIficient, where Java and the wheel are there."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.v2gexi import wheel
from tests.v2gexi.exificient import Exificient


@pytest.fixture(scope="session")
def exificient() -> Iterator[Exificient]:
    """EXIficient with every message set under its name; the test is skipped where it cannot run."""
    reason = wheel.missing()
    if reason:
        pytest.skip(reason)
    found = wheel.find()
    assert found is not None
    with wheel.open_oracle(wheel.unpacked(found)) as oracle:
        yield oracle
