"""What the tests of the guard share."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.guard.rig import ROOT, Station


@pytest.fixture(scope="session")
def micropython() -> str:
    """The path of a real MicroPython."""
    found = subprocess.run([ROOT / "tools" / "micropython.sh"], capture_output=True, text=True, check=False)
    if found.returncode != 0:
        said = found.stderr.strip()
        if os.environ.get("CI"):
            pytest.fail(said, pytrace=False)
        pytest.skip(said)
    return found.stdout.strip()


@pytest.fixture
def station(sim_namespace: None, micropython: str, tmp_path: Path) -> Iterator[Station]:
    """A board with a watchdog and a service manager; neither portd nor the guard run yet."""
    if os.geteuid() != 0:
        pytest.skip("the guard's tests mount a watchdog device and enter the board's namespace: run as root")
    running = Station(tmp_path, micropython)
    yield running
    running.close()
