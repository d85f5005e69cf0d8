"""Puts files into another root in two steps: everything is written aside first, then renamed into place.

What fails in the first step leaves the root as it was. Each step is on the disk before the next begins.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
import stat
from dataclasses import dataclass, field

from chargectl.system.migration_root import Found, Root, item_digest

_PREFIX = ".migrate-"
_LEFTOVER = re.compile(rf"{re.escape(_PREFIX)}\d+-\d+")
_BLOCK = 256 * 1024


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to put at ``meta.path``; ``meta`` holds its mode, times and names of its owner.

    A regular file's content is ``data``, or that of ``source`` in the old root when ``data`` is None.
    ``basis`` is what the item was made from, to notice later that it changed.
    """

    meta: Found
    owner: str
    group: str
    data: bytes | None = field(default=None, repr=False)
    source: str = ""
    basis: str = ""

    @property
    def path(self) -> str:
        """Where it goes."""
        return self.meta.path


@dataclass(slots=True)
class _Staged:
    item: Item
    folder: int
    name: str
    temporary: str
    basis: str
    digest: str


class Transaction:
    """Items on their way into ``new``. Call `stage` for each, then `commit`, and `close` in any case."""

    def __init__(self, old: Root, new: Root) -> None:
        self._old = old
        self._new = new
        self._staged: list[_Staged] = []

    def stage(self, item: Item) -> None:
        """Write the item beside its place, to the disk. Folders are made at once: an empty one does no harm.

        Raises OSError; IsADirectoryError or NotADirectoryError when the new system has a folder where a file
        is to go, or the other way round.
        """
        folder, name = self._new.parent(item.path, make=True)
        try:
            self._check_kind(item, folder, name)
            if item.meta.kind == stat.S_IFDIR:
                self._make_folder(item, folder, name)
                os.close(folder)
                return
            temporary = f"{_PREFIX}{len(self._staged)}-{os.getpid()}"
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary, dir_fd=folder)
            if item.meta.kind == stat.S_IFLNK:
                os.symlink(item.meta.target, temporary, dir_fd=folder)
                digest = basis = item_digest(item.meta, hashlib.sha256())
                os.chown(
                    temporary, *self._new.ids(item.owner, item.group), dir_fd=folder, follow_symlinks=False
                )
            else:
                try:
                    basis, digest = self._write(item, folder, temporary)
                except BaseException:
                    with contextlib.suppress(OSError):
                        os.unlink(temporary, dir_fd=folder)
                    raise
        except BaseException:
            os.close(folder)
            raise
        self._staged.append(_Staged(item, folder, name, temporary, item.basis or basis, digest))

    def _check_kind(self, item: Item, folder: int, name: str) -> None:
        try:
            present = os.stat(name, dir_fd=folder, follow_symlinks=False)
        except FileNotFoundError:
            return
        if stat.S_ISDIR(present.st_mode) and item.meta.kind != stat.S_IFDIR:
            raise IsADirectoryError(errno.EISDIR, "is a folder in the new system", item.path)
        if item.meta.kind == stat.S_IFDIR and not stat.S_ISDIR(present.st_mode):
            raise NotADirectoryError(errno.ENOTDIR, "is no folder in the new system", item.path)

    def _make_folder(self, item: Item, folder: int, name: str) -> None:
        try:
            os.mkdir(name, 0o700, dir_fd=folder)
        except FileExistsError:
            return  # the new image says who may use it
        os.chown(name, *self._new.ids(item.owner, item.group), dir_fd=folder, follow_symlinks=False)
        os.chmod(name, stat.S_IMODE(item.meta.mode), dir_fd=folder)
        os.fsync(folder)

    def _write(self, item: Item, folder: int, temporary: str) -> tuple[str, str]:
        """The digests of what was read and of what now stands in the temporary file (the same for a copy)."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        output = os.open(temporary, flags, 0o600, dir_fd=folder)
        try:
            content = hashlib.sha256()
            if item.data is not None:
                content.update(item.data)
                _all(output, item.data)
            else:
                source = self._old.open(item.source)
                try:
                    while block := os.read(source, _BLOCK):
                        content.update(block)
                        _all(output, block)
                finally:
                    os.close(source)
            os.fchown(output, *self._new.ids(item.owner, item.group))
            os.fchmod(output, stat.S_IMODE(item.meta.mode))
            for key, value in item.meta.xattrs:
                os.setxattr(output, key, value)
            os.utime(output, ns=(item.meta.mtime_ns, item.meta.mtime_ns))
            os.fsync(output)
        finally:
            os.close(output)
        digest = item_digest(item.meta, content)
        return digest, digest

    def commit(self) -> tuple[dict[str, str], dict[str, str]]:
        """Rename everything into place, to the disk; by path: what it was made from, and what now stands."""
        for staged in self._staged:
            os.replace(staged.temporary, staged.name, src_dir_fd=staged.folder, dst_dir_fd=staged.folder)
        for staged in self._staged:
            os.fsync(staged.folder)
        bases = {staged.item.path: staged.basis for staged in self._staged}
        digests = {staged.item.path: staged.digest for staged in self._staged}
        self._close()
        return bases, digests

    def close(self) -> None:
        """Remove what was staged and not committed."""
        for staged in self._staged:
            with contextlib.suppress(OSError):
                os.unlink(staged.temporary, dir_fd=staged.folder)
        self._close()

    def _close(self) -> None:
        for staged in self._staged:
            os.close(staged.folder)
        self._staged = []


def is_leftover(found: Found) -> bool:
    """Whether it was written aside by a transaction that was interrupted, and is of no use to anybody."""
    name = found.path.rpartition("/")[2]
    return found.kind != stat.S_IFDIR and _LEFTOVER.fullmatch(name) is not None


def remove(root: Root, path: str) -> None:
    """Remove one file or link, to the disk; one that is not there is no error."""
    folder, name = root.parent(path)
    try:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name, dir_fd=folder)
            os.fsync(folder)
    finally:
        os.close(folder)


def _all(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
