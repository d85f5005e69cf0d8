"""``make flash DEVICE=/dev/sdX``: writes the factory image to a disk and reads it back.

Needs nothing but Python; zstd for an image packed with it. What happens to the disk, in this order: its first
megabyte is cleared, everything behind it is written, the first megabyte comes last. A disk on which this was
interrupted has no partition table; no board starts from half an image.
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import fcntl
import hashlib
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tools.flash_image import CHUNK_BYTES, ImageError, Plan, chunks, plan
from tools.flash_target import RefusedError, Target, inspect

OK: Final = 0
FAILED: Final = 1
USAGE: Final = 2

HEAD_BYTES: Final = 1 << 20
"""Partition table, boot loader and its environment."""
# linux/fs.h
_BLKRRPART: Final = 0x125F
_BLKFLSBUF: Final = 0x1261
_SYNC_BYTES: Final = 64 << 20
"""Written out at least so often: progress that is only memory is none."""
_SHOW_S: Final = 0.5


class FlashError(RuntimeError):
    """Writing failed; the disk is not to be used."""


class Progress:
    """One line on a terminal that is written over; without a terminal a line per ten percent."""

    def __init__(self, label: str, total: int) -> None:
        self._label, self._total = label, max(1, total)
        self._started = time.monotonic()
        self._shown = self._started
        self._tenth = 0
        self._live = sys.stderr.isatty()

    def show(self, done: int) -> None:
        """So many bytes are done."""
        now = time.monotonic()
        percent = 100 * done // self._total
        if self._live:
            if now - self._shown < _SHOW_S and done < self._total:
                return
            self._shown = now
            rate = done / max(0.001, now - self._started) / 1e6
            end = "\n" if done >= self._total else ""
            sys.stderr.write(f"\r{self._label}: {percent:3} %  {done >> 20} MiB  {rate:.1f} MB/s \x1b[K{end}")
        elif percent // 10 > self._tenth or done >= self._total:
            self._tenth = percent // 10
            sys.stderr.write(f"{self._label}: {percent} %\n")
        sys.stderr.flush()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code: 0 written and compared, 1 failed, 2 not understood."""
    parser = argparse.ArgumentParser(prog="flash", description="Write a disk image to a whole disk.")
    parser.add_argument("image", type=Path, help="the image; .zst, .xz, .bz2 and .gz are unpacked")
    parser.add_argument("device", type=Path, help="the disk: /dev/sdX")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument("--force-name", default="", metavar="NAME", help="a disk that is built in: its name")
    parser.add_argument("--file", action="store_true", help="the device is a regular file")
    args = parser.parse_args(arguments)
    try:
        target = inspect(args.device, file=args.file, force_name=args.force_name)
        print(f"Looking through {args.image} ...", flush=True)
        todo = plan(args.image)
        if target.name and todo.size > target.size:
            raise RefusedError(f"{args.device}: {_size(target.size)} are too small for {_size(todo.size)}")
        _describe(args.image, todo, target)
        if not args.yes:
            _ask(target)
        # Once more: time has passed, and an automounter may have been faster.
        inspect(args.device, file=args.file, force_name=args.force_name)
        _flash(args.image, todo, target)
    except (RefusedError, ImageError, FlashError) as error:
        print(f"flash: {error}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print("\nflash: interrupted: the disk is incomplete", file=sys.stderr)
        return FAILED
    print(f"{target.path}: written and read back; it can be taken out")
    return OK


def _describe(image: Path, todo: Plan, target: Target) -> None:
    print(f"Image:  {image}, {_size(todo.size)}", end="")
    print(f", of which {_size(todo.written)} are used ({todo.bmap.name})" if todo.bmap else "")
    size = f", {_size(target.size)}" if target.size else ""
    print(f"Target: {target.path}: {target.description}{size}")
    for part in target.parts:
        print(f"        {part} and all that is on it will be lost")


def _ask(target: Target) -> None:
    word = target.name or target.path.name
    if not sys.stdin.isatty():
        raise RefusedError("nobody is there to ask: --yes (make flash YES=1) writes without asking")
    try:
        answer = input(f"Everything on it will be overwritten. Type {word} to go on: ")
    except EOFError:
        answer = ""
    if answer.strip() != word:
        raise RefusedError("nothing was written")


def _flash(image: Path, todo: Plan, target: Target) -> None:
    # O_EXCL on a disk: the kernel refuses it while anything at all uses it.
    flags = os.O_RDWR | os.O_CLOEXEC | (os.O_EXCL if target.name else 0)
    try:
        disk = os.open(target.path, flags)
    except OSError as error:
        if error.errno == errno.EBUSY:
            raise RefusedError(f"{target.path}: is in use") from None
        raise RefusedError(f"{target.path}: {(error.strerror or str(error)).lower()}") from None
    try:
        if not target.name:
            os.ftruncate(disk, todo.size)
        digests = _write(disk, image, todo)
        _drop_cache(disk, target)
        _compare(disk, digests)
        if target.name:
            with contextlib.suppress(OSError):
                fcntl.ioctl(disk, _BLKRRPART)
    except OSError as error:
        raise FlashError(
            f"{target.path}: {(error.strerror or str(error)).lower()}; it is incomplete"
        ) from None
    finally:
        os.close(disk)


def _write(disk: int, image: Path, todo: Plan) -> list[tuple[int, int, bytes]]:
    """Write the image; returns place, length and SHA-256 of what was written, in pieces."""
    head = bytearray(min(HEAD_BYTES, todo.size))
    _put(disk, bytes(len(head)), 0)
    os.fsync(disk)
    digests = []
    progress = Progress("writing", todo.written)
    done = unsynced = 0
    for place, chunk in chunks(image, todo.ranges):
        kept = max(0, min(len(chunk), len(head) - place))
        head[place : place + kept] = chunk[:kept]
        if rest := chunk[kept:]:
            _put(disk, rest, place + kept)
            digests.append((place + kept, len(rest), hashlib.sha256(rest).digest()))
        done += len(chunk)
        unsynced += len(chunk)
        if unsynced >= _SYNC_BYTES:
            os.fdatasync(disk)
            unsynced = 0
        progress.show(done)
    os.fsync(disk)
    _put(disk, bytes(head), 0)
    os.fsync(disk)
    digests.append((0, len(head), hashlib.sha256(head).digest()))
    return digests


def _put(disk: int, data: bytes, place: int) -> None:
    view = memoryview(data)
    while view:
        count = os.pwrite(disk, view, place)
        view, place = view[count:], place + count


def _drop_cache(disk: int, target: Target) -> None:
    """What is compared must come from the disk, not from memory."""
    if target.name:
        fcntl.ioctl(disk, _BLKFLSBUF)
    os.posix_fadvise(disk, 0, 0, os.POSIX_FADV_DONTNEED)


def _compare(disk: int, digests: list[tuple[int, int, bytes]]) -> None:
    progress = Progress("comparing", sum(length for _, length, _ in digests))
    done = 0
    for place, length, digest in digests:
        read = hashlib.sha256()
        at, end = place, place + length
        while at < end:
            data = os.pread(disk, min(CHUNK_BYTES, end - at), at)
            if not data:
                raise FlashError(f"ends at byte {at}: the disk is smaller than it says")
            read.update(data)
            at += len(data)
        if read.digest() != digest:
            raise FlashError(f"bytes {place} to {end} differ from what was written: the disk is damaged")
        done += length
        progress.show(done)


def _size(count: int) -> str:
    return f"{count / 1e9:.2f} GB" if count >= 10**9 else f"{count / 1e6:.1f} MB"


if __name__ == "__main__":
    sys.exit(main())
