"""The desk's simulation on an emulated board's pins and files: real QEMU (without a CPU), real FUSE."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="mounts FUSE in a mount namespace of its own: needs root"),
    pytest.mark.skipif(
        shutil.which("qemu-system-arm") is None, reason="qemu-system-arm is not installed (make board does)"
    ),
]


def test_pins_and_files_meet_in_one_world(tmp_path: Path) -> None:
    # Mounts and TCP port 7000 in namespaces of their own, so that nothing outside is touched.
    story = [sys.executable, "-m", "tests.plant.story", str(tmp_path)]
    done = subprocess.run(
        ["unshare", "-mn", *story],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT}/src:{ROOT}"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == "the story is told"
