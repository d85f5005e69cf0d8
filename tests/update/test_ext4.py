"""Files out of real ext4 file systems, whole and damaged; what mke2fs has made is the judge."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from pathlib import Path

import pytest

from chargectl.update.ext4 import LARGEST_FILE, Ext4Error, Read, is_ext, read_file
from tests.rauc_rig import run, which

NAME = "/etc/chargectl-release"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """The content of a file system."""
    if which("mke2fs") is None or which("debugfs") is None:
        pytest.skip("mke2fs and debugfs are not on this machine")
    (tmp_path / "tree/etc").mkdir(parents=True)
    return tmp_path / "tree"


def made(tree: Path, *options: str, mib: int = 8, kind: str = "ext4") -> Path:
    image = tree.with_name("image")
    image.unlink(missing_ok=True)
    run("mke2fs", "-q", "-F", "-t", kind, *options, "-d", tree, image, f"{mib}M")
    return image


def of(data: bytes) -> Read:
    return lambda offset, count: data[offset : offset + count]


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("-b", "1024"),
        ("-b", "4096"),
        ("-b", "1024", "-g", "1024"),
        ("-O", "^64bit"),
        ("-O", "^flex_bg,^dir_index", "-I", "128"),
        ("-O", "metadata_csum,64bit,^has_journal"),
    ],
)
def test_a_file_is_read_however_the_file_system_was_made(tree: Path, options: tuple[str, ...]) -> None:
    (tree / "etc/chargectl-release").write_text("VERSION=2.0\n")
    for number in range(300):
        (tree / f"etc/other-{number}").write_text("x" * number)
    (tree / "etc/large").write_bytes(content := os.urandom(LARGEST_FILE))
    (tree / "etc/nothing").touch()
    read = of(made(tree, *options).read_bytes())
    assert is_ext(read)
    assert read_file(read, NAME) == b"VERSION=2.0\n"
    assert read_file(read, "/etc/other-299") == b"x" * 299
    assert read_file(read, "/etc/large") == content
    assert read_file(read, "/etc/nothing") == b""


def test_a_folder_with_an_index_and_a_file_in_many_pieces(tree: Path) -> None:
    """Several leaves of an index, and more extents than the inode has room for."""
    (tree / "etc/sparse").touch()
    with (tree / "etc/sparse").open("r+b") as file:
        for number in range(8):
            file.seek(number * 8192)
            file.write(bytes([65 + number]) * 1024)
    for number in range(1500):
        (tree / f"etc/{number:04}-with-a-name-of-some-length").touch()
    (tree / "etc/chargectl-release").write_text("VERSION=2.0\n")
    image = made(tree, "-b", "1024")
    # Its exit code says that it has changed something.
    subprocess.run([which("e2fsck") or "e2fsck", "-fyD", image], check=False, capture_output=True)
    assert "Flags: 0x81000" in run("debugfs", "-R", "stat /etc", image), "extents and an index"
    read = of(image.read_bytes())
    assert read_file(read, NAME) == b"VERSION=2.0\n"
    assert read_file(read, "/etc/sparse") == (tree / "etc/sparse").read_bytes()


def test_what_is_not_there_or_no_file_is_told(tree: Path) -> None:
    (tree / "etc/folder").mkdir()
    (tree / "etc/link").symlink_to("folder")
    (tree / "etc/long").write_bytes(bytes(LARGEST_FILE + 1))
    read = of(made(tree).read_bytes())
    for name, message in (
        ("/etc/missing", "does not exist"),
        ("/missing/file", "does not exist"),
        ("/etc/folder", "is no regular file"),
        ("/etc/link", "is no regular file"),
        ("/etc/long/x", "is no regular file"),
        ("/etc/long", "at most 65536 are read"),
    ):
        with pytest.raises(Ext4Error, match=f"{name}: .*{message}"):
            read_file(read, name)


def test_other_file_systems_are_told(tree: Path) -> None:
    (tree / "etc/chargectl-release").write_text("VERSION=2.0\n")
    old = of(made(tree, kind="ext2").read_bytes())
    assert is_ext(old)
    with pytest.raises(Ext4Error, match="in a way that is not read here"):
        read_file(old, NAME)
    for empty in (b"", bytes(4096)):
        assert not is_ext(of(empty))
        with pytest.raises(Ext4Error):
            read_file(of(empty), NAME)
    with pytest.raises(Ext4Error, match="this kind of ext4"):
        read_file(of(made(tree, "-O", "meta_bg,^resize_inode").read_bytes()), NAME)


@pytest.mark.parametrize("seed", range(6))
def test_a_damaged_one_gives_the_content_or_an_error_and_ends(tree: Path, seed: int) -> None:
    (tree / "etc/chargectl-release").write_text("VERSION=2.0\n")
    pristine = made(tree, "-b", "1024", mib=2).read_bytes()
    used = [at for at in range(1024, len(pristine)) if pristine[at]]
    chance = random.Random(seed)
    outcomes = {"read": 0, "refused": 0}
    for _ in range(60):
        data = bytearray(pristine)
        for _ in range(chance.choice((1, 10, 200))):
            data[chance.choice(used)] = chance.randrange(256)
        if chance.random() < 0.2:
            del data[chance.randrange(len(data)) :]
        try:
            read_file(of(bytes(data)), NAME)
            outcomes["read"] += 1
        except Ext4Error:
            outcomes["refused"] += 1
    assert all(outcomes.values()), outcomes


def test_a_tree_of_extents_that_goes_in_circles_ends(tree: Path) -> None:
    (tree / "etc/chargectl-release").write_text("VERSION=2.0\n")
    image = made(tree, "-b", "1024")
    # The root folder's tree: a node of many children, each of them that block, which says the same.
    block = 7000
    node = b"".join(
        (
            (0xF30A).to_bytes(2, "little"),
            (80).to_bytes(2, "little"),
            (80).to_bytes(2, "little"),
            (5).to_bytes(2, "little"),
            bytes(4),
            *(bytes(4) + block.to_bytes(4, "little") + bytes(4) for _ in range(80)),
        )
    )
    place = int(run("debugfs", "-R", "imap <2>", image).split("located at block ")[1].split(",")[0])
    offset = int(run("debugfs", "-R", "imap <2>", image).split("offset ")[1], 16)
    data = bytearray(image.read_bytes())
    data[block * 1024 : block * 1024 + len(node)] = node
    data[place * 1024 + offset + 0x28 : place * 1024 + offset + 0x64] = node[:60]
    asked = []

    def read(at: int, count: int) -> bytes:
        asked.append(at)
        return bytes(data[at : at + count])

    with pytest.raises(Ext4Error, match="damaged"):
        read_file(read, NAME)
    assert len(asked) < 100


def test_the_image_is_only_read(tree: Path) -> None:
    (tree / "etc/chargectl-release").write_text("VERSION=2.0\n")
    image = made(tree)
    shutil.copy(image, tree.with_name("copy"))
    with image.open("rb") as file:
        assert read_file(lambda at, count: os.pread(file.fileno(), count, at), NAME) == b"VERSION=2.0\n"
    assert image.read_bytes() == tree.with_name("copy").read_bytes()
