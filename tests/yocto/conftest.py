"""What the tests of the Yocto layer share.

Their tools are those of requirements/yocto.txt (`make yocto-tools`).
"""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]
MACHINES = ("charge-control-c", "charge-control-c-qemu")


def need(module):
    """Skip where a tool is not installed."""
    if importlib.util.find_spec(module) is None:
        pytest.skip(f"{module} is not installed: make yocto-tools")


def bitbake(build, machine, command, *names, distro="chargectl", **settings):
    """What tests/yocto/bitbake.py tells."""
    need("bb")
    done = subprocess.run(
        [sys.executable, str(TOP / "tests/yocto/bitbake.py"), str(build), machine, distro, command, *names],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env=os.environ | settings,
    )
    assert done.returncode == 0, done.stderr + done.stdout
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="session", params=MACHINES)
def machine(request):
    return request.param


@pytest.fixture(scope="session")
def recipes(machine, tmp_path_factory):
    """Every recipe of the layer as BitBake reads it for that machine."""
    return bitbake(tmp_path_factory.mktemp("parse"), machine, "parse")
