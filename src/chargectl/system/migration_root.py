"""Files of a root file system that is not the running one, reached without ever leaving it.

Every path begins at the root's own folder and is walked component by component; a symbolic link is resolved
by hand inside the root, so a link to ``/etc`` means this root's ``/etc``, and ``..`` ends at the root.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

MAXIMUM_LINKS: Final = 40
"""Symbolic links on one path, as the kernel's own limit (path_resolution(7))."""
MAXIMUM_DEPTH: Final = 32
"""Folders below a carried folder. Deeper ones are no configuration, and the walk recurses."""
MAXIMUM_READ: Final = 1024 * 1024
"""The largest file that is read as a whole (passwd, shadow, a keyring, a configuration)."""
_BLOCK: Final = 256 * 1024

NOBODY_KNOWN: Final = (0, 0)
"""Who owns a file whose owner the other system does not know."""

_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class Found:
    """A file, folder or link: ``kind`` is the file type of its mode, ``target`` where a link points."""

    path: str
    mode: int
    uid: int
    gid: int
    mtime_ns: int
    target: str = ""
    xattrs: tuple[tuple[str, bytes], ...] = field(default=(), repr=False)

    @property
    def kind(self) -> int:
        """``stat.S_IFREG``, ``S_IFDIR``, ``S_IFLNK`` or another."""
        return stat.S_IFMT(self.mode)


class Root:
    """One root file system. Use as a context manager; methods raise OSError as the calls they stand for."""

    def __init__(self, path: Path) -> None:
        """Open the folder ``path`` as a root."""
        self.path = path
        self._descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._names: dict[str, dict[int, str]] = {}

    def __enter__(self) -> Root:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)

    def folder(self, path: str, *, make: bool = False) -> int:
        """Open a folder for use as ``dir_fd``; the caller closes it. ``make`` creates what is missing."""
        left = [part for part in reversed(path.split("/")) if part]
        done: list[str] = []
        links = 0
        current = os.dup(self._descriptor)
        try:
            while left:
                part = left.pop()
                if part in ("", "."):
                    continue
                if part == "..":
                    left += [*reversed(done[:-1])]
                    done = []
                    os.close(current)
                    current = os.dup(self._descriptor)
                    continue
                if make:
                    with contextlib.suppress(FileExistsError):
                        os.mkdir(part, 0o755, dir_fd=current)
                        os.fsync(current)
                try:
                    below = os.open(part, _FOLDER, dir_fd=current)
                except OSError as error:
                    if error.errno not in (errno.ELOOP, errno.ENOTDIR):
                        raise
                    target = _link(part, current, error)
                    links += 1
                    if links > MAXIMUM_LINKS:
                        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path) from None
                    left += reversed(target.split("/"))
                    if target.startswith("/"):
                        done = []
                        os.close(current)
                        current = os.dup(self._descriptor)
                    continue
                os.close(current)
                current = below
                done.append(part)
        except BaseException:
            os.close(current)
            raise
        return current

    def parent(self, path: str, *, make: bool = False) -> tuple[int, str]:
        """The opened folder that holds ``path``, and its last name."""
        head, _, name = path.rpartition("/")
        return self.folder(head, make=make), name

    def resolved(self, path: str) -> str:
        """Where a path ends after its last component's links: a path in this root that is no link."""
        for _ in range(MAXIMUM_LINKS):
            found = self.look(path)
            if found is None or found.kind != stat.S_IFLNK:
                return path
            head = "" if found.target.startswith("/") else path.rpartition("/")[0]
            path = os.path.normpath("/" + f"{head}/{found.target}".lstrip("/"))
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)

    def look(self, path: str) -> Found | None:
        """What is at ``path``, itself (a link is not followed); None when nothing is."""
        try:
            folder, name = self.parent(path)
        except (FileNotFoundError, NotADirectoryError):
            return None
        try:
            return _found(path, name, folder)
        except FileNotFoundError:
            return None
        finally:
            os.close(folder)

    def walk(self, path: str, depth: int = 0) -> Iterator[Found]:
        """Everything below the folder ``path`` in the order of names, folders before what is in them."""
        if depth > MAXIMUM_DEPTH:
            raise OSError(errno.ELOOP, f"folders are nested more than {MAXIMUM_DEPTH} deep", path)
        for found in self.listing(path):
            yield found
            if found.kind == stat.S_IFDIR:
                yield from self.walk(found.path, depth + 1)

    def listing(self, path: str) -> Iterator[Found]:
        """What is in the folder ``path`` itself, in the order of names."""
        folder = self.folder(path)
        try:
            for name in sorted(os.listdir(folder)):
                try:
                    found = _found(f"{path}/{name}", name, folder)
                except FileNotFoundError:  # it went while we looked: the system of that root is running
                    continue
                yield found
        finally:
            os.close(folder)

    def open(self, path: str) -> int:
        """Open a regular file for reading; the caller closes it. OSError for anything else."""
        folder, name = self.parent(path)
        try:
            descriptor = os.open(name, _FILE, dir_fd=folder)
        finally:
            os.close(folder)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise OSError(errno.EINVAL, "is no regular file", path)
        return descriptor

    def read(self, path: str, limit: int = MAXIMUM_READ) -> bytes | None:
        """The content of a file, links followed inside the root; None when there is none."""
        try:
            descriptor = self.open(self.resolved(path))
        except (FileNotFoundError, NotADirectoryError):
            return None
        with os.fdopen(descriptor, "rb") as file:
            data = file.read(limit + 1)
        if len(data) > limit:
            raise OSError(errno.EFBIG, f"is larger than {limit // 1024} KiB", path)
        return data

    def digest(self, path: str) -> str:
        """What `item_digest` says of the thing at ``path``; empty when there is nothing."""
        found = self.look(path)
        if found is None:
            return ""
        content = hashlib.sha256()
        if found.kind == stat.S_IFREG:
            descriptor = self.open(path)
            with os.fdopen(descriptor, "rb") as file:
                while block := file.read(_BLOCK):
                    content.update(block)
        return item_digest(found, content)

    def owner(self, uid: int) -> str:
        """The name of a user here; empty when unknown."""
        return self._table("etc/passwd").get(uid, "")

    def group(self, gid: int) -> str:
        """The name of a group here; empty when unknown."""
        return self._table("etc/group").get(gid, "")

    def ids(self, owner: str, group: str) -> tuple[int, int]:
        """The numbers of a user and a group here; root's where the name is unknown."""
        users = {name: number for number, name in self._table("etc/passwd").items()}
        groups = {name: number for number, name in self._table("etc/group").items()}
        return users.get(owner, NOBODY_KNOWN[0]), groups.get(group, NOBODY_KNOWN[1])

    def forget_names(self) -> None:
        """Read users and groups anew at the next question."""
        self._names.clear()

    def _table(self, path: str) -> dict[int, str]:
        if path not in self._names:
            table: dict[int, str] = {}
            for line in (self.read(path) or b"").decode("utf-8", "replace").splitlines():
                fields = line.split(":")
                if len(fields) > 2 and fields[2].isdecimal():
                    table.setdefault(int(fields[2]), fields[0])
            self._names[path] = table
        return self._names[path]


