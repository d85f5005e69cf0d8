"""Carries the owner's files from one root file system to another as the migration manifest says.

`install` runs from inside a freshly written slot, before RAUC activates it: with the new slot's code and the
running system mounted read-only. `late` runs when the new slot starts for the first time and takes over what
changed in between. Both raise `MigrationError`, and then the new system is as it was before (`late`) or is
never activated (`install`); the old system is only read.
"""

from __future__ import annotations

import contextlib
import os
import stat
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from chargectl.config.document import Document
from chargectl.config.edit import EditError
from chargectl.config.load import shape_of
from chargectl.config.migration import migrate
from chargectl.config.recovery import CORRUPT_SUFFIX
from chargectl.config.store import BACKUPS
from chargectl.config.validate import validate
from chargectl.declarations.types import ConfigFile
from chargectl.system.migration_files import Item, Transaction, is_leftover, remove
from chargectl.system.migration_record import RECORD, Record, read_record, write_record
from chargectl.system.migration_root import Found, Root
from chargectl.update.migration import (
    Kind,
    Manifest,
    ManifestError,
    Release,
    Rule,
    objections,
    parse_manifest,
    parse_release,
)
from chargectl.update.migration_shadow import merge_passwords

MANIFEST: Final = "/usr/share/chargectl/migration.toml"
RELEASE: Final = "/etc/chargectl-release"
SHIPPED_KEYRINGS: Final = "/usr/share/chargectl/keyring/"
"""Where the image's own keyring is; /etc/rauc/keyring.pem is a link to it until an owner replaces it."""
SYSUSERS: Final = "/usr/bin/systemd-sysusers"
"""Makes the new image's users, so that owners can be found by name; absent from images with fixed users."""
PROGRAM_TIMEOUT_S: Final = 180
"""update-ca-certificates takes some 15 s on the board; twelve times that is a program that hangs."""


class MigrationError(RuntimeError):
    """Nothing was or will be taken over; the message is one line for people."""


@dataclass(slots=True)
class Plan:
    """What is to be carried: items, lines for the journal, programs to run afterwards."""

    items: list[Item] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    programs: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """By the path of the rule they belong to."""


def install(old_path: Path, new_path: Path) -> list[str]:
    """Carry everything; the lines say what happened. Raises `MigrationError`."""
    with _readable(), Root(old_path) as old, Root(new_path) as new:
        manifest, release = _admitted(old, new)
        if new.look(SYSUSERS) is not None:
            _run((SYSUSERS,), new_path)
        plan = _plan(manifest, old, new, release)
        bases, carried = _put(plan.items, old, new)
        _run_programs(plan, list(carried), new_path)
        write_record(new, Record(release.version, bases, carried))
        os.sync()
        return [*plan.notes, f"{len(carried)} files carried from version {release.version or 'unknown'}"]


def late(old_path: Path, new_path: Path) -> list[str]:
    """Take over what changed in the old system since `install`, once. Raises `MigrationError`.

    A file that has changed here since then is kept as it is. After one that has come to its end, well or not,
    a second call does nothing. One that was killed is repeated by the next start, until a start is accepted
    (`migration_record.close`): by then the other slot may hold something else, which is refused, too.
    """
    with _readable(), Root(old_path) as old, Root(new_path) as new:
        record = read_record(new)
        if record is None or record.late:
            return []
        try:
            with _readable():
                notes = _take_over(record, old, new, new_path)
        except MigrationError as error:
            write_record(new, replace(record, late=f"failed: {error}"))
            raise
        write_record(new, replace(record, late="done"))
        os.sync()
        return notes


def pending(new_path: Path) -> bool:
    """Whether `late` still has to run on this system."""
    with _readable(), Root(new_path) as new:
        record = read_record(new)
        return record is not None and not record.late


def _take_over(record: Record, old: Root, new: Root, new_path: Path) -> list[str]:
    manifest, release = _admitted(old, new)
    if release.version != record.version:
        raise MigrationError(
            f"the other slot holds version {release.version or 'unknown'}; "
            f"this system came from {record.version or 'unknown'}"
        )
    _sweep(manifest, new)
    plan = _plan(manifest, old, new, release)
    merged = {rule.path for rule in manifest.rules if rule.kind is Kind.PASSWORDS}
    items = []
    for item in plan.items:
        basis = item.basis or old.digest(item.source or item.path)
        if item.meta.kind == stat.S_IFDIR:
            if new.look(item.path) is None:
                items.append(item)
        elif record.bases.get(item.path) == basis:
            continue
        elif item.path not in merged and new.digest(item.path) != record.carried.get(item.path, ""):
            plan.notes.append(f"{item.path} has changed in both systems; this one's stays")
        else:
            items.append(item)
    planned = {item.path for item in plan.items} | merged
    gone = [path for path in record.carried if path not in planned]
    gone = [path for path in gone if new.digest(path) == record.carried[path]]
    _, taken = _put(items, old, new)
    for path in gone:
        remove(new, path)
    _run_programs(plan, [*taken, *gone], new_path)
    plan.notes += [f"{path} was changed after the install and is taken over" for path in taken]
    return plan.notes + [f"{path} was removed after the install" for path in gone]


