"""What the tests of captures share."""

from __future__ import annotations

import pytest

from tests.v2g.capture.recordings import Builder


@pytest.fixture
def build(tmp_path):
    """A capture to be built."""
    return Builder(tmp_path / "built.pcapng")
