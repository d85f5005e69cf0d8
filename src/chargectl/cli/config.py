"""``chargectl config``: read and change the configuration."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from chargectl.config.client import SOCKET, NotRunningError, ask
from chargectl.config.configuration import Configuration, Entry
from chargectl.config.document import Document
from chargectl.config.load import load, shape_of, shipped_content
from chargectl.config.owner import Owner, RefusedError
from chargectl.config.recovery import recover
from chargectl.config.schema import json_schema
from chargectl.config.shape import Shape
from chargectl.config.store import BACKUPS, DIRECTORY
from chargectl.config.tree import plain
from chargectl.config.values import HIDDEN, closest
from chargectl.declarations.types import ConfigFile, JsonValue, KeyType

OK, FAILED, USAGE = 0, 1, 2
_FILES = [file.value for file in ConfigFile]


def add_parser(subparsers: Any) -> None:
    """Declare the subcommand's arguments."""
    parser = subparsers.add_parser("config", help="read and change the configuration")
    parser.add_argument(
        "--config-dir", type=Path, default=DIRECTORY, metavar="DIR", help="default: %(default)s"
    )
    parser.add_argument(
        "--backup-dir", type=Path, default=BACKUPS, metavar="DIR", help="default: %(default)s"
    )
    parser.add_argument("--socket", type=Path, default=SOCKET, metavar="PATH", help="default: %(default)s")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)

    get = verbs.add_parser("get", help="print the value of a key that is in force")
    get.add_argument("path", metavar="PATH", help="for example ports[0]/meter/enable")
    change = verbs.add_parser("set", help="set keys; comments and layout of the file stay")
    change.add_argument(
        "pairs", nargs="+", metavar="PATH VALUE", help="a key and its value, once or several times"
    )
    unset = verbs.add_parser("unset", help="remove keys, so that their defaults apply")
    unset.add_argument("paths", nargs="+", metavar="PATH")
    shown = verbs.add_parser("list", help="print all values in force; * marks what differs from the default")
    shown.add_argument("prefix", nargs="?", default="", metavar="PREFIX", help="only keys that begin so")
    verbs.add_parser("diff", help="print what differs from the defaults")
    export = verbs.add_parser("export", help="print a file as JSON without comments")
    for verb in (get, shown, verbs.choices["diff"], export):
        verb.add_argument("--with-secrets", action="store_true", help=f"show secrets instead of {HIDDEN}")
    verbs.add_parser("recover", help="restore files that are missing, empty or damaged (done at each boot)")
    schema = verbs.add_parser("schema", help="print the JSON Schema of a file, for editors")
    shipped = verbs.add_parser("shipped", help="print the file as it is shipped, with comments")
    for verb in (export, schema, shipped):
        verb.add_argument("file", nargs="?", default=_FILES[0], choices=_FILES, help="default: %(default)s")


def run(args: argparse.Namespace) -> int:
    """Carry out the verb; returns the exit code."""
    if args.verb in ("set", "unset"):
        return _change(args)
    if args.verb == "schema":
        file = ConfigFile(args.file)
        print(json.dumps(json_schema(shape_of(file), file.value), indent=2, ensure_ascii=False))
        return OK
    if args.verb == "shipped":
        print(shipped_content(ConfigFile(args.file)), end="")
        return OK
    if args.verb == "export":
        return _export(args)
    if args.verb == "recover":
        return _recover(args)
    configurations, problems = load(args.config_dir, args.backup_dir)
    if problems:
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        print(f"{count}; see: chargectl check", file=sys.stderr)
    if args.verb == "get":
        return _get(args, configurations)
    for file, configuration in configurations.items():
        if args.verb == "list":
            _list(file, configuration, args.prefix, secrets=args.with_secrets)
        else:
            _diff(configuration, secrets=args.with_secrets)
    return OK


def _recover(args: argparse.Namespace) -> int:
    """Put a usable file in the place of each one that is not (guide 10.3); says what was done."""
    failed = False
    for file in ConfigFile:
        path = args.config_dir / file.value
        recovered = recover(path, args.backup_dir, lambda file=file: shipped_content(file))  # type: ignore[misc]
        for event in recovered.events:
            print(event, file=sys.stderr)
        failed = failed or not recovered.written
    return FAILED if failed else OK


