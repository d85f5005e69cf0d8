"""``mount-other-rootfs`` on loop devices, in a mount namespace with its own ``/dev`` and command line."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.rauc_rig import make_filesystem, run, which

pytestmark = pytest.mark.usefixtures("real_sys")

SCRIPT = Path(__file__).parents[2] / "overlays/common/usr/bin/mount-other-rootfs"
SIGNATURE = "c4a26ec1"
SHELLS = [["dash"], ["busybox", "sh"]]
MACHINE = """set -eu
mount --bind {root}/cmdline /proc/cmdline
mount -t tmpfs none {root}/dev
mkdir -p {root}/dev/disk/by-partuuid
cp -a /dev/null {slots} {root}/dev
{links}
mount --move {root}/dev /dev
set +e
{commands}
"""


class Machine:
    """Two slots on loop devices; programs that could change RAUC's or the bootloader's state tell on it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.slots: dict[str, str] = {}
        for folder in ("dev", "bin", "mnt", "mnt2"):
            (root / folder).mkdir()
        for name in ("rauc", "fw_setenv", "dbus-send"):
            program = root / "bin" / name
            program.write_text(f"#!/bin/sh\necho {name} >>{root}/called\n")
            program.chmod(0o755)
        self.start_from("01")

    def start_from(self, number: str) -> None:
        (self.root / "cmdline").write_text(
            f"console=ttymxc0 root=PARTUUID={SIGNATURE}-{number} rauc.slot={'AB'[int(number) - 1]} panic=5\n"
        )

    def run(self, commands: str, shell: list[str]) -> subprocess.CompletedProcess[str]:
        """Run commands in the machine; ``@`` is the script with its shell, ``%`` the root of the test."""
        links = "\n".join(
            f"ln -s ../../{device[5:]} {self.root}/dev/disk/by-partuuid/{SIGNATURE}-{number}"
            for number, device in self.slots.items()
        )
        script = MACHINE.format(
            root=self.root,
            slots=" ".join(self.slots.values()),
            links=links,
            commands=commands.replace("@", f"{' '.join(shell)} {SCRIPT}").replace("%", str(self.root)),
        )
        return subprocess.run(
            ["unshare", "--mount", "--propagation", "private", "sh", "-c", script],
            capture_output=True,
            text=True,
            check=False,
            env={"PATH": f"{self.root}/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
        )


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    if os.geteuid() != 0:
        pytest.skip("mounting needs root")
    if which("losetup") is None or which("mke2fs") is None:
        pytest.skip("losetup or mke2fs is not installed on this machine")
    made = Machine(tmp_path)
    try:
        for number in ("01", "02"):
            image = tmp_path / f"slot{number}"
            make_filesystem(image, {"etc/chargectl-release": f"VERSION={number}\n"}, 4)
            made.slots[number] = run("losetup", "--find", "--show", image).strip()
        yield made
    finally:
        for device in made.slots.values():
            run("losetup", "-d", device)


@pytest.fixture(params=SHELLS, ids=lambda words: words[0])
def shell(request: pytest.FixtureRequest) -> list[str]:
    words: list[str] = request.param
    if shutil.which(words[0]) is None:
        pytest.skip(f"{words[0]} is not installed on this machine")
    return words


@pytest.mark.spec(262)
@pytest.mark.parametrize(("running", "other"), [("01", "02"), ("02", "01")])
def test_the_slot_that_does_not_run_is_mounted(
    machine: Machine, shell: list[str], running: str, other: str
) -> None:
    machine.start_from(running)
    done = machine.run("@ %/mnt && cat %/mnt/etc/chargectl-release && touch %/mnt/written", shell)
    assert done.stderr == ""
    assert done.stdout.splitlines() == [
        f"/dev/disk/by-partuuid/{SIGNATURE}-{other} (rw) is on {machine.root}/mnt",
        f"VERSION={other}",
    ]
    assert "written" in run("debugfs", "-R", "ls /", machine.root / f"slot{other}")


@pytest.mark.spec(262)
def test_neither_rauc_nor_the_bootloader_is_told(machine: Machine, shell: list[str]) -> None:
    assert machine.run("@ %/mnt", shell).returncode == 0
    assert not (machine.root / "called").exists()


@pytest.mark.spec(262)
@pytest.mark.parametrize("arguments", ["", "''", "%/mnt %/mnt2", "-x %/mnt", "-r"])
def test_anything_but_one_directory_is_a_usage_error(
    machine: Machine, shell: list[str], arguments: str
) -> None:
    done = machine.run(f"@ {arguments}; code=$?; grep %/mnt /proc/self/mountinfo; exit $code", shell)
    assert done.returncode == 2
    assert done.stderr == "mount-other-rootfs: usage: mount-other-rootfs [-r] DIRECTORY\n"
    assert done.stdout == "", "nothing is mounted"


def test_read_only_on_request(machine: Machine, shell: list[str]) -> None:
    done = machine.run("@ -r %/mnt && touch %/mnt/written", shell)
    assert "Read-only file system" in done.stderr
    assert "(ro) is on" in done.stdout


def test_nothing_is_mounted_twice(machine: Machine, shell: list[str]) -> None:
    done = machine.run(
        "@ %/mnt; @ %/mnt2; echo $?; @ %/mnt; echo $?; grep -c %/mnt /proc/self/mountinfo", shell
    )
    assert done.stdout.splitlines()[1:] == ["1", "1", "1"]
    assert done.stderr.splitlines() == [
        f"mount-other-rootfs: /dev/disk/by-partuuid/{SIGNATURE}-02 is mounted already: {machine.root}/mnt",
        f"mount-other-rootfs: something is mounted on {machine.root}/mnt already",
    ]


def test_a_directory_in_use_stays_as_it_is(machine: Machine, shell: list[str]) -> None:
    done = machine.run("mkdir '%/a b'; mount -t tmpfs none '%/a b'; @ '%/a b'", shell)
    assert done.returncode == 1
    assert "something is mounted on" in done.stderr


def test_it_can_be_mounted_again_after_umount(machine: Machine, shell: list[str]) -> None:
    assert machine.run("@ %/mnt && umount %/mnt && @ %/mnt2", shell).returncode == 0


@pytest.mark.parametrize(
    ("commands", "says"),
    [
        ("@ %/none", "none is not a directory"),
        ("@ /", "/ is where the running system is"),
        (f"rm /dev/disk/by-partuuid/{SIGNATURE}-02; @ %/mnt", "is no block device"),
        ("echo root=/dev/nfs >%/cmdline; @ %/mnt", "was not started from one of two partitions"),
    ],
)
def test_what_does_not_work_is_told_in_one_line(
    machine: Machine, shell: list[str], commands: str, says: str
) -> None:
    done = machine.run(commands, shell)
    assert done.returncode == 1
    assert says in done.stderr.splitlines()[-1]
    assert done.stderr.splitlines()[-1].startswith("mount-other-rootfs: ")


def test_a_slot_without_a_file_system_is_told(machine: Machine, shell: list[str]) -> None:
    (machine.root / "slot02").write_bytes(b"\0" * 4 * 1024 * 1024)
    done = machine.run("@ %/mnt", shell)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].endswith(f"-02 was not mounted on {machine.root}/mnt")
