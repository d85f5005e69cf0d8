"""The factory image onto a disk: loop devices stand for disks, with the real tool from end to end."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import lzma
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.rauc_rig import run, which

ROOT = Path(__file__).parents[2]
# The machine's own /sys, whatever simulated board covers it here.
SHOW_SYS = 'while grep -q " /sys fuse" /proc/self/mounts; do umount --lazy /sys; done; exec "$@"'
MIB = 1 << 20


class Disks:
    """Loop devices as disks."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._loops: list[str] = []

    def disk(self, size: int = 16 * MIB, *options: str, content: bytes = b"") -> tuple[str, Path]:
        """A disk of so many bytes full of old data; returns its device and the file behind it."""
        backing = self.root / f"disk{len(self._loops)}"
        backing.write_bytes(content or (b"old data " * (size // 9 + 1))[:size])
        device = run("losetup", "--find", "--show", *options, backing).strip()
        self._loops.append(device)
        return device, backing

    def close(self) -> None:
        for device in self._loops:
            run("losetup", "-d", device)


@pytest.fixture
def disks(tmp_path: Path) -> Iterator[Disks]:
    if os.geteuid() != 0 or not Path("/dev/loop-control").exists():
        pytest.skip("needs root and loop devices")
    made = Disks(tmp_path)
    yield made
    made.close()


def flash(*words: str | Path, expected: int = 0, answer: str | None = None) -> str:
    """Run the tool; returns what it said."""
    done = subprocess.run(
        [
            *("unshare", "--mount", "--propagation", "private", "sh", "-c", SHOW_SYS, "flash"),
            *(sys.executable, "-m", "tools.flash", *map(str, words)),
        ],
        cwd=ROOT,
        input=answer or "",
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    output = done.stdout + done.stderr
    assert "Traceback" not in output, output
    assert done.returncode == expected, output
    return output


def forced(device: str) -> tuple[str, str]:
    """Loop devices are built in, says the kernel."""
    return "--force-name", Path(device).name


def image_in(folder: Path, size: int = 5 * MIB + 512) -> Path:
    image = folder / "factory.wic"
    image.write_bytes(os.urandom(size))
    return image


PACKERS = {
    "": lambda data: data,
    ".xz": lzma.compress,
    ".bz2": bz2.compress,
    ".gz": gzip.compress,
    ".zst": lambda data: subprocess.run(["zstd", "-q"], input=data, capture_output=True, check=True).stdout,
}


@pytest.mark.parametrize("suffix", PACKERS)
def test_an_image_is_on_the_disk_byte_by_byte(disks: Disks, tmp_path: Path, suffix: str) -> None:
    if suffix == ".zst" and which("zstd") is None:
        pytest.skip("zstd is not on this machine")
    image = image_in(tmp_path)
    content = image.read_bytes()
    packed = tmp_path / f"factory.wic{suffix}"
    packed.write_bytes(PACKERS[suffix](content))
    device, backing = disks.disk()
    before = backing.read_bytes()
    output = flash(packed, device, "--yes", *forced(device))
    after = backing.read_bytes()
    assert after[: len(content)] == content
    assert after[len(content) :] == before[len(content) :], "nothing behind the image is touched"
    assert "written and read back" in output
    assert "writing: 100 %" in output
    assert "comparing: 100 %" in output


def write_bmap(path: Path, image: bytes, blocks: list[tuple[int, int]], **change: str) -> None:
    """A block map as bmaptool makes it."""
    ranges = ""
    for first, last in blocks:
        digest = hashlib.sha256(image[first * 4096 : (last + 1) * 4096]).hexdigest()
        span = f"{first}-{last}" if last > first else f"{first}"
        ranges += f'        <Range chksum="{change.get("chksum", digest)}"> {span} </Range>\n'
    zeros = "0" * 64
    text = (
        f'<?xml version="1.0" ?>\n<bmap version="2.0">\n'
        f"    <ImageSize> {change.get('size', len(image))} </ImageSize>\n    <BlockSize> 4096 </BlockSize>\n"
        f"    <BlocksCount> {len(image) // 4096} </BlocksCount>\n    <ChecksumType> sha256 </ChecksumType>\n"
        f"    <BmapFileChecksum> {zeros} </BmapFileChecksum>\n"
        f"    <BlockMap>\n{ranges}    </BlockMap>\n</bmap>\n"
    )
    text = text.replace(zeros, change.get("own", hashlib.sha256(text.encode()).hexdigest()))
    path.write_text(text)


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_with_a_block_map_only_used_blocks_are_written(disks: Disks, tmp_path: Path, suffix: str) -> None:
    content = bytearray(os.urandom(8 * MIB))
    blocks = [(0, 3), (300, 300), (1000, 1999)]
    used = {block for first, last in blocks for block in range(first, last + 1)}
    for block in range(2048):
        if block not in used:
            content[block * 4096 : (block + 1) * 4096] = bytes(4096)
    image = tmp_path / f"factory.wic{suffix}"
    image.write_bytes(PACKERS[suffix](bytes(content)))
    write_bmap(tmp_path / "factory.wic.bmap", bytes(content), blocks)
    device, backing = disks.disk()
    before = backing.read_bytes()
    assert "of which 4.1 MB are used (factory.wic.bmap)" in flash(image, device, "--yes", *forced(device))
    after = backing.read_bytes()
    for block in range(2048):
        at = slice(block * 4096, (block + 1) * 4096)
        if block in used or block < 256:  # the first megabyte is whole in any case
            assert after[at] == content[at], block
        else:
            assert after[at] == before[at], block


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"chksum": "0" * 64}, "are not what the block map says"),
        ({"size": "4096"}, "belongs to an image of 4096 bytes"),
        ({"own": "1" * 64}, "its checksum is wrong"),
    ],
)
def test_a_block_map_that_does_not_fit_is_refused(
    disks: Disks, tmp_path: Path, change: dict[str, str], reason: str
) -> None:
    image = image_in(tmp_path, 2 * MIB)
    write_bmap(tmp_path / "factory.wic.bmap", image.read_bytes(), [(0, 511)], **change)
    device, backing = disks.disk()
    assert reason in flash(image, device, "--yes", *forced(device), expected=1)
    if "chksum" in change:  # found only while writing: the disk must not look like a good one
        assert backing.read_bytes()[:MIB] == bytes(MIB)


