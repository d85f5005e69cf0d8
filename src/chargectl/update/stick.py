"""What is on a USB stick, and what is to be done with it in which order (guide 10.2 and 11.2).

Keyring, then script, then images: a stick that brings a new keyring can bring what is signed under it. Only
the first level counts and only regular files; who made the stick is not trusted before a signature says so.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, unique
from typing import Final

SIGNATURE_SUFFIX: Final = b".p7s"
IMAGE_SUFFIX: Final = b".image"

SIGNATURE_BYTES: Final = 64 << 10
"""A signature with its chain of certificates takes some kilobytes."""
KEYRING_BYTES: Final = 64 << 10
"""Some thirty certificates; each of them is checked on its own."""
SCRIPT_BYTES: Final = 16 << 20
"""A script is copied to memory before it runs; larger things stay on the stick beside it."""
IMAGE_BYTES: Final = 1 << 30
"""A bundle is compressed, and no larger than the slot that it fills (guide 11.1)."""
MOST_IMAGES: Final = 16
"""Images that are looked into; each costs RAUC the check of a signature."""
MOST_NOTES: Final = 20
"""Lines about files that are passed over; ten thousand of them would drown the journal."""
_SHOWN_CHARACTERS: Final = 80


@unique
class Kind(Enum):
    """What a name in a folder stands for; the value is how it is called to people."""

    FILE = "a file"
    FOLDER = "a folder"
    LINK = "a symbolic link"
    OTHER = "no regular file"


@dataclass(frozen=True, slots=True)
class Entry:
    """One name in the stick's first level. ``size`` in bytes."""

    name: bytes
    kind: Kind
    size: int


@unique
class Role(Enum):
    """What a signed file is for; the value is its name on the stick."""

    KEYRING = b"fwupdate-keyring.pem"
    SCRIPT = b"autorun.sh"


@dataclass(frozen=True, slots=True)
class Signed:
    """A file with its detached signature beside it."""

    role: Role

    @property
    def name(self) -> bytes:
        """The file's name on the stick."""
        return self.role.value

    @property
    def signature(self) -> bytes:
        """The signature's name on the stick."""
        return self.role.value + SIGNATURE_SUFFIX

    @property
    def largest(self) -> int:
        """The most bytes that the file may have."""
        return KEYRING_BYTES if self.role is Role.KEYRING else SCRIPT_BYTES


FIXED_NAMES: Final = tuple(name for role in Role for name in (role.value, role.value + SIGNATURE_SUFFIX))
"""Names that are looked for one by one, however many others there are."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do, in this order: ``keyring``, ``script``, ``images`` (by name). ``notes`` go to the log."""

    keyring: Signed | None
    script: Signed | None
    images: tuple[bytes, ...]
    notes: tuple[str, ...]

    @property
    def empty(self) -> bool:
        """Whether nothing on the stick concerns this device."""
        return self.keyring is None and self.script is None and not self.images


def plan(entries: Iterable[Entry]) -> Plan:
    """Decide what to do with a stick. Any names in any order are fine; nothing is raised."""
    by_name = {entry.name: entry for entry in entries}
    notes: list[str] = []
    keyring = _signed(Role.KEYRING, by_name, notes)
    script = _signed(Role.SCRIPT, by_name, notes)
    images = _images(by_name, notes)
    if len(notes) > MOST_NOTES:
        notes[MOST_NOTES:] = [f"{len(notes) - MOST_NOTES} more are passed over as well"]
    return Plan(keyring, script, images, tuple(notes))


def shown(name: bytes) -> str:
    """A file's name for a log line: in quotes, on one line, without control characters, not too long."""
    text = name.decode("utf-8", "backslashreplace")
    if len(text) > _SHOWN_CHARACTERS:
        text = text[: _SHOWN_CHARACTERS - 3] + "..."
    return "'" + "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in text) + "'"


def _signed(role: Role, by_name: dict[bytes, Entry], notes: list[str]) -> Signed | None:
    pair = Signed(role)
    entry, signature = by_name.get(pair.name), by_name.get(pair.signature)
    if entry is None:
        if signature is not None:
            notes.append(f"{shown(pair.signature)}: ignored: no {shown(pair.name)} beside it")
        return None
    if signature is None:
        notes.append(f"{shown(pair.name)}: ignored: not signed: no {shown(pair.signature)} beside it")
        return None
    problems = [_problem(entry, pair.largest), _problem(signature, SIGNATURE_BYTES)]
    found = [problem for problem in problems if problem]
    notes.extend(found)
    return None if found else pair


def _images(by_name: dict[bytes, Entry], notes: list[str]) -> tuple[bytes, ...]:
    images = []
    for name in sorted(by_name):
        if not name.endswith(IMAGE_SUFFIX):
            continue
        if name.startswith(b"."):
            # As in a shell's *.image; some systems leave a hidden companion beside each file.
            notes.append(f"{shown(name)}: ignored: hidden")
            continue
        problem = _problem(by_name[name], IMAGE_BYTES)
        if problem:
            notes.append(problem)
        else:
            images.append(name)
    if len(images) > MOST_IMAGES:
        notes.append(
            f"{len(images)} images: only the first {MOST_IMAGES} by name are looked into; put one on a stick"
        )
    return tuple(images[:MOST_IMAGES])


def _problem(entry: Entry, largest: int) -> str:
    if entry.kind is not Kind.FILE:
        return f"{shown(entry.name)}: ignored: {entry.kind.value}; only regular files count"
    if not 0 < entry.size <= largest:
        return f"{shown(entry.name)}: ignored: {entry.size} bytes; 1 to {largest} are allowed"
    return ""
