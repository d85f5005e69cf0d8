"""``v2g evse``: a charger on a network interface."""

from __future__ import annotations

import argparse
import asyncio
import secrets
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from v2g.cli import desk
from v2g.desk.charger_settings import SETTINGS
from v2g.desk.faults import CHARGER_FAULTS, MESSAGE_FAULTS

if TYPE_CHECKING:
    import ssl

    from v2g.desk.journal import Journal
    from v2g.desk.soc_push import SocPush
    from v2g.desk.tape import Tape
    from v2g.secc.protocol import Protocol
    from v2g.secc.station import Station
    from v2g.slac.matching import EvseConfig

FAULTS = (*CHARGER_FAULTS, *MESSAGE_FAULTS)
"""What can be ordered to go wrong."""


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    """Add the command's parser."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "evse",
        help="be a charger on a network interface",
        description="Waits for a car, charges it, and waits for the next one, until Ctrl-C. SLAC needs root.",
    )
    desk.add_options(parser, "v2g-evse", SETTINGS, FAULTS)
    parser.add_argument("--once", action="store_true", help="end after the first session")
    parser.add_argument(
        "--tls", choices=("prohibit", "allow", "force"), default="prohibit", help="(default: prohibit)"
    )
    parser.add_argument(
        "--pki", type=Path, metavar="FOLDER", help="certificates, as 'v2g pki make' writes them"
    )
    parser.add_argument("--iso20-pki", type=Path, metavar="FOLDER", help="those of ISO 15118-20")
    parser.add_argument(
        "--plug-and-charge", action="store_true", help="contracts are on offer, too (needs --tls and --pki)"
    )
    parser.add_argument("--validate", action="store_true", help="SLAC: take part in validation (BCB toggles)")
    parser.add_argument(
        "--attenuation-correction",
        type=desk.whole_decibel,
        default=0,
        metavar="DB",
        help="SLAC: loss between modem and outlet, taken off what the modem measured (default: 0)",
    )
    parser.add_argument(
        "--measured-only",
        action="store_true",
        help="SLAC: fail with a modem that measures no attenuation, instead of telling plausible values",
    )
    parser.add_argument(
        "--soc-to",
        metavar="URL",
        help="POST the car's state of charge there when it changes (http://HOST/ev_state of a SmartEVSE)",
    )
    parser.add_argument("--key-log", type=Path, metavar="FILE", help="write TLS session keys, for Wireshark")
    return parser


def run(args: argparse.Namespace) -> int:
    """Run the command; returns the exit code."""
    return desk.run("evse", lambda: _run(args))


async def _run(args: argparse.Namespace) -> int:
    plan = desk.plan_of(args, SETTINGS, FAULTS, "Res")
    if (args.tls != "prohibit" or args.plug_and_charge) and not (args.pki or args.iso20_pki):
        raise desk.CannotError("TLS and Plug & Charge need --pki FOLDER")
    if args.plug_and_charge and args.tls == "prohibit":
        raise desk.CannotError("Plug & Charge needs --tls allow or --tls force")
    desk.check_interface(args.interface)
    tls = None if args.tls == "prohibit" else _tls(args)
    station = _station(args, plan)
    return await _charge(args, plan, station, tls)


def _tls(args: argparse.Namespace) -> ssl.SSLContext:
    from v2g.security.tls import Identity, StationTls, station_context

    def identity(folder: Path | None) -> Identity | None:
        return None if folder is None else Identity(folder / "secc-chain.pem", folder / "secc.key")

    key_log = desk.key_log(args.key_log)
    roots = (args.iso20_pki / "oem-root.pem",) if args.iso20_pki else ()
    return station_context(
        StationTls(identity(args.pki), identity(args.iso20_pki), roots, any_group=True, key_log=key_log)
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


def _station(args: argparse.Namespace, plan: desk.Plan) -> Station:
    """The station's first facts; with Plug & Charge it takes contracts, and whom to trust about them."""
    from v2g.common.terms import Payment
    from v2g.desk.charger import station_of

    station = station_of(plan.settings, plan.protocols)
    if args.plug_and_charge:
        from v2g.security.trust_store import TrustStore

        folders = [folder for folder in (args.pki, args.iso20_pki) if folder is not None]
        station.trust = TrustStore.from_files(folder / "mo-root.pem" for folder in folders)
        station.setup = replace(station.setup, payments=(Payment.CONTRACT, Payment.EXTERNAL))
    return station


async def _charge(
    args: argparse.Namespace, plan: desk.Plan, station: Station, tls: ssl.SSLContext | None
) -> int:
    from v2g.desk.charger import DeskCharger
    from v2g.net.charger import ChargerShell, Ports
    from v2g.net.interfaces import NetworkError
    from v2g.sdp import TlsPolicy
    from v2g.secc.engine import Secc
    from v2g.security.tls import station_judge

    journal = desk.journal(args, "EVSE")
    soc = _soc_push(args, journal)
    tape = desk.tape(args, journal, car=False)

    sessions = desk.session_log(args, journal, "EVSE")
    charger = DeskCharger(station, plan.settings, plan.faults, desk.watch(journal, tape, sessions, soc))
    core: Any = Secc(
        station, station_protocols(plan.protocols), secrets.token_bytes, lambda: int(time.time())
    )
    shell = ChargerShell(
        desk.meddled(core, plan.faults, car=False),
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
        if sessions is not None:
            sessions.finish(fine, journal.statistics.lines())
        journal.finish()
        journal.begin()
        if args.once and not charger.paused and not stopped.is_set():
            result = desk.OK if fine else desk.FAILED
            stopped.set()

    def unread() -> None:
        desk.nobody_reads()
        stopped.set()

    charger.ended = ended
    journal.unread = unread
    try:
        try:
            await shell.start(None if args.no_slac else _link(args, shell, tape))
        except NetworkError as error:
            raise desk.CannotError(str(error)) from None
        charger.plugged()
        with desk.interruptible(stopped.set):
            await stopped.wait()
    finally:
        await charger.close()
        await shell.close()
        if sessions is not None:
            sessions.finish(False, journal.statistics.lines())
        if soc is not None:
            await soc.close()
    return result


def _soc_push(args: argparse.Namespace, journal: Journal) -> SocPush | None:
    if args.soc_to is None:
        return None
    from v2g.desk.soc_push import SocPush

    try:
        return SocPush(args.soc_to, journal.line)
    except ValueError as error:
        raise desk.CannotError(f"--soc-to: {error}") from None


def _link(args: argparse.Namespace, shell: Any, tape: Tape | None) -> Any:
    from v2g.net.link import LinkShell
    from v2g.net.packet import PacketSocket
    from v2g.slac.evse import EvseSlac

    packets = PacketSocket(args.interface)
    core = EvseSlac(slac_config(args, packets.mac), secrets.token_bytes)
    return LinkShell(packets, core, shell.slac, None if tape is None else tape.frame)


def slac_config(args: argparse.Namespace, mac: bytes) -> EvseConfig:
    """How the options want matching to be."""
    from v2g.slac.matching import EvseConfig

    return EvseConfig(
        mac,
        validation=args.validate,
        attenuation_correction_db=args.attenuation_correction,
        plausible_attenuation=not args.measured_only,
    )
