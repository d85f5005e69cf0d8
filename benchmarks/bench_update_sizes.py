"""Updates: sizes, and what a device has to fetch when one daemon changed, against a whole bundle."""

from __future__ import annotations

import hashlib
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.figure import Figure
from tests.target.bundles import CHANGED_DAEMON, Workshop
from tests.web_server import Resource, WebServer
from tools.board import build
from tools.extra_files import write_extra

BLOCK = 4096
"""What RAUC's block-hash-index looks at (docs of RAUC, adaptive updates)."""
MIB = 1 << 20


def _blocks(image: Path) -> Iterator[bytes]:
    with image.open("rb") as file:
        while block := file.read(BLOCK):
            yield hashlib.sha256(block).digest()


def _missing(old: Path, new: Path) -> int:
    """Bytes of the blocks of ``new`` that are nowhere in ``old``."""
    known = set(_blocks(old))
    return BLOCK * len(set(_blocks(new)) - known)


def _pieces(folder: Path, old: Path, new: Path) -> int:
    """Bytes that casync fetches by HTTP for ``new`` where ``old`` is there."""
    store = folder / "new.castr"
    subprocess.run(
        ["casync", "make", f"--store={store}", folder / "new.caibx", new],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    files = {
        f"new.castr/{path.relative_to(store)}": Resource(path.read_bytes(), etag="")
        for path in store.rglob("*.cacnk")
    }
    with WebServer(files) as server:
        words = ["casync", "extract", f"--store=http://127.0.0.1:{server.port}/new.castr", f"--seed={old}"]
        subprocess.run(
            [*words, folder / "new.caibx", folder / "out.ext4"], check=True, stdout=subprocess.DEVNULL
        )
        if (folder / "out.ext4").read_bytes() != new.read_bytes():
            raise RuntimeError("casync made another image of the pieces")
        return sum(seen.sent for seen in server.seen) + (folder / "new.caibx").stat().st_size


def figures() -> Iterator[Figure]:
    """Build two versions of the emulated board's system that differ in one daemon, and compare."""
    build.RUN.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=build.RUN) as name:
        folder = Path(name)
        workshop = Workshop(folder / "bundles")
        old = build.slot("1.0", folder / "old.ext4")
        new = build.slot("1.1", folder / "new.ext4", write_extra(folder / "extra", CHANGED_DAEMON))
        bundle = workshop.of_slot(new, "1.1", folder / "new.image").stat().st_size
        image = new.stat().st_size
        yield Figure("system image", image / MIB, "MiB")
        yield Figure("update bundle", bundle / MIB, "MiB")
        yield Figure("update bundle", bundle / image, "x", "system image")
        missing = _missing(old, new)
        yield Figure("one daemon changed: new blocks", missing / MIB, "MiB")
        yield Figure("one daemon changed: new blocks", missing / image, "x", "system image")
        pieces = _pieces(folder, old, new)
        yield Figure("one daemon changed: casync by HTTP", pieces / MIB, "MiB")
        yield Figure("one daemon changed: casync by HTTP", pieces / bundle, "x", "update bundle")
