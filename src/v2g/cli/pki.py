"""``v2g pki``: make, show and check certificates."""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

GOOD, BAD, USAGE = 0, 1, 2
"""Exit codes: all well; a certificate has a problem; the command cannot be done."""

_PURPOSES: Final = ("secc", "cps", "contract", "oem", "vehicle")
_EPILOG: Final = "exit codes: 0 all well; 1 a certificate has a problem; 2 the command cannot be done"


def add_parser(subparsers: Any) -> None:
    """Add ``pki`` and its commands to a command's parsers."""
    parser = subparsers.add_parser("pki", help="make, show and check certificates", epilog=_EPILOG)
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    make = commands.add_parser("make", help="a whole test PKI in one folder", epilog=_EPILOG)
    make.add_argument("folder", type=Path, metavar="FOLDER")
    make.add_argument(
        "--iso20", action="store_true", help="for ISO 15118-20: P-521 and a vehicle certificate"
    )
    make.add_argument("--emaid", help="the contract's identifier (DE-V2G-C12345678-X)")
    make.add_argument("--pcid", help="the car's provisioning identifier, 18 letters and digits")
    make.add_argument("--organisation", metavar="NAME", help="O of all subjects (v2g test)")
    make.add_argument("--country", metavar="XX", help="C of all subjects (DE)")
    make.add_argument("--start", type=_time, metavar="TIME", help="valid from then on (an hour ago)")
    make.add_argument("--days", type=int, help="how long leaves are valid")
    make.add_argument("--seed", metavar="TEXT", help="the same serial numbers for the same text")
    make.add_argument("--force", action="store_true", help="replace files that are there, keys too")
    make.set_defaults(run=run, pki=_make)

    show = commands.add_parser("show", help="what is in a file or folder", epilog=_EPILOG)
    show.add_argument("path", type=Path, metavar="FILE|FOLDER")
    _at(show)
    show.set_defaults(run=run, pki=_show)

    check = commands.add_parser("check", help="whether a chain can be trusted", epilog=_EPILOG)
    check.add_argument("chain", type=Path, metavar="CHAIN", help="leaf first, then its sub-CAs")
    check.add_argument(
        "--root", type=Path, action="append", required=True, help="whom to trust; may be repeated"
    )
    check.add_argument("--key", type=Path, help="the leaf's private key")
    check.add_argument("--password-file", type=Path, metavar="FILE", help="the key's password")
    check.add_argument(
        "--for", dest="purpose", choices=_PURPOSES, help="what the leaf is for (as it says itself)"
    )
    _at(check)
    check.set_defaults(run=run, pki=_check)


def run(args: argparse.Namespace) -> int:
    """Run a command; returns its exit code."""
    from v2g.security.certificates import CertificateError
    from v2g.security.pki.maker import PkiError

    command: Callable[[argparse.Namespace], int] = args.pki
    try:
        return command(args)
    except (CertificateError, PkiError) as error:
        print(f"v2g pki: {error}", file=sys.stderr)
        return USAGE


def _make(args: argparse.Namespace) -> int:
    from v2g.security.pki.folder import write
    from v2g.security.pki.maker import Wishes, make
    from v2g.security.pki.plan import entries
    from v2g.security.profiles import Generation

    given = {
        name: getattr(args, name)
        for name in ("emaid", "pcid", "organisation", "country", "start", "days", "seed")
        if getattr(args, name) is not None
    }
    generation = Generation.ISO20 if args.iso20 else Generation.ISO2
    write(args.folder, make(Wishes(generation, **given)), force=args.force)
    print(f"{args.folder}: a test PKI of {generation.value}")
    for entry in entries(generation):
        print(f"  {entry.name:<12} {entry.purpose}")
    return GOOD


def _show(args: argparse.Namespace) -> int:
    from v2g.security.pki.describe import show

    lines, problems = show(args.path, args.at or datetime.now(UTC))
    print("\n".join(lines))
    return _tell(problems)


def _check(args: argparse.Namespace) -> int:
    from v2g.security.certificates import load_chain, load_key, matches
    from v2g.security.chains import check_chain
    from v2g.security.pki.describe import profile_of
    from v2g.security.profiles import PROFILES

    chain = load_chain(args.chain)
    roots = [root for path in args.root for root in load_chain(path)]
    profile = PROFILES[args.purpose] if args.purpose else profile_of(chain[0])
    found = check_chain(chain, roots, at=args.at or datetime.now(UTC), profile=profile)
    problems = [f"{args.chain}: {problem}" for problem in found]
    if args.key is not None:
        password = None if args.password_file is None else _password(args.password_file)
        if not matches(chain[0], load_key(args.key, password)):
            problems.append(f"{args.key}: not the key of {chain[0].label} in {args.chain}")
    if not problems:
        kind = "" if profile is None else f"{profile.name} certificate "
        print(f"{args.chain}: {kind}{chain[0].label}, trusted until {_end(chain):%Y-%m-%d %H:%M} UTC")
    return _tell(problems)


def _tell(problems: list[str]) -> int:
    for problem in problems:
        print(f"v2g pki: {problem}", file=sys.stderr)
    return BAD if problems else GOOD


def _end(chain: list[Any]) -> datetime:
    end: datetime = min(each.not_after for each in chain)
    return end


def _password(path: Path) -> bytes:
    from v2g.security.certificates import CertificateError

    try:
        return path.read_bytes().strip()
    except OSError as error:
        raise CertificateError(f"{path}: {error.strerror}") from None


def _at(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--at", type=_time, metavar="TIME", help="as if it were then, such as 2027-01-31T12:00"
    )


def _time(text: str) -> datetime:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no time, such as 2027-01-31T12:00") from None
    try:
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except OverflowError:  # the first and the last day there are, in another zone
        raise argparse.ArgumentTypeError(f"{text!r} is no time, such as 2027-01-31T12:00") from None