def test_a_block_map_by_bmaptool_is_read(disks: Disks, tmp_path: Path) -> None:
    if which("bmaptool") is None:
        pytest.skip("bmaptool is not on this machine")
    image = tmp_path / "factory.wic"
    with image.open("wb") as file:
        file.truncate(8 * MIB)
        for at in (0, 3 * MIB):
            file.seek(at)
            file.write(os.urandom(70_000))
    run("bmaptool", "create", "-o", tmp_path / "factory.wic.bmap", image)
    device, backing = disks.disk()
    assert "(factory.wic.bmap)" in flash(image, device, "--yes", *forced(device))
    assert backing.read_bytes()[3 * MIB : 3 * MIB + 70_000] == image.read_bytes()[3 * MIB : 3 * MIB + 70_000]


@pytest.mark.parametrize("suffix", [".xz", ".bz2", ".gz", ".zst"])
def test_a_damaged_image_is_found_before_anything_is_written(
    disks: Disks, tmp_path: Path, suffix: str
) -> None:
    if suffix == ".zst" and which("zstd") is None:
        pytest.skip("zstd is not on this machine")
    data = PACKERS[suffix](image_in(tmp_path).read_bytes())
    packed = tmp_path / f"factory.wic{suffix}"
    device, backing = disks.disk()
    before = backing.read_bytes()
    for damaged in (data[: len(data) // 2], b"no " + data, b""):
        packed.write_bytes(damaged)
        assert str(packed) in flash(packed, device, "--yes", *forced(device), expected=1)
        assert backing.read_bytes() == before


def refused(disks: Disks, device: str, backing: Path, reason: str, *words: str, folder: Path) -> None:
    before = backing.read_bytes()
    assert reason in flash(image_in(folder), device, "--yes", *words, expected=1)
    assert backing.read_bytes() == before


def test_a_built_in_disk_needs_its_name(disks: Disks, tmp_path: Path) -> None:
    device, backing = disks.disk()
    name = Path(device).name
    refused(disks, device, backing, f"--force-name {name}", folder=tmp_path)
    refused(disks, device, backing, "is built into this machine", "--force-name", "sda", folder=tmp_path)


def test_a_disk_that_is_too_small_is_refused(disks: Disks, tmp_path: Path) -> None:
    device, backing = disks.disk(4 * MIB)
    refused(disks, device, backing, "are too small for", *forced(device), folder=tmp_path)


def test_a_write_protected_disk_is_refused(disks: Disks, tmp_path: Path) -> None:
    device, backing = disks.disk(16 * MIB, "--read-only")
    refused(disks, device, backing, "is write-protected", *forced(device), folder=tmp_path)


def test_a_mounted_disk_is_refused(disks: Disks, tmp_path: Path) -> None:
    filesystem = tmp_path / "fs"
    run("mke2fs", "-q", "-F", "-t", "ext4", filesystem, "16M")
    device, backing = disks.disk(content=filesystem.read_bytes())
    folder = tmp_path / "mounted"
    folder.mkdir()
    run("mount", "-o", "ro,noload", device, folder)
    try:
        refused(disks, device, backing, f"is mounted on {folder}", *forced(device), folder=tmp_path)
    finally:
        run("umount", folder)


def test_a_disk_somebody_else_mounted_is_refused_too(disks: Disks, tmp_path: Path) -> None:
    """In another mount namespace, which this one does not list: the kernel itself says no."""
    filesystem = tmp_path / "fs"
    run("mke2fs", "-q", "-F", "-t", "ext4", filesystem, "16M")
    device, backing = disks.disk(content=filesystem.read_bytes())
    folder = tmp_path / "mounted"
    folder.mkdir()
    holder = subprocess.Popen(
        [
            *("unshare", "--mount", "--propagation", "private", "sh", "-c"),
            f"mount -o ro,noload {device} {folder} && echo ready && read line",
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"ready\n"
        refused(disks, device, backing, "is in use", *forced(device), folder=tmp_path)
        holder.communicate(b"\n")


def test_swap_space_is_refused(disks: Disks, tmp_path: Path) -> None:
    device, backing = disks.disk()
    run("mkswap", device)
    run("swapon", device)
    try:
        refused(disks, device, backing, "is swap space of this machine", *forced(device), folder=tmp_path)
    finally:
        run("swapoff", device)


def test_a_partition_is_refused_and_its_disk_named(disks: Disks, tmp_path: Path) -> None:
    table = tmp_path / "table"
    with table.open("wb") as file:
        file.truncate(16 * MIB)
    subprocess.run(
        ["sfdisk", "-q", table], input="label: dos\n1MiB,4MiB\n", text=True, check=True, timeout=30
    )
    device, backing = disks.disk(16 * MIB, "--partscan", content=table.read_bytes())
    partition = f"{device}p1"
    if not Path(partition).exists():
        pytest.skip("this kernel makes no partitions of loop devices")
    refused(disks, partition, backing, f"is a partition; the whole disk is {device}", folder=tmp_path)
    # A mounted partition keeps the whole disk from being written.
    run("mke2fs", "-q", "-F", "-t", "ext2", partition)
    folder = tmp_path / "mounted"
    folder.mkdir()
    run("mount", partition, folder)
    try:
        reason = f"{Path(partition).name} is mounted on {folder}"
        assert reason in flash(image_in(tmp_path), device, "--yes", *forced(device), expected=1)
    finally:
        run("umount", folder)
    listed = flash(image_in(tmp_path), device, *forced(device), expected=1)
    assert f"{Path(partition).name} and all that is on it will be lost" in listed


@pytest.mark.parametrize(
    ("files", "as_partition", "reason"),
    [
        ({"sdz1/partition": "1"}, True, "is a partition; the whole disk is /dev/sdz"),
        ({"holders/dm-0/x": ""}, False, "sdz is in use by dm-0 (LVM, RAID or encryption of this machine)"),
        ({"sdz2/partition": "2", "sdz2/holders/md0/x": ""}, False, "sdz2 is in use by md0"),
        ({"removable": "1", "size": "0"}, False, "no medium inside"),
        ({"removable": "1", "size": "8"}, False, "are too small for"),
        ({"removable": "0", "size": "8"}, False, "is built into this machine"),
    ],
)
def test_what_the_kernel_says_of_a_disk_is_heeded(
    disks: Disks, tmp_path: Path, files: dict[str, str], as_partition: bool, reason: str
) -> None:
    """Partitions and holders that no loop device has, from a /sys of the test's own."""
    device, backing = disks.disk()
    number = os.stat(device).st_rdev
    disk = tmp_path / "sys/devices/sdz"
    for name, text in {"dev": "999:0", "ro": "0", **files}.items():
        (disk / name).parent.mkdir(parents=True, exist_ok=True)
        (disk / name).write_text(text + "\n")
    links = tmp_path / "sys/dev/block"
    links.mkdir(parents=True)
    link = links / f"{os.major(number)}:{os.minor(number)}"
    link.symlink_to(disk / "sdz1" if as_partition else disk)
    before = backing.read_bytes()
    done = subprocess.run(
        [
            *("unshare", "--mount", "--propagation", "private", "sh", "-c"),
            *(f'mount --bind {tmp_path}/sys /sys; exec "$@"', "flash"),
            *(sys.executable, "-m", "tools.flash", image_in(tmp_path), device, "--yes"),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert reason in done.stderr
    assert backing.read_bytes() == before


def test_the_disk_of_this_machine_is_refused(tmp_path: Path) -> None:
    source = run("findmnt", "--noheadings", "--output", "SOURCE", "/").strip().partition("[")[0]
    if not Path(source).is_block_device():
        pytest.skip("the root file system is on no disk here")
    disk = re.sub(r"(?<=\d)p\d+$|(?<=[a-z])\d+$", "", source)
    output = flash(image_in(tmp_path), disk, "--force-name", Path(disk).name, expected=1)
    assert "is mounted on" in output or "is in use" in output


@pytest.mark.parametrize("kind", ["file", "folder", "nothing", "terminal"])
def test_what_is_no_disk_is_refused(tmp_path: Path, kind: str) -> None:
    path = Path("/dev/null") if kind == "terminal" else tmp_path / "target"
    if kind == "file":
        path.write_bytes(b"precious")
    elif kind == "folder":
        path.mkdir()
    reason = {"file": "is a regular file", "nothing": "no such file"}.get(kind, "is no disk")
    assert reason in flash(image_in(tmp_path), path, "--yes", expected=1)
    if kind == "file":
        assert path.read_bytes() == b"precious"


def test_a_regular_file_is_written_when_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "card.img"
    path.write_bytes(b"precious")
    image = image_in(tmp_path)
    flash(image, path, "--yes", "--file")
    assert path.read_bytes() == image.read_bytes()


def test_nobody_to_ask_means_no(disks: Disks, tmp_path: Path) -> None:
    device, backing = disks.disk()
    before = backing.read_bytes()
    output = flash(image_in(tmp_path), device, *forced(device), expected=1, answer="yes\n")
    assert "nobody is there to ask" in output
    assert backing.read_bytes() == before


@pytest.mark.parametrize("right", [True, False])
def test_on_a_terminal_the_name_has_to_be_typed(disks: Disks, tmp_path: Path, right: bool) -> None:
    import pexpect  # type: ignore[import-untyped]

    device, backing = disks.disk()
    before = backing.read_bytes()
    image = image_in(tmp_path)
    name = Path(device).name
    words = ["--mount", "--propagation", "private", "sh", "-c", SHOW_SYS, "flash", sys.executable, "-m"]
    terminal = pexpect.spawn(
        "unshare", [*words, "tools.flash", str(image), device, *forced(device)], cwd=str(ROOT), timeout=60
    )
    terminal.expect_exact(f"Type {name} to go on: ")
    terminal.sendline(name if right else "yes")
    terminal.expect_exact("written and read back" if right else "nothing was written")
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert terminal.exitstatus == (0 if right else 1)
    assert (backing.read_bytes() == before) is not right
    if right:
        assert backing.read_bytes().startswith(image.read_bytes())


def test_an_interrupted_disk_has_no_partition_table(disks: Disks, tmp_path: Path) -> None:
    """Killed in the middle: what is there already cannot be taken for a whole image."""
    image = image_in(tmp_path, 12 * MIB)
    device, backing = disks.disk(content=os.urandom(MIB) * 16)
    pipe = tmp_path / "slow.wic.zst"
    # zstd stands for an image that comes slowly: half of it, then nothing more.
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "zstd").write_text(
        f"#!/bin/sh\nn=$(cat {tmp_path}/count); echo $((n + 1)) >{tmp_path}/count\n"
        f'[ "$n" = 1 ] || exec cat {image}\nhead -c {9 * MIB} {image}; kill -KILL $PPID\n'
    )
    (tools / "zstd").chmod(0o755)
    (tmp_path / "count").write_text("0\n")
    shutil.copy(image, pipe)
    done = subprocess.run(
        [
            *("unshare", "--mount", "--propagation", "private", "sh", "-c", SHOW_SYS, "flash"),
            *(sys.executable, "-m", "tools.flash", str(pipe), device, "--yes", *forced(device)),
        ],
        cwd=ROOT,
        env={**os.environ, "PATH": f"{tools}:{os.environ['PATH']}"},
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode in (-9, 137)
    assert backing.read_bytes()[:MIB] == bytes(MIB)


def test_a_disk_that_loses_data_is_found(tmp_path: Path) -> None:
    """Such disks are sold: they say they are large and forget what is beyond."""
    if os.geteuid() != 0:
        pytest.skip("needs root: it uses strace")
    if which("strace") is None:
        pytest.skip("strace is not on this machine")
    image = image_in(tmp_path)
    target = tmp_path / "card.img"
    target.touch()
    # The third write is said to be done and is not.
    command = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"inject=pwrite64:retval={4 * MIB}:when=2"]
    done = subprocess.run(
        [*command, sys.executable, "-m", "tools.flash", str(image), str(target), "--yes", "--file"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert "differ from what was written" in done.stderr or "smaller than it says" in done.stderr


def test_make_flash_says_what_it_needs() -> None:
    for words, reason in (((), "which disk?"), (("DEVICE=/dev/null", "IMAGE="), "no image has been built")):
        done = subprocess.run(
            ["make", "flash", *words], cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert done.returncode == 2
        assert reason in done.stderr


def test_make_flash_hands_everything_on(disks: Disks, tmp_path: Path) -> None:
    image = image_in(tmp_path)
    device, backing = disks.disk()
    name = Path(device).name
    words = ("make", "flash", f"DEVICE={device}", f"IMAGE={image}", "YES=1", f"FORCE_NAME={name}")
    run("unshare", "--mount", "--propagation", "private", "sh", "-c", SHOW_SYS, "flash", *words)
    assert backing.read_bytes().startswith(image.read_bytes())
