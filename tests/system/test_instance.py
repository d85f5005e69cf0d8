"""One process at a time."""

import os
import subprocess
import sys

import pytest

from chargectl.system.instance import Instance, TakenError


def test_a_second_holder_is_refused_and_told_who_the_first_is(tmp_path):
    held = Instance(tmp_path / "run" / "portd.lock")
    with pytest.raises(TakenError, match=f"held by process {os.getpid()}"):
        Instance(tmp_path / "run" / "portd.lock")
    held.release()
    Instance(tmp_path / "run" / "portd.lock").release()


def test_a_killed_holder_leaves_no_lock_behind(tmp_path):
    lock = tmp_path / "portd.lock"
    program = (
        "import os, signal; from pathlib import Path; from chargectl.system.instance import Instance\n"
        f"held = Instance(Path({str(lock)!r})); os.kill(os.getpid(), signal.SIGKILL)"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    assert subprocess.run([sys.executable, "-c", program], env=environment, check=False).returncode == -9
    Instance(lock).release()
