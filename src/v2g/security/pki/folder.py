"""Puts the files of a PKI into a folder: whole or not at all, and never over what is there unless asked
to."""

from __future__ import annotations

import os
import secrets
from collections.abc import Sequence
from pathlib import Path

from v2g.security.pki.maker import File, PkiError


def write(folder: Path, files: Sequence[File], *, force: bool = False) -> None:
    """Write the files. Keys are readable for their owner alone from the beginning.

    All files are written beside their places first, and renamed when all are there: a full disk leaves what
    was.

    Args:
        folder: is made if it is not there.
        files: what to write.
        force: replace files that are there.

    Raises:
        PkiError: files are there already, or the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        there = [each.name for each in files if os.path.lexists(folder / each.name)]
        if there and not force:
            more = f" and {len(there) - 1} more files are" if len(there) > 1 else " is"
            raise PkiError(f"{folder}: {there[0]}{more} there already; --force replaces them")
        _write(folder, files)
    except OSError as error:
        raise PkiError(f"{error.filename or folder}: {error.strerror}") from None


def _write(folder: Path, files: Sequence[File]) -> None:
    ending = f".{secrets.token_hex(6)}.new"
    written: list[tuple[Path, Path]] = []
    try:
        for each in files:
            new = folder / (each.name + ending)
            handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, each.mode)
            written.append((new, folder / each.name))
            with os.fdopen(handle, "wb") as file:
                file.write(each.content)
                file.flush()
                os.fsync(file.fileno())
        for new, place in written:
            new.rename(place)
    except BaseException:
        for new, _ in written:
            new.unlink(missing_ok=True)
        raise
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
