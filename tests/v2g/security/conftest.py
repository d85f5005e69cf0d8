"""The test PKIs of both standards, made once."""

from __future__ import annotations

import pytest

from tests.v2g.security.rig import NOON, Pki, write_pki
from v2g.security.profiles import Generation


@pytest.fixture(scope="session")
def pki2(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    """Valid from a day before NOON."""
    return write_pki(tmp_path_factory.mktemp("pki") / "iso2", Generation.ISO2, start=NOON.replace(day=20))


@pytest.fixture(scope="session")
def pki20(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    return write_pki(tmp_path_factory.mktemp("pki") / "iso20", Generation.ISO20, start=NOON.replace(day=20))
