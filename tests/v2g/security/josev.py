"""The oracle of josev_oracle.py, asked from a test."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.v2gexi.josev_rig import ROOT, interpreter

ORACLE = Path(__file__).with_name("josev_oracle.py")


def ask(question: dict[str, Any]) -> Any:
    """Its answer; skips the test where the package is not installed."""
    python = interpreter()
    if not python.exists():
        pytest.skip(f"no iso15118 package at {python}: make josev, or its interpreter's path in V2GEXI_JOSEV")
    done = subprocess.run(
        [str(python), str(ORACLE)],
        input=json.dumps(question),
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(ROOT / "src"), "PATH": "/usr/bin:/bin"},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])
