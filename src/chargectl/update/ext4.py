"""Reads a small file out of an ext4 file system that is not mounted.

Mounting the slot that does not run would get in the way of an installation into it, and would give the kernel
a file system that may be half written: a panic then ends the one system that works. Here the worst is an
Ext4Error. Layout: Linux, Documentation/filesystems/ext4. What ``mke2fs -t ext4`` makes is read; journals are
not replayed, symbolic links not followed.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from typing import Final

LARGEST_FILE: Final = 1 << 16
_LARGEST_FOLDER: Final = 1 << 20
"""/etc has some hundred entries: a few KiB."""

_SUPERBLOCK_AT: Final = 1024
_SUPERBLOCK_BYTES: Final = 1024
_MAGIC: Final = 0xEF53
_META_BG: Final = 0x0010
_64BIT: Final = 0x0080
_SMALLEST_DESCRIPTOR: Final = 32
_WIDE_DESCRIPTOR: Final = 64
_LARGEST_LOG_BLOCK: Final = 6
"""Blocks of 64 KiB."""
_ROOT: Final = 2
_FORMAT: Final = 0xF000
_FOLDER: Final = 0x4000
_FILE: Final = 0x8000
_EXTENTS: Final = 0x0008_0000
_INLINE_DATA: Final = 0x1000_0000
_ENCRYPTED: Final = 0x0000_0800
_EXTENT_MAGIC: Final = 0xF30A
_DEEPEST: Final = 5
_MOST_NODES: Final = 64
"""Each file on the way has a tree of one or a few nodes; a damaged one may go in circles."""
_UNWRITTEN: Final = 0x8000
"""An extent of more blocks is one of so many fewer that reads as zeros."""

Read = Callable[[int, int], bytes]
"""Gets an offset and a number of bytes; what is behind the end is missing from the answer."""


class Ext4Error(RuntimeError):
    """The file cannot be read; the text is one line."""


def is_ext(read: Read) -> bool:
    """Whether there is an ext2, ext3 or ext4 file system, as far as its first bytes tell."""
    return read(_SUPERBLOCK_AT + 56, 2) == _MAGIC.to_bytes(2, "little")


def read_file(read: Read, path: str) -> bytes:
    """Return the content of the regular file ``path`` (absolute), of at most LARGEST_FILE bytes.

    Raises Ext4Error, whatever the bytes are that ``read`` answers with, and what ``read`` raises.
    """
    try:
        return _Ext4(read).file(path)
    except (struct.error, IndexError):
        raise Ext4Error(f"{path}: the file system is damaged") from None


class _Ext4:
    def __init__(self, read: Read) -> None:
        self._read = read
        self._nodes = 0
        block = read(_SUPERBLOCK_AT, _SUPERBLOCK_BYTES)
        self._inodes, first, log_block, self._per_group, magic, self._inode_bytes, incompatible, wide = (
            struct.unpack_from(form, block, at)[0]
            for form, at in (
                *(("<I", 0x00), ("<I", 0x14), ("<I", 0x18), ("<I", 0x28)),
                *(("<H", 0x38), ("<H", 0x58), ("<I", 0x60), ("<H", 0xFE)),
            )
        )
        if magic != _MAGIC:
            raise Ext4Error("there is no ext4 file system")
        self._descriptor_bytes = wide if incompatible & _64BIT else _SMALLEST_DESCRIPTOR
        if (
            log_block > _LARGEST_LOG_BLOCK
            or self._per_group == 0
            or self._inode_bytes < 128
            or self._descriptor_bytes < _SMALLEST_DESCRIPTOR
            or incompatible & _META_BG
        ):
            raise Ext4Error("this kind of ext4 file system is not read here")
        self._block_bytes = 1024 << log_block
        self._descriptors_at = (first + 1) * self._block_bytes

    def file(self, path: str) -> bytes:
        """See read_file."""
        inode = self._inode(_ROOT)
        for name in path.strip("/").split("/"):
            entries = self._entries(self._content(inode, _FOLDER, _LARGEST_FOLDER, path))
            number = next((number for number, known in entries if known == name.encode()), 0)
            if number == 0:
                raise Ext4Error(f"{path}: does not exist")
            inode = self._inode(number)
        return self._content(inode, _FILE, LARGEST_FILE, path)

    def _inode(self, number: int) -> bytes:
        if not 1 <= number <= self._inodes:
            raise IndexError
        group, index = divmod(number - 1, self._per_group)
        descriptor = self._read(self._descriptors_at + group * self._descriptor_bytes, self._descriptor_bytes)
        table: int = struct.unpack_from("<I", descriptor, 0x08)[0]
        if self._descriptor_bytes >= _WIDE_DESCRIPTOR:
            table |= struct.unpack_from("<I", descriptor, 0x28)[0] << 32
        return self._read(table * self._block_bytes + index * self._inode_bytes, self._inode_bytes)

    def _content(self, inode: bytes, kind: int, largest: int, path: str) -> bytes:
        mode, size, flags, size_high = (
            struct.unpack_from(form, inode, at)[0]
            for form, at in (("<H", 0x00), ("<I", 0x04), ("<I", 0x20), ("<I", 0x6C))
        )
        size |= size_high << 32
        if mode & _FORMAT != kind:
            raise Ext4Error(f"{path}: is no regular file")
        if size > largest:
            raise Ext4Error(f"{path}: {size} bytes; at most {largest} are read")
        if not flags & _EXTENTS or flags & (_INLINE_DATA | _ENCRYPTED):
            raise Ext4Error(f"{path}: is stored in a way that is not read here")
        content = bytearray(size)
        for first, count, start in self._extents(inode[0x28:0x64], _DEEPEST):
            at = first * self._block_bytes
            if at < size:
                data = self._read(start * self._block_bytes, min(count * self._block_bytes, size - at))
                content[at : at + len(data)] = data
        return bytes(content)

    def _extents(self, node: bytes, deepest: int) -> Iterator[tuple[int, int, int]]:
        """First block in the file, number of blocks, first block on the disk."""
        self._nodes += 1
        magic, count, _, depth = struct.unpack_from("<HHHH", node)
        if self._nodes > _MOST_NODES or magic != _EXTENT_MAGIC or depth > deepest:
            raise IndexError
        for index in range(count):
            at = 12 + 12 * index
            if depth:
                low, high = struct.unpack_from("<IH", node, at + 4)
                child = self._read((low | high << 32) * self._block_bytes, self._block_bytes)
                yield from self._extents(child, depth - 1)
            else:
                first, length, high, low = struct.unpack_from("<IHHI", node, at)
                if length <= _UNWRITTEN:
                    yield first, length, low | high << 32

    def _entries(self, folder: bytes) -> Iterator[tuple[int, bytes]]:
        """Inodes and names. An index of the folder looks like entries that are not in use."""
        at = 0
        while at + 8 <= len(folder):
            number, length, name_bytes = struct.unpack_from("<IHB", folder, at)
            if length < 8:
                raise IndexError
            if number:
                yield number, folder[at + 8 : at + 8 + name_bytes]
            at += length
