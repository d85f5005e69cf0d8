"""Makes sure at start that there is a usable file: the file itself, its backup, or the shipped one.

The user guide (10.3) restores a file that is missing or empty. A file that cannot be parsed is restored
too, and kept aside as ``<name>.corrupt``; a backup that is itself bad is passed over.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, unique
from pathlib import Path

from chargectl.config.document import Document
from chargectl.config.problem import Severity
from chargectl.config.store import remove_leftovers, sync_directory, write_atomic

CORRUPT_SUFFIX = ".corrupt"
SHIPPED_SUFFIX = ".shipped"


@unique
class Source(Enum):
    """Where the content in force comes from."""

    FILE = "the file"
    BACKUP = "the backup"
    SHIPPED = "the shipped file"
    DECLARATIONS = "the built-in defaults"


@dataclass(frozen=True, slots=True)
class Recovered:
    """A usable document, where it comes from, and what happened, one line each for the journal.

    ``written`` is False when the content could not be put in place (a full or read-only disk); the
    document still is what the devices should run with.
    """

    document: Document
    source: Source
    events: tuple[str, ...]
    written: bool = True


def fault(path: Path) -> tuple[Document | None, str]:
    """The document in a file, and what makes the file unusable ("" when nothing does).

    The document is None when nothing could be read. A key that stands twice does not make a file unusable.
    """
    try:
        document = Document.read(path, path.name)
    except FileNotFoundError:
        return None, "is missing"
    except OSError as error:
        return None, f"cannot be read ({error.strerror})"
    if not document.broken:
        return document, ""
    if not document.text.strip() and path.stat().st_size == 0:
        return None, "is empty"
    first = next(problem for problem in document.problems if problem.severity is Severity.ERROR)
    return document, f"cannot be parsed (line {first.line}, column {first.column}: {first.message})"


def choose(path: Path, backups: Path, generate: Callable[[], str]) -> Recovered:
    """The best usable content for ``path`` without changing anything.

    ``generate`` writes the shipped content from the declarations, for a device without a shipped file.
    """
    name = path.name
    events: list[str] = []
    candidates = (
        (path, Source.FILE),
        (backups / name, Source.BACKUP),
        (path.with_name(name + SHIPPED_SUFFIX), Source.SHIPPED),
    )
    for candidate, source in candidates:
        document, reason = fault(candidate)
        if document is not None and not reason:
            document.name = name
            return Recovered(document, source, tuple(events))
        events.append(f"{candidate} {reason}")
    return Recovered(Document(generate(), name), Source.DECLARATIONS, tuple(events))


def recover(path: Path, backups: Path, generate: Callable[[], str]) -> Recovered:
    """Put a usable file in place; see `choose`. Never raises OSError: what failed stands in the events."""
    events: list[str] = []
    try:
        for leftover in remove_leftovers(path.parent, path.name):
            events.append(f"removed {leftover}, an interrupted write")
    except OSError as error:
        events.append(f"{path.parent} cannot be cleaned ({error.strerror})")
    chosen = choose(path, backups, generate)
    events += chosen.events
    if chosen.source is Source.FILE:
        return Recovered(chosen.document, chosen.source, tuple(events))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = _set_aside(path)
        if aside is not None:
            events.append(f"{path} is kept as {aside}")
        write_atomic(path, chosen.document.text.encode())
        events.append(f"{path} restored from {chosen.source.value}")
        return Recovered(chosen.document, chosen.source, tuple(events))
    except OSError as error:
        events.append(f"{path} cannot be restored ({error.strerror}); running with {chosen.source.value}")
        return Recovered(chosen.document, chosen.source, tuple(events), written=False)


def _set_aside(path: Path) -> Path | None:
    """Keep a bad file for the person who will want its content; an earlier one is replaced."""
    if not path.exists() or (path.is_file() and path.stat().st_size == 0):
        return None
    aside = path.with_name(path.name + CORRUPT_SUFFIX)
    os.replace(path, aside)
    sync_directory(path.parent)
    return aside
