"""What ``v2g evse`` and ``v2g pev`` have in common: options, signals, TLS, recordings."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from v2g.desk.faults import FaultKind
    from v2g.desk.values import Setting, Settings

OK: Final = 0
FAILED: Final = 1
USAGE: Final = 2
EPILOG: Final = "exit codes: 0 the session ended well; 1 it failed; 2 the command cannot be done"
PATIENCE_S: Final = 10.0
"""An orderly end takes PowerDelivery (5 s at most), welding detection and SessionStop (2 s each)."""
PROTOCOL_NAMES: Final = ("din", "iso2", "iso20")


def protocols(text: str) -> str:
    """Read "din,iso2": names of message sets."""
    names = [name.strip() for name in text.split(",")]
    for name in names:
        if name not in PROTOCOL_NAMES:
            raise argparse.ArgumentTypeError(f"{name!r}: write some of {', '.join(PROTOCOL_NAMES)}")
    return ",".join(dict.fromkeys(names))


def add_options(
    parser: argparse.ArgumentParser,
    interface: str,
    declared: Iterable[Setting],
    faults: Iterable[FaultKind],
) -> None:
    """Add the options that both have."""
    add = parser.add_argument
    add("-i", "--interface", default=interface, help=f"network interface to the modem (default: {interface})")
    add(
        "--protocols",
        type=protocols,
        default="iso2,din",
        metavar="LIST",
        help="message sets on offer, favourites first: some of din, iso2, iso20 (default: iso2,din)",
    )
    add("--settings", type=Path, metavar="FILE", help="YAML file with NAME: VALUE lines, see below")
    add("--set", action="append", default=[], metavar="NAME=VALUE", help="one setting; may be repeated")
    add(
        "--fault",
        action="append",
        default=[],
        metavar="NAME[@MESSAGE[#COUNT]][=VALUE]",
        help="something that goes wrong, see below; may be repeated",
    )
    add("--no-slac", action="store_true", help="no modem: a plain network, the link is always there")
    add("--record", type=Path, metavar="FILE", help="record the session as pcapng, tokens redacted")
    add("--syslog", action="store_true", help="send the log as UDP syslog to all on the interface, too")
    add("--every", action="store_true", help="show every message of the loops")
    lines = ["settings:"]
    lines += [
        f"  {each.name:22} {each.meaning}: {each.allowed} (default: {each.default})" for each in declared
    ]
    lines += ["", "faults:"]
    for kind in faults:
        where = "@MESSAGE" if kind.at_message else "[@MESSAGE]" if kind.may_at else ""
        value = f"={kind.value.upper()}" if kind.value else ""
        lines.append(f"  {kind.name + where + value:32} {kind.meaning}")
    lines += ["", EPILOG]
    parser.epilog = "\n".join(lines)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter


def settings_of(args: argparse.Namespace, declared: Iterable[Setting]) -> Settings:
    """The settings that the options say.

    Raises:
        SettingsError: all that is wrong with them.
    """
    from v2g.desk.values import gather

    return gather(declared, args.settings, args.set)


def complain(command: str, error: Exception) -> int:
    """A line for each thing that is wrong; returns the exit code."""
    for line in str(error).splitlines():
        print(f"v2g {command}: {line}", file=sys.stderr)
    return USAGE


@contextlib.contextmanager
def interruptible(stop: Callable[[], None]) -> Iterator[None]:
    """SIGINT and SIGTERM call ``stop``; a second one ends the program."""
    loop = asyncio.get_running_loop()
    numbers = (signal.SIGINT, signal.SIGTERM)

    def first() -> None:
        for number in numbers:
            loop.remove_signal_handler(number)
        stop()

    for number in numbers:
        loop.add_signal_handler(number, first)
    try:
        yield
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)


async def either(*events: asyncio.Event) -> None:
    """Wait until one of some events is set."""
    tasks = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()


async def patiently(event: asyncio.Event) -> None:
    """Wait for an event that comes within a time that lets a session end in an orderly way, or not at all."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE_S):
            await event.wait()


def syslog(args: argparse.Namespace) -> Callable[[str], None] | None:
    """A function that sends a line as syslog on the interface, if that is wanted."""
    if not args.syslog:
        return None
    import logging

    from v2g.net.syslog import SyslogBroadcaster

    broadcaster = SyslogBroadcaster(args.interface)
    return lambda text: broadcaster.emit(logging.makeLogRecord({"msg": text, "levelno": logging.INFO}))