@contextlib.contextmanager
def _readable() -> Iterator[None]:
    """Files that cannot be read fail the migration: what is carried must be whole."""
    try:
        yield
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        raise MigrationError(f"{where}{error.strerror or error}") from error
    except ValueError as error:
        raise MigrationError(str(error)) from error


def _sweep(manifest: Manifest, new: Root) -> None:
    """Remove what an interrupted call has left beside the files it was to become."""
    found: list[Found] = []
    for path in (RECORD, *(rule.path for rule in manifest.rules)):
        with contextlib.suppress(FileNotFoundError):
            found += new.listing(path.rpartition("/")[0])
        place = new.look(path)
        if place is not None and place.kind == stat.S_IFDIR:
            found += new.walk(path)
    for item in found:
        if is_leftover(item):
            remove(new, item.path)


def _admitted(old: Root, new: Root) -> tuple[Manifest, Release]:
    """This image's manifest and the running system's release; `MigrationError` when they do not fit."""
    text = new.read(MANIFEST)
    if text is None:
        raise MigrationError(f"{MANIFEST} is missing from the new image")
    try:
        manifest = parse_manifest(text.decode())
    except (ManifestError, UnicodeDecodeError) as error:
        raise MigrationError(f"the new image's {error}") from error
    try:
        old_schema = parse_manifest((old.read(MANIFEST) or b"").decode()).schema
    except (ManifestError, UnicodeDecodeError):
        old_schema = 0
    releases = [parse_release((root.read(RELEASE) or b"").decode("utf-8", "replace")) for root in (old, new)]
    against = objections(releases[0], releases[1], old_schema, manifest.schema)
    if against:
        raise MigrationError("; ".join(against))
    return manifest, releases[0]


def _plan(manifest: Manifest, old: Root, new: Root, release: Release) -> Plan:
    plan = Plan()
    for rule in manifest.rules:
        before = len(plan.items)
        if rule.kind is Kind.PASSWORDS:
            _plan_passwords(rule, old, new, plan)
        elif rule.kind is Kind.KEYRING:
            _plan_keyring(rule, old, new, plan)
        else:
            _plan_files(rule, old, plan)
            if rule.kind is Kind.CONFIGURATION:
                _plan_configuration(rule, manifest, old, release.version, plan)
        if rule.then and len(plan.items) > before:
            plan.programs[rule.path] = rule.then
    return plan


def _plan_files(rule: Rule, old: Root, plan: Plan) -> None:
    configuration = {f"{rule.path}/{file.value}" for file in ConfigFile}
    skipped = configuration if rule.kind is Kind.CONFIGURATION else set()
    for found in _wanted(rule, old):
        if found.path in skipped:
            continue
        if found.kind not in (stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK):
            plan.notes.append(f"{found.path} is neither file, folder nor link; it is not carried")
            continue
        source = found.path if found.kind == stat.S_IFREG else ""
        plan.items.append(Item(found, old.owner(found.uid), old.group(found.gid), source=source))


def _wanted(rule: Rule, old: Root) -> Iterator[Found]:
    top = old.look(rule.path)
    if top is None:
        return
    if rule.kind is Kind.FILE:
        if top.kind == stat.S_IFDIR:
            raise MigrationError(f"{rule.path} is a folder in the running system; a file is carried")
        yield top
        return
    if top.kind != stat.S_IFDIR:
        raise MigrationError(f"{rule.path} is no folder in the running system; only folders are carried")
    yield top
    left: list[str] = []
    for found in old.walk(rule.path):
        if any(found.path.startswith(folder) for folder in left):
            continue
        if is_leftover(found):
            continue
        if rule.leaves(found.path.rpartition("/")[2]):
            left.append(f"{found.path}/")
            continue
        yield found


