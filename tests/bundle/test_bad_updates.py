"""Updates that must not happen: the running system stays as it is, the other slot is not activated.

The systems are real ones (see `tests.bundle.board`), so is RAUC; its bundles are plain, checked as a whole.
"""

from __future__ import annotations

import hashlib
import random
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.bundle.board import (
    CUSTOMER,
    OWNER_FILES,
    SLOT_AT,
    SLOT_SIZE,
    choose_slots,
    load_environment,
    make_image,
    write_files,
)
from tests.bundle.conftest import Factory
from tests.bundle.miniroot import REPOSITORY
from tests.bundle.running import Running
from tests.rauc_rig import run

FLIPS = 12
SEED = 5


@dataclass
class Device:
    """A board that runs from slot A."""

    board: Running
    folder: Path

    def install(self, bundle: Path) -> str:
        """Try to install; what RAUC says."""
        done = self.board.install(bundle)
        log = self.board.service_log.read_text()
        self.board.service_log.write_text("")
        return f"{'done' if done.returncode == 0 else 'refused'}: {done.stdout}{done.stderr}{log}"

    def next_slot(self) -> str:
        return choose_slots(load_environment(self.board.environment()))[0]

    def files(self) -> dict[str, str]:
        return {name: self.board.path(name).read_text() for name in OWNER_FILES}

    def mounts(self) -> str:
        return self.board.inside("cat", "/proc/self/mountinfo").stdout

    def unharmed(self) -> None:
        """The running system is as it was, it is the next to start, and nothing is left mounted."""
        assert self.next_slot() == "A"
        assert self.files() == OWNER_FILES
        assert self.board.path("etc/chargectl-release").read_text().startswith("VERSION=1.0\n")
        assert "/run/rauc" not in self.mounts()
        status = self.board.system("rauc", "status", "--output-format=shell").stdout
        assert "RAUC_SYSTEM_BOOTED_BOOTNAME='A'" in status


@pytest.fixture(scope="module")
def device(factory_disk: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Device]:
    folder = tmp_path_factory.mktemp("device")
    disk = folder / "disk"
    shutil.copy(factory_disk, disk)
    with Running(folder / "run", disk) as board:
        board.boot("A")
        yield Device(board, folder)
        board.shut_down()
    shutil.rmtree(folder)


@pytest.fixture
def image_2(factory: Factory, bundle_2: Path) -> Path:
    return factory.folder / "2.0.ext4"


def slot_sum(device: Device, slot: str) -> str:
    """What the slot's partition holds."""
    device.board.system("sync")
    with device.board.disk.open("rb") as file:
        file.seek(SLOT_AT[slot])
        return hashlib.sha256(file.read(SLOT_SIZE)).hexdigest()


@pytest.mark.spec(242)
def test_a_bundle_for_another_device_is_refused_before_anything_is_written(
    device: Device, factory: Factory, image_2: Path
) -> None:
    bundle = device.folder / "other.image"
    keys: list[str | Path] = ["--cert", factory.pki / "bundle.pem", "--key", factory.pki / "bundle.key"]
    words: list[str | Path] = [
        "--image",
        image_2,
        "--version",
        "2.0",
        "--format",
        "plain",
        "--squashfs",
        "-comp lz4",
    ]
    run(
        REPOSITORY / "bundle/make",
        *words,
        *keys,
        "--compatible",
        "chargectl charge-control-c",
        "--out",
        bundle,
    )
    before = slot_sum(device, "B")

    said = device.install(bundle)

    assert "the bundle is for 'chargectl charge-control-c', this device is" in said
    assert slot_sum(device, "B") == before
    device.unharmed()


@pytest.mark.parametrize("signer", ["foreign", "expired", "future", "tls"])
def test_a_signer_that_does_not_count_is_refused(
    device: Device, factory: Factory, image_2: Path, signer: str
) -> None:
    said = device.install(factory.bundle(image_2, "2.0", signer))

    assert said.startswith("refused:")
    assert "signature verification failed" in said
    device.unharmed()


