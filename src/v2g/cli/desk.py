"""What ``v2g evse`` and ``v2g pev`` have in common: options, and what they say."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import signal
import stat
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from v2g.desk.faults import Fault, FaultKind
    from v2g.desk.journal import Journal
    from v2g.desk.session_log import SessionLog
    from v2g.desk.soc_push import SocPush
    from v2g.desk.tape import Tape
    from v2g.desk.values import Setting, Settings

OK: Final = 0
FAILED: Final = 1
USAGE: Final = 2
EPILOG: Final = "exit codes: 0 the session ended well; 1 it failed; 2 the command cannot be done"
PATIENCE_S: Final = 10.0
"""An orderly end takes PowerDelivery (5 s at most), welding detection and SessionStop (2 s each)."""
PROTOCOL_NAMES: Final = ("din", "iso2", "iso20")
PROTOCOLS: Final = "iso2,din"
"""On offer if nobody says otherwise."""
_SECRET_MODE: Final = 0o600


class CannotError(Exception):
    """The command cannot be done as it was asked for; the text has a line for each reason."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What options and the settings file say together."""

    settings: Settings
    protocols: str
    faults: list[Fault]


def protocols(text: str) -> str:
    """Read "din,iso2": names of message sets.

    Raises:
        ValueError: there is none of such a name.
    """
    names = [name.strip() for name in text.split(",")]
    for name in names:
        if name not in PROTOCOL_NAMES:
            raise ValueError(f"{name!r}: write some of {', '.join(PROTOCOL_NAMES)}")
    return ",".join(dict.fromkeys(names))


