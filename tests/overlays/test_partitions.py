"""The log partition by slot, and the data partition: damaged, foreign or missing, the boot goes on."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from configparser import ConfigParser
from pathlib import Path

import pytest

SIGNATURE = "c4a26ec1"
MIB = 1024 * 1024
DEVICE = "dev-disk-by\\x2dpartuuid-c4a26ec1\\x2d{}.device"


def generate(overlays: Path, folder: Path, words: str) -> Path:
    (folder / "cmdline").write_text(words)
    units = folder / "units"
    units.mkdir()
    generator = overlays / "common/usr/lib/systemd/system-generators/chargectl-log-generator"
    subprocess.run(
        ["sh", str(generator), str(units), str(units), str(units)],
        env={"PATH": "/usr/bin", "CHARGECTL_CMDLINE": str(folder / "cmdline")},
        check=True,
    )
    return units


@pytest.mark.spec(318)
@pytest.mark.parametrize("machine", ["charge-control-c", "charge-control-c-qemu"])
def test_two_slots_and_the_data_are_ext4_and_an_update_knows_the_slots_only(
    overlays: Path, installed: Path, machine: str
) -> None:
    settings = ConfigParser(interpolation=None)
    settings.read(overlays / machine / "etc/rauc/system.conf")
    slots = {name: settings[name] for name in settings.sections() if name.startswith("slot.")}
    found = {(slot["bootname"], slot["device"], slot["type"]) for slot in slots.values()}
    disk = f"/dev/disk/by-partuuid/{SIGNATURE}"
    assert found == {("A", f"{disk}-01", "ext4"), ("B", f"{disk}-02", "ext4")}
    assert len(slots) == 2
    lines = [line.split() for line in (installed / "etc/fstab").read_text().splitlines()]
    assert [line[:3] for line in lines if line[1:2] == ["/srv"]] == [
        [f"PARTUUID={SIGNATURE}-05", "/srv", "ext4"]
    ]


@pytest.mark.spec(240)
@pytest.mark.parametrize(("slot", "partition"), [("A", "06"), ("B", "07")])
def test_each_system_has_its_log_partition(overlays: Path, tmp_path: Path, slot: str, partition: str) -> None:
    words = f"console=ttymxc3,115200 root=PARTUUID={SIGNATURE}-01 rauc.slot={slot} panic=5\n"
    units = generate(overlays, tmp_path, words)
    link = units / "local-fs.target.wants/chargectl-log.service"
    assert link.readlink() == Path("/usr/lib/systemd/system/chargectl-log.service")
    text = (units / "chargectl-log.service.d/partition.conf").read_text()
    device = DEVICE.format(partition)
    assert f"Environment=LOG_DEVICE=/dev/disk/by-partuuid/{SIGNATURE}-{partition}\n" in text
    assert f"After={device}\n" in text
    assert (units / f"{device}.d/timeout.conf").is_file()
    name = subprocess.run(
        ["systemd-escape", "--path", "--suffix=device", f"/dev/disk/by-partuuid/{SIGNATURE}-{partition}"],
        text=True,
        capture_output=True,
        check=True,
    ).stdout.strip()
    assert name == device


@pytest.mark.parametrize(
    "words", ["", "quiet", "rauc.slot=", "rauc.slot=C", "notrauc.slot=A", "rauc.slot=A/B"]
)
def test_without_a_slot_nothing_is_mounted(overlays: Path, tmp_path: Path, words: str) -> None:
    assert list(generate(overlays, tmp_path, words + "\n").iterdir()) == []


class Disk:
    """A partition on a loop device, under the name it has on the board, in a mount namespace for each run."""

    def __init__(self, folder: Path, overlays: Path, partition: str, mib: int) -> None:
        self._overlays = overlays
        self._folder = folder
        self.name = f"/dev/disk/by-partuuid/{SIGNATURE}-{partition}"
        self.image = folder / "image"
        with self.image.open("wb") as file:
            file.truncate(mib * MIB)
        self.loop = subprocess.run(
            ["losetup", "--find", "--show", str(self.image)], text=True, capture_output=True, check=True
        ).stdout.strip()

    def format(self, *files: str) -> None:
        subprocess.run(["mke2fs", "-q", "-F", "-t", "ext4", self.loop], check=True)
        for name in files:
            source = self._folder / "source"
            source.write_text(f"content of {name}\n")
            self.debugfs(f"write {source} {name}")

    def debugfs(self, command: str) -> str:
        result = subprocess.run(
            ["debugfs", "-w", "-R", command, self.loop], text=True, capture_output=True, check=True
        )
        return result.stdout

    def overwrite(self, offset: int, length: int) -> None:
        with open(self.loop, "r+b") as file:
            file.seek(offset)
            file.write(b"\xa5" * length)

    def run(self, script: str, *, after: str = "", prepare: str = "", link: str = "") -> list[str]:
        """Run one of the image's scripts where the partition has its name; returns what ``after`` says."""
        program = self._overlays / "common/usr/lib/chargectl" / script
        commands = f"""
            mount -t tmpfs tmpfs /mnt
            cp -a {self.loop} /mnt/loop
            mount -t tmpfs tmpfs /dev
            mkdir /dev/disk /dev/pts
            cp -a /mnt/loop {self.loop}
            mknod /dev/null c 1 3
            umount /mnt
            mkdir /dev/disk/by-partuuid
            ln -s {link or self.loop} {self.name}
            {prepare}
            LOG_DEVICE={self.name} sh {program}
            {after}
        """
        result = subprocess.run(
            ["unshare", "--mount", "--propagation", "private", "sh", "-euc", commands],
            text=True,
            capture_output=True,
            check=False,
        )
        self.said = result.stderr
        assert result.returncode == 0, result.stderr
        return result.stdout.split()

    def close(self) -> None:
        subprocess.run(["losetup", "--detach", self.loop], check=True)


