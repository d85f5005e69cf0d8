"""``chargectl sim``: try the firmware on a simulated board, and talk to a running one."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from chargectl.sim.__main__ import add_talkers, talk
from chargectl.sim.client import SimError
from chargectl.sim.lines import VARIANT_STRAPS

FAILED = 1
FASTEST = 10
"""Times real time, at most."""


def add_parser(subparsers: Any) -> None:
    """Declare the subcommand's arguments."""
    parser = subparsers.add_parser("sim", help="run the simulated board")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    run_ = verbs.add_parser(
        "run",
        help="start a broker, configd, portd and a simulated board with a car",
        description="Start a broker, a simulated board with a car, configd and portd. At a terminal: a live "
        "screen. Without one, or with --script: a whole charging session, step by step. Exit code: 0 the "
        "user quit, or every step was seen on MQTT and on the pins; 1 a step was missed or something could "
        "not run; 130 interrupted.",
    )
    add = run_.add_argument
    add("--script", action="store_true", help="play the session also at a terminal")
    add(
        "--patience",
        type=_factor,
        default=1.0,
        metavar="FACTOR",
        help="of the deadlines of --script; default: %(default)g",
    )
    add("--variant", type=int, default=200, choices=sorted(VARIANT_STRAPS), help="default: %(default)s")
    add(
        "--rotary",
        type=_rotary,
        default=0xB,
        metavar="0..F",
        help="rotary switch; default: B (16 A, 3 phases)",
    )
    add(
        "--speed",
        type=_speed,
        default=1.0,
        metavar="FACTOR",
        help="of board and car, times real time; the firmware keeps real time; default: %(default)g",
    )
    add(
        "--config",
        type=Path,
        metavar="FILE",
        help="a customer.json instead of the demonstration's; it is copied",
    )
    add(
        "--options",
        type=_options,
        default={},
        metavar="JSON",
        help="further options of the board and the car",
    )
    add(
        "--iso15118",
        action="store_true",
        help="station and car speak ISO 15118-2 over a simulated power line, in a network of their own",
    )
    add_talkers(verbs)


def run(args: argparse.Namespace) -> int:
    """Carry out the verb; returns the exit code."""
    if args.verb == "run":
        from chargectl.sim.demo_run import run as run_demonstration
        from chargectl.sim.stage import StagePlan

        plan = StagePlan(
            args.variant, args.rotary, args.speed, args.config, args.options, digital=args.iso15118
        )
        return run_demonstration(plan, script=args.script, patience=args.patience)
    try:
        return talk(args)
    except (SimError, ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return FAILED


def _rotary(text: str) -> int:
    try:
        position = int(text, 16)
    except ValueError:
        position = -1
    if not 0 <= position <= 15:
        raise argparse.ArgumentTypeError(f"{text!r}: 0 to 9 and A to F are allowed")
    return position


def _speed(text: str) -> float:
    speed = _factor(text)
    # Slower, an RCD test takes longer than portd waits; much faster, the lock's capacitor is empty too soon.
    if not 1 <= speed <= FASTEST:
        raise argparse.ArgumentTypeError(f"{text!r}: a number from 1 to {FASTEST} is allowed")
    return speed


def _factor(text: str) -> float:
    try:
        factor = float(text)
    except ValueError:
        factor = 0.0
    if not 0 < factor <= 1000:
        raise argparse.ArgumentTypeError(f"{text!r}: a number above 0, at most 1000, is allowed")
    return factor


def _options(text: str) -> dict[str, Any]:
    try:
        options = json.loads(text)
    except ValueError:
        options = None
    if not isinstance(options, dict):
        raise argparse.ArgumentTypeError(f'{text!r}: a JSON object is allowed, such as {{"cable_a": 20}}')
    return options
