"""What stays in memory."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

STORY = """
import ctypes, resource, sys
from chargectl.system.memory import stay_in_memory
if sys.argv[1] == "drop":
    import os
    resource.setrlimit(resource.RLIMIT_MEMLOCK, (0, 0))
    os.setgid(65534); os.setuid(65534)
kept = stay_in_memory()
locked = [line.split()[1] for line in open("/proc/self/status") if line.startswith("VmLck")]
print(kept, int(locked[0]) > 1000)
"""


def told(rights: str) -> tuple[str, str]:
    done = subprocess.run([sys.executable, "-c", STORY, rights], capture_output=True, text=True, check=True)
    return done.stdout.strip(), done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="locking memory needs root, or a limit that is seldom set")
def test_pages_are_locked() -> None:
    assert told("keep")[0] == "True True"


@pytest.mark.skipif(os.geteuid() != 0, reason="gives up root")
def test_without_permission_it_says_so_and_goes_on() -> None:
    said, complaint = told("drop")
    assert said == "False False"
    assert "is LimitMEMLOCK= set?" in complaint