def _protocols_option(text: str) -> str:
    try:
        return protocols(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def decibel(text: str) -> float:
    """Read an attenuation on the command line."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 100:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of dB from 0 to 100")
    return value


def whole_decibel(text: str) -> int:
    """Read an attenuation as a charger tells it: whole decibels."""
    value = decibel(text)
    if value != int(value):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number of dB")
    return int(value)


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
        type=_protocols_option,
        metavar="LIST",
        help="message sets on offer, favourites first: some of din, iso2, iso20 (default: iso2,din)",
    )
    add(
        "--settings",
        type=Path,
        metavar="FILE",
        help="YAML file with NAME: VALUE lines, see below; protocols and faults may be lists in it",
    )
    add("--set", action="append", default=[], metavar="NAME=VALUE", help="one setting; may be repeated")
    add(
        "--fault",
        action="append",
        default=[],
        metavar="NAME[@MESSAGE[#COUNT]][=VALUE]",
        help="something that goes wrong, see below; may be repeated; instead of the faults in the file",
    )
    add("--no-slac", action="store_true", help="no modem: a plain network, the link is always there")
    add("--record", type=Path, metavar="FILE", help="record the session as pcapng, tokens redacted")
    add(
        "--session-logs",
        type=Path,
        metavar="FOLDER",
        help="write a YAML file for each session: messages with their values, tokens redacted",
    )
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


def plan_of(
    args: argparse.Namespace, declared: Iterable[Setting], kinds: Iterable[FaultKind], sends: str
) -> Plan:
    """What the options and the file say; options win. ``sends``: how this side's messages end, Req or Res.

    Raises:
        CannotError: all that is wrong with them.
    """
    from v2g.desk.faults import parse
    from v2g.desk.values import SettingsError, gather

    kinds = tuple(kinds)
    problems: list[str] = []
    settings, faults = None, []
    lists = {"protocols": protocols, "faults": lambda text: parse([text], kinds, sends)}
    try:
        settings = gather(declared, args.settings, args.set, lists)
    except SettingsError as error:
        problems += error.problems
    written = {} if settings is None else settings.lists
    try:
        faults = parse(args.fault or written.get("faults", ()), kinds, sends)
    except ValueError as error:
        problems += str(error).splitlines()
    if problems or settings is None:
        raise CannotError("\n".join(problems))
    names = args.protocols or protocols(",".join(written.get("protocols") or [PROTOCOLS]))
    return Plan(settings, names, faults)


def check_interface(name: str) -> None:
    """Notice at once what would else be noticed by a car or charger that waits in vain.

    Raises:
        CannotError: there is no such interface, or it is switched off.
    """
    from v2g.net.interfaces import InterfaceDownError, InterfaceError, interface_index, is_up

    try:
        interface_index(name)
        if not is_up(name):
            raise InterfaceDownError(name)
    except InterfaceError as error:
        raise CannotError(str(error)) from None


def key_log(path: Path | None) -> Path | None:
    """Make a file for TLS session keys that nobody else can read: OpenSSL, which fills it, lets everybody.

    Raises:
        CannotError: there is one that others may read or write, or it cannot be written.
    """
    if path is None:
        return None
    try:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, _SECRET_MODE)
        try:
            mode = os.fstat(file).st_mode
        finally:
            os.close(file)
    except OSError as error:
        raise CannotError(f"{path}: {error.strerror}") from None
    if stat.S_ISREG(mode) and mode & 0o077:
        reason = f"others may use this file (mode {mode & 0o777:03o}), and keys are to be written to it"
        raise CannotError(f"{path}: {reason}; 'chmod 600 {path}' cures it")
    return path


def tape(args: argparse.Namespace, log: Journal, *, car: bool) -> Tape | None:
    """The recording, if one is wanted; its failure later on goes to the log.

    Raises:
        CannotError: the file cannot be written, or is something else.
    """
    if args.record is None:
        return None
    from v2g.desk.tape import Tape

    try:
        made = Tape(args.record, args.interface, car=car)
    except OSError as error:
        raise CannotError(f"{args.record}: {error.strerror}") from None
    made.failed = log.line
    return made


def session_log(args: argparse.Namespace, log: Journal, side: str) -> SessionLog | None:
    """The sessions' files, if they are wanted; their failure later on goes to the log.

    Raises:
        CannotError: the folder cannot be made or written.
    """
    if args.session_logs is None:
        return None
    from v2g.desk.session_log import SessionLog

    try:
        made = SessionLog(args.session_logs, side, time.time_ns)
    except OSError as error:
        raise CannotError(f"{args.session_logs}: {error.strerror}") from None
    made.line = log.line
    return made


def watch(*takers: Journal | Tape | SessionLog | SocPush | None) -> Callable[[Any], None]:
    """Shows an effect to each of those that are there."""
    takes = [each.take for each in takers if each is not None]

    def show(effect: Any) -> None:
        for take in takes:
            take(effect)

    return show


def journal(args: argparse.Namespace, side: str) -> Journal:
    """The live log.

    Raises:
        CannotError: it is to be sent as syslog, too, and cannot be.
    """
    from v2g.desk.journal import Journal
    from v2g.net.clock import now_ms

    try:
        also = syslog(args)
    except OSError as error:
        raise CannotError(f"{args.interface}: no syslog can be sent: {error.strerror}") from None
    return Journal(side, now_ms, every=args.every, also=also)


def nobody_reads() -> None:
    """Standard output leads nowhere any more: what is left in its buffer must not raise at the end."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, sys.stdout.fileno())
    os.close(null)


def meddled(core: Any, faults: list[Fault], *, car: bool) -> Any:
    """A core, with a meddler around it if there are faults of messages."""
    if not any(fault.kind.at_message for fault in faults):
        return core
    import secrets

    from v2g.desk.meddler import Meddled, Meddler

    return Meddled(core, Meddler(faults, car, secrets.token_bytes))


def run(command: str, charge: Callable[[], Any]) -> int:
    """Run a command's session; returns the exit code."""
    from v2g.security.certificates import CertificateError
    from v2g.security.tls import TlsError

    try:
        return int(asyncio.run(charge()))
    except (CannotError, CertificateError, TlsError, ValueError) as error:
        return complain(command, error)
    except OSError as error:
        complain(command, error)
        return FAILED


def complain(command: str, error: Exception) -> int:
    """A line for each thing that is wrong; returns the exit code."""
    from v2g.desk.words import printable

    for line in str(error).splitlines():
        print(f"v2g {command}: {printable(line)}", file=sys.stderr)
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


async def unless(event: asyncio.Event, seconds: float) -> bool:
    """Wait so long, or until an event is set; whether the time has passed without it."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return True
    return False


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
