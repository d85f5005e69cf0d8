"""What the tests of the image's files share."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

OVERLAYS = Path(__file__).parents[2] / "overlays"


@pytest.fixture(scope="session")
def overlays() -> Path:
    """The folder in the checkout."""
    return OVERLAYS


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which the files for the board were put; not to be changed."""
    destination = tmp_path_factory.mktemp("installed")
    subprocess.run(["sh", str(OVERLAYS / "install"), str(destination), "charge-control-c"], check=True)
    return destination


@pytest.fixture
def as_root() -> None:
    """For tests that mount or give files away."""
    if os.geteuid() != 0:
        pytest.skip("needs root: mounts, or files of several users")
