"""Serve a :class:`~chargectl.sim.sysfs.tree.SysfsTree` on an open ``/dev/fuse`` descriptor."""

from __future__ import annotations

import contextlib
import errno
import os
import select
import stat
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from chargectl.sim.sysfs import wire
from chargectl.sim.sysfs.nodes import Attribute, Folder, Link, Node, SysfsError
from chargectl.sim.sysfs.tree import SysfsTree
from chargectl.sim.sysfs.wire import Op, Request

ALWAYS: Final = select.POLLIN | select.POLLOUT | select.POLLRDNORM | select.POLLWRNORM
"""What poll says of any sysfs file."""
CHANGED: Final = select.POLLPRI | select.POLLERR
"""What it adds while the attribute has changed since this descriptor last read it."""
PAGE: Final = 4096


class UnmountedError(Exception):
    """The file system has been unmounted: nobody will ask again."""


@dataclass(slots=True, eq=False)
class Handle:
    """One open file or folder."""

    node: Node
    number: int
    content: bytes = b""
    entries: list[tuple[str, Node]] | None = None
    seen: int = 0
    """The signal's count at the last read."""
    watched: int | None = None
    """The kernel's handle to wake when the signal comes."""
    wake: Callable[[], None] | None = None


class FuseServer:
    """Answers one request per :meth:`handle`. Call it when the descriptor is readable.

    ``before`` runs ahead of every request that touches the tree (to bring the world to the present).
    """

    def __init__(self, descriptor: int, tree: SysfsTree, before: Callable[[], None] = lambda: None) -> None:
        self._descriptor = descriptor
        self._before = before
        self._tree = tree
        self._nodes: dict[int, Node] = {wire.ROOT_ID: tree.root}
        self._handles: dict[int, Handle] = {}
        self._next_handle = 1
        self.requests = 0
        """Requests answered (a measure of a client's I/O)."""
        self._answers: dict[int, Callable[[Request], bytes]] = {
            Op.LOOKUP: self._lookup,
            Op.GETATTR: self._getattr,
            Op.SETATTR: self._getattr,
            Op.READLINK: self._readlink,
            Op.OPEN: self._open,
            Op.READ: self._read,
            Op.WRITE: self._write,
            Op.RELEASE: self._release,
            Op.OPENDIR: self._opendir,
            Op.READDIR: self._readdir,
            Op.RELEASEDIR: self._release,
            Op.STATFS: self._statfs,
            Op.POLL: self._poll,
            Op.INIT: self._init,
            Op.DESTROY: lambda request: b"",
        }

    def replace(self, tree: SysfsTree) -> None:
        """Serve another tree; descriptors into the old one fail from now on."""
        for handle in self._handles.values():
            handle.node.gone = True
            self._wake(handle)
        self._tree = tree
        self._nodes = {wire.ROOT_ID: tree.root}

    def handle(self) -> bool:
        """Answer one request; False when there was none. Raises UnmountedError."""
        try:
            data = os.read(self._descriptor, wire.READ_BUFFER)
        except OSError as error:
            if error.errno in (errno.EAGAIN, errno.EINTR, errno.ENOENT):
                return False
            if error.errno == errno.ENODEV:
                raise UnmountedError from None
            raise
        request = wire.parse(data)
        self.requests += 1
        if request.op in (Op.FORGET, Op.BATCH_FORGET, Op.INTERRUPT):
            return True
        self._send(self._answer(request))
        return True

    def _answer(self, request: Request) -> bytes:
        answer = self._answers.get(request.op)
        if answer is None:
            return wire.failure(request.unique, errno.ENOSYS)
        try:
            self._before()
            return wire.reply(request.unique, answer(request))
        except SysfsError as error:
            return wire.failure(request.unique, error.number)

    def _send(self, message: bytes) -> None:
        # ENOENT: the asking process was killed meanwhile. EINVAL on a wake-up: its file is closed already.
        with contextlib.suppress(FileNotFoundError):
            os.write(self._descriptor, message)

    def _init(self, request: Request) -> bytes:
        _, minor, _, _ = wire.INIT_IN.unpack_from(request.body)
        return wire.init(minor)

    def _node(self, request: Request) -> Node:
        node = self._nodes.get(request.node)
        if node is None:
            raise SysfsError(errno.ENODEV)
        return node

    def _lookup(self, request: Request) -> bytes:
        folder = self._node(request)
        if not isinstance(folder, Folder):
            raise SysfsError(errno.ENOTDIR)
        node = self._tree.child(folder, request.body.rstrip(b"\0").decode("utf-8", "replace"))
        self._nodes[node.ino] = node
        return wire.entry(node.ino, self._attributes(node))

    def _getattr(self, request: Request) -> bytes:
        return wire.attr(self._attributes(self._node(request)))

    def _attributes(self, node: Node) -> bytes:
        links = 2 if isinstance(node, Folder) else 1
        return wire.attributes(node.ino, mode_of(node), links, PAGE if isinstance(node, Attribute) else 0)

    def _readlink(self, request: Request) -> bytes:
        node = self._node(request)
        if not isinstance(node, Link):
            raise SysfsError(errno.EINVAL)
        return node.target.encode()

    def _open(self, request: Request) -> bytes:
        node = self._node(request)
        if not isinstance(node, Attribute):
            raise SysfsError(errno.EISDIR)
        if node.gone or self._tree.world.faults.vanished(node.path):
            raise SysfsError(errno.ENOENT)
        access = wire.OPEN_IN.unpack_from(request.body)[0] & os.O_ACCMODE
        if (access != os.O_WRONLY and node.read is None) or (access != os.O_RDONLY and node.write is None):
            raise SysfsError(errno.EACCES)
        return self._opened(Handle(node, self._next_handle))

    def _opendir(self, request: Request) -> bytes:
        node = self._node(request)
        if not isinstance(node, Folder):
            raise SysfsError(errno.ENOTDIR)
        return self._opened(Handle(node, self._next_handle))

    def _opened(self, handle: Handle) -> bytes:
        self._handles[handle.number] = handle
        self._next_handle += 1
        return wire.OPEN_OUT.pack(handle.number, wire.OPEN_DIRECT_IO, 0)

    def _open_handle(self, number: int) -> Handle:
        handle = self._handles.get(number)
        if handle is None:
            raise SysfsError(errno.EBADF)
        return handle

    def _read(self, request: Request) -> bytes:
        number, offset, size, *_ = wire.READ_IN.unpack_from(request.body)
        handle = self._open_handle(number)
        node = handle.node
        if not isinstance(node, Attribute):
            raise SysfsError(errno.EISDIR)
        if offset == 0:
            if node.signal:
                handle.seen = node.signal.count
            handle.content = self._tree.read(node)
        else:
            self._tree.check(node)
        return handle.content[offset : offset + size]

    def _write(self, request: Request) -> bytes:
        number, _, size, *_ = wire.WRITE_IN.unpack_from(request.body)
        node = self._open_handle(number).node
        if not isinstance(node, Attribute):
            raise SysfsError(errno.EISDIR)
        self._tree.write(node, request.body[wire.WRITE_IN.size : wire.WRITE_IN.size + size])
        return wire.WRITE_OUT.pack(size, 0)

    def _release(self, request: Request) -> bytes:
        number, *_ = wire.RELEASE_IN.unpack_from(request.body)
        handle = self._handles.pop(number, None)
        if handle and handle.wake and isinstance(handle.node, Attribute) and handle.node.signal:
            handle.node.signal.listeners.remove(handle.wake)
        return b""

    def _readdir(self, request: Request) -> bytes:
        number, offset, size, *_ = wire.READ_IN.unpack_from(request.body)
        handle = self._open_handle(number)
        folder = handle.node
        if not isinstance(folder, Folder):
            raise SysfsError(errno.ENOTDIR)
        if offset == 0 or handle.entries is None:
            handle.entries = [(".", folder), ("..", folder), *self._tree.entries(folder)]
        data = b""
        for index, (name, node) in enumerate(handle.entries[offset:], offset + 1):
            record = wire.dirent(node.ino, index, mode_of(node) & 0o170000, name)
            if len(data) + len(record) > size:
                break
            data += record
        return data

    def _statfs(self, request: Request) -> bytes:
        return wire.STATFS_OUT.pack(0, 0, 0, 0, 0, PAGE, 255, PAGE, 0)

    def _poll(self, request: Request) -> bytes:
        number, kernel_handle, flags, _ = wire.POLL_IN.unpack_from(request.body)
        handle = self._open_handle(number)
        node = handle.node
        if not isinstance(node, Attribute) or node.signal is None:
            return wire.POLL_OUT.pack(ALWAYS | (CHANGED if node.gone else 0), 0)
        if flags & wire.POLL_SCHEDULE_NOTIFY:
            handle.watched = kernel_handle
            if handle.wake is None:
                handle.wake = lambda: self._wake(handle)
                node.signal.listeners.append(handle.wake)
        changed = node.gone or handle.seen != node.signal.count
        return wire.POLL_OUT.pack(ALWAYS | (CHANGED if changed else 0), 0)

    def _wake(self, handle: Handle) -> None:
        if handle.watched is not None:
            self._send(wire.poll_wakeup(handle.watched))


def mode_of(node: Node) -> int:
    """File type and permissions, as sysfs shows them."""
    if isinstance(node, Folder):
        return stat.S_IFDIR | 0o755
    if isinstance(node, Link):
        return stat.S_IFLNK | 0o777
    readable = isinstance(node, Attribute) and node.read is not None
    writable = isinstance(node, Attribute) and node.write is not None
    return stat.S_IFREG | (0o444 if readable else 0) | (0o200 if writable else 0)
