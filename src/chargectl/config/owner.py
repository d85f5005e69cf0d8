"""The one place that changes the configuration files: recovery, checks, backups, edits, and what changed."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from chargectl.config.configuration import Configuration
from chargectl.config.document import Document
from chargectl.config.edit import EditError, remove_value, set_value
from chargectl.config.load import shape_of, shipped_content
from chargectl.config.problem import Problem, Severity, has_errors
from chargectl.config.recovery import recover
from chargectl.config.store import BACKUPS, DIRECTORY, back_up, exclusive, write_atomic
from chargectl.config.validate import Checked, defaults, validate
from chargectl.config.values import allowed_text, closest, judge
from chargectl.declarations.types import ConfigFile, JsonValue, KeyType

OCPP = "ocpp"
"""Writer that may only change keys declared as writable over OCPP (guide, tables 47 to 56)."""

_Stamp = tuple[int, int, int] | None


class RefusedError(ValueError):
    """A change that was not made; one line per reason. The files are as before."""

    def __init__(self, reasons: Iterable[str]) -> None:
        self.reasons = tuple(reasons)
        super().__init__("\n".join(self.reasons))


@dataclass(frozen=True, slots=True)
class Report:
    """What happened: keys whose value in force changed, problems found, and lines for the journal."""

    changed: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    events: tuple[str, ...] = ()


@dataclass(slots=True)
class _Watched:
    file: ConfigFile
    path: Path
    configuration: Configuration
    problems: list[Problem] = field(default_factory=list)
    known: _Stamp = None
    pending: _Stamp = None


class Owner:
    """Owns the files below ``directory`` and their copies below ``backups``.

    No method raises for what a file holds or for a full disk; only `change` refuses, with `RefusedError`.
    Not thread-safe: one thread calls it. Other processes may edit the files; `poll` notices.
    """

    def __init__(self, directory: Path = DIRECTORY, backups: Path = BACKUPS) -> None:
        self._directory = directory
        self._backups = backups
        self._started = False
        self._watched = {
            file: _Watched(file, directory / file.value, defaults(shape_of(file))) for file in ConfigFile
        }

    def configuration(self, file: ConfigFile) -> Configuration:
        """The values in force."""
        return self._watched[file].configuration

    def problems(self, file: ConfigFile) -> tuple[Problem, ...]:
        """What is wrong with the file as last read."""
        return tuple(self._watched[file].problems)

    def start(self) -> Report:
        """Recover what cannot be used, check everything, back up what is good."""
        events: list[str] = []
        problems: list[Problem] = []
        for watched in self._watched.values():
            recovered = recover(watched.path, self._backups, lambda file=watched.file: shipped_content(file))  # type: ignore[misc]
            events += recovered.events
            watched.known = watched.pending = _stamp(watched.path)
            checked = validate(recovered.document, shape_of(watched.file))
            watched.configuration, watched.problems = checked.configuration, checked.problems
            problems += checked.problems
            if recovered.written:
                events += self._back_up(watched)
        self._started = True
        return Report((), tuple(problems), tuple(events))

    def poll(self) -> Report:
        """Look for edits by others; to be called about once a second.

        A file is read once it has not changed between two calls, so that an editor can finish writing. One
        that cannot be used is reported and left for its author to mend; the last good values stay in force.
        """
        changed: list[str] = []
        problems: list[Problem] = []
        events: list[str] = []
        for watched in self._watched.values():
            stamp = _stamp(watched.path)
            if stamp == watched.known or stamp != watched.pending:
                watched.pending = stamp
            else:
                report = self._reread(watched, stamp)
                changed += report.changed
                problems += report.problems
                events += report.events
        return Report(tuple(changed), tuple(problems), tuple(events))

    def _reread(self, watched: _Watched, stamp: _Stamp) -> Report:
        watched.known = watched.pending = stamp
        try:
            document = Document.read(watched.path, watched.path.name)
        except OSError as error:
            return Report(events=(f"{watched.path}: {error.strerror}; the last values stay in force",))
        checked = validate(document, shape_of(watched.file))
        watched.problems = checked.problems
        if document.broken:
            event = f"{watched.path} cannot be used; the last values stay in force until it is mended"
            return Report((), tuple(checked.problems), (event,))
        changed = _difference(watched.configuration, checked.configuration)
        watched.configuration = checked.configuration
        return Report(tuple(changed), tuple(checked.problems), tuple(self._back_up(watched)))

    def change(
        self,
        file: ConfigFile,
        values: Mapping[str, JsonValue],
        remove: Iterable[str] = (),
        writer: str = "",
    ) -> Report:
        """Set and remove keys of one file, all of them or none.

        The report holds the keys whose value changed and the problems that the change brought (the values
        themselves are in force). Raises `RefusedError` with all reasons: an undeclared key, a value that
        would not come into force as it is, a key that ``writer`` may not change, a file that cannot be
        edited or written.
        """
        watched = self._watched[file]
        remove = tuple(remove)
        reasons = [reason for path, value in values.items() for reason in self._objections(file, path, value)]
        reasons += [reason for path in remove for reason in self._undeclared(file, path)]
        if writer == OCPP:
            for path in (*values, *remove):
                place = shape_of(file).lookup(path)
                if place is not None and place.key is not None and not place.key.ocpp_writable:
                    reasons.append(f"{path}: cannot be changed over OCPP")
        if reasons:
            raise RefusedError(reasons)
        try:
            with exclusive(self._directory):
                return self._write(watched, values, remove)
        except EditError as error:
            raise RefusedError([str(error)]) from error
        except OSError as error:
            raise RefusedError([f"{watched.path} cannot be written: {error.strerror or error}"]) from error

    def _write(self, watched: _Watched, values: Mapping[str, JsonValue], remove: tuple[str, ...]) -> Report:
        events: list[str] = []
        if not watched.path.exists():
            make = shipped_content
            events += recover(watched.path, self._backups, lambda: make(watched.file)).events
        document = Document.read(watched.path, watched.path.name)
        before = validate(document, shape_of(watched.file))
        for path, value in values.items():
            accepted = judge(watched.configuration.key(path), value).value
            document = set_value(document, path, accepted)
        for path in remove:
            document = remove_value(document, path)
        checked = validate(document, shape_of(watched.file))
        brought = _brought(before, checked)
        _all_in_force(checked, values, brought)
        data = document.text.encode()
        if data != watched.path.read_bytes():
            write_atomic(watched.path, data)
        in_force = watched.configuration if self._started else before.configuration
        changed = _difference(in_force, checked.configuration)
        watched.configuration, watched.problems = checked.configuration, checked.problems
        watched.known = watched.pending = _stamp(watched.path)
        events += self._back_up(watched)
        return Report(tuple(changed), tuple(brought), tuple(events))

    def _objections(self, file: ConfigFile, path: str, value: JsonValue) -> list[str]:
        place = shape_of(file).lookup(path)
        if place is None or place.key is None:
            return self._undeclared(file, path)
        verdict = judge(place.key, value)
        if not verdict.message:
            return []
        reason = verdict.message.partition(";")[0]
        hint = f"; did you mean {verdict.suggestion}?" if verdict.suggestion else ""
        return [f"{path}: {reason}; allowed: {allowed_text(place.key)}{hint}"]

    def _undeclared(self, file: ConfigFile, path: str) -> list[str]:
        if self.configuration(file).declares(path):
            return []
        near = closest(path, shape_of(file).key_paths())
        return [f"{path}: there is no such key in {file.value}" + (f"; did you mean {near}?" if near else "")]

    def _back_up(self, watched: _Watched) -> list[str]:
        if has_errors(watched.problems):
            return []
        try:
            back_up(watched.path, self._backups)
        except OSError as error:
            return [f"{watched.path} cannot be backed up to {self._backups}: {error.strerror or error}"]
        return []


def _all_in_force(checked: Checked, values: Mapping[str, JsonValue], brought: list[Problem]) -> None:
    """Refuse a value that another key keeps from coming into force, and faults inside an array or object."""
    reasons = []
    for path, value in values.items():
        inside = [
            problem
            for problem in brought
            if problem.path.startswith((f"{path}/", f"{path}[")) and problem.severity is not Severity.ERROR
        ]
        if checked.configuration[path] != value or inside:
            found = inside or [problem for problem in brought if problem.path == path] or brought
            reasons += [f"{problem.path}: {problem.message.partition(';')[0]}" for problem in found]
            reasons += [] if found else [f"{path}: has no effect"]
    if reasons:
        raise RefusedError(dict.fromkeys(reasons))


def _brought(before: Checked, after: Checked) -> list[Problem]:
    """The problems that were not there before, wherever they stood."""
    known = {(problem.path, problem.message) for problem in before.problems}
    return [problem for problem in after.problems if (problem.path, problem.message) not in known]


def _difference(before: Configuration, after: Configuration) -> list[str]:
    old, new = _comparable(before), _comparable(after)
    paths = [*new, *(path for path in old if path not in new)]
    return [path for path in paths if old.get(path, _ABSENT) != new.get(path, _ABSENT)]


_ABSENT = object()


def _comparable(configuration: Configuration) -> dict[str, object]:
    values: dict[str, object] = {}
    for entry in configuration.entries():
        if entry.key.type is KeyType.OBJECTS:
            values[entry.path] = len(entry.value) if isinstance(entry.value, list) else 0
        elif entry.key.type is KeyType.OBJECT:
            values[entry.path] = list(entry.value) if isinstance(entry.value, dict) else []
        else:
            # 1 and true are equal in Python, but not the same value.
            values[entry.path] = (type(entry.value), entry.value)
    return values


def _stamp(path: Path) -> _Stamp:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
