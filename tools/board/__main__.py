"""``python -m tools.board``: boot the emulated board with its console here, or act on the one that runs.

run                 boot; Ctrl-] pulls the plug and ends
plug FILE, pull     a USB stick with the contents of that image
reset               press the reset button
state               ports and sockets of the running board, as JSON
"""

from __future__ import annotations

import argparse
import json
import os
import select
import socket
import sys
import termios
import tty
from pathlib import Path

from tools.board import build
from tools.board.emulator import SERVICES, USUAL_PORTS, Emulator, free_port, plug_stick, pull_stick
from tools.board.qmp import Qmp, QmpError

ESCAPE = b"\x1d"
"""Ctrl-], as telnet has it: no program on the board needs it."""


def _say(text: str) -> None:
    print(text, file=sys.stderr)


def _console(path: Path) -> None:
    """Join this terminal with the board's console until Ctrl-] or the board's end."""
    link = socket.socket(socket.AF_UNIX)
    link.connect(str(path))
    terminal = sys.stdin.fileno() if sys.stdin.isatty() else None
    before = termios.tcgetattr(terminal) if terminal is not None else None
    try:
        if terminal is not None:
            tty.setraw(terminal)
        while True:
            ready, _, _ = select.select([link, *([terminal] if terminal is not None else [])], [], [])
            if link in ready:
                if not (data := link.recv(65536)):
                    return
                os.write(sys.stdout.fileno(), data)
            elif terminal is not None:
                typed = os.read(terminal, 1024)
                if ESCAPE in typed:
                    return
                link.sendall(typed)
    finally:
        if terminal is not None and before is not None:
            termios.tcsetattr(terminal, termios.TCSADRAIN, before)
        link.close()


def _run(arguments: argparse.Namespace) -> int:
    folder: Path = arguments.folder
    card: Path = arguments.card or folder / "card.img"
    if not card.exists():
        _say(f"no card at {card}: make board-image builds one")
        return 1
    ports = {name: free_port(USUAL_PORTS[name]) for name in SERVICES}
    direct = build.direct(arguments.append) if arguments.direct else None
    board = Emulator(
        folder,
        card,
        None if direct else build.uboot(),
        direct,
        with_plant=not arguments.no_plant,
        ports=ports,
    )
    board.start()
    board.qmp.close()  # for the other commands
    try:
        _say(f"SSH: ssh -p {ports['ssh']} root@localhost    MQTT: localhost:{ports['mqtt']}")
        _say(f"pins and car: {board.plant}    end: Ctrl-]")
        _console(board.console)
    except KeyboardInterrupt:
        pass
    finally:
        board.power_off()
        _say("\nThe board is off.")
    return 0


def _act(arguments: argparse.Namespace) -> int:
    try:
        state = json.loads((arguments.folder / "state.json").read_text())
    except FileNotFoundError:
        _say("no board is running: make board starts one")
        return 1
    if arguments.action == "state":
        print(json.dumps(state, indent=2))
        return 0
    try:
        qmp = Qmp(Path(state["qmp"]))
        if arguments.action == "plug":
            plug_stick(qmp, arguments.image.resolve(strict=True))
        elif arguments.action == "pull":
            pull_stick(qmp)
        else:
            qmp.command("system_reset")
    except (OSError, QmpError) as error:
        _say(f"{arguments.action}: {error}")
        return 1
    return 0


def main() -> int:
    """Parse the command line and run it."""
    parser = argparse.ArgumentParser(prog="tools.board", description="The emulated board")
    parser.add_argument("--folder", type=Path, default=build.RUN, help="where sockets and logs go")
    actions = parser.add_subparsers(dest="action", required=True)
    run = actions.add_parser("run", help="boot it; Ctrl-] pulls the plug")
    run.add_argument("--card", type=Path, help="image of the eMMC")
    run.add_argument("--direct", action="store_true", help="start the kernel without U-Boot")
    run.add_argument("--append", default="", help="words for the kernel command line, with --direct")
    run.add_argument("--no-plant", action="store_true", help="leave the pins alone")
    plug = actions.add_parser("plug", help="plug a USB stick in")
    plug.add_argument("image", type=Path)
    for name, about in (
        ("pull", "pull the stick"),
        ("reset", "press the reset button"),
        ("state", "ports, sockets"),
    ):
        actions.add_parser(name, help=about)
    arguments = parser.parse_args()
    return _run(arguments) if arguments.action == "run" else _act(arguments)


if __name__ == "__main__":
    sys.exit(main())
