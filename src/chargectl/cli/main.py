"""The ``chargectl`` command: ``chargectl <noun> <verb>``.

A subcommand is a module with ``add_parser(subparsers)`` and ``run(args) -> int``, or with
``own_words(words) -> int`` if it reads the rest of the line by itself. Only the module that is asked for is
imported, so that each command starts as fast as it can.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Final

COMMANDS: Final[dict[str, tuple[str, str]]] = {
    "check": ("chargectl.cli.check", "check the configuration files"),
    "config": ("chargectl.cli.config", "read and change the configuration"),
    "status": ("chargectl.cli.status", "show what the charger does"),
    "health": ("chargectl.cli.health", "tell whether the system is fit for service"),
    "boot": ("chargectl.cli.boot", "steps of the system's start"),
    "update": ("chargectl.cli.update", "show both slots and how updates went"),
    "migrate": ("chargectl.cli.migrate", "carry the owner's files to a new system"),
    "usb": ("chargectl.cli.usb", "process a USB stick"),
    "network": ("chargectl.cli.network", "network files from the configuration"),
    "sim": ("chargectl.cli.sim", "run the simulated board"),
    "v2g": ("chargectl.cli.v2g", "cars and chargers on the desk, captures, certificates"),
}
"""Name of each subcommand, its module, and what it does in a few words."""

OK: Final = 0
FAILED: Final = 1
USAGE: Final = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line; returns the exit code: 0 done, 1 failed, 2 not understood."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    parser = argparse.ArgumentParser(prog="chargectl", description="Look after a charging port.")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    wanted = words[0] if words else ""
    module: ModuleType | None = None
    for name, (path, text) in COMMANDS.items():
        if name != wanted:
            subparsers.add_parser(name, help=text)
            continue
        try:
            module = importlib.import_module(path)
        except ModuleNotFoundError as error:
            if (error.name or "").split(".")[0] not in ("chargectl", "v2g", "v2gexi"):
                raise
            print(f"chargectl: '{name}' is not installed on this machine", file=sys.stderr)
            return USAGE
        if hasattr(module, "own_words"):
            return int(module.own_words(words[1:]))
        module.add_parser(subparsers)
    try:
        options = parser.parse_args(words)
    except SystemExit as stop:  # argparse has printed the help or the mistake
        return int(stop.code or 0)
    if module is None:
        parser.error(f"say one of {', '.join(COMMANDS)} first")
    try:
        return int(module.run(options))
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader (a pager, head) has seen enough; what is still buffered must not raise again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED


if __name__ == "__main__":
    sys.exit(main())
