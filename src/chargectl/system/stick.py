"""Reads a mounted stick without trusting anything on it: first level, regular files, sizes with a limit."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from chargectl.system.stick_mount import StickError
from chargectl.update.stick import FIXED_NAMES, Entry, Kind, shown

MOST_ENTRIES: Final = 4096
"""So many names of a folder are read; those with a fixed name are found among any number."""
_CHUNK_BYTES: Final = 1 << 16


class Stick:
    """The first level of a folder, as a context manager.

    Names are bytes and are only ever used relative to the open folder. Links are not followed; what is no
    regular file is not opened, not even for a moment: opening a device may already do something.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            self._folder = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | os.O_NOFOLLOW)
        except OSError as error:
            raise StickError(f"{folder}: {(error.strerror or str(error)).lower()}") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._folder)

    def entries(self) -> tuple[list[Entry], bool]:
        """What is there, and whether that is all. Raises StickError when the stick cannot be read."""
        found: dict[bytes, Entry] = {}
        complete = True
        try:
            with os.scandir(self._folder) as listing:
                for item in listing:
                    if len(found) == MOST_ENTRIES:
                        complete = False
                        break
                    name = os.fsencode(item.name)
                    entry = self._entry(name)
                    if entry is not None:
                        found[name] = entry
        except OSError as error:
            raise StickError(f"the stick cannot be read: {(error.strerror or str(error)).lower()}") from None
        # Asked for by name as well: on a file system that knows no small letters the listing may differ.
        for name in FIXED_NAMES:
            entry = self._entry(name)
            if entry is not None:
                found[name] = entry
        return list(found.values()), complete

    def open(self, name: bytes, largest: int) -> int:
        """Open a regular file for reading; the descriptor is the caller's. Raises StickError."""
        try:
            handle = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=self._folder)
            try:
                status = os.fstat(handle)
                if not stat.S_ISREG(status.st_mode):
                    raise StickError(f"{shown(name)}: is no regular file")
                if status.st_size > largest:
                    raise StickError(f"{shown(name)}: {status.st_size} bytes; at most {largest} are allowed")
                # By the handle, so that it is the file that was looked at.
                return os.open(f"/proc/self/fd/{handle}", os.O_RDONLY | os.O_CLOEXEC)
            finally:
                os.close(handle)
        except OSError as error:
            raise StickError(
                f"{shown(name)}: cannot be opened: {(error.strerror or str(error)).lower()}"
            ) from None

    def copy(self, name: bytes, target: Path, largest: int) -> Path:
        """Copy a file to a new private one; returns ``target``. Raises StickError."""
        source = self.open(name, largest)
        try:
            copy = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            try:
                rest = largest
                while chunk := os.read(source, _CHUNK_BYTES):
                    rest -= len(chunk)
                    if rest < 0:  # it has grown: what a device says first need not be what it says next
                        raise StickError(f"{shown(name)}: more than {largest} bytes are not allowed")
                    view = memoryview(chunk)
                    while view:
                        view = view[os.write(copy, view) :]
            finally:
                os.close(copy)
        except OSError as error:
            raise StickError(
                f"{shown(name)}: cannot be copied: {(error.strerror or str(error)).lower()}"
            ) from None
        finally:
            os.close(source)
        return target

    def _entry(self, name: bytes) -> Entry | None:
        try:
            status = os.stat(name, dir_fd=self._folder, follow_symlinks=False)
        except OSError:
            return None  # a damaged entry is no entry
        if stat.S_ISREG(status.st_mode):
            kind = Kind.FILE
        elif stat.S_ISLNK(status.st_mode):
            kind = Kind.LINK
        else:
            kind = Kind.FOLDER if stat.S_ISDIR(status.st_mode) else Kind.OTHER
        return Entry(name, kind, status.st_size)
