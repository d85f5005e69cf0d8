"""The command ``v2gexi``: V2G messages between EXI, V2GTP, captures, XML and JSON."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable, Sequence

from v2gexi import schema
from v2gexi.cli_read import FORMATS as READ
from v2gexi.cli_read import Options, Record, UsageError, records
from v2gexi.cli_write import FORMATS as WRITTEN
from v2gexi.cli_write import Writer

GOOD, BAD, USAGE, PIPE = 0, 1, 2, 141
"""Exit codes: all well; some messages are none, or the schema forbids them; not possible so; nobody reads
the output."""

_EPILOG = """exit codes: 0 all well; 1 something is no message, or the schema forbids it; 2 the command
cannot be done"""
_SHOWN = {
    "din": "DIN SPEC 70121",
    "app": "the handshake of all",
    "iso2": "ISO 15118-2",
    "xmldsig": "signatures alone",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    chosen = _parser().parse_args(arguments)
    try:
        code: int = chosen.run(chosen)
        sys.stdout.flush()
        return code
    except UsageError as error:
        sys.stdout.flush()
        sys.stderr.write(f"v2gexi: {error}\n")
        return USAGE
    except BrokenPipeError:
        # Python would complain when it flushes at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return PIPE
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("v2gexi", description=__doc__, epilog=_EPILOG)
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    decode = commands.add_parser("decode", help="EXI, frames or captures to text", epilog=_EPILOG)
    encode = commands.add_parser("encode", help="XML or JSON to EXI", epilog=_EPILOG)
    convert = commands.add_parser("convert", help="anything to anything", epilog=_EPILOG)
    for command, written in ((decode, "xml"), (encode, "hex"), (convert, "xml")):
        _reading(command)
        command.add_argument(
            "--to",
            choices=WRITTEN,
            default=written,
            metavar="FORMAT",
            help=f"{', '.join(WRITTEN)} (default: {written})",
        )
        command.add_argument(
            "--frame", action="store_true", help="put the V2GTP header before what is encoded"
        )
        command.add_argument(
            "--literal", action="store_true", help="encode every text out, for peers that need it"
        )
        command.add_argument(
            "--lenient", action="store_true", help="encode numbers and lengths that the schema forbids"
        )
        command.add_argument(
            "--element", metavar="NAME", help="the root, where a message's type does not tell it"
        )
        command.set_defaults(run=_convert)
    check = commands.add_parser("problems", help="all that the schema forbids about messages", epilog=_EPILOG)
    _reading(check)
    check.set_defaults(run=_problems)
    sets = commands.add_parser("sets", help="message sets, or the messages of one")
    sets.add_argument("set", nargs="?", help="name of a message set")
    sets.set_defaults(run=_sets)
    return parser


def _reading(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "input", nargs="*", help="files, - for standard input (default), or the hex, XML or JSON itself"
    )
    command.add_argument(
        "--from",
        dest="form",
        choices=READ,
        metavar="FORMAT",
        help=f"{', '.join(READ)} (default: by the content)",
    )
    command.add_argument(
        "--set", choices=list(schema.set_names()), metavar="SET", help="message set (default: by the content)"
    )
    command.add_argument("--fragment", action="store_true", help="fragments, as signatures digest them")
    command.add_argument(
        "--check", action="store_true", help="refuse numbers and lengths that the schema forbids"
    )


def _records(chosen: argparse.Namespace) -> Iterable[Record]:
    return records(chosen.input, Options(chosen.form, chosen.set, chosen.fragment, chosen.check))


def _convert(chosen: argparse.Namespace) -> int:
    writer = Writer(
        chosen.to,
        frame=chosen.frame,
        fragment=chosen.fragment,
        literal=chosen.literal,
        lenient=chosen.lenient,
        element=chosen.element,
    )
    writer.write(_records(chosen))
    return BAD if writer.bad else GOOD


def _problems(chosen: argparse.Namespace) -> int:
    from v2gexi.checks import problems

    code = GOOD
    for record in _records(chosen):
        lines = record.error.splitlines()
        if record.message is not None:
            lines = problems(record.message, record.message_set or None, element=record.element)
        for line in lines:
            sys.stdout.write(f"{record.where}: {line}\n")
            code = BAD
    return code


def _sets(chosen: argparse.Namespace) -> int:
    if chosen.set is None:
        for of_set in map(schema.set_of, schema.set_names().values()):
            what = _SHOWN.get(of_set.name, f"ISO 15118-20 {of_set.name.removeprefix('iso20-').upper()}")
            sys.stdout.write(f"{of_set.name:13} {what:22} {_namespace(of_set)}\n")
        return GOOD
    try:
        of_set = schema.set_named(chosen.set)
    except ValueError as error:
        raise UsageError(str(error)) from None
    for root in of_set.roots:
        sys.stdout.write(f"{root.name}\t{root.namespace}\n")
    return GOOD


def _namespace(of_set: schema.MessageSet) -> str:
    """The namespace of the set's messages, not of what they share."""
    from v2gexi.sessions import NAMESPACES

    own = [namespace for namespace, name in NAMESPACES.items() if name == of_set.name]
    return own[0] if own else of_set.roots[0].namespace
