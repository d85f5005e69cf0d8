"""Reads a disk image, packed or not, with the map of its used blocks if there is one."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import hashlib
import io
import lzma
import subprocess
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

CHUNK_BYTES: Final = 4 << 20
PACKED: Final = (".zst", ".xz", ".bz2", ".gz")
_LARGEST_BMAP: Final = 16 << 20


class ImageError(RuntimeError):
    """The image cannot be used; the text says why."""


@dataclass(frozen=True, slots=True)
class Range:
    """Bytes of the image that have to be written; ``sha256`` is empty when nobody has said it."""

    start: int
    length: int
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """``size`` of the whole image in bytes, and what of it is written; ``bmap`` is the map that says so."""

    size: int
    ranges: tuple[Range, ...]
    bmap: Path | None = None

    @property
    def written(self) -> int:
        """So many bytes are written."""
        return sum(part.length for part in self.ranges)


def plan(image: Path) -> Plan:
    """Read an image once, without writing anything: is it whole, and how large? Raises ImageError."""
    if not image.is_file():
        raise ImageError(f"{image}: no such file")
    size = 0
    with unpacked(image) as stream:
        while chunk := _read(stream, image):
            size += len(chunk)
    if size == 0:
        raise ImageError(f"{image}: is empty")
    bmap = find_bmap(image)
    if bmap is None:
        return Plan(size, (Range(0, size),))
    mapped = read_bmap(bmap)
    if mapped.size != size:
        raise ImageError(f"{bmap}: belongs to an image of {mapped.size} bytes; {image} has {size}")
    return mapped


def chunks(image: Path, ranges: tuple[Range, ...]) -> Iterator[tuple[int, bytes]]:
    """The bytes of the ranges with their place, in order.

    Raises ImageError when the image ends early or a range is not what its checksum says.
    """
    place = 0
    with unpacked(image) as stream:
        for part in ranges:
            place = _skip(stream, image, place, part.start)
            digest = hashlib.sha256()
            end = part.start + part.length
            while place < end:
                chunk = _read(stream, image, min(CHUNK_BYTES, end - place))
                if not chunk:
                    raise ImageError(f"{image}: ends at byte {place}, before its time")
                digest.update(chunk)
                yield place, chunk
                place += len(chunk)
            if part.sha256 and digest.hexdigest() != part.sha256:
                raise ImageError(f"{image}: bytes {part.start} to {end} are not what the block map says")


@contextlib.contextmanager
def unpacked(image: Path) -> Iterator[IO[bytes]]:
    """The image as it goes to the disk, unpacked by what its name ends in. Raises ImageError."""
    if image.suffix == ".zst":
        with _unpacked_by("zstd", image) as stream:
            yield stream
        return
    # bz2, gzip and lzma name the same parameters alike, which their types do not say.
    module: Any = {".xz": lzma, ".bz2": bz2, ".gz": gzip}.get(image.suffix, io)
    with module.open(image, "rb") as stream:
        yield stream


def find_bmap(image: Path) -> Path | None:
    """The block map beside an image: ``x.wic.bmap`` for ``x.wic`` and ``x.wic.zst``."""
    plain = image.with_suffix("") if image.suffix in PACKED else image
    for base in (image, plain):
        found = base.with_name(base.name + ".bmap")
        if found.is_file():
            return found
    return None


def read_bmap(path: Path) -> Plan:
    """Read a block map (bmaptool's format 2). Raises ImageError."""
    try:
        if path.stat().st_size > _LARGEST_BMAP:
            raise ImageError(f"{path}: too large for a block map")
        content = path.read_bytes()
        root = ET.fromstring(content)
        said = root.findtext("BmapFileChecksum", "").strip()
        # Its own checksum is made with zeros in its place.
        if said and hashlib.sha256(content.replace(said.encode(), b"0" * len(said))).hexdigest() != said:
            raise ImageError(f"{path}: its checksum is wrong")
        if root.findtext("ChecksumType", "").strip() != "sha256":
            raise ImageError(f"{path}: checksums other than sha256 are not read here")
        size, block = (int(root.findtext(name, "").strip()) for name in ("ImageSize", "BlockSize"))
        ranges = []
        place = 0
        for part in root.iterfind("BlockMap/Range"):
            first, _, last = (part.text or "").strip().partition("-")
            start, end = int(first) * block, min((int(last or first) + 1) * block, size)
            if not place <= start < end:
                raise ImageError(f"{path}: its ranges overlap or go backwards at {(part.text or '').strip()}")
            ranges.append(Range(start, end - start, part.get("chksum", "")))
            place = end
    except (OSError, ET.ParseError, ValueError) as error:
        raise ImageError(f"{path}: is no block map: {error}") from None
    return Plan(size, tuple(ranges), path)


@contextlib.contextmanager
def _unpacked_by(program: str, image: Path) -> Iterator[IO[bytes]]:
    try:
        process = subprocess.Popen([program, "-dcq", str(image)], stdout=subprocess.PIPE)
    except FileNotFoundError:
        raise ImageError(
            f"{image}: is packed with {program}: install it (apt-get install {program})"
        ) from None
    assert process.stdout is not None
    whole = False
    try:
        yield process.stdout
        whole = not process.stdout.read(1)
    finally:
        if not whole:
            process.kill()
        process.stdout.close()
        status = process.wait()
    if whole and status != 0:
        raise ImageError(f"{image}: is damaged, says {program}")


def _skip(stream: IO[bytes], image: Path, place: int, target: int) -> int:
    if stream.seekable() and image.suffix not in PACKED:
        stream.seek(target)
        return target
    while place < target:
        chunk = _read(stream, image, min(CHUNK_BYTES, target - place))
        if not chunk:
            raise ImageError(f"{image}: ends at byte {place}, before its time")
        place += len(chunk)
    return place


def _read(stream: IO[bytes], image: Path, most: int = CHUNK_BYTES) -> bytes:
    try:
        return stream.read(most)
    except (OSError, EOFError, lzma.LZMAError) as error:
        raise ImageError(f"{image}: cannot be read: {error}") from None
