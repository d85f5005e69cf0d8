"""Run a simulated board, or talk to a running one.

``serve`` mounts the board over ``/sys`` for itself and the command it runs; ``do``, ``fault``, ``clear``,
``state``, ``actions`` and ``faults`` talk to its control socket.
"""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from chargectl.sim.actions import ACTIONS
from chargectl.sim.client import SimClient, SimError
from chargectl.sim.faults import FAULTS
from chargectl.sim.lines import VARIANT_STRAPS
from chargectl.sim.namespace import UnavailableError
from chargectl.sim.options import Options
from chargectl.sim.serve import Loop, Plan


def parser() -> argparse.ArgumentParser:
    """The command line's grammar."""
    top = argparse.ArgumentParser(prog="python -m chargectl.sim", description=__doc__)
    nouns = top.add_subparsers(dest="verb", required=True)

    serve = nouns.add_parser("serve", help="run a board, and a command that sees it")
    serve.add_argument("--socket", required=True, help="path of the control socket")
    serve.add_argument("--variant", type=int, default=200, choices=sorted(VARIANT_STRAPS))
    serve.add_argument("--rotary", type=lambda text: int(text, 16), default=0xB, metavar="0..F")
    serve.add_argument("--lock", default="EV-T2M3S-E-LOCK12V", help="lock type, or none")
    serve.add_argument("--options", type=json.loads, default={}, metavar="JSON", help="any further options")
    serve.add_argument(
        "--virtual-time", action="store_true", help="time passes only when told over the socket"
    )
    serve.add_argument("--speed", type=float, default=1.0, help="times real time (default 1)")
    serve.add_argument(
        "--inherit-namespace",
        action="store_true",
        help="mount in the private namespace of the parent process, so that it sees the board",
    )
    serve.add_argument("command", nargs="*", metavar="COMMAND", help="after --: what to run in the board")

    add_talkers(nouns)
    return top


def add_talkers(nouns: Any) -> None:
    """Add the verbs that talk to a running board, or tell what can be said to it; see :func:`talk`."""
    do = nouns.add_parser("do", help="perform an action")
    do.add_argument("action", choices=sorted(ACTIONS), metavar="ACTION")
    do.add_argument("arguments", nargs="*", metavar="NAME=VALUE")
    fault = nouns.add_parser("fault", help="inject a fault")
    fault.add_argument("name")
    clear = nouns.add_parser("clear", help="remove a fault, or all")
    clear.add_argument("name", nargs="?")
    state = nouns.add_parser("state", help="show the state as JSON")
    for talker in (do, fault, clear, state):
        talker.add_argument("--socket", required=True, help="path of the control socket")
    nouns.add_parser("actions", help="list the actions")
    nouns.add_parser("faults", help="list the forms of a fault's name")


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit code."""
    chosen = parser().parse_args(arguments)
    try:
        return _serve(chosen) if chosen.verb == "serve" else talk(chosen)
    except (UnavailableError, SimError, ValueError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1


def _serve(chosen: argparse.Namespace) -> int:
    if chosen.speed <= 0:
        raise ValueError(f"--speed {chosen.speed}: a number above 0 is allowed")
    lock = None if chosen.lock == "none" else chosen.lock
    options = Options.from_json(
        {"variant": chosen.variant, "rotary": chosen.rotary, "lock": lock, **chosen.options}
    )
    plan = Plan(
        socket=chosen.socket,
        options=options,
        speed=None if chosen.virtual_time else chosen.speed,
        command=chosen.command,
        inherit=chosen.inherit_namespace,
    )
    return Loop(plan).run()


def talk(chosen: argparse.Namespace) -> int:
    """Carry out one of the verbs of :func:`add_talkers`; returns the exit code.

    Raises SimError and ValueError when the board refuses or is not there."""
    if chosen.verb == "actions":
        for action in ACTIONS.values():
            names = (
                " ".join(f"[{name}=...]" for name in action.arguments)
                if len(action.arguments) < 5
                else "[...]"
            )
            _say(f"{action.name + ' ' + names:44} {action.meaning}")
        return 0
    if chosen.verb == "faults":
        for form, meaning in FAULTS.items():
            _say(f"{form:24} {meaning}")
        return 0
    with SimClient(chosen.socket) as board:
        match chosen.verb:
            case "do":
                board.do(chosen.action, **dict(map(_argument, chosen.arguments)))
            case "fault":
                board.fault(chosen.name)
            case "clear":
                board.clear(chosen.name)
            case "state":
                _say(json.dumps(board.state(), indent=2))
    return 0


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")


def _argument(text: str) -> tuple[str, Any]:
    name, separator, value = text.partition("=")
    if not separator:
        raise ValueError(f"argument {text!r}: NAME=VALUE is allowed")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


if __name__ == "__main__":
    sys.exit(main())
