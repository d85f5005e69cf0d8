"""Sticks made to do harm. They may fail; nothing outside the rules happens."""

from __future__ import annotations

import os
import random
import stat
import subprocess
from pathlib import Path

import pytest

from chargectl.system import stick_mount
from chargectl.system.stick import Stick
from chargectl.system.stick_mount import StickError
from chargectl.update.stick import FIXED_NAMES, IMAGE_BYTES, MOST_IMAGES, Kind, plan
from tests.rauc_rig import run
from tests.usb.device import Device, Sticks

NAMES = [b"-rf.image", b"a\nb.image", b"'; touch pwned; '.image", b"$(touch pwned).image", b"\xff\xfe.image"]


def untouched(device: Device) -> None:
    """The device is as it was shipped."""
    assert device.keyring.is_symlink()
    assert not device.executed.exists()
    assert not device.record.exists()
    assert device.asked() == []
    assert not list(device.root.rglob("pwned"))


def test_links_are_not_followed(device: Device, sticks: Sticks) -> None:
    content = sticks.folder()
    secret = device.root / "secret"
    secret.write_text("root:$6$secret\n")
    for name in (*FIXED_NAMES, b"x.image"):
        (content / os.fsdecode(name)).symlink_to(secret)
    (content / "y.image").symlink_to("/etc/shadow")
    (content / "z.image").symlink_to("/dev/zero")
    (content / "loop.image").symlink_to("loop.image")
    output = device.plug(sticks.ext(content))
    assert output.count("ignored: a symbolic link; only regular files count") == 8
    assert "secret" not in output
    untouched(device)


def test_a_link_between_the_pair_is_not_followed_either(device: Device, sticks: Sticks) -> None:
    content = sticks.folder()
    file = sticks.signed(content, "real.sh", "touch pwned\n", device.pki, "vendor-signer")
    (content / "autorun.sh").symlink_to("real.sh")
    (content / "autorun.sh.p7s").write_bytes(file.with_name("real.sh.p7s").read_bytes())
    assert "'autorun.sh': ignored: a symbolic link" in device.plug(sticks.ext(content))
    untouched(device)


def test_devices_and_pipes_are_not_opened(device: Device, sticks: Sticks) -> None:
    content = sticks.folder()
    os.mknod(content / "disk.image", stat.S_IFBLK | 0o666, os.makedev(7, 0))
    os.mknod(content / "zero.image", stat.S_IFCHR | 0o666, os.makedev(1, 5))
    os.mkfifo(content / "autorun.sh")
    os.mkfifo(content / "fwupdate-keyring.pem")
    (content / "autorun.sh.p7s").write_bytes(b"x")
    (content / "fwupdate-keyring.pem.p7s").write_bytes(b"x")
    (content / "folder.image").mkdir()
    (content / "folder.image" / "x.image").write_text("deeper\n")
    output = device.plug(sticks.ext(content))
    assert output.count("ignored: no regular file; only regular files count") == 4
    assert output.count("ignored: a folder; only regular files count") == 1
    assert "x.image" not in output
    untouched(device)


def test_odd_names_are_only_names(device: Device, sticks: Sticks) -> None:
    content = sticks.folder()
    for name in NAMES:
        (content / os.fsdecode(name)).write_text("no image\n")
    output = device.plug(sticks.ext(content), expected=1)  # nobody is on the bus
    assert "images: not looked at: D-Bus" in output
    untouched(device)


def test_ten_thousand_files_hide_nothing(device: Device, sticks: Sticks, tmp_path: Path) -> None:
    content = sticks.folder()
    for number in range(10_000):
        (content / f"{number:05}.image").touch()
    sticks.signed(content, "autorun.sh", f"touch {tmp_path}/ran\n", device.pki, "vendor-signer")
    output = device.plug(sticks.ext(content, "ext4", 64, "-N", "20000"))
    assert "files: only so many were looked at" in output
    assert (tmp_path / "ran").exists()
    assert len(output.splitlines()) < 40


def test_so_many_images_and_no_more_are_looked_into(tmp_path: Path) -> None:
    for number in range(MOST_IMAGES + 5):
        (tmp_path / f"{number:02}.image").write_text("x")
    with Stick(tmp_path) as stick:
        assert len(plan(stick.entries()[0]).images) == MOST_IMAGES


def test_a_sparse_giant_is_passed_over(device: Device, sticks: Sticks) -> None:
    content = sticks.folder()
    for name in ("x.image", "autorun.sh", "fwupdate-keyring.pem"):
        with (content / name).open("wb") as file:
            file.truncate(4 << 30)
    for name in ("autorun.sh.p7s", "fwupdate-keyring.pem.p7s"):
        (content / name).write_text("x")
    output = device.plug(sticks.ext(content, "ext4", 16))
    assert f"'x.image': ignored: {4 << 30} bytes; 1 to {IMAGE_BYTES} are allowed" in output
    assert output.count("bytes; 1 to") == 3
    untouched(device)


def test_a_file_that_grows_while_it_is_copied_is_refused(tmp_path: Path) -> None:
    """What a device says of a size need not be true when it is read."""
    (tmp_path / "stick").mkdir()
    (tmp_path / "stick" / "autorun.sh").write_bytes(bytes(100))
    with (
        Stick(tmp_path / "stick") as stick,
        pytest.raises(StickError, match="100 bytes; at most 99 are allowed"),
    ):
        stick.open(b"autorun.sh", 99)
    # /proc files have no size, and content: the same lie.
    with (
        Stick(Path(f"/proc/{os.getpid()}")) as lying,
        pytest.raises(StickError, match="more than 3 bytes are not allowed"),
    ):
        lying.copy(b"status", tmp_path / "copy", 3)