@pytest.fixture
def log(tmp_path: Path, overlays: Path, as_root: None) -> Iterator[Disk]:
    disk = Disk(tmp_path, overlays, "06", 16)
    yield disk
    disk.close()


@pytest.fixture
def data(tmp_path: Path, overlays: Path, as_root: None) -> Iterator[Disk]:
    disk = Disk(tmp_path, overlays, "05", 16)
    yield disk
    disk.close()


MOUNTED = "findmnt -no FSTYPE,OPTIONS /var/log; ls /var/log"


def test_a_good_log_is_mounted(log: Disk) -> None:
    log.format("messages")
    kind, options, *names = log.run("mount-log", after=MOUNTED)
    assert kind == "ext4"
    assert {"noatime", "nodev", "nosuid", "noexec"} <= set(options.split(","))
    assert "messages" in names


def test_a_log_that_can_be_mended_keeps_its_files(log: Disk) -> None:
    log.format("messages")
    # A bad free-blocks count and an inode that is in use but nowhere linked.
    log.debugfs("set_super_value free_blocks_count 1")
    log.debugfs("unlink messages")
    log.debugfs("set_super_value state 2")
    kind, _, *names = log.run("mount-log", after=MOUNTED)
    assert kind == "ext4"
    assert "lost+found" in names
    assert "formatted" not in log.said


@pytest.mark.parametrize("size", [64 * 1024, 16 * MIB])
def test_a_log_that_cannot_is_made_anew(log: Disk, size: int) -> None:
    """The first superblock alone is mended from its copy; without any there is nothing left to mend."""
    log.format("messages")
    log.overwrite(0, size)
    kind, _, *names = log.run("mount-log", after=MOUNTED)
    assert kind == "ext4"
    assert "lost+found" in names
    # And from then on it is a good one.
    log.run("mount-log", after="touch /var/log/kept")
    assert "kept" in log.run("mount-log", after=MOUNTED)


def test_a_log_that_takes_no_writing_is_kept_in_memory(log: Disk) -> None:
    log.overwrite(0, 64 * 1024)
    subprocess.run(["blockdev", "--setro", log.loop], check=True)
    try:
        assert log.run("mount-log", after=MOUNTED)[0] == "tmpfs"
    finally:
        subprocess.run(["blockdev", "--setrw", log.loop], check=True)
    assert "kept in memory" in log.said


