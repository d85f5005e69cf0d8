"""A file that has arrived in part, and what identifies the whole one on its server."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from chargectl.config.store import write_atomic

FILE: Final = "update.image"
NOTES: Final = "update.json"
KEPT: Final = ("lock", FILE, NOTES)
"""What a folder of downloads may hold; everything else in it is a leftover."""


@dataclass(frozen=True, slots=True)
class Validator:
    """What a server says of a file (RFC 9110, section 8.8); empty or None where it says nothing."""

    etag: str = ""
    modified: str = ""
    length: int | None = None

    @property
    def strong(self) -> str:
        """What If-Range may hold (RFC 9110, section 13.1.5): a strong ETag, else the date."""
        return self.etag if self.etag and not self.etag.startswith("W/") else self.modified

    def completed(self, other: Validator) -> Validator:
        """What both together tell; where they differ, what this one does."""
        return Validator(
            self.etag or other.etag,
            self.modified or other.modified,
            other.length if self.length is None else self.length,
        )

    def fits(self, other: Validator) -> bool:
        """Whether both may be of the same file. Only what both tell is compared."""
        pairs = ((self.etag, other.etag), (self.modified, other.modified), (self.length, other.length))
        return all(one == two for one, two in pairs if one not in ("", None) and two not in ("", None))


class Partial:
    """The file in ``folder`` that was begun for one identity."""

    def __init__(self, folder: Path, key: str, validator: Validator) -> None:
        self.path = folder / FILE
        self.validator = validator
        self._notes = folder / NOTES
        self._key = key

    @classmethod
    def open(cls, folder: Path, identity: str) -> Partial:
        """What is there of the file ``identity``; remains of anything else are removed. Raises OSError."""
        key = hashlib.sha256(identity.encode("utf-8")).hexdigest()
        for entry in os.scandir(folder):
            if entry.name not in KEPT and not entry.is_dir(follow_symlinks=False):
                os.unlink(entry)
        partial = cls(folder, key, Validator())
        validator = _read_notes(partial._notes, key)
        if validator is None or not _is_file(partial.path):
            partial.clear()
        else:
            partial.validator = validator
        return partial

    @staticmethod
    def remove(folder: Path) -> None:
        """Remove the file and the notes, whatever they are of. Raises OSError."""
        for name in (FILE, NOTES):
            (folder / name).unlink(missing_ok=True)

    @property
    def size(self) -> int:
        """Bytes that have arrived."""
        try:
            return self.path.stat().st_size
        except FileNotFoundError:
            return 0

    def clear(self) -> None:
        """Begin anew."""
        self.remove(self.path.parent)
        self.validator = Validator()

    def remember(self, validator: Validator) -> None:
        """Note what identifies the file; nothing is written when that is known already."""
        if validator == self.validator and self._notes.exists():
            return
        self.validator = validator
        notes = {
            "key": self._key,
            "etag": validator.etag,
            "modified": validator.modified,
            "length": validator.length,
        }
        write_atomic(self._notes, json.dumps(notes).encode("utf-8"), mode=0o600)

    def leave_something(self) -> None:
        """Give the last byte back when the file is complete, so that the server is asked whether it still has
        that file: a range that begins behind the end is an error."""
        size = self.size
        if size and self.validator.length is not None and size >= self.validator.length:
            os.truncate(self.path, self.validator.length - 1)


def _is_file(path: Path) -> bool:
    with contextlib.suppress(OSError):
        return stat.S_ISREG(path.lstat().st_mode)
    return False


def _read_notes(path: Path, key: str) -> Validator | None:
    try:
        notes: Any = json.loads(path.read_bytes())
        if notes["key"] != key:
            return None
        length = notes["length"]
        if length is not None and (type(length) is not int or length < 0):
            return None
        return Validator(str(notes["etag"]), str(notes["modified"]), length)
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
