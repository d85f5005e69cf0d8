"""``chargectl health``: whether the system is fit for service.

Decides at each start whether the slot is marked good, so it looks at everything that must work before the old
slot may be given up: the daemons, the control loop, the port, the broker, the disks. What is judged how is in
``chargectl.update.health``.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from chargectl.system import health as system
from chargectl.system.heartbeat import DEFAULT_PATH
from chargectl.system.units import TARGET, Units, UnitsError
from chargectl.update.health import (
    Check,
    Unit,
    as_json,
    healthy,
    judge_disk,
    judge_heartbeat,
    judge_port,
    judge_presence,
    judge_units,
)

OK, FAILED = 0, 1

BOOT_WAIT_S: Final = 120
"""How long the check at boot waits: the service manager gives a service 90 s to become ready, and one that is
started again in between needs some more. The guard waits longer before it resets the board."""
LONGEST_WAIT_S: Final = 3600
OBSERVE_S: Final = 2.0
"""Time between two looks: 100 cycles of the control loop. A service that ends right after it was ready is
seen, too."""
PAUSE_S: Final = 1.0
"""Between two attempts while waiting."""

NOT_YET: Final = (Check("daemons", ("are not up yet",)),)

ServiceState = tuple[Unit, tuple[Unit, ...]]


def add_parser(subparsers: Any) -> None:
    """Declare the subcommand's arguments."""
    parser = subparsers.add_parser(
        "health",
        help="tell whether the system is fit for service",
        description="Check that the daemons are up, the port is safe, the broker answers and the disks can "
        "be written. Exit code: 0 all is well, 1 something is wrong.",
    )
    parser.add_argument(
        "--wait",
        type=_seconds,
        nargs="?",
        const=BOOT_WAIT_S,
        default=0,
        metavar="SECONDS",
        help="try again until all is well, at most this long (without a number: %(const)s)",
    )
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.add_argument("--host", default="localhost", help="MQTT broker (default: %(default)s)")
    parser.add_argument("--port", type=_port, default=1883, help="its port (default: %(default)s)")
    parser.add_argument(
        "--heartbeat", type=Path, default=DEFAULT_PATH, metavar="FILE", help="portd's (default: %(default)s)"
    )


def run(args: argparse.Namespace) -> int:
    """Check, print the result and leave it in health.json; see the description for the exit code."""
    deadline = time.monotonic() + args.wait
    while True:
        last = time.monotonic() + PAUSE_S >= deadline
        checks = _attempt(args, last=last)
        if last or healthy(checks):
            break
        time.sleep(PAUSE_S)
    # Only the superuser's result is one that the boot may be judged by.
    if os.geteuid() == 0:
        try:
            system.write_result(checks, system.RESULT)
        except OSError as error:
            print(f"chargectl health: {system.RESULT}: {error.strerror}", file=sys.stderr)
    if args.json:
        print(json.dumps(as_json(checks), indent=2, ensure_ascii=False))
    else:
        print("\n".join(_lines(checks)))
    return OK if healthy(checks) else FAILED


def _attempt(args: argparse.Namespace, *, last: bool) -> tuple[Check, ...]:
    """Look at everything once; unless it is the last time, only when the services are up."""
    started = time.monotonic()
    beat = system.beat(args.heartbeat)
    # The processor has better things to do than to look at what cannot be complete yet. portd beats last
    # of all, and asking the service manager starts two programs.
    if not last and beat is None:
        return NOT_YET
    before = _services()
    if not last and _judge(before, before):
        return NOT_YET
    port, broker = _messages(args.host, args.port)
    disks = [problem for path in system.DIRECTORIES for problem in judge_disk(system.probe(path))]
    time.sleep(max(0.0, started + OBSERVE_S - time.monotonic()))
    heartbeat = judge_heartbeat(beat, system.beat(args.heartbeat))
    return (
        Check("daemons", tuple(_judge(before, _services()))),
        Check("heartbeat", tuple(heartbeat)),
        Check("broker", tuple(broker)),
        Check("port", tuple(port)),
        Check("disk", tuple(disks)),
    )


def _services() -> ServiceState | str:
    """The target and its units; what went wrong in words when the service manager does not tell."""
    units = Units()
    try:
        names = units.members(TARGET)
        target, *members = units.show((TARGET, *names))
    except UnitsError as error:
        return str(error)
    return target, tuple(members)


def _judge(before: ServiceState | str, after: ServiceState | str) -> list[str]:
    if isinstance(after, str):
        return [after]
    return judge_units(after[0], after[1] if isinstance(before, str) else before[1], after[1])


def _messages(host: str, port: int) -> tuple[list[str], list[str]]:
    """What is wrong with the port and with the broker."""
    from chargectl.cli.health_broker import ask
    from chargectl.cli.status_reader import BrokerError

    try:
        values = ask(host, port)
    except BrokerError as error:
        return ["its state is not known without the broker"], [str(error)]
    return judge_port(values), judge_presence(values)


def _lines(checks: Sequence[Check]) -> list[str]:
    """One line for each problem, one for each check without any."""
    lines = []
    for check in checks:
        lines += [f"failed  {check.name}: {problem}" for problem in check.problems] or [
            f"ok      {check.name}"
        ]
    return lines


def _seconds(text: str) -> int:
    if not text.isdecimal() or int(text) > LONGEST_WAIT_S:
        raise argparse.ArgumentTypeError(f"{text!r}: 0 to {LONGEST_WAIT_S} is allowed")
    return int(text)


def _port(text: str) -> int:
    number = int(text) if text.isdecimal() else 0
    if not 0 < number < 65536:
        raise argparse.ArgumentTypeError(f"{text!r}: 1 to 65535 is allowed")
    return number
