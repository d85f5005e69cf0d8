"""Building the emulated board, and testing a real one: what stands in the way is said before it begins."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def shadowed(folder: Path, **programs: str) -> dict[str, str]:
    """The environment, with these programs instead of the machine's own."""
    for name, text in programs.items():
        path = folder / name.replace("_", "-")
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)
    own = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    return {**own, "PATH": f"{folder}:{os.environ['PATH']}", "CHARGECTL_CACHE": str(folder / "cache")}


def make(environment: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", *words], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("target", ["board", "board-image", "board-test", "board-quick", "board-ci"])
def test_a_user_who_may_not_build_is_told_so_first(tmp_path: Path, target: str) -> None:
    user = shadowed(tmp_path, id="echo 1000")
    done = make(user, target, f"VENV={tmp_path}/venv", "BUILT=")
    assert done.returncode
    assert done.stdout == ""
    assert done.stderr.startswith("error: building the emulated board needs root")
    assert f"sudo make {target}\n" in done.stderr
    assert not (tmp_path / "venv").exists()


def test_who_only_tests_a_real_board_builds_nothing(tmp_path: Path) -> None:
    user = shadowed(tmp_path, id="echo 1000")
    done = make(user, "board-root", "ARGS=--serial /dev/ttyUSB0")
    assert (done.returncode, done.stderr) == (0, "")


def test_what_has_been_built_can_be_started(tmp_path: Path) -> None:
    (tmp_path / "card.img").touch()
    done = make(shadowed(tmp_path, id="echo 1000"), "board-root", f"BUILT={tmp_path}/card.img")
    assert (done.returncode, done.stderr) == (0, "")


def test_all_tests_are_run_unless_some_are_named() -> None:
    own = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    for target in ("board-test", "board-quick"):
        assert "pytest tests/target -p" in make(own, "-n", target).stdout.replace("--resume ", "")
        some = make(own, "-n", target, "ARGS=tests/target/test_boot.py -v").stdout
        assert "tests/target " not in some
        assert "tests/target/test_boot.py -v\n" in some


def on_a_real_board(*words: str) -> str:
    """What pytest says about the tests on a board on this serial line, which is none."""
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-rs", *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    return done.stdout + done.stderr


@pytest.mark.parametrize(
    ("module", "why"),
    [
        ("network_update", "needs --host and --bundle"),
        ("rollback", "needs --host and --broken-bundle"),
        ("power", "needs a hand on the board's power, pins or sticks"),
    ],
)
def test_what_is_not_tested_on_a_real_board_is_shown_with_the_reason(module: str, why: str) -> None:
    said = on_a_real_board(f"tests/target/test_{module}.py", "--serial", "/dev/null")
    assert why in said
    assert " passed" not in said


def test_options_of_a_real_board_are_refused_without_one(tmp_path: Path) -> None:
    said = on_a_real_board("tests/target", "--host", "192.0.2.1")
    assert "--host is for a real board: give --serial DEVICE too" in said
    missing = tmp_path / "none.image"
    said = on_a_real_board("tests/target", "--serial", "/dev/null", "--bundle", str(missing))
    assert f"--bundle {missing}: no such file" in said


def test_what_ci_had_no_time_for_is_named(tmp_path: Path) -> None:
    tests = tmp_path / "tests"
    tests.mkdir()
    (tests / "test_it.py").write_text(
        "import pytest\n"
        "def test_one(): pass\n"
        "@pytest.mark.parametrize('n', [1, 2])\n"
        "def test_two(n): pytest.skip('there is no time left, and a reason can be longer than a line is')\n"
    )
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-c", "/dev/null", "-v", "-rs"]
    done = subprocess.run([*command, "tests"], cwd=tmp_path, capture_output=True, text=True, check=True)
    log = tmp_path / "log"
    log.write_text(done.stdout)
    named = subprocess.run([ROOT / ".ci/skipped", log], capture_output=True, text=True, check=True)
    assert named.stdout == "tests/test_it.py::test_two[1] tests/test_it.py::test_two[2]\n"
    log.write_text("tests/test_it.py::test_one PASSED\n")
    assert subprocess.run([ROOT / ".ci/skipped", log], capture_output=True, text=True, check=True).stdout in (
        "",
        "\n",
    )


def apt_source(environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    script = f". {ROOT}/tools/board/common.sh; apt_source trixie deb"
    return subprocess.run(
        ["bash", "-c", script], env=environment, capture_output=True, text=True, check=False
    )


def test_without_a_debian_mirror_the_variable_is_named(tmp_path: Path) -> None:
    done = apt_source(shadowed(tmp_path, apt_get="exit 0"))
    assert done.returncode == 1
    assert done.stderr.startswith("error: no Debian mirror in this machine's APT sources")
    assert "CHARGECTL_DEBIAN_MIRROR" in done.stderr


def test_the_mirror_that_was_named_is_taken(tmp_path: Path) -> None:
    environment = shadowed(tmp_path, apt_get="echo apt-get was asked >&2; exit 1")
    done = apt_source({**environment, "CHARGECTL_DEBIAN_MIRROR": "http://mirror.example/debian/"})
    if "debian-archive-keyring" in done.stderr:
        pytest.skip("debian-archive-keyring is not installed")
    assert done.stdout.startswith("deb [signed-by=")
    assert done.stdout.endswith("] http://mirror.example/debian trixie main\n")
    assert done.stderr == ""