def test_a_truncated_bundle_is_refused(device: Device, bundle_2: Path) -> None:
    size = bundle_2.stat().st_size
    for length in (0, 1, 8, 4096, size // 2, size - 4096, size - 1):
        cut = device.folder / "cut.image"
        with bundle_2.open("rb") as file:
            cut.write_bytes(file.read(length))
        assert device.install(cut).startswith("refused:"), f"{length} of {size} bytes"
    device.unharmed()


def test_a_single_wrong_bit_anywhere_is_found(device: Device, bundle_2: Path) -> None:
    data = bytearray(bundle_2.read_bytes())
    chance = random.Random(SEED)
    signature = int.from_bytes(data[-8:], "big")
    places = [*(chance.randrange(len(data)) for _ in range(FLIPS)), 0, 4096, len(data) - 1]
    places += [len(data) - 8 - chance.randrange(1, signature) for _ in range(3)]
    wrong = device.folder / "wrong.image"
    accepted = []
    for place in places:
        bit = 1 << chance.randrange(8)
        data[place] ^= bit
        wrong.write_bytes(data)
        data[place] ^= bit
        if not device.install(wrong).startswith("refused:"):
            accepted.append(place)
    assert accepted == []
    device.unharmed()


def test_an_image_larger_than_its_slot_is_refused(device: Device, factory: Factory) -> None:
    root = device.folder / "large"
    root.mkdir()
    write_files(root, {"etc/chargectl-release": "VERSION=9.0\n"})
    bundle = factory.bundle(make_image(root, device.folder / "large.ext4", SLOT_SIZE // 2**20 + 8), "9.0")

    said = device.install(bundle)

    assert said.startswith("refused:")
    assert "too large" in said or "No space left" in said or "larger" in said
    device.unharmed()


def manifest_of_the_future(root: Path) -> None:
    text = (root / "usr/share/chargectl/migration.toml").read_text()
    (root / "usr/share/chargectl/migration.toml").write_text(text.replace("format = 1", "format = 9"))


def without_chargectl(root: Path) -> None:
    (root / "usr/bin/chargectl").unlink()


def failing_step(root: Path) -> None:
    step = (
        '\n[[step]]\naction = "add"\nfile = "customer.json"\nsince = "9"\nreason = "r"\n'
        'path = "ports/deeper"\nvalue = 1\n'
    )
    manifest = root / "usr/share/chargectl/migration.toml"
    manifest.write_text(manifest.read_text() + step)


def development_keys(root: Path) -> None:
    release = root / "etc/chargectl-release"
    release.write_text(release.read_text().replace("DEVELOPMENT_KEYS=no", "DEVELOPMENT_KEYS=yes"))


def broken_program(root: Path) -> None:
    (root / "usr/bin/chargectl").write_text("#!/bin/sh\nkill -9 $$\n")


@pytest.mark.spec(263)
@pytest.mark.parametrize(
    ("change", "said"),
    [
        (manifest_of_the_future, "format is 9; allowed: 1"),
        (without_chargectl, "the new image has no chargectl"),
        (failing_step, "/etc/secc/customer.json cannot be migrated"),
        (development_keys, "the image trusts development keys"),
        (broken_program, "Killed"),
    ],
)
def test_a_migration_that_fails_fails_the_update(
    device: Device, factory: Factory, change: Callable[[Path], None], said: str
) -> None:
    name = change.__name__
    root = factory.release("2.1", name=name)
    change(root)
    bundle = factory.bundle(make_image(root, device.folder / f"{name}.ext4"), f"2.1-{name}")
    shutil.rmtree(root)
    before = slot_sum(device, "A")

    heard = device.install(bundle)

    assert heard.startswith("refused:")
    assert said in heard
    device.unharmed()
    # Only what runs in slot A may have written there: nothing did.
    assert slot_sum(device, "A") == before


def test_a_source_that_vanishes_in_the_middle_fails_the_update(device: Device, bundle_2: Path) -> None:
    """As a stick that is pulled: the file is on a disk of its own, which goes away while RAUC writes."""
    stick = device.folder / "stick"
    stick.mkdir()
    shutil.copy(bundle_2, stick / "update.image")
    size = bundle_2.stat().st_size // 2**20 + 12
    disk = make_image(stick, device.folder / "stick.ext4", size)
    board = device.board
    board.system("mkdir", "-p", "/tmp/stick")
    board.inside("mount", "-o", "loop,ro", disk, str(board.folder / "root/tmp/stick"))
    waiting = threading.Thread(target=lambda: results.append(install()))

    def install() -> int:
        return board.system("rauc", "install", "/tmp/stick/update.image", check=False).returncode

    results: list[int] = []
    waiting.start()
    try:
        deadline = time.monotonic() + 30
        while "writing data to device" not in board.service_log.read_text():
            assert time.monotonic() < deadline, "RAUC does not begin to write"
        board.pause_rauc()
        # What the kernel has not read yet behind the first blocks of the bundle is gone now.
        board.inside("sh", "-c", "echo 3 > /proc/sys/vm/drop_caches")
        with disk.open("r+b") as file:
            file.truncate(disk.stat().st_size // 8)
        board.pause_rauc(False)
        waiting.join(60)
    finally:
        board.inside("umount", "-l", str(board.folder / "root/tmp/stick"))

    assert len(results) == 1
    assert results[0] != 0
    device.unharmed()


def test_a_full_data_partition_is_told_before_anything_is_written(device: Device, bundle_2: Path) -> None:
    board = device.board
    before = slot_sum(device, "B")
    board.system("sh", "-c", "head -c 16000000 /dev/zero >/srv/full 2>/dev/null || :")
    try:
        said = device.install(bundle_2)
    finally:
        board.system("rm", "/srv/full")

    assert "/srv is full" in said
    assert slot_sum(device, "B") == before
    device.unharmed()


def test_a_hook_that_is_killed_leaves_nothing_mounted_and_nothing_activated(
    device: Device, factory: Factory
) -> None:
    """The hook's mounts live in a namespace of its own, so they go with its last process."""
    root = factory.release("2.2", name="slow")
    (root / "usr/bin/chargectl").write_text("#!/bin/sh\nkill -9 $PPID\nexit 0\n")
    bundle = factory.bundle(make_image(root, device.folder / "slow.ext4"), "2.2")
    shutil.rmtree(root)

    said = device.install(bundle)

    assert said.startswith("refused:")
    device.unharmed()


@pytest.mark.spec(263, 2, 318)
def test_and_a_good_update_still_goes_through(device: Device, bundle_2: Path) -> None:
    device.board.path("srv/of-the-owner").write_text("data\n")
    said = device.install(bundle_2)

    assert said.startswith("done:"), said
    assert device.next_slot() == "B"
    assert device.files() == OWNER_FILES
    device.board.shut_down()
    device.board.boot("B")
    assert device.files() == {**OWNER_FILES, "etc/secc/customer.json": CUSTOMER}
    assert device.board.path("etc/chargectl-release").read_text().startswith("VERSION=2.0\n")
    assert device.board.path("srv/of-the-owner").read_text() == "data\n"
    checked = subprocess.run(
        ["debugfs", "-R", "stats", device.board.device("B")], capture_output=True, text=True, check=False
    )
    assert f"Block count:              {SLOT_SIZE // 1024}" in checked.stdout
