"""``v2g pev``: a car on a network interface."""

from __future__ import annotations

import argparse
import asyncio
import secrets
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from v2g.cli import desk
from v2g.common.terms import Payment
from v2g.desk.car_settings import SETTINGS
from v2g.desk.faults import CAR_FAULTS, MESSAGE_FAULTS
from v2g.slac import timing

if TYPE_CHECKING:
    import ssl

    from v2g.desk.tape import Tape
    from v2g.evcc.contract import ContractSigner
    from v2g.evcc.protocol import Protocol
    from v2g.evcc.session import Paused
    from v2g.net.car import CarShell
    from v2g.slac.ev_attempt import EvConfig

FAULTS: Final = (*CAR_FAULTS, *MESSAGE_FAULTS)
"""What can be ordered to go wrong."""
_ATTENUATIONS: Final = (
    (
        "--attenuation-direct",
        float(timing.C_EV_MATCH_SIGNALATTN_DIRECT_DB),
        "a charger with less than this average attenuation is found",
    ),
    (
        "--attenuation-limit",
        float(timing.C_EV_MATCH_SIGNALATTN_INDIRECT_DB),
        "with less than this it is potentially found, above it is too weak",
    ),
    ("--attenuation-correction", 10.0, "what the car's own coupling adds, taken off first"),
)
_ATTEMPT_S = 60.0
"""A car that finds no charger within this time gives up: matching may take 50 s, discovery 12.5 s more."""


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    """Add the command's parser."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "pev",
        help="be a car on a network interface",
        description="Plugs in, charges, and unplugs. SLAC needs root.",
    )
    desk.add_options(parser, "v2g-ev", SETTINGS, FAULTS)
    parser.add_argument("--tls", choices=("no", "yes", "only"), default="no", help="(default: no)")
    parser.add_argument(
        "--pki", type=Path, metavar="FOLDER", help="certificates, as 'v2g pki make' writes them"
    )
    parser.add_argument("--iso20-pki", type=Path, metavar="FOLDER", help="those of ISO 15118-20")
    parser.add_argument(
        "--contract",
        action="store_true",
        help="Plug & Charge: pay by the contract in --pki, with ISO 15118-20 in --iso20-pki",
    )
    parser.add_argument(
        "--validate",
        action="store_true",
        help="SLAC: chargers that are only potentially found have to prove themselves (BCB toggles)",
    )
    for name, default, meaning in _ATTENUATIONS:
        parser.add_argument(
            name,
            type=desk.decibel,
            default=default,
            metavar="DB",
            help=f"SLAC: {meaning} (default: {default:g})",
        )
    parser.add_argument("--key-log", type=Path, metavar="FILE", help="write TLS session keys, for Wireshark")
    return parser


def run(args: argparse.Namespace) -> int:
    """Run the command; returns the exit code."""
    return desk.run("pev", lambda: _run(args))


async def _run(args: argparse.Namespace) -> int:
    plan = desk.plan_of(args, SETTINGS, FAULTS, "Req")
    if (args.tls != "no" or args.contract) and not (args.pki or args.iso20_pki):
        raise desk.CannotError("TLS and Plug & Charge need --pki FOLDER")
    if args.contract and args.tls == "no":
        raise desk.CannotError("Plug & Charge needs --tls yes or --tls only")
    if args.attenuation_direct > args.attenuation_limit:
        raise desk.CannotError("--attenuation-direct is above --attenuation-limit")
    desk.check_interface(args.interface)
    tls = None if args.tls == "no" else _tls(args)
    return await _charge(args, plan, tls, _signers(args))


def _tls(args: argparse.Namespace) -> ssl.SSLContext:
    from v2g.security.tls import CarTls, Identity, car_context

    folders = [folder for folder in (args.pki, args.iso20_pki) if folder is not None]
    vehicle = None
    if args.iso20_pki is not None:
        vehicle = Identity(args.iso20_pki / "vehicle-chain.pem", args.iso20_pki / "vehicle.key")
    return car_context(
        CarTls(
            tuple(folder / "v2g-root.pem" for folder in folders),
            iso2=args.pki is not None,
            iso20=vehicle,
            any_group=True,
            key_log=desk.key_log(args.key_log),
        )
    )


def car_protocols(names: str) -> list[Protocol]:
    """The message sets of "din,iso2"; only they are loaded."""
    protocols: list[Protocol] = []
    for name in names.split(","):
        if name == "din":
            from v2g.evcc.din.protocol import PROTOCOL

            protocols.append(PROTOCOL)
        elif name == "iso2":
            from v2g.evcc.iso2.protocol import PROTOCOL as ISO2

            protocols.append(ISO2)
        else:
            from v2g.evcc.iso20.protocol import AC_PROTOCOL, DC_PROTOCOL

            protocols += [DC_PROTOCOL, AC_PROTOCOL]
    return protocols


async def _charge(
    args: argparse.Namespace, plan: desk.Plan, tls: ssl.SSLContext | None, signers: dict[str, ContractSigner]
) -> int:
    from v2g.desk.car import DeskCar, vehicle_of
    from v2g.net.interfaces import NetworkError

    journal = desk.journal(args, "CAR")
    tape = desk.tape(args, journal, car=True)
    vehicle = vehicle_of(plan.settings, plan.protocols)
    if signers:
        vehicle.setup = replace(vehicle.setup, payment=Payment.CONTRACT)

    sessions = desk.session_log(args, journal, "CAR")
    car = DeskCar(vehicle, plan.settings, plan.faults, desk.watch(journal, tape, sessions))
    stopped = asyncio.Event()

    def unread() -> None:
        desk.nobody_reads()
        stopped.set()

    journal.unread = unread
    resumes: Paused | None = None
    result = desk.FAILED
    with desk.interruptible(stopped.set):
        while True:
            shell = _shell(args, plan, car, tls, tape, signers, resumes)
            car.shell = shell
            car.begin()
            try:
                try:
                    shell.start(None if args.no_slac else _link(args, shell, tape))
                except NetworkError as error:
                    raise desk.CannotError(str(error)) from None
                shell.pilot("B")
                await _session(car, shell, stopped)
                if stopped.is_set() and not car.ended.is_set():
                    vehicle.stop = True
                    shell.changed()
                    await desk.patiently(car.ended)
                journal.finish()
            except TimeoutError:
                journal.line("no charger was found")
            finally:
                if tape is not None:
                    tape.closed(by_car=True)
                await shell.close()
                ended = car.result if car.ended.is_set() else None
                if sessions is not None:
                    sessions.finish(ended is not None and ended.ok, journal.statistics.lines())
            result = desk.OK if ended is not None and ended.ok else desk.FAILED
            resumes = ended.paused if ended is not None else None
            if resumes is None or stopped.is_set():
                break
            journal.line("paused")
            if not await desk.unless(stopped, plan.settings["resume_after_s"]):
                journal.line("told to end: the paused session is not resumed")
                break
            journal.begin()
    await car.close()
    return result


async def _session(car: Any, shell: CarShell, stopped: asyncio.Event) -> None:
    """Wait for the end of a session.

    Raises:
        TimeoutError: none has begun.
    """
    async with asyncio.timeout(_ATTEMPT_S) as limit:
        car.began = lambda: limit.reschedule(None)
        try:
            await desk.either(car.ended, stopped)
        finally:
            # It may still begin while it is told to stop; a limit that is over cannot be moved.
            car.began = lambda: None


def _shell(
    args: argparse.Namespace,
    plan: desk.Plan,
    car: Any,
    tls: ssl.SSLContext | None,
    tape: Tape | None,
    signers: dict[str, ContractSigner],
    resumes: Paused | None,
) -> CarShell:
    from v2g.evcc.engine import Evcc
    from v2g.net.car import CarShell
    from v2g.security.tls import car_judge

    core: Any = Evcc(
        car.vehicle,
        car_protocols(plan.protocols),
        secrets.token_bytes,
        lambda: int(time.time()),
        signers=signers,
        resumes=resumes,
    )
    return CarShell(
        desk.meddled(core, plan.faults, car=True),
        args.interface,
        car.take,
        tls=tls,
        tls_only=args.tls == "only",
        judge=car_judge if tls is not None else None,
        opened=None if tape is None else tape.opened,
        datagrams=None if tape is None else tape.datagram,
    )


def _signers(args: argparse.Namespace) -> dict[str, ContractSigner]:
    """Contracts by the namespace of the protocol: their keys are of one standard's curve."""
    if not args.contract:
        return {}
    from v2g.common.terms import ISO_2, ISO_20_AC, ISO_20_DC

    folders = {
        ISO_2: args.pki or args.iso20_pki,
        ISO_20_AC: args.iso20_pki or args.pki,
        ISO_20_DC: args.iso20_pki or args.pki,
    }
    wallets = {folder: _wallet(folder) for folder in set(folders.values())}
    return {namespace: wallets[folder] for namespace, folder in folders.items()}


