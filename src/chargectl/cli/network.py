"""``chargectl network``: what customer.json says about the network, as files of systemd-networkd."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path
from typing import Any

from chargectl.config.load import load
from chargectl.config.network import bridge_settings
from chargectl.config.store import BACKUPS, DIRECTORY
from chargectl.declarations.types import ConfigFile
from chargectl.system import networkd

OK, FAILED = 0, 1


def add_parser(subparsers: Any) -> None:
    """Declare the subcommand's arguments."""
    parser = subparsers.add_parser("network", help="network files from the configuration")
    parser.add_argument(
        "--config-dir", type=Path, default=DIRECTORY, metavar="DIR", help="default: %(default)s"
    )
    parser.add_argument(
        "--backup-dir", type=Path, default=BACKUPS, metavar="DIR", help="default: %(default)s"
    )
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    verbs.add_parser("show", help="print what would be written for br0")
    change = verbs.add_parser("apply", help="write it, or remove what is not wanted any more")
    change.add_argument(
        "--network-dir", type=Path, default=networkd.DIRECTORY, metavar="DIR", help="default: %(default)s"
    )
    change.add_argument("--reload", action="store_true", help="let a running networkd take up a change")


def run(args: argparse.Namespace) -> int:
    """Carry out the verb; returns the exit code."""
    configurations, _ = load(args.config_dir, args.backup_dir)
    settings = bridge_settings(configurations[ConfigFile.CUSTOMER])
    for path, message in settings.problems:
        print(f"{ConfigFile.CUSTOMER.value}: {path}: {message}", file=sys.stderr)
    if args.verb == "show":
        print(networkd.text_of(settings), end="")
        return OK
    try:
        changed = networkd.apply(settings, args.network_dir)
    except OSError as error:
        print(f"{error.filename}: {error.strerror}; the network keeps its former settings", file=sys.stderr)
        return FAILED
    if changed and args.reload:
        try:
            networkd.reload()
        except (OSError, subprocess.SubprocessError) as error:
            print(f"networkd does not take up the change: {error}", file=sys.stderr)
            return FAILED
    return OK
