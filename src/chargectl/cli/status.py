"""``chargectl status``: what the port does, read from the topics that the broker keeps."""

from __future__ import annotations

import argparse
import json
import sys
import time
from typing import TYPE_CHECKING, Any

from chargectl.cli.status_text import as_json, lines, plain, status_of

if TYPE_CHECKING:
    from chargectl.cli.status_reader import Reader

OK, FAILED, OFFLINE = 0, 1, 3

_CLEAR = "\x1b[H\x1b[2J"


def add_parser(subparsers: Any) -> None:
    """Declare the subcommand's arguments."""
    parser = subparsers.add_parser(
        "status",
        help="show what the charger does",
        description="Show what the charging port does. Exit code: 0 shown, 1 the broker is not reachable, "
        "3 portd is offline.",
    )
    parser.add_argument("--json", action="store_true", help="for programs; with --watch one object per line")
    parser.add_argument("--watch", action="store_true", help="go on and show every change")
    parser.add_argument("--host", default="localhost", help="MQTT broker (default: %(default)s)")
    parser.add_argument("--port", type=_port, default=1883, help="its port (default: %(default)s)")


def run(args: argparse.Namespace) -> int:
    """Show the status; see the description for the exit code."""
    from chargectl.cli.status_reader import BrokerError, Reader

    try:
        with Reader(args.host, args.port) as reader:
            _show(reader, as_line=args.watch, as_json_=args.json)
            if args.watch:
                _watch(reader, as_json_=args.json)
            return OK if status_of(reader.values).online else OFFLINE
    except BrokerError as error:
        print(f"chargectl status: {error}", file=sys.stderr)
        return FAILED


def _show(reader: Reader, *, as_line: bool, as_json_: bool) -> None:
    if as_json_:
        print(
            json.dumps(as_json(reader.values), indent=None if as_line else 2, ensure_ascii=False), flush=True
        )
    elif as_line and sys.stdout.isatty():
        print(_CLEAR + "\n".join(lines(reader.values)), flush=True)
    else:
        print("\n".join(lines(reader.values)), flush=True)


def _watch(reader: Reader, *, as_json_: bool) -> None:
    """Show every change until the broker is gone or the user has seen enough."""
    redraw = as_json_ or sys.stdout.isatty()
    before = status_of(reader.values)
    for path, value in reader.changes():
        if redraw:
            _show(reader, as_line=True, as_json_=as_json_)
            continue
        now = time.strftime("%H:%M:%S")
        print(f"{now}  {path} {json.dumps(plain(value), ensure_ascii=False)}", flush=True)
        status = status_of(reader.values)
        if (status.text, status.errors) != (before.text, before.errors):
            codes = ", ".join(error.code for error in status.errors)
            print(f"{now}  {status.text}{f' ({codes})' if codes else ''}", flush=True)
        before = status


def _port(text: str) -> int:
    number = int(text) if text.isdecimal() else 0
    if not 0 < number < 65536:
        raise argparse.ArgumentTypeError(f"{text!r}: 1 to 65535 is allowed")
    return number