def _wallet(folder: Path) -> ContractSigner:
    from v2g.evcc.wallet import Wallet
    from v2g.security.certificates import load_chain, load_key

    return Wallet(
        lambda: int(time.time()),
        contract=load_chain(folder / "contract-chain.pem"),
        contract_key=load_key(folder / "contract.key"),
        provisioning=load_chain(folder / "oem-chain.pem"),
        provisioning_key=load_key(folder / "oem.key"),
        trusted=load_chain(folder / "v2g-root.pem"),
    )


def _link(args: argparse.Namespace, shell: CarShell, tape: Tape | None) -> Any:
    from v2g.net.link import LinkShell
    from v2g.net.packet import PacketSocket
    from v2g.slac.ev import EvSlac

    packets = PacketSocket(args.interface)
    core = EvSlac(slac_config(args, packets.mac), secrets.token_bytes)
    return LinkShell(packets, core, shell.slac, None if tape is None else tape.frame)


def slac_config(args: argparse.Namespace, mac: bytes) -> EvConfig:
    """How the options want matching to be."""
    from v2g.slac.ev_attempt import EvConfig

    return EvConfig(
        mac,
        validate=args.validate,
        direct_db=args.attenuation_direct,
        indirect_db=args.attenuation_limit,
        attenuation_correction_db=args.attenuation_correction,
    )
