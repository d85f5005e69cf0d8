"""A disk that remembers in which order it was written and flushed, so that its power can be cut anywhere.

A FUSE file system with one file, ``disk``, for loop devices. The kernel passes each write of the loop driver
on at once (no writeback cache), and a flush of the block device arrives as FSYNC. The server logs both; what
a disk may have kept when its power went away follows from the log (`Replay`):

* all writes before the last flush that had been answered,
* any subset of the writes behind it: a disk's cache writes in an order of its own,
* of the one that was under way, some of its sectors.

``python -m tests.bundle.flaky_disk MOUNTPOINT IMAGE LOG`` serves IMAGE until it is unmounted.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import mmap
import os
import random
import stat
import struct
import sys
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from chargectl.sim.sysfs import wire

SECTOR = 512
TORN = 0.3
"""Share of the writes that did not arrive whole of which some sectors did."""
FSYNC, FLUSH, FALLOCATE = 20, 25, 43
BIG_WRITES, MAX_PAGES = 1 << 5, 1 << 22
LARGEST_WRITE = 1024 * 1024
BUFFER = LARGEST_WRITE + 4096
FILE_ID = 2
RECORD = struct.Struct("=QI")
"""Offset and length, before the data; a flush has the length 0."""


@dataclass(frozen=True, slots=True)
class Write:
    """One write, or a flush when ``data`` is empty."""

    offset: int
    data: bytes


def serve(mountpoint: str, image: str, log: str) -> None:
    """Answer the kernel until the file system is unmounted."""
    descriptor = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
    libc = ctypes.CDLL(None, use_errno=True)
    options = f"fd={descriptor},rootmode=40000,user_id=0,group_id=0,max_read={LARGEST_WRITE}"
    if libc.mount(b"flaky-disk", mountpoint.encode(), b"fuse", ctypes.c_ulong(0), options.encode()):
        raise OSError(ctypes.get_errno(), "FUSE cannot be mounted", mountpoint)
    with open(image, "r+b") as file, open(log, "ab", buffering=0) as journal:
        content = mmap.mmap(file.fileno(), 0)
        size = len(content)
        while True:
            try:
                request = wire.parse(os.read(descriptor, BUFFER))
            except OSError as error:
                if error.errno == errno.ENODEV:
                    return
                if error.errno in (errno.EINTR, errno.EAGAIN, errno.ENOENT):
                    continue
                raise
            answer = _answer(request, content, size, journal.fileno())
            if answer is not None:
                with contextlib.suppress(FileNotFoundError):
                    os.write(descriptor, answer)


def _answer(request: wire.Request, content: mmap.mmap, size: int, journal: int) -> bytes | None:
    op, unique, body = request.op, request.unique, request.body
    root = wire.attributes(wire.ROOT_ID, stat.S_IFDIR | 0o755, 2, 0)
    disk = wire.attributes(FILE_ID, stat.S_IFREG | 0o600, 1, size)
    if op in (wire.Op.FORGET, wire.Op.BATCH_FORGET, wire.Op.INTERRUPT):
        return None
    if op == wire.Op.INIT:
        _, minor, _, _ = wire.INIT_IN.unpack_from(body)
        features = BIG_WRITES | MAX_PAGES
        limits = (16, 12, LARGEST_WRITE, 1, LARGEST_WRITE // 4096, 0, 0)
        made = wire.INIT_OUT.pack(wire.MAJOR, min(minor, wire.MINOR), LARGEST_WRITE, features, *limits)
        return wire.reply(unique, made)
    if op == wire.Op.LOOKUP:
        if body.rstrip(b"\0") != b"disk":
            return wire.failure(unique, errno.ENOENT)
        return wire.reply(unique, wire.entry(FILE_ID, disk))
    if op in (wire.Op.GETATTR, wire.Op.SETATTR):
        return wire.reply(unique, wire.attr(root if request.node == wire.ROOT_ID else disk))
    if op in (wire.Op.OPEN, wire.Op.OPENDIR):
        return wire.reply(unique, wire.OPEN_OUT.pack(1, 0, 0))
    if op == wire.Op.READ:
        _, offset, length, *_ = wire.READ_IN.unpack_from(body)
        return wire.reply(unique, content[offset : offset + length])
    if op == wire.Op.WRITE:
        _, offset, length, *_ = wire.WRITE_IN.unpack_from(body)
        data = body[wire.WRITE_IN.size : wire.WRITE_IN.size + length]
        os.write(journal, RECORD.pack(offset, length) + data)
        content[offset : offset + length] = data
        return wire.reply(unique, wire.WRITE_OUT.pack(length, 0))
    if op == FSYNC:
        os.write(journal, RECORD.pack(0, 0))
        return wire.reply(unique)
    if op in (FLUSH, wire.Op.RELEASE, wire.Op.RELEASEDIR, wire.Op.DESTROY):
        return wire.reply(unique)
    if op == wire.Op.STATFS:
        return wire.reply(unique, wire.STATFS_OUT.pack(0, 0, 0, 0, 0, 4096, 255, 4096, 0))
    return wire.failure(unique, errno.ENOSYS)


def read_log(path: Path) -> Iterator[Write]:
    """The writes and flushes in their order."""
    with path.open("rb") as file:
        while head := file.read(RECORD.size):
            offset, length = RECORD.unpack(head)
            yield Write(offset, file.read(length))


class Replay:
    """The disk at rising points of its log: `advance` to one, then `cut` the power there."""

    def __init__(self, image: Path, log: list[Write], whole: Sequence[range] = ()) -> None:
        """Begin with what ``image`` held before the first write of ``log``.

        ``whole``: places of which a write arrives as a whole or not at all.
        """
        self._safe = bytearray(image.read_bytes())
        self._log = log
        self._whole = whole
        self._pending: list[Write] = []
        self._position = 0

    def advance(self, point: int) -> None:
        """To the moment when the first ``point`` entries of the log have been answered."""
        for entry in self._log[self._position : point]:
            if entry.data:
                self._pending.append(entry)
            else:
                for write in self._pending:
                    self._safe[write.offset : write.offset + len(write.data)] = write.data
                self._pending = []
        self._position = point

    @property
    def unflushed(self) -> int:
        """How many writes could be lost here."""
        return len(self._pending)

    def cut(self, chance: random.Random) -> Cut:
        """What the disk may hold after its power went away at this moment.

        The entry behind the point was under way: if it was a write, any of its sectors may have arrived.
        """
        fates: list[Fate] = []
        share = chance.choice((0.0, 0.1, 0.5, 0.9, 1.0))
        for write in self._pending:
            if chance.random() < share:
                fates.append(Fate(write, [write]))
            elif chance.random() < TORN:
                fates.append(Fate(write, self._some(write, share, chance)))
            else:
                fates.append(Fate(write, []))
        if self._position < len(self._log):
            write = self._log[self._position]
            fates.append(Fate(write, self._some(write, share, chance)))
        return Cut(self._safe, fates)

    def cut_in(self, sectors: Collection[int]) -> Cut:
        """Nothing is lost but of the write behind the point, of which just these sectors arrive."""
        write = self._log[self._position]
        arrived = [_part(write, number * SECTOR, SECTOR) for number in sectors]
        return Cut(self._safe, [*(Fate(before, [before]) for before in self._pending), Fate(write, arrived)])

    def _some(self, write: Write, share: float, chance: random.Random) -> list[Write]:
        return [piece for piece in self._pieces(write) if chance.random() < share]

    def _pieces(self, write: Write) -> Iterator[Write]:
        """What may arrive or not, each by itself: the sectors, and the places that arrive whole."""
        here = range(write.offset, write.offset + len(write.data))
        places = [place for place in self._whole if place[0] in here and place[-1] in here]
        start = 0
        while start < len(write.data):
            at = write.offset + start
            size = next((len(place) for place in places if place[0] == at), SECTOR)
            yield _part(write, start, size)
            start += size


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of a write."""

    write: Write
    arrived: list[Write]
    """Its parts that are on the disk."""

    def __str__(self) -> str:
        size, arrived = len(self.write.data), sum(len(part.data) for part in self.arrived)
        if not size:
            return "flush, not answered"
        where = f"{size} bytes at {self.write.offset:#x}"
        if arrived in (0, size):
            return f"{where}: {'arrived' if arrived else 'lost'}"
        parts = ", ".join(f"{part.offset:#x}+{len(part.data)}" for part in self.arrived)
        return f"{where}: torn, arrived are {parts}"


class Cut:
    """The disk as it was found; valid until its `Replay` advances."""

    def __init__(self, safe: bytearray, fates: list[Fate]) -> None:
        self._safe = safe
        self._fates = fates

    def region(self, start: int, size: int) -> bytearray:
        """A part of the disk."""
        found = self._safe[start : start + size]
        for fate in self._fates:
            for write in fate.arrived:
                begin, end = max(write.offset, start), min(write.offset + len(write.data), start + size)
                if begin < end:
                    found[begin - start : end - start] = write.data[begin - write.offset : end - write.offset]
        return found

    def story(self) -> str:
        """What became of each write since the last flush, one line each."""
        return "\n".join(map(str, self._fates))


def _part(write: Write, start: int, size: int) -> Write:
    return Write(write.offset + start, write.data[start : start + size])


if __name__ == "__main__":
    serve(*sys.argv[1:])