def test_a_log_that_is_missing_is_kept_in_memory(log: Disk) -> None:
    kind, options = log.run("mount-log", link="/dev/nothing", after=MOUNTED)[:2]
    assert kind == "tmpfs"
    assert "size=16384k" in options


def test_never_formats_another_partition(log: Disk) -> None:
    log.overwrite(0, 64 * 1024)
    before = log.image.read_bytes()
    log.name = f"/dev/disk/by-partuuid/{SIGNATURE}-05"
    assert log.run("mount-log", after=MOUNTED)[0] == "tmpfs"
    assert log.image.read_bytes() == before
    assert "not a partition that may be formatted" in log.said


def test_never_formats_a_partition_of_another_size(tmp_path: Path, overlays: Path, as_root: None) -> None:
    disk = Disk(tmp_path, overlays, "06", 600)
    try:
        disk.overwrite(0, 64 * 1024)
        assert disk.run("mount-log", after=MOUNTED)[0] == "tmpfs"
        assert "not a partition that may be formatted" in disk.said
    finally:
        disk.close()


def test_never_formats_what_is_mounted(log: Disk) -> None:
    log.format("messages")
    log.overwrite(0, 1024)
    where = f"mount -t ext4 {log.loop} /mnt"
    log.run("mount-log", prepare=where, after=MOUNTED)
    assert "formatted" not in log.said.replace("may be formatted", "")
    assert "messages" in log.debugfs("ls -l /")


def test_good_data_is_left_alone(data: Disk) -> None:
    data.format("images")
    data.run("check-srv")
    assert "content of images" in data.debugfs("cat images")


def test_data_is_mended(data: Disk) -> None:
    data.format("images")
    data.debugfs("set_super_value free_blocks_count 1")
    data.overwrite(0, 4096)
    data.run("check-srv", after=f"mount -t ext4 {data.loop} /mnt; cat /mnt/images")
    assert "content of images" in data.debugfs("cat images")


def test_data_is_never_formatted(data: Disk) -> None:
    data.overwrite(0, 16 * MIB)
    before = data.image.read_bytes()
    data.run("check-srv")
    assert data.image.read_bytes() == before
    assert "cannot be mended" in data.said


def test_the_boot_goes_on_without_data(installed: Path) -> None:
    lines = [
        line.split() for line in (installed / "etc/fstab").read_text().splitlines() if line[:1] not in "#"
    ]
    (srv,) = [line for line in lines if line[1] == "/srv"]
    options = srv[3].split(",")
    assert srv[0] == f"PARTUUID={SIGNATURE}-05"
    assert {"nofail", "x-systemd.requires=chargectl-check-srv.service"} <= set(options)
    # systemd's own check would end in emergency mode.
    assert srv[5] == "0"
    timeout = next(option for option in options if option.startswith("x-systemd.device-timeout="))
    assert timeout.endswith("=15s")


def test_the_mount_unit_of_srv(installed: Path, tmp_path: Path) -> None:
    """What systemd makes of the line."""
    generator = Path("/usr/lib/systemd/system-generators/systemd-fstab-generator")
    if not generator.exists():
        pytest.skip("systemd is not installed")
    subprocess.run(
        [str(generator), *[str(tmp_path)] * 3],
        env={"SYSTEMD_FSTAB": str(installed / "etc/fstab"), "PATH": "/usr/bin"},
        check=True,
    )
    text = (tmp_path / "srv.mount").read_text()
    assert f"What=/dev/disk/by-partuuid/{SIGNATURE}-05\n" in text
    assert "Requires=chargectl-check-srv.service\n" in text
    assert "systemd-fsck@" not in text
    assert "Before=local-fs.target" not in text
    assert not (tmp_path / "local-fs.target.requires/srv.mount").exists()
    assert (tmp_path / "local-fs.target.wants/srv.mount").is_symlink()