def _plan_configuration(rule: Rule, manifest: Manifest, old: Root, version: str, plan: Plan) -> None:
    """The configuration files of one folder: migrated, or restored from the backup when unusable (Z15)."""
    for file in ConfigFile:
        path = f"{rule.path}/{file.value}"
        if old.look(path) is None:
            continue
        document = None
        for candidate in dict.fromkeys((path, f"{BACKUPS}/{file.value}")):
            document, reason = _document(old, candidate)
            if document is not None:
                break
            plan.notes.append(f"{candidate} {reason}")
        found = old.look(old.resolved(path))
        if found is None or found.kind != stat.S_IFREG:
            plan.notes.append(f"{path} is no regular file; the new image's is used")
            continue
        meta = Found(path, found.mode, found.uid, found.gid, found.mtime_ns, "", found.xattrs)
        names = old.owner(found.uid), old.group(found.gid)
        basis = old.digest(found.path)
        if document is None or candidate != path:
            aside = Found(path + CORRUPT_SUFFIX, *_rest(meta))
            plan.items.append(Item(aside, *names, source=found.path))
        if document is None:
            plan.notes.append(f"{path} cannot be used; the new image's is used")
            continue
        try:
            migrated = migrate(document, file, manifest.steps, version)
        except EditError as error:
            raise MigrationError(f"{path} cannot be migrated: {error}") from error
        checked = validate(migrated.document, shape_of(file))
        if migrated.document.broken:
            raise MigrationError(f"{path} cannot be read after its migration: {checked.problems[0]}")
        plan.notes += [f"{path}: {note}" for note in migrated.notes]
        plan.notes += [str(problem) for problem in checked.problems]
        plan.items.append(Item(meta, *names, data=migrated.document.text.encode(), basis=basis))


def _rest(meta: Found) -> tuple[int, int, int, int, str, tuple[tuple[str, bytes], ...]]:
    return meta.mode, meta.uid, meta.gid, meta.mtime_ns, meta.target, meta.xattrs


def _document(old: Root, path: str) -> tuple[Document | None, str]:
    """A file's document when it can be used, or why not."""
    try:
        data = old.read(path)
    except OSError as error:
        return None, f"cannot be read ({error.strerror or error})"
    if data is None:
        return None, "is missing"
    document = Document.from_bytes(data, path.rpartition("/")[2])
    if not document.broken:
        return document, ""
    return None, f"cannot be parsed ({document.problems[0]})" if data.strip() else "is empty"


def _plan_passwords(rule: Rule, old: Root, new: Root, plan: Plan) -> None:
    before, present, data = new.look(rule.path), old.read(rule.path), new.read(rule.path)
    if before is None or present is None or data is None:
        return
    text, accounts = merge_passwords(present.decode("utf-8", "replace"), data.decode("utf-8", "replace"))
    if accounts:
        names = new.owner(before.uid), new.group(before.gid)
        plan.notes.append(f"{rule.path}: passwords carried for {', '.join(accounts)}")
        basis = old.digest(rule.path)
        plan.items.append(Item(before, *names, data=text.encode(), basis=basis))


def _plan_keyring(rule: Rule, old: Root, new: Root, plan: Plan) -> None:
    """The owner's keyring, unless the new image brings one of its owner's own."""
    place = old.resolved(rule.path)
    if place.startswith(SHIPPED_KEYRINGS) or old.look(place) is None:
        return
    if not new.resolved(rule.path).startswith(SHIPPED_KEYRINGS) and new.look(rule.path) is not None:
        plan.notes.append(f"{rule.path}: the new image brings its owner's keyring; it applies")
        return
    data = old.read(place)
    found = old.look(place)
    if found is None or data is None or b"-----BEGIN CERTIFICATE-----" not in data:
        raise MigrationError(f"{rule.path} holds no certificate; whoever replaced it must mend it first")
    meta = Found(rule.path, stat.S_IFREG | 0o644, 0, 0, found.mtime_ns)
    plan.notes.append(f"{rule.path}: the owner's keyring is kept")
    plan.items.append(Item(meta, "root", "root", data=data, basis=old.digest(place)))


def _put(items: list[Item], old: Root, new: Root) -> tuple[dict[str, str], dict[str, str]]:
    new.forget_names()
    transaction = Transaction(old, new)
    item = None
    try:
        for item in items:
            transaction.stage(item)
        item = None
        return transaction.commit()
    except OSError as error:
        where = f"{item.path} cannot be carried" if item else "the files cannot be put in place"
        raise MigrationError(f"{where}: {error.strerror or error}") from error
    finally:
        transaction.close()


def _run_programs(plan: Plan, changed: list[str], new_path: Path) -> None:
    for top, words in plan.programs.items():
        if any(path == top or path.startswith(f"{top}/") for path in changed):
            _run(words, new_path)


def _run(words: tuple[str, ...], new_path: Path) -> None:
    """Run a program of the new system, inside it."""
    inside = words if new_path == Path("/") else ("chroot", str(new_path), *words)
    try:
        done = subprocess.run(
            inside,
            check=False,
            timeout=PROGRAM_TIMEOUT_S,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise MigrationError(f"{words[0]} cannot be run in the new system: {error}") from error
    if done.returncode:
        said = done.stdout.decode("utf-8", "replace").strip().splitlines()
        raise MigrationError(f"{words[0]} failed in the new system: {said[-1] if said else done.returncode}")
