"""Rules of the house that neither the linters nor the import contracts can express."""

from __future__ import annotations

import ast
import tomllib
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "chargectl"
CORES = ("declarations", "pilot", "port", "hmi", "hlc", "update")
WRITERS = {PACKAGE / "declarations" / "reference.py"}
"""Programs that stand beside the data they read and are no part of a core."""
MOST_LINES = 400

NO_CALLS = {"open", "print", "input", "exec", "eval", "__import__"}
NO_METHODS = {"now", "utcnow", "today", "open", "read_text", "write_text", "read_bytes", "write_bytes"}


def core_files() -> list[Path]:
    return sorted({path for room in CORES for path in (PACKAGE / room).rglob("*.py")} - WRITERS)


def forbidden_calls(source: str) -> list[str]:
    """The calls in ``source`` that open, print or ask the clock, as ``line: name``."""
    found = []
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Call(func=ast.Name(id=name)) if name in NO_CALLS:
                found.append(f"{node.lineno}: {name}")
            case ast.Call(func=ast.Attribute(attr=name)) if name in NO_METHODS:
                found.append(f"{node.lineno}: {name}")
    return found


@pytest.mark.parametrize("path", core_files(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_cores_open_nothing_print_nothing_and_ask_no_clock(path: Path) -> None:
    assert forbidden_calls(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "source",
    ["open('x')", "print(1)", "datetime.now(UTC)", "Path('x').read_text()", "f = [date.today() for _ in y]"],
)
def test_a_forbidden_call_is_found(source: str) -> None:
    assert len(forbidden_calls(source)) == 1


def test_allowed_calls_are_not_found() -> None:
    assert forbidden_calls("opened(now_ms)\nreopen.print_all()\nself.now_ms\n") == []


def test_a_file_holds_one_idea() -> None:
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in PACKAGE.rglob("*.py")}
    assert {str(path.relative_to(ROOT)): lines for path, lines in lengths.items() if lines > MOST_LINES} == {}


def project() -> dict[str, dict[str, str]]:
    with (PACKAGE / "pyproject.toml").open("rb") as file:
        found: dict[str, dict[str, str]] = tomllib.load(file)["project"]
    return found


@pytest.mark.parametrize(("command", "target"), sorted(project()["scripts"].items()))
def test_each_command_has_a_function(command: str, target: str) -> None:
    module, _, function = target.partition(":")
    assert callable(getattr(import_module(module), function)), command


def test_the_package_is_typed() -> None:
    assert (PACKAGE / "py.typed").is_file()


def test_every_requirement_is_pinned() -> None:
    for path in sorted((ROOT / "requirements").iterdir()):
        lines = [
            line for line in path.read_text(encoding="utf-8").splitlines() if line[:1] not in {"", "#", "-"}
        ]
        assert lines, path.name
        assert [line for line in lines if "==" not in line] == [], path.name


def test_the_distribution_and_the_requirements_pin_the_same_versions() -> None:
    with (PACKAGE / "pyproject.toml").open("rb") as file:
        declared = tomllib.load(file)["project"]
    wanted = {*declared["dependencies"], *declared["optional-dependencies"]["sim"]}
    pinned = set((ROOT / "requirements" / "run.txt").read_text(encoding="utf-8").splitlines())
    assert wanted <= pinned