def item_digest(found: Found, content: hashlib._Hash) -> str:
    """One number for a thing's kind, permissions and content (not its owner's number, which may differ)."""
    whole = hashlib.sha256(f"{found.mode:o}\0{found.target}\0".encode("utf-8", "surrogateescape"))
    whole.update(content.digest())
    return whole.hexdigest()


def _found(path: str, name: str, folder: int) -> Found:
    status = os.stat(name, dir_fd=folder, follow_symlinks=False)
    target = os.readlink(name, dir_fd=folder) if stat.S_ISLNK(status.st_mode) else ""
    xattrs: list[tuple[str, bytes]] = []
    if stat.S_ISREG(status.st_mode):
        descriptor = os.open(name, _FILE, dir_fd=folder)
        try:
            xattrs = [(key, os.getxattr(descriptor, key)) for key in sorted(_attributes(descriptor))]
        finally:
            os.close(descriptor)
    return Found(
        path, status.st_mode, status.st_uid, status.st_gid, status.st_mtime_ns, target, tuple(xattrs)
    )


def _attributes(descriptor: int) -> list[str]:
    try:
        return os.listxattr(descriptor)
    except OSError as error:
        if error.errno in (errno.ENOTSUP, errno.ENOSYS):
            return []
        raise


def _link(name: str, folder: int, error: OSError) -> str:
    try:
        return os.readlink(name, dir_fd=folder)
    except OSError:
        raise error from None
