"""``v2g evse``: a charger on a network interface."""

from __future__ import annotations

import argparse
import asyncio
import secrets
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from v2g.cli import desk
from v2g.desk.charger_settings import SETTINGS
from v2g.desk.faults import CHARGER_FAULTS, MESSAGE_FAULTS, Fault, parse
from v2g.desk.values import Settings, SettingsError

if TYPE_CHECKING:
    import ssl

    from v2g.desk.tape import Tape
    from v2g.secc.protocol import Protocol


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    """Add the command's parser."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "evse",
        help="be a charger on a network interface",
        description="Waits for a car, charges it, and waits for the next one, until Ctrl-C. SLAC needs root.",
    )
    desk.add_options(parser, "v2g-evse", SETTINGS, (*CHARGER_FAULTS, *MESSAGE_FAULTS))
    parser.add_argument("--once", action="store_true", help="end after the first session")
    parser.add_argument(
        "--tls", choices=("prohibit", "allow", "force"), default="prohibit", help="(default: prohibit)"
    )
    parser.add_argument(
        "--pki", type=Path, metavar="FOLDER", help="certificates, as 'v2g pki make' writes them"
    )
    parser.add_argument("--iso20-pki", type=Path, metavar="FOLDER", help="those of ISO 15118-20")
    parser.add_argument(
        "--plug-and-charge", action="store_true", help="contracts are on offer, too (needs --pki)"
    )
    parser.add_argument("--key-log", type=Path, metavar="FILE", help="write TLS session keys, for Wireshark")
    return parser


def run(args: argparse.Namespace) -> int:
    """Run the command; returns the exit code."""
    from v2g.net.interfaces import NetworkError
    from v2g.security.tls import TlsError

    try:
        settings = desk.settings_of(args, SETTINGS)
        faults = parse(args.fault, (*CHARGER_FAULTS, *MESSAGE_FAULTS))
        if (args.tls != "prohibit" or args.plug_and_charge) and not (args.pki or args.iso20_pki):
            raise ValueError("TLS and Plug & Charge need --pki FOLDER")
        tls = None if args.tls == "prohibit" else _tls(args)
        return asyncio.run(_charge(args, settings, faults, tls))
    except (SettingsError, TlsError, ValueError) as error:
        return desk.complain("evse", error)
    except (NetworkError, OSError) as error:
        desk.complain("evse", error)
        return desk.FAILED


def _tls(args: argparse.Namespace) -> ssl.SSLContext:
    from v2g.security.tls import Identity, StationTls, station_context

    def identity(folder: Path | None) -> Identity | None:
        return None if folder is None else Identity(folder / "secc-chain.pem", folder / "secc.key")

    roots = (args.iso20_pki / "oem-root.pem",) if args.iso20_pki else ()
    return station_context(
        StationTls(identity(args.pki), identity(args.iso20_pki), roots, any_group=True, key_log=args.key_log)
    )


def station_protocols(names: str) -> list[Protocol]:
    """The message sets of "din,iso2"; only they are loaded."""
    protocols: list[Protocol] = []
    for name in names.split(","):
        if name == "din":
            from v2g.secc.din.protocol import PROTOCOL

            protocols.append(PROTOCOL)
        elif name == "iso2":
            from v2g.secc.iso2.protocol import PROTOCOL as ISO2

            protocols.append(ISO2)
        else:
            from v2g.secc.iso20.protocol import AC_PROTOCOL, DC_PROTOCOL

            protocols += [DC_PROTOCOL, AC_PROTOCOL]
    return protocols


async def _charge(
    args: argparse.Namespace, settings: Settings, faults: list[Fault], tls: ssl.SSLContext | None
) -> int:
    from v2g.desk.charger import DeskCharger, station_of
    from v2g.desk.journal import Journal
    from v2g.desk.meddler import Meddled, Meddler
    from v2g.net.charger import ChargerShell, Ports
    from v2g.net.clock import now_ms
    from v2g.sdp import TlsPolicy
    from v2g.secc.effects import MessageSeen, Send
    from v2g.secc.engine import Secc
    from v2g.security.tls import station_judge

    tape = _tape(args)
    journal = Journal("EVSE", now_ms, every=args.every, also=desk.syslog(args))
    station = station_of(settings, args.protocols)

    def watch(effect: Any) -> None:
        journal.take(effect)
        if tape is not None:
            tape.take(effect)

    charger = DeskCharger(station, settings, faults, watch)
    core: Any = Secc(
        station, station_protocols(args.protocols), secrets.token_bytes, lambda: int(time.time())
    )
    if any(fault.kind.at_message for fault in faults):
        meddler = Meddler(faults, Send, MessageSeen, lambda m: not m.request, secrets.token_bytes)
        core = Meddled(core, meddler)
    shell = ChargerShell(
        core,
        Ports(args.interface),
        charger.take,
        policy=TlsPolicy(args.tls),
        tls=tls,
        judge=station_judge if tls is not None else None,
        opened=None if tape is None else tape.opened,
        datagrams=None if tape is None else tape.datagram,
    )
    charger.shell = shell
    stopped = asyncio.Event()
    result = desk.OK

    def ended(fine: bool) -> None:
        nonlocal result
        if tape is not None:
            tape.closed(by_car=True)
        journal.finish()
        journal.begin()
        if args.once and not stopped.is_set():
            result = desk.OK if fine else desk.FAILED
            stopped.set()

    charger.ended = ended
    try:
        await shell.start(None if args.no_slac else _link(args, shell, tape))
        charger.plugged()
        with desk.interruptible(stopped.set):
            await stopped.wait()
    finally:
        await charger.close()
        await shell.close()
    return result


def _link(args: argparse.Namespace, shell: Any, tape: Tape | None) -> Any:
    from v2g.net.link import LinkShell
    from v2g.net.packet import PacketSocket
    from v2g.slac.evse import EvseSlac
    from v2g.slac.matching import EvseConfig

    packets = PacketSocket(args.interface)
    core = EvseSlac(EvseConfig(packets.mac), secrets.token_bytes)
    return LinkShell(packets, core, shell.slac, None if tape is None else tape.frame)


def _tape(args: argparse.Namespace) -> Tape | None:
    if args.record is None:
        return None
    from v2g.desk.tape import Tape

    return Tape(args.record, args.interface, car=False)
