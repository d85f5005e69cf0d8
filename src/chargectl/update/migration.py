"""What an update carries from the running system to the new one, and when it must not.

The manifest (``/usr/share/chargectl/migration.toml``) is data with a reason for every rule. This module gives
it a type and checks it, and decides from two releases whether the one may follow the other. Reading and
writing files is `chargectl.system.migration`'s.
"""

from __future__ import annotations

import fnmatch
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, unique
from typing import Any, Final

from chargectl.config.migration import Action, Step
from chargectl.config.paths import ANY_INDEX, ANY_NAME, Segment, parse_path
from chargectl.declarations.types import ConfigFile

FORMAT: Final = 1
"""Version of the manifest's own form."""


class ManifestError(ValueError):
    """The manifest says something that it cannot; one line: where, what, what is allowed."""


@unique
class Kind(Enum):
    """How a rule carries its path."""

    TREE = "tree"
    """A folder with all files, folders and symbolic links below it; files only in the new system stay."""
    FILE = "file"
    """One file."""
    CONFIGURATION = "configuration"
    """A folder as `TREE`; the configuration files in it are brought to this version's keys and checked."""
    PASSWORDS = "passwords"
    """The password fields of accounts that exist in both systems."""
    KEYRING = "keyring"
    """The owner's update keyring, where the factory's was replaced."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One path that is carried.

    ``leave`` are names below it that always come from the new image (shell patterns, matched with each file's
    or folder's name). ``then`` is a program with arguments to run in the new system after all files are in
    place, when this rule carried anything.
    """

    path: str
    kind: Kind
    reason: str
    leave: tuple[str, ...] = ()
    then: tuple[str, ...] = ()

    def leaves(self, name: str) -> bool:
        """Whether a file or folder of that name comes from the new image."""
        return any(fnmatch.fnmatchcase(name, pattern) for pattern in self.leave)


@dataclass(frozen=True, slots=True)
class Manifest:
    """All rules, and the steps between versions of the configuration files.

    ``schema`` counts the changes of the configuration that older versions cannot read.
    """

    schema: int
    rules: tuple[Rule, ...]
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Release:
    """What ``/etc/chargectl-release`` says of an image; empty where it says nothing."""

    version: str = ""
    build: str = ""
    machine: str = ""
    development_keys: bool = False


def parse_release(text: str) -> Release:
    """Read lines ``KEY=value``; unknown ones are passed over."""
    values = dict(line.strip().partition("=")[::2] for line in text.splitlines() if "=" in line)
    return Release(
        values.get("VERSION", ""),
        values.get("BUILD", ""),
        values.get("MACHINE", ""),
        values.get("DEVELOPMENT_KEYS", "") == "yes",
    )


def objections(old: Release, new: Release, old_schema: int, new_schema: int) -> list[str]:
    """Why ``new`` must not follow ``old``; one sentence each, none when it may.

    ``old_schema`` is 0 when the running system has no manifest (a firmware of another origin).
    """
    found = []
    if old.machine and new.machine and old.machine != new.machine:
        found.append(f"the image is for {new.machine}, this is {old.machine}")
    if new.development_keys and old.version and not old.development_keys:
        found.append(
            "the image trusts development keys, which everybody can have, and this device does not; "
            "build it with your own keys"
        )
    if old_schema > new_schema:
        found.append(
            f"the configuration here has schema {old_schema}, version {new.version or '?'} knows only "
            f"{new_schema} and would misread it; go back with a rollback, or install a newer version"
        )
    return found


