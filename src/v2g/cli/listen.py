"""``v2g listen``: an observer on a network interface."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from v2g.cli import desk

if TYPE_CHECKING:
    from v2g.capture.record import Recorder
    from v2g.desk.observer import Observer
    from v2g.net.packet import PacketSocket

_EPILOG: Final = (
    "exit codes: 0 it was told to end, or --once had its session; 1 the interface or the recording failed "
    "meanwhile (what was heard is shown); 2 the command cannot be done"
)
_INTERFACE: Final = "v2g-listen"
_BURST: Final = 64
"""After so many frames in a row timers and signals get their turn."""
_TAG: Final = "v2g-listen"
"""What the lines that --syslog sends are known by."""


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    """Add the command's parser."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "listen",
        help="watch a car and a charger",
        description="""Shows what passes on a network interface, live, until Ctrl-C: SLAC, SDP, neighbour
        discovery, TCP, and the messages. At the end of each session: durations, timing statistics, and what
        was wrong. Sends nothing, unless --join or --syslog is given. Needs root.""",
        epilog=_EPILOG,
    )
    add = parser.add_argument
    add("-i", "--interface", default=_INTERFACE, help=f"the network interface (default: {_INTERFACE})")
    add("--to", choices=("text", "jsonl"), default="text", help="lines to read, or an object a line")
    add("--join", action="store_true", help="give the key of every match to the own modem, to hear the rest")
    add("--record", type=Path, metavar="FILE", help="record what passes as pcapng, tokens redacted")
    add("--syslog", action="store_true", help="send the lines as UDP syslog to all on the interface, too")
    add("--once", action="store_true", help="end after the first session")
    add("--every", action="store_true", help="fold no repetitions, leave no values out")
    add(
        "--show-secrets",
        action="store_true",
        help="show the network's key, EVCCID and contract, not their hash",
    )
    return parser


def run(args: argparse.Namespace) -> int:
    """Run the command; returns the exit code."""
    from v2g.net.interfaces import InterfaceError
    from v2g.net.packet import EVERY_ETHERTYPE, PacketSocket

    if args.syslog and args.show_secrets:
        return _complain("--syslog with --show-secrets would tell everybody on the interface the secrets")
    try:
        socket = PacketSocket(args.interface, EVERY_ETHERTYPE)
    except InterfaceError as error:
        return _complain(error)
    with socket:
        try:
            socket.observe()
            listening = _Listening(args, socket)
        except (InterfaceError, OSError) as error:
            return _complain(error)
        return asyncio.run(listening.run())


def _complain(reason: object) -> int:
    print(f"v2g listen: {reason}", file=sys.stderr)
    return desk.USAGE


class _Listening:
    """The observer, its socket and its outputs, until the end."""

    def __init__(self, args: argparse.Namespace, socket: PacketSocket) -> None:
        import secrets
        import time

        from v2g.desk.observer import Observer, Output

        self._args = args
        self._socket = socket
        self._clock: Callable[[], int] = time.time_ns
        self._recorder = self._recording()
        output = Output(self._clock(), to=args.to, secrets=args.show_secrets, everything=args.every)
        own = socket.mac if args.join else bytes(6)
        self._observer: Observer = Observer(output, own, secrets.token_bytes, join=args.join, own_tag=_TAG)
        self._also = self._syslog()
        self._ended = asyncio.Event()
        self._sessions = 0
        self._timer: asyncio.TimerHandle | None = None
        self._result = desk.OK

    def _recording(self) -> Recorder | None:
        if self._args.record is None:
            return None
        from v2g.capture.pcapng import PcapngWriter
        from v2g.capture.record import Recorder

        try:
            return Recorder(PcapngWriter(self._args.record), self._args.interface, self._clock)
        except OSError as error:
            raise OSError(f"{self._args.record}: {error.strerror}") from None

    def _syslog(self) -> Callable[[str], None] | None:
        if not self._args.syslog:
            return None
        import logging

        from v2g.net.syslog import SyslogBroadcaster

        broadcaster = SyslogBroadcaster(self._args.interface, tag=_TAG)
        return lambda text: broadcaster.emit(logging.makeLogRecord({"msg": text, "levelno": logging.INFO}))

    async def run(self) -> int:
        """Listen; the exit code."""
        with desk.interruptible(self._ended.set):
            self._write(self._observer.started(f"listening on {self._args.interface}, Ctrl-C ends it"))
            receiving = asyncio.create_task(self._receive())
            await desk.either(self._ended)
            receiving.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await receiving
        if self._timer is not None:
            self._timer.cancel()
        self._write(self._observer.close(self._clock()))
        lost = self._socket.lost()
        if lost:
            print(f"v2g listen: {lost} frames were lost: this computer was too slow", file=sys.stderr)
        return self._result

    async def _receive(self) -> None:
        from v2g.net.interfaces import InterfaceError

        count = 0
        try:
            while True:
                data, own = await self._socket.overhear()
                self._frame(data, own)
                count += 1
                if count % _BURST == 0:
                    await asyncio.sleep(0)
        except InterfaceError as error:
            self._fail(error)
        except BrokenPipeError:
            self._ended.set()
            raise

    def _frame(self, data: bytes, own: bool) -> None:
        if self._recorder is not None:
            try:
                self._recorder.frame(data, own)
            except OSError as error:
                self._recorder = None
                self._result = desk.FAILED
                reason = f"{self._args.record}: {error.strerror}; nothing more is recorded"
                print(f"v2g listen: {reason}", file=sys.stderr)
        self._write(self._observer.frame(data, self._clock(), own=own))
        self._after()

    def _after(self) -> None:
        """What every step needs: frames are sent, the end is noticed, the timer is set."""
        from v2g.net.interfaces import InterfaceError

        for frame in self._observer.to_send():
            try:
                self._socket.send(frame)
            except InterfaceError as error:
                print(f"v2g listen: no key was sent: {error}", file=sys.stderr)
        if self._args.once and self._observer.ended:
            self._ended.set()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        deadline = self._observer.deadline()
        if deadline is not None:
            wait = max(deadline - self._clock(), 0) / 1e9
            self._timer = asyncio.get_running_loop().call_later(wait, self._tick)

    def _tick(self) -> None:
        self._timer = None
        self._write(self._observer.tick(self._clock()))
        self._after()

    def _fail(self, error: Exception) -> None:
        print(f"v2g listen: {error}", file=sys.stderr)
        self._result = desk.FAILED
        self._ended.set()

    def _write(self, lines: list[str]) -> None:
        if not lines:
            return
        sys.stdout.write("".join(f"{line}\n" for line in lines))
        sys.stdout.flush()
        if self._also is not None:
            for line in lines:
                self._also(line)
