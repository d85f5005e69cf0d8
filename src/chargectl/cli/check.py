"""``chargectl check``: every problem of the configuration files, with file, line and column."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from chargectl.config.document import Document
from chargectl.config.load import shape_of
from chargectl.config.problem import Problem, Severity
from chargectl.config.store import DIRECTORY
from chargectl.config.validate import validate
from chargectl.declarations.types import ConfigFile

OK, FAILED, USAGE = 0, 1, 2


def add_parser(subparsers: Any) -> None:
    """Declare the subcommand's arguments."""
    parser = subparsers.add_parser(
        "check",
        help="check the configuration files",
        description="Check configuration files. Exit code: 0 without errors (warnings are no errors), "
        "1 with errors, 2 for a wrong command line.",
    )
    parser.add_argument(
        "files", nargs="*", type=Path, metavar="FILE", help="default: all files of the device"
    )
    parser.add_argument(
        "--config-dir", type=Path, default=DIRECTORY, metavar="DIR", help="default: %(default)s"
    )
    parser.add_argument(
        "--as",
        dest="kind",
        choices=[file.value for file in ConfigFile],
        help="which file it is meant to be, when its name does not say",
    )


def run(args: argparse.Namespace) -> int:
    """Print the problems; see the description for the exit code."""
    files = args.files or [args.config_dir / file.value for file in ConfigFile]
    code = OK
    for path in files:
        kind = ConfigFile(args.kind) if args.kind else _kind(path)
        if kind is None:
            names = ", ".join(file.value for file in ConfigFile)
            print(f"{path}: cannot tell which file this is; say --as with one of {names}", file=sys.stderr)
            return USAGE
        try:
            document = Document.read(path, str(path))
        except OSError as error:
            print(f"{path}: error: {error.strerror}")
            code = FAILED
            continue
        problems = validate(document, shape_of(kind)).problems
        for problem in problems:
            print(problem)
        print(_summary(path, problems))
        if any(problem.severity is Severity.ERROR for problem in problems):
            code = FAILED
    return code


def _kind(path: Path) -> ConfigFile | None:
    """``customer.json``, and copies of it such as ``customer.json.shipped`` or ``customer.json.corrupt``."""
    return next((file for file in ConfigFile if path.name.startswith(file.value)), None)


def _summary(path: Path, problems: list[Problem]) -> str:
    errors = sum(problem.severity is Severity.ERROR for problem in problems)
    warnings = len(problems) - errors
    if not problems:
        return f"{path}: no problems"
    return f"{path}: {_count(errors, 'error')}, {_count(warnings, 'warning')}"


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
