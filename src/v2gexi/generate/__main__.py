"""`python -m v2gexi.generate`: XSD files in, tables.c, names.h and the Python modules out.

- ``--schemas PLACE`` reads the published message sets and writes the files of this package; with
  ``--check`` it only says which would change.
- ``--set NAME=FILE --out FOLDER`` reads other message sets.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from .model import MessageSet
from .sets import PUBLISHED
from .source import Files, GenerateError
from .tables import Tables
from .write_c import tables_c
from .write_names import names_h
from .write_python import Stubs, module, module_name
from .xsd import read_set

_PACKAGE: Final = Path(__file__).resolve().parent.parent
_BYTES: Final = {
    "productions": 4, "states": 4, "particles": 10, "types": 14, "values": 32, "slots": 10, "names": 4,
    "partition_names": 2, "enum_values": 2,
}  # fmt: skip


def read_sets(schemas: Path | None, own: Sequence[str]) -> list[MessageSet]:
    """The message sets: the published ones below `schemas`, and own ones given as NAME=FILE.

    Raises GenerateError with the problems of all of them.
    """
    wanted: list[tuple[str, Files, str]] = []
    problems: list[str] = []
    if schemas is not None:
        if not schemas.exists():
            raise GenerateError([f"{schemas}: no such folder or wheel"])
        files = Files(schemas)
        for name, main in PUBLISHED.items():
            found = files.find(main)
            if found is None:
                problems.append(f"{schemas}: {main} of message set {name} is not there")
            else:
                wanted.append((name, files, found))
    for text in own:
        name, equals, main = text.partition("=")
        if not equals or not re.fullmatch("[a-z][a-z0-9-]*", name):
            problems.append(
                f"--set {text}: NAME=FILE.xsd is expected, NAME of small letters, digits and hyphens"
            )
        elif not Path(main).is_file():
            problems.append(f"--set {text}: no such file")
        else:
            wanted.append((name, Files(Path()), Path(main).as_posix()))
    found_sets: list[MessageSet] = []
    for name, files, main in wanted:
        try:
            found_sets.append(read_set(name, files, main))
        except GenerateError as error:
            problems += [line for line in error.problems if line not in problems]
    if problems:
        raise GenerateError(problems)
    return found_sets


def generate(tables: Tables) -> dict[str, str]:
    """All generated files: path below the package, and text."""
    stubs = Stubs(tables)
    files = {"c/tables.c": tables_c(tables), "c/names.h": names_h(tables)}
    for row in tables.sets:
        files[f"{module_name(row.name)}.py"] = module(row)
        files[f"{module_name(row.name)}.pyi"] = stubs.stub(row)
    return files


def sizes(tables: Tables) -> str:
    """What the tables take up, in one line."""
    found = {name: each * len(getattr(tables, name)) for name, each in _BYTES.items()}
    found["strings"] = sum(len(text.encode()) + 1 for text in tables.strings)
    parts = ", ".join(f"{name.replace('_', ' ')} {size}" for name, size in found.items())
    return f"{sum(found.values())} bytes of read-only data: {parts}"


def _differing(files: dict[str, str], folder: Path) -> list[str]:
    return [
        name
        for name, text in files.items()
        if not (folder / name).is_file() or (folder / name).read_text(encoding="utf-8") != text
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line. Returns 1 for problems and, with --check, differences."""
    parser = argparse.ArgumentParser(
        "v2gexi.generate", description="Makes v2gexi's tables and modules from XSD files."
    )
    parser.add_argument(
        "--schemas", type=Path, metavar="PLACE", help="folder or wheel with the published schemas"
    )
    parser.add_argument(
        "--set", action="append", default=[], metavar="NAME=FILE", help="a message set: its main XSD file"
    )
    parser.add_argument(
        "--out", type=Path, help="where the files go (with --set; without, the package itself)"
    )
    parser.add_argument(
        "--check", action="store_true", help="write nothing, name the files that would change"
    )
    given = parser.parse_args(arguments)
    if given.schemas is None and not given.set:
        parser.error("--schemas or --set is needed")
    if given.set and given.out is None:
        parser.error("--set needs --out: the package's own tables are those of the published message sets")
    folder = given.out or _PACKAGE
    try:
        tables = Tables(read_sets(given.schemas, given.set))
        files = generate(tables)
    except GenerateError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    differing = _differing(files, folder)
    if given.check:
        for name in differing:
            sys.stderr.write(f"{folder / name} is not what the schemas say: generate it again\n")
        return 1 if differing else 0
    for name in differing:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(files[name], encoding="utf-8")
    sys.stdout.write(f"{len(differing)} of {len(files)} files changed; {sizes(tables)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
