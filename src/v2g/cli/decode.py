"""``v2g decode``: what a capture file holds, as a timeline, for programs, or as a plot."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from v2g.capture.reading import Recording
    from v2g.capture.splitting import Session

GOOD, BAD, USAGE = 0, 1, 2
"""Exit codes: all was read; the file is damaged or holds no session; the command cannot be done."""
_FORMATS = ("text", "jsonl", "csv")
_PLOTS = (".svg", ".png")
_EPILOG = (
    "exit codes: 0 the file was read; 1 it is damaged, no capture, or holds nothing of charging (what could "
    "be read is shown); 2 the command cannot be done"
)


def add_parser(subparsers: Any) -> None:
    """Add ``decode`` to a command's parsers."""
    parser = subparsers.add_parser(
        "decode",
        help="show what a capture file (pcap, pcapng) holds, from SLAC to SessionStop",
        epilog=_EPILOG,
    )
    parser.add_argument("file", metavar="FILE", help="pcap or pcapng; - is standard input")
    parser.add_argument(
        "--to",
        choices=_FORMATS,
        default="text",
        help="text: a timeline; jsonl: an object a line; csv: voltage, current and state of charge",
    )
    parser.add_argument(
        "--plot", type=Path, metavar="FILE", help="draw voltage, current and state of charge (.svg, .png)"
    )
    parser.add_argument("--session", type=int, metavar="N", help="only this session of the file")
    parser.add_argument("--all", action="store_true", help="fold no repetitions, leave no values out")
    parser.add_argument(
        "--show-secrets",
        action="store_true",
        help="show the network's key, EVCCID and contract, not their hash",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Do it; an exit code."""
    from v2gexi.pcap import CaptureError

    if args.plot is not None and args.plot.suffix.lower() not in _PLOTS:
        return _cannot(f"{args.plot}: a plot's name ends with {' or '.join(_PLOTS)}")
    origin = "standard input" if args.file == "-" else args.file
    try:
        data = sys.stdin.buffer.read() if args.file == "-" else Path(args.file).read_bytes()
    except OSError as error:
        return _cannot(f"{args.file}: {error.strerror}")
    try:
        recording, sessions = _read(data)
    except CaptureError as error:
        return _bad(f"{origin}: byte {error.offset}: " + (str(error) if data else "the file is empty"))
    if args.session is not None:
        if not 1 <= args.session <= len(sessions):
            return _cannot(f"{origin}: there is no session {args.session}, only {len(sessions)}")
        sessions = [sessions[args.session - 1]]
    try:
        code = _write(args, origin, recording, sessions)
    except BrokenPipeError:
        # Whoever reads has seen enough; nothing is to be flushed at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return GOOD
    if recording.problem:
        at = f"after packet {recording.packets}, byte {recording.problem_offset}"
        return _bad(f"{origin}: {at}: {recording.problem}; what comes before it was read")
    if not recording.events:
        return _bad(f"{origin}: none of its {recording.packets} packets belongs to charging")
    return code


def _read(data: bytes) -> tuple[Recording, list[Session]]:
    from v2g.capture.checks import check
    from v2g.capture.reading import read
    from v2g.capture.splitting import sessions_of

    recording = read(data)
    sessions = sessions_of(recording)
    for session in sessions:
        check(session)
    return recording, sessions


def _write(args: argparse.Namespace, origin: str, recording: Recording, sessions: list[Session]) -> int:
    for line in _lines(args, origin, recording, sessions):
        sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
    return GOOD if args.plot is None else _plot(args.plot, origin, recording, sessions)


def _lines(
    args: argparse.Namespace, origin: str, recording: Recording, sessions: list[Session]
) -> Iterator[str]:
    from v2g.capture import tables
    from v2g.capture.timeline import Timeline

    if args.to == "jsonl":
        return tables.json_lines(recording, sessions, secrets=args.show_secrets)
    if args.to == "csv":
        return tables.csv_lines(recording, sessions)
    timeline = Timeline(recording, sessions, secrets=args.show_secrets, everything=args.all)
    return timeline.lines(origin)


def _plot(path: Path, origin: str, recording: Recording, sessions: list[Session]) -> int:
    from v2g.capture.figure import draw
    from v2g.capture.png import NoPillowError, png
    from v2g.capture.svg import svg

    try:
        figure = draw(recording, sessions, Path(origin).name)
    except ValueError as error:
        return _bad(f"{origin}: {error}")
    try:
        content = png(figure) if path.suffix.lower() == ".png" else svg(figure).encode()
        path.write_bytes(content)
    except NoPillowError as error:
        return _cannot(str(error))
    except OSError as error:
        return _cannot(f"{path}: {error.strerror}")
    return GOOD


def _bad(line: str) -> int:
    sys.stderr.write(f"{line}\n")
    return BAD


def _cannot(line: str) -> int:
    sys.stderr.write(f"{line}\n")
    return USAGE
