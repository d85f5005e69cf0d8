"""The ``v2g`` command: ``v2g <noun>``.

A subcommand is a module with ``add_parser(subparsers)`` and ``run(args) -> int``. Only the module that is
asked for is imported, so that each command starts as fast as it can.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from typing import Final

COMMANDS: Final[dict[str, tuple[str, str]]] = {
    "evse": ("v2g.cli.evse", "be a charger on a network interface"),
    "pev": ("v2g.cli.pev", "be a car on a network interface"),
    "listen": ("v2g.cli.listen", "watch a car and a charger"),
    "decode": ("v2g.cli.decode", "show what a capture file holds"),
    "pki": ("v2g.cli.pki", "make, show and check certificates"),
    "modem": ("v2g.cli.modem", "simulated power line modems between network interfaces"),
}
"""Name of each subcommand, its module, and what it does in a few words."""

OK: Final = 0
FAILED: Final = 1
USAGE: Final = 2


def main(arguments: Sequence[str] | None = None, program: str = "v2g") -> int:
    """Run a command line; returns the exit code: 0 done, 1 failed, 2 not understood."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    parser = argparse.ArgumentParser(prog=program, description="Cars and chargers on the desk.")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    wanted = words[0] if words else ""
    module = None
    for name, (path, text) in COMMANDS.items():
        if name == wanted:
            module = importlib.import_module(path)
            module.add_parser(subparsers)
        else:
            subparsers.add_parser(name, help=text)
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
