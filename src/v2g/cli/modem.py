"""`v2g modem`: simulated modems and the power line between them, for a desk without a charger and a car."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from v2g.modem.core import Modem
    from v2g.modem.veth import Veth

EXIT_FAILED = 1
EXIT_USAGE = 2
_ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""A terminal that is closed ends it as well: nothing else would take the interfaces away."""
_MOST = 1_000_000
"""Milliseconds (a quarter of an hour) or keys: more than any test waits for."""
_EV, _EVSE = "v2g-ev", "v2g-evse"
_MODEM_MAC = bytes.fromhex("00b052")
"""The first three bytes of the modems' addresses: Qualcomm's, as on real modems."""
_PROFILES = ("groups", "empty", "vendor", "none")


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    """Add the command's parser."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "modem",
        help="simulated power line modems between network interfaces",
        description="""Makes pairs of network interfaces with simulated QCA7000 modems behind them, joined by
        a simulated power line, until Ctrl-C. A car's program runs on one interface, a charger's on another.
        Needs root. NAME may be NAME@NETNS: the interface is then moved to that network namespace.""",
    )
    add = parser.add_argument
    add("--ev", metavar="NAME", action="append", help=f"a car's interface; may be repeated (default: {_EV})")
    add("--evse", metavar="NAME", action="append", help=f"a charger's; may be repeated (default: {_EVSE})")
    add("--listen", metavar="NAME", action="append", help="an observer's; may be repeated")
    add("--join-ms", type=_natural, metavar="MS", help="time from a key to a member of the network")
    add("--attenuation", type=_decibel, metavar="DB", default=12, help="between all modems (default: 12)")
    add(
        "--apart",
        type=_apart,
        metavar="NAME,NAME,DB",
        action="append",
        default=[],
        help="another attenuation between two interfaces' modems; 'off' as DB: they never hear each other",
    )
    add("--profiles", choices=_PROFILES, default="groups", help="what a charger's modem tells of sounds")
    add("--reject-keys", type=_natural, default=0, metavar="N", help="refuse the first N keys")
    add("--lose-keys", type=_natural, default=0, metavar="N", help="do not answer the next N keys")
    add("--dead", metavar="NAME", action="append", default=[], help="the modem at NAME does nothing")
    add("--loss", type=_part, default=0.0, metavar="PART", help="part of the line's frames that is lost")
    add("--duplicate", type=_part, default=0.0, metavar="PART", help="part of them that arrives twice")
    add("--delay-ms", type=_natural, default=0, metavar="MS", help="delay of the line's frames")
    add("--jitter-ms", type=_natural, default=0, metavar="MS", help="up to so much more delay")
    return parser


def run(args: argparse.Namespace) -> int:
    """Run the command until it is interrupted. Returns the exit code."""
    from v2g.net.interfaces import NetworkError

    names = {"car": args.ev or [_EV], "charger": args.evse or [_EVSE], "listener": args.listen or []}
    stations = [(name, side) for side, given in names.items() for name in given]
    before = {number: signal.getsignal(number) for number in _ENDS[1:]}
    for number, handler in before.items():
        if handler is not signal.SIG_IGN:  # as nohup wants it
            signal.signal(number, _interrupt)
    served = False
    try:
        _check_names(args, [_name(text)[0] for text, _ in stations])
        with _interfaces([text for text, _ in stations]) as pairs:
            served = True
            modems = [_modem(args, at, pair, stations[at][1]) for at, pair in enumerate(pairs)]
            asyncio.run(_serve(args, [side for _, side in stations], pairs, modems))
    except (NetworkError, ValueError) as error:
        print(f"v2g modem: {error}", file=sys.stderr)
        return EXIT_FAILED if served else EXIT_USAGE
    except KeyboardInterrupt:
        pass
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return 0


@contextlib.contextmanager
def _interfaces(texts: list[str]) -> Iterator[list[Veth]]:
    from v2g.modem import veth

    pairs: list[Veth] = []
    try:
        for text in texts:
            name, namespace = _name(text)
            _check_free(name, veth.MODEM_END)
            pairs.append(veth.create(name, namespace))
        yield pairs
    finally:
        for pair in pairs:
            pair.remove()


def _check_free(name: str, modem_end: str) -> None:
    """Say what is the matter with a name that is taken; the kernel only says "File exists".

    Raises:
        VethError: an interface has it.
    """
    from v2g.modem.veth import VethError
    from v2g.net.interfaces import NoSuchInterfaceError, interface_index

    for taken in (name + modem_end, name):
        try:
            interface_index(taken)
        except NoSuchInterfaceError:
            continue
        reason = "there is an interface of this name already"
        if taken != name:
            reason = (
                "there is its modem's end already: another v2g modem is running, or was killed; "
                f"'ip link delete {taken}' removes both ends"
            )
        raise VethError(name, reason)


def _modem(args: argparse.Namespace, at: int, pair: Veth, side: str) -> Modem:
    from v2g.homeplug.pib import SlacMode
    from v2g.modem.core import Modem
    from v2g.modem.options import JOIN_MS, ModemOptions, Profiles

    roles = {"car": SlacMode.PEV, "charger": SlacMode.EVSE, "listener": SlacMode.OFF}
    options = ModemOptions(
        role=roles[side],
        profiles=Profiles(args.profiles),
        reject_keys=args.reject_keys,
        lose_keys=args.lose_keys,
        dead=pair.host in args.dead,
        join_ms=JOIN_MS if args.join_ms is None else args.join_ms,
    )
    return Modem(_MODEM_MAC + bytes((0, 0, 0x10 + at)), options, os.urandom)


async def _serve(args: argparse.Namespace, sides: list[str], pairs: list[Veth], modems: list[Modem]) -> None:
    from v2g.homeplug.frame import address_text
    from v2g.modem.line import Powerline
    from v2g.modem.options import LineOptions, sloping
    from v2g.modem.segment import Segment

    faults = LineOptions(args.loss, args.duplicate, args.delay_ms, args.jitter_ms)
    line = Powerline(os.urandom, faults, sloping(args.attenuation))
    by_name = {pair.host: line.attach(modem) for pair, modem in zip(pairs, modems, strict=True)}
    for one, other, decibel in args.apart:
        line.attenuate(by_name[one], by_name[other], None if decibel is None else sloping(decibel))
    ports = [(modem, pair.modem) for pair, modem in zip(pairs, modems, strict=True)]
    async with Segment(line, ports) as segment:
        loop = asyncio.get_running_loop()
        for number in _ENDS:
            if signal.getsignal(number) is signal.SIG_IGN:
                continue
            loop.add_signal_handler(number, _finish, segment.failed)
        for side, pair, modem in zip(sides, pairs, modems, strict=True):
            where = f" in {pair.namespace}" if pair.namespace else ""
            print(f"{pair.host}{where}: a {side}'s modem {address_text(modem.mac)}", flush=True)
        print("Ctrl-C ends it", flush=True)
        await segment.failed


def _interrupt(_number: int, _frame: object) -> None:
    # While interfaces are being made or removed: what there is, is removed.
    raise KeyboardInterrupt


def _finish(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def _check_names(args: argparse.Namespace, names: list[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"{name} is named twice")
    for asked in [name for one, other, _ in args.apart for name in (one, other)] + args.dead:
        if asked not in names:
            raise ValueError(f"there is no interface {asked} among {', '.join(names)}")


def _name(text: str) -> tuple[str, str]:
    name, _, namespace = text.partition("@")
    return name, namespace


def _natural(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 9 and int(text) <= _MOST):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 0 to {_MOST}")
    return int(text)


def _decibel(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 9 and int(text) <= 100):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number of dB from 0 to 100")
    return int(text)


def _part(text: str) -> float:
    try:
        part = float(text)
    except ValueError:
        part = -1.0
    if not 0 <= part <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no part from 0 to 1")
    return part


def _apart(text: str) -> tuple[str, str, int | None]:
    fields = text.split(",")
    if len(fields) != 3:
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form NAME,NAME,DB")
    return fields[0], fields[1], None if fields[2] == "off" else _decibel(fields[2])
