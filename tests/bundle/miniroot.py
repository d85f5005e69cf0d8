"""A small root file system that really runs: a shell, Python and chargectl of this checkout, some tools."""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from tests.rauc_rig import which

REPOSITORY = Path(__file__).parents[2]
_WITHOUT = (
    "test",
    "idlelib",
    "tkinter",
    "lib2to3",
    "ensurepip",
    "distutils",
    "site-packages",
    "turtledemo",
    "asyncio",
    "xml",
    "unittest",
    "multiprocessing",
    "pydoc_data",
    "dist-packages",
    "email",
    "http",
    "curses",
    "sqlite3",
    "concurrent",
    "dbm",
    "wsgiref",
)
"""Parts of the standard library that no part of chargectl imports, by far its largest ones."""

_EXTENSIONS: tuple[str, ...] = (
    "_json",
    "_posixsubprocess",
    "_struct",
    "math",
    "fcntl",
    "select",
    "_blake2",
    "_sha2",
    "_md5",
    "_random",
)
_EXTENSIONS += (
    "_sha1",
    "_sha256",
    "_sha512",
    "_sha3",
    "_datetime",
    "_heapq",
    "_bisect",
    "array",
    "zlib",
    "_zoneinfo",
)
"""Extension modules that are kept where the interpreter does not have them built in."""


@functools.cache
def libraries(program: str) -> tuple[str, ...]:
    """The files that the dynamic linker loads for a program."""
    said = subprocess.run(["ldd", program], capture_output=True, text=True, check=False).stdout
    return tuple(re.findall(r"(/\S+) \(0x", said))


def add_program(root: Path, program: str, place: str = "") -> None:
    """Copy a program of this machine and its libraries into a root."""
    source = which(program)
    assert source is not None, f"{program} is missing on this machine"
    for path in (source, *libraries(source)):
        target = root / (place if place and path == source else path).lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.exists():
            shutil.copy(os.path.realpath(path), target)


@functools.cache
def _interpreter() -> tuple[str, Path]:
    """The system's Python where chargectl runs with it (it is the smaller one), else that of the tests."""
    ask = "import os, sys; print(sys.version_info >= (3, 11), os.path.realpath(sys.executable), os.__file__)"
    for program in ("/usr/bin/python3", sys.executable):
        if os.path.exists(program):
            said = subprocess.run([program, "-S", "-c", ask], capture_output=True, text=True, check=True)
            fits, path, library = said.stdout.split()
            if fits == "True":
                return path, Path(library).parent
    raise AssertionError("no Python of at least 3.11")


def add_python(root: Path) -> None:
    """Copy an interpreter, its library, and chargectl as /usr/bin/chargectl."""
    interpreter, library = _interpreter()
    add_program(root, interpreter)
    target = root / str(library).lstrip("/")

    def extension(name: str) -> bool:
        return name.endswith(".so") and name.split(".", maxsplit=1)[0] not in _EXTENSIONS

    def unwanted(folder: str, names: list[str]) -> list[str]:
        top = Path(folder) == library
        return [
            name
            for name in names
            if name == "__pycache__"
            or extension(name)
            or (top and (name in _WITHOUT or name.startswith("config-")))
        ]

    shutil.copytree(library, target, ignore=unwanted, dirs_exist_ok=True)
    for module in (target / "lib-dynload").glob("*.so"):
        for path in libraries(str(module)):
            copy = root / path.lstrip("/")
            if not copy.exists():
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(os.path.realpath(path), copy)
    packages = root / "usr/lib/chargectl-python"
    shutil.copytree(
        REPOSITORY / "src/chargectl", packages / "chargectl", ignore=shutil.ignore_patterns("__pycache__")
    )
    start = root / "usr/bin/chargectl"
    start.parent.mkdir(parents=True, exist_ok=True)
    start.write_text(
        "#!/bin/sh\n"
        f"PYTHONPATH=/usr/lib/chargectl-python PYTHONDONTWRITEBYTECODE=1 exec {interpreter} "
        '-S -c "import sys; from chargectl.cli.main import main; sys.exit(main())" "$@"\n'
    )
    start.chmod(0o755)
