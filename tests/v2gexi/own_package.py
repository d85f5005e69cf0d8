"""The package v2gexi with message sets of one's own, as docs/exi-tables.md says; and its C code alone."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
import tomllib
from pathlib import Path

import pytest

import v2gexi

PACKAGE = Path(v2gexi.__file__).parent


def compile_with(package: Path, target: Path, *more: str, binding: bool = False) -> Path:
    """The engine of a package, with the binding for Python or without."""
    compiler = shutil.which("gcc")
    if compiler is None:
        pytest.skip("compiling needs gcc")
    project = tomllib.loads((package / "pyproject.toml").read_text())
    sources = project["tool"]["setuptools"]["ext-modules"][0]["sources"]
    engine = [str(package / each) for each in sources if binding or not each.startswith("c/python_")]
    flags = ["-std=c11", "-Wall", "-Wextra", "-Werror", f"-I{package}/c", f"-I{package}/c/include"]
    subprocess.run([compiler, *flags, *engine, *more, "-o", str(target)], check=True)
    return target


def package_with(folder: Path, **schemas: Path) -> None:
    """A copy of the package in ``folder`` that knows just these message sets, each of its XSD file."""
    package = folder / "v2gexi"
    shutil.copytree(PACKAGE, package, ignore=shutil.ignore_patterns("*.so", "__pycache__", ".*"))
    sets = [option for name, xsd in schemas.items() for option in ("--set", f"{name}={xsd}")]
    generate = [sys.executable, "-m", "generate", *sets, "--out", "."]
    subprocess.run(generate, cwd=package, check=True, capture_output=True)
    include = f"-I{sysconfig.get_path('include')}"
    flags = ("-shared", "-fPIC", "-fvisibility=hidden", include)
    compile_with(package, package / "_core.so", *flags, binding=True)


def run_with(folder: Path, program: str, text: str = "") -> str:
    """What a Python program prints that imports the package in ``folder``; ``text`` is its input."""
    done = subprocess.run(
        [sys.executable, "-c", program],
        input=text,
        env={"PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert not done.stderr
    return done.stdout