def _get(args: argparse.Namespace, configurations: dict[ConfigFile, Configuration]) -> int:
    file = _file_of(args.path)
    if file is None:
        return USAGE
    entry = configurations[file]
    value: JsonValue = entry[args.path]
    if entry.key(args.path).secret and value is not None and not args.with_secrets:
        value = HIDDEN
    print(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
    return OK


def _list(file: ConfigFile, configuration: Configuration, prefix: str, *, secrets: bool) -> None:
    entries = [entry for entry in _leaves(configuration) if entry.path.startswith(prefix)]
    if entries:
        print(f"# {file.value}")
    for entry in entries:
        mark = " " if entry.is_default else "*"
        note = "(default)" if entry.is_default else f"(default: {_text(entry, entry.default, secrets)})"
        print(f"{mark} {entry.path} = {_text(entry, entry.value, secrets)}  {note}")


def _diff(configuration: Configuration, *, secrets: bool) -> None:
    for entry in _leaves(configuration):
        if not entry.is_default:
            old, new = _text(entry, entry.default, secrets), _text(entry, entry.value, secrets)
            print(f"{entry.path}: {old} -> {new}")


def _leaves(configuration: Configuration) -> list[Entry]:
    containers = (KeyType.OBJECT, KeyType.OBJECTS)
    return [entry for entry in configuration.entries() if entry.key.type not in containers]


def _text(entry: Entry, value: JsonValue, secrets: bool) -> str:
    if value is None:
        return "not set"
    return HIDDEN if entry.key.secret and not secrets else json.dumps(value, ensure_ascii=False)


def _export(args: argparse.Namespace) -> int:
    file = ConfigFile(args.file)
    path = args.config_dir / file.value
    try:
        document = Document.read(path, str(path))
    except OSError as error:
        print(f"{path}: {error.strerror}", file=sys.stderr)
        return FAILED
    if document.broken or document.root is None:
        print(f"{document.problems[0]}\n{path} cannot be read; see: chargectl check", file=sys.stderr)
        return FAILED
    value = plain(document.root)
    if not args.with_secrets:
        value = _masked(value, shape_of(file))
    print(json.dumps(value, indent=2, ensure_ascii=False))
    return OK


def _masked(value: JsonValue, place: Shape | None) -> JsonValue:
    if place is not None and place.key is not None and place.key.secret and value is not None:
        return HIDDEN
    if isinstance(value, dict):
        return {name: _masked(item, place.below(name) if place else None) for name, item in value.items()}
    if isinstance(value, list):
        return [_masked(item, place.below(index) if place else None) for index, item in enumerate(value)]
    return value


def _change(args: argparse.Namespace) -> int:
    values: dict[str, JsonValue] = {}
    removed: list[str] = []
    if args.verb == "unset":
        removed = args.paths
    elif len(args.pairs) % 2:
        print("set needs a value for each key: chargectl config set PATH VALUE", file=sys.stderr)
        return USAGE
    files = set()
    for path in removed or args.pairs[::2]:
        file = _file_of(path)
        if file is None:
            return USAGE
        files.add(file)
    if len(files) > 1:
        print("the keys belong to several files; change one file at a time", file=sys.stderr)
        return USAGE
    (file,) = files
    if not removed:
        for path, text in zip(args.pairs[::2], args.pairs[1::2], strict=True):
            values[path] = _value(file, path, text)
    try:
        problems = _through_configd(args, file, values, removed)
    except RefusedError as error:
        for reason in error.reasons:
            print(f"refused: {reason}", file=sys.stderr)
        return FAILED
    except OSError as error:
        print(f"configd cannot be asked: {error.strerror or error}", file=sys.stderr)
        return FAILED
    for problem in problems:
        print(problem, file=sys.stderr)
    return OK


def _through_configd(
    args: argparse.Namespace, file: ConfigFile, values: dict[str, JsonValue], removed: list[str]
) -> list[str]:
    """Let configd make the change, or make it here when it does not run; returns the problems it brings."""
    paths: list[JsonValue] = list(removed)
    try:
        reply = ask({"file": file.value, "set": values, "remove": paths}, args.socket)
    except NotRunningError:
        print(f"configd is not running; {args.config_dir / file.value} is edited directly", file=sys.stderr)
        report = Owner(args.config_dir, args.backup_dir).change(file, values, removed)
        for event in report.events:
            print(event, file=sys.stderr)
        return [str(problem) for problem in report.problems]
    if reply.get("ok") is not True:
        errors = reply.get("errors")
        raise RefusedError(
            str(reason) for reason in (errors if isinstance(errors, list) else ["no reason given"])
        )
    found = reply.get("problems")
    return [str(problem) for problem in found] if isinstance(found, list) else []


def _file_of(path: str) -> ConfigFile | None:
    """The file that a key belongs to; says so when there is none."""
    for file in ConfigFile:
        place = shape_of(file).lookup(path)
        if place is not None and place.key is not None:
            return file
    near = closest(path, [known for file in ConfigFile for known in shape_of(file).key_paths()])
    hint = f"; did you mean {near}?" if near else "; see: chargectl config list"
    print(f"there is no key {path}{hint}", file=sys.stderr)
    return None


def _value(file: ConfigFile, path: str, text: str) -> JsonValue:
    """What was typed, as JSON; free text for a key that holds text."""
    place = shape_of(file).lookup(path)
    key = place.key if place else None
    if key is not None and key.type is KeyType.STRING and not (key.nullable and text == "null"):
        quoted = len(text) > 1 and text.startswith('"') and text.endswith('"')
        if not quoted:
            return text
    try:
        value: JsonValue = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return value