def parse_manifest(text: str, name: str = "migration.toml") -> Manifest:
    """Read and check a manifest. Raises `ManifestError`."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ManifestError(f"{name}: {error}") from None
    if data.get("format") != FORMAT:
        raise ManifestError(f"{name}: format is {data.get('format')!r}; allowed: {FORMAT}")
    _only(name, data, ("format", "schema", "carry", "step"))
    schema = data.get("schema")
    if not isinstance(schema, int) or isinstance(schema, bool) or schema < 1:
        raise ManifestError(f"{name}: schema is {schema!r}; allowed: an integer of at least 1")
    rules = tuple(
        _rule(f"{name}: carry {number}", item) for number, item in enumerate(data.get("carry", []), 1)
    )
    paths = [rule.path for rule in rules]
    for path in paths:
        if paths.count(path) > 1 or any(path.startswith(f"{other}/") for other in paths):
            raise ManifestError(f"{name}: {path} is carried by more than one rule")
    steps = tuple(
        _step(f"{name}: step {number}", item) for number, item in enumerate(data.get("step", []), 1)
    )
    return Manifest(schema, rules, steps)


def _rule(where: str, item: Mapping[str, Any]) -> Rule:
    _only(where, item, ("path", "kind", "reason", "leave", "then"))
    path = _text(where, item, "path")
    if not path.startswith("/") or path == "/" or path.endswith("/") or "//" in path or _dotted(path):
        raise ManifestError(f"{where}: path is {path!r}; allowed: an absolute path without . and ..")
    kinds = [kind.value for kind in Kind]
    if item.get("kind") not in kinds:
        raise ManifestError(f"{where}: kind is {item.get('kind')!r}; allowed: {', '.join(kinds)}")
    kind = Kind(item["kind"])
    leave, then = (_words(where, item, field) for field in ("leave", "then"))
    if leave and kind not in (Kind.TREE, Kind.CONFIGURATION):
        raise ManifestError(f"{where}: leave only has a meaning for a folder")
    if then and not then[0].startswith("/"):
        raise ManifestError(f"{where}: then begins with {then[0]!r}; allowed: a program's absolute path")
    return Rule(path, kind, _text(where, item, "reason"), leave, then)


def _step(where: str, item: Mapping[str, Any]) -> Step:
    actions = [action.value for action in Action]
    if item.get("action") not in actions:
        raise ManifestError(f"{where}: action is {item.get('action')!r}; allowed: {', '.join(actions)}")
    action = Action(item["action"])
    extra = {
        Action.RENAME: ("to",),
        Action.REMOVE: (),
        Action.CHANGE: ("old", "value"),
        Action.ADD: ("value",),
    }[action]
    fields = ("action", "file", "path", "since", "reason", *extra)
    _only(where, item, fields)
    missing = [field for field in fields if field not in item]
    if missing:
        raise ManifestError(f"{where}: {missing[0]} is missing; {action.value} needs {', '.join(fields)}")
    files = [file.value for file in ConfigFile]
    if item["file"] not in files:
        raise ManifestError(f"{where}: file is {item['file']!r}; allowed: {', '.join(files)}")
    path, to = _text(where, item, "path"), item.get("to", "")
    free = _free(where, path)
    if action is Action.RENAME and _free(where, _text(where, item, "to")) != free:
        raise ManifestError(f"{where}: path and to must have the same free places, in the same order")
    if action is Action.ADD and free:
        raise ManifestError(f"{where}: path is {path!r}; add needs a path without [] and *")
    since, reason = _text(where, item, "since"), _text(where, item, "reason")
    file = ConfigFile(item["file"])
    return Step(action, file, path, since, reason, to, item.get("old"), item.get("value"))


def _free(where: str, path: str) -> list[Segment]:
    try:
        return [segment for segment in parse_path(path) if segment in (ANY_INDEX, ANY_NAME)]
    except ValueError as error:
        raise ManifestError(f"{where}: {error}") from None


def _only(where: str, item: Mapping[str, Any], known: tuple[str, ...]) -> None:
    unknown = [field for field in item if field not in known]
    if unknown:
        raise ManifestError(f"{where}: there is no {unknown[0]}; allowed: {', '.join(known)}")


def _text(where: str, item: Mapping[str, Any], field: str) -> str:
    value = item.get(field)
    if not isinstance(value, str) or not value.strip():
        raise ManifestError(f"{where}: {field} is {value!r}; allowed: a text that is not empty")
    return value


def _words(where: str, item: Mapping[str, Any], field: str) -> tuple[str, ...]:
    value = item.get(field, [])
    if not isinstance(value, list) or not all(isinstance(word, str) and word for word in value):
        raise ManifestError(f"{where}: {field} is {value!r}; allowed: an array of texts")
    return tuple(value)


def _dotted(path: str) -> bool:
    return any(part in (".", "..") for part in path.split("/"))