def test_a_name_that_became_a_link_is_not_opened(tmp_path: Path) -> None:
    (tmp_path / "target").write_text("secret\n")
    (tmp_path / "autorun.sh").symlink_to(tmp_path / "target")
    os.mkfifo(tmp_path / "x.image")
    with Stick(tmp_path) as stick:
        for name in (b"autorun.sh", b"x.image"):
            with pytest.raises(StickError, match="is no regular file"):
                stick.open(name, 100)
        with pytest.raises(StickError, match="cannot be opened: no such file"):
            stick.open(b"gone.image", 100)
        found, complete = stick.entries()
        assert complete
        assert {entry.name: entry.kind for entry in found}[b"autorun.sh"] is Kind.LINK


def test_the_mount_can_do_nothing_but_be_read(device: Device, sticks: Sticks, tmp_path: Path) -> None:
    content = sticks.folder()
    program = content / "program"
    program.write_text(f"#!/bin/sh\ntouch {tmp_path}/pwned\n")
    program.chmod(0o6755)
    (content / "link").symlink_to("program")
    os.mknod(content / "zero", stat.S_IFCHR | 0o666, os.makedev(1, 5))
    script = (
        f"exec >{tmp_path}/said 2>&1\ngrep ' /run/chargectl/usb/stick ' /proc/self/mountinfo\n"
        "./program || echo noexec\nhead -c 1 zero || echo nodev\ncat link || echo nosymfollow\n"
        "touch new || echo read-only\nrm program || echo read-only\n"
    )
    sticks.signed(content, "autorun.sh", script, device.pki, "vendor-signer")
    stick = sticks.ext(content)
    device.plug(stick)
    said = (tmp_path / "said").read_text()
    options = set(said.splitlines()[0].split()[5].split(","))
    assert {"ro", "nosuid", "nodev", "noexec", "nosymfollow"} <= options
    for word in ("noexec", "nodev", "nosymfollow", "read-only"):
        assert f"\n{word}\n" in said
    assert not (tmp_path / "pwned").exists()
    assert stick not in Path("/proc/self/mounts").read_text(), "nobody else sees it"


@pytest.mark.parametrize("seed", range(12))
def test_a_damaged_file_system_can_only_fail(device: Device, sticks: Sticks, seed: int) -> None:
    """Metadata with random damage, and a superblock that asks for a panic at the first error."""
    content = sticks.folder()
    for number in range(50):
        (content / f"{number}.image").write_bytes(os.urandom(3000))
    sticks.signed(content, "autorun.sh", "touch pwned\n", device.pki, "owner-signer")
    image = content.with_suffix(".img")
    run(
        "mke2fs",
        "-q",
        "-F",
        "-t",
        ("ext2", "ext3", "ext4")[seed % 3],
        "-e",
        "panic",
        "-d",
        content,
        image,
        "4M",
    )
    chance = random.Random(seed)
    data = bytearray(image.read_bytes())
    for _ in range(40):
        # Behind the magic number, so that it still looks like a file system; metadata comes first.
        at = chance.randrange(1024 + 58, 200_000)
        data[at] = chance.randrange(256)
    image.write_bytes(data)
    with device.plugged(sticks.attach(image)) as process:
        output, _ = process.communicate(timeout=60)
    assert process.returncode in (0, 1)
    assert "Traceback" not in output
    untouched(device)


def test_a_device_that_does_not_answer_is_given_up(
    sticks: Sticks, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stick = sticks.ext(sticks.folder())

    def hangs(device: Path, folder: Path) -> str:
        import time

        time.sleep(1000)
        return ""

    monkeypatch.setattr(stick_mount, "_mount_first", hangs)
    with pytest.raises(StickError, match=r"not mounted within 0\.2 s; it is left alone"):
        stick_mount.mount(Path(stick), tmp_path, 0.2)


def test_a_mount_that_crashes_is_told(
    sticks: Sticks, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stick = sticks.ext(sticks.folder())
    monkeypatch.setattr(stick_mount, "_mount_first", lambda device, folder: os.abort())
    with pytest.raises(StickError, match="has crashed"):
        stick_mount.mount(Path(stick), tmp_path, 10)


def test_a_mount_that_is_not_as_ordered_is_not_used(
    sticks: Sticks, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stick = sticks.ext(sticks.folder())
    monkeypatch.setattr(stick_mount, "_mount_first", lambda device, folder: "ok ext2/3/4")
    with pytest.raises(StickError, match="has not mounted it as it was told to"):
        stick_mount.mount(Path(stick), tmp_path, 10)


def test_other_file_systems_are_never_given_to_the_kernel(device: Device, sticks: Sticks) -> None:
    if not Path("/usr/bin/mksquashfs").exists():
        pytest.skip("mksquashfs is not on this machine")
    content = sticks.folder()
    (content / "x.image").write_text("x")
    image = content.with_suffix(".squashfs")
    subprocess.run(["mksquashfs", content, image, "-quiet", "-no-progress"], check=True, capture_output=True)
    assert "holds no file system that is read here" in device.plug(sticks.attach(image))
