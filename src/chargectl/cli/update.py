"""``chargectl update``: both slots and how updates went."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from chargectl.cli.update_text import Report, as_json, lines
from chargectl.system.bootloader import read_bootloader
from chargectl.system.boots import PATH as BOOTS
from chargectl.system.boots import BootHistory, running_slot
from chargectl.system.rauc import SYSTEM_BUS, Rauc, RaucError, Slot
from chargectl.system.release import PATH as RELEASE
from chargectl.system.release import ReleaseError, read_release
from chargectl.system.slot_release import version_in
from chargectl.system.update_record import DIRECTORY, NAME, RecordFile
from chargectl.update.history import rolled_back

OK, FAILED = 0, 1


def add_parser(subparsers: Any) -> None:
    """Declare the subcommand's arguments."""
    parser = subparsers.add_parser("update", help="show both slots and how updates went")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    status = verbs.add_parser(
        "status",
        help="both slots, which one starts next, the last rollback and the last update",
        description="Show both slots, which one starts next, the last rollback and the last update. "
        "Exit code: 0 shown, 1 RAUC could not be asked (the rest is shown).",
    )
    add = status.add_argument
    add("--json", action="store_true", help="for programs")
    add("--bus", default=SYSTEM_BUS, metavar="ADDRESS", help="D-Bus on which RAUC is found (%(default)s)")
    add("--boots", type=Path, default=BOOTS, metavar="FILE", help="history of boots (%(default)s)")
    add("--release", type=Path, default=RELEASE, metavar="FILE", help="what image runs (%(default)s)")
    add("--download-dir", type=Path, default=DIRECTORY, metavar="DIR", help="updated's folder (%(default)s)")


def run(args: argparse.Namespace) -> int:
    """Show the status; see the description for the exit code."""
    error = booted = primary = compatible = ""
    slots: tuple[Slot, ...] = ()
    installing = False
    try:
        rauc = Rauc(args.bus)
        booted, compatible = rauc.booted(), rauc.compatible()
        installing = rauc.installing()
        if not installing:
            slots, primary = rauc.slots(), rauc.primary()
    except RaucError as refused:
        error = str(refused)
    bootloader = read_bootloader() if slots else None
    report = Report(
        booted=booted or _slot_of_kernel(),
        primary=primary,
        compatible=compatible,
        version=_version(args.release),
        installing=installing,
        slots=slots,
        found={
            slot.bootname: version_in(slot.device) for slot in slots if slot.complete and not slot.version
        },
        tries_left={} if bootloader is None else bootloader.left,
        rollback=rolled_back(BootHistory(args.boots).read()),
        record=RecordFile(args.download_dir / NAME).read(),
    )
    if args.json:
        print(json.dumps(as_json(report), indent=2, ensure_ascii=False))
    else:
        print("\n".join(lines(report)))
    if error:
        print(f"chargectl update: {error}", file=sys.stderr)
        return FAILED
    return OK


def _slot_of_kernel() -> str:
    try:
        return running_slot()
    except OSError:
        return ""


def _version(path: Path) -> str:
    try:
        return read_release(path).version
    except ReleaseError as error:
        print(f"chargectl update: {error}", file=sys.stderr)
        return ""
