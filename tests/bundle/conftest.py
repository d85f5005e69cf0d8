"""Keys, systems and bundles that the tests of this folder share; made once."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.bundle.board import COMPATIBLE, OWNER_FILES, make_disk, make_image, make_root, write_files
from tests.bundle.miniroot import REPOSITORY
from tests.bundle.roots import Device
from tests.bundle.running import require
from tests.rauc_rig import run

MAKE = REPOSITORY / "bundle/make"


@dataclass(frozen=True, slots=True)
class Factory:
    """What a release manager has: ``pki`` from `bundle/pki --tests`, and the tree of a system."""

    folder: Path
    pki: Path
    root: Path

    def release(self, version: str, name: str = "", **lines: str) -> Path:
        """The tree of another version."""
        root = self.folder / (name or f"root-{version}")
        if not root.exists():
            shutil.copytree(self.root, root, symlinks=True)
            values = {
                "VERSION": version,
                "BUILD": "2026-01-01T00:00:00Z",
                "MACHINE": "charge-control-c-qemu",
                "DEVELOPMENT_KEYS": "no",
                **lines,
            }
            text = "".join(f"{key}={value}\n" for key, value in values.items())
            write_files(root, {"etc/chargectl-release": text})
        return root

    def bundle(self, image: Path, version: str, signer: str = "bundle", *more: str) -> Path:
        """A plain bundle of an image, by `bundle/make`."""
        out = self.folder / f"{version}-{signer}.image"
        words: list[str | Path] = [
            "--image",
            image,
            "--version",
            version,
            "--format",
            "plain",
            "--compatible",
            COMPATIBLE,
        ]
        keys: list[str | Path] = ["--cert", self.pki / f"{signer}.pem", "--key", self.pki / f"{signer}.key"]
        run(MAKE, *words, *keys, "--out", out, "--squashfs", "-comp lz4", *more)
        return out


@pytest.fixture(scope="session")
def factory(tmp_path_factory: pytest.TempPathFactory) -> Factory:
    require()
    folder = tmp_path_factory.mktemp("factory")
    subprocess.run(
        [REPOSITORY / "bundle/pki", folder / "pki", "--tests"], check=True, stderr=subprocess.DEVNULL
    )
    root = folder / "root"
    make_root(root, "1.0", keyring=folder / "pki/ca.pem")
    return Factory(folder, folder / "pki", root)


@pytest.fixture(scope="session")
def factory_disk(factory: Factory) -> Path:
    """A disk with version 1.0 in both slots, and the files of an owner in them."""
    owned = factory.release("1.0", name="owned")
    write_files(owned, OWNER_FILES)
    slot = make_image(owned, factory.folder / "slot.ext4", 64)
    (factory.folder / "srv").mkdir()
    srv = make_image(factory.folder / "srv", factory.folder / "srv.ext4", 8)
    disk = factory.folder / "disk"
    make_disk(disk, slot, srv)
    return disk


@pytest.fixture(scope="session")
def bundle_2(factory: Factory) -> Path:
    """Version 2.0, properly signed."""
    return factory.bundle(make_image(factory.release("2.0"), factory.folder / "2.0.ext4"), "2.0")


@pytest.fixture
def device(tmp_path: Path) -> Iterator[Device]:
    found = Device(tmp_path)
    yield found
    for path in (found.old, found.new):
        leftovers = list(path.rglob(".migrate-*"))
        assert leftovers == []
