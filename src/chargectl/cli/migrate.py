"""``chargectl migrate``: carry the owner's files from the running system to a new one."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

OK, FAILED = 0, 1


def add_parser(subparsers: Any) -> None:
    """Declare the subcommand's arguments."""
    parser = subparsers.add_parser(
        "migrate",
        help="carry the owner's files to a new system",
        description="Run by an update's hook inside the new slot, and by its first start with --late.",
    )
    parser.add_argument(
        "--from", dest="old", type=Path, required=True, metavar="ROOT", help="the old system's root"
    )
    parser.add_argument(
        "--to", dest="new", type=Path, default=Path("/"), metavar="ROOT", help="default: %(default)s"
    )
    parser.add_argument(
        "--late",
        action="store_true",
        help="only what changed in the old system after the install; done once",
    )


def run(args: argparse.Namespace) -> int:
    """Carry, say what happened; 1 when the new system must not be used as it is."""
    from chargectl.system.migration import MigrationError, install, late

    try:
        notes = (late if args.late else install)(args.old, args.new)
    except MigrationError as error:
        print(f"chargectl migrate: {error}", file=sys.stderr)
        return FAILED
    for note in notes:
        print(note)
    return OK
