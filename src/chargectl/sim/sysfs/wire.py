"""The kernel's FUSE protocol as bytes: the few messages that a tree of small text files needs.

Speaking the protocol directly instead of through libfuse keeps the whole board in one thread without
callbacks from C, needs no library on the machine, and gives poll wake-ups (edges) with one ``write``.
Source: include/uapi/linux/fuse.h (protocol 7.31) and fuse(4).
"""

from __future__ import annotations

import struct
from enum import IntEnum, unique
from typing import Final, NamedTuple

MAJOR: Final = 7
MINOR: Final = 31
MAX_WRITE: Final = 4096
READ_BUFFER: Final = 64 * 1024
"""The kernel demands at least 8 KiB and the largest request."""

ROOT_ID: Final = 1
OPEN_DIRECT_IO: Final = 1
POLL_SCHEDULE_NOTIFY: Final = 1
NOTIFY_POLL: Final = 1


@unique
class Op(IntEnum):
    """The operations that are answered; any other one is ENOSYS."""

    LOOKUP = 1
    FORGET = 2
    GETATTR = 3
    SETATTR = 4
    READLINK = 5
    OPEN = 14
    READ = 15
    WRITE = 16
    STATFS = 17
    RELEASE = 18
    INIT = 26
    OPENDIR = 27
    READDIR = 28
    RELEASEDIR = 29
    INTERRUPT = 36
    DESTROY = 38
    POLL = 40
    BATCH_FORGET = 42


IN_HEADER: Final = struct.Struct("=IIQQIIIHH")
OUT_HEADER: Final = struct.Struct("=IiQ")
INIT_IN: Final = struct.Struct("=IIII")
INIT_OUT: Final = struct.Struct("=IIIIHHIIHHI28x")
ATTRIBUTES: Final = struct.Struct("=QQQQQQIIIIIIIIII")
ENTRY_HEAD: Final = struct.Struct("=QQQQII")
ATTR_HEAD: Final = struct.Struct("=QII")
OPEN_IN: Final = struct.Struct("=II")
OPEN_OUT: Final = struct.Struct("=QII")
READ_IN: Final = struct.Struct("=QQIIQII")
WRITE_IN: Final = struct.Struct("=QQIIQII")
WRITE_OUT: Final = struct.Struct("=II")
RELEASE_IN: Final = struct.Struct("=QIIQ")
POLL_IN: Final = struct.Struct("=QQII")
POLL_OUT: Final = struct.Struct("=II")
POLL_WAKEUP: Final = struct.Struct("=Q")
STATFS_OUT: Final = struct.Struct("=QQQQQIIII24x")
DIRENT: Final = struct.Struct("=QQII")


class Request(NamedTuple):
    """One request: its operation (a number that may be none of ours), its identity, and its body."""

    op: int
    unique: int
    node: int
    body: bytes


def parse(data: bytes) -> Request:
    """Take a request apart."""
    _, op, unique_id, node, *_ = IN_HEADER.unpack_from(data)
    return Request(op, unique_id, node, data[IN_HEADER.size :])


def reply(unique_id: int, body: bytes = b"") -> bytes:
    """A reply that succeeds."""
    return OUT_HEADER.pack(OUT_HEADER.size + len(body), 0, unique_id) + body


def failure(unique_id: int, number: int) -> bytes:
    """A reply that fails with an errno."""
    return OUT_HEADER.pack(OUT_HEADER.size, -number, unique_id)


def poll_wakeup(handle: int) -> bytes:
    """The notification that makes the kernel ask a polled file again."""
    return OUT_HEADER.pack(OUT_HEADER.size + POLL_WAKEUP.size, NOTIFY_POLL, 0) + POLL_WAKEUP.pack(handle)


def init(kernel_minor: int) -> bytes:
    """The answer to INIT: no optional feature; caching is off by zero timeouts and direct I/O."""
    return INIT_OUT.pack(MAJOR, min(kernel_minor, MINOR), 0, 0, 16, 12, MAX_WRITE, 1, 0, 0, 0)


def attributes(ino: int, mode: int, links: int, size: int) -> bytes:
    """The kernel's struct fuse_attr."""
    return ATTRIBUTES.pack(ino, size, 0, 0, 0, 0, 0, 0, 0, mode, links, 0, 0, 0, 4096, 0)


def entry(ino: int, attrs: bytes) -> bytes:
    """A lookup's answer, valid for no time at all."""
    return ENTRY_HEAD.pack(ino, 0, 0, 0, 0, 0) + attrs


def attr(attrs: bytes) -> bytes:
    """The answer to GETATTR, valid for no time at all."""
    return ATTR_HEAD.pack(0, 0, 0) + attrs


def dirent(ino: int, offset: int, kind: int, name: str) -> bytes:
    """One folder entry; ``kind`` is the file type bits of the mode, ``offset`` where the next one starts."""
    encoded = name.encode()
    data = DIRENT.pack(ino, offset, len(encoded), kind >> 12) + encoded
    return data + bytes(-len(data) % 8)
