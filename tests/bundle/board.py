"""A board's storage and system in small, for real installations on the host.

One disk with U-Boot's environment, two systems and /srv; systems in which the shell, Python, RAUC and the
files of `overlays/` really run (chroot).

The host has no device mapper, so bundles are plain ones; system.conf is otherwise the emulated board's own.
"""

from __future__ import annotations

import shutil
import subprocess
import zlib
from dataclasses import dataclass
from pathlib import Path

from tests.bundle.miniroot import REPOSITORY, add_program, add_python
from tests.rauc_rig import run

MIB = 1024 * 1024
COMPATIBLE = "chargectl charge-control-c-qemu"
ENV_AT = (0xC0000, 0xE0000)
ENV_SIZE = 0x2000
SLOT_SIZE = 64 * MIB
IMAGE_MIB = 56
"""Smaller than its slot, as on a board: RAUC enlarges the file system."""
SLOT_AT = {"A": 4 * MIB, "B": 4 * MIB + SLOT_SIZE}
SRV_AT = SLOT_AT["B"] + SLOT_SIZE
SRV_SIZE = 8 * MIB
DISK_SIZE = SRV_AT + SRV_SIZE

PROGRAMS = (
    *("sh", "cat", "chroot", "cut", "date", "df", "env", "head", "mkdir", "mktemp", "mount", "mv", "od"),
    *("readlink", "rm", "sed", "sleep", "stat", "sync", "tail", "tr", "umount", "unshare"),
    *("rauc", "fw_printenv", "fw_setenv", "e2fsck", "resize2fs", "openssl"),
)
"""What RAUC, the hook and the scripts of the overlays call on a board."""

CUSTOMER = '{\n  // the owner\'s limit\n  "ports": [{"evse_current_limit": 13}]\n}\n'
OWNER_FILES = {
    "etc/secc/customer.json": CUSTOMER,
    "etc/secc/leds.json": "{}\n",
    "var/backups/customer.json": CUSTOMER,
    "etc/systemd/network/40-own.network": "[Match]\nName=eth0\n",
    "var/lib/ocppd/auth.db": "tag one\n" * 500,
    "etc/ssh/ssh_host_ed25519_key": "PRIVATE\n",
    "root/.ssh/authorized_keys": "ssh-ed25519 AAAA owner\n",
    "var/cache/usb-autorun/executed.list": "d41d8cd98f00b204e9800998ecf8427e\n",
    "etc/machine-id": "0123456789abcdef0123456789abcdef\n",
    "etc/hostname": "hall-3\n",
}
"""What must be there after an update."""


def make_root(root: Path, version: str, *, keyring: Path, build: str = "2026-01-01T00:00:00Z") -> None:
    """The tree of one system."""
    for program in PROGRAMS:
        add_program(root, program, f"bin/{program}" if program == "sh" else "")
    add_python(root)
    machine = REPOSITORY / "overlays/charge-control-c-qemu"
    scripts = REPOSITORY / "overlays/common/usr/lib/chargectl"
    (root / "etc/rauc").mkdir(parents=True)
    settings = (machine / "etc/rauc/system.conf").read_text()
    assert "bundle-formats=verity\n" in settings
    (root / "etc/rauc/system.conf").write_text(
        settings.replace("bundle-formats=verity", "bundle-formats=plain")
    )
    (root / "etc/rauc/keyring.pem").symlink_to("/usr/share/chargectl/keyring/keyring.pem")
    shutil.copy(REPOSITORY / "overlays/common/etc/fw_env.config", root / "etc")
    (root / "usr/lib/chargectl").mkdir(parents=True, exist_ok=True)
    for script in (*scripts.glob("rauc-*"), scripts / "migrate-late"):
        shutil.copy(script, root / "usr/lib/chargectl")
    shared = root / "usr/share/chargectl"
    (shared / "keyring").mkdir(parents=True)
    shutil.copy(keyring, shared / "keyring/keyring.pem")
    shutil.copy(REPOSITORY / "bundle/migration.toml", shared)
    for folder in ("dev", "proc", "sys", "run", "tmp", "srv", "var", "etc/secc"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    (root / "var/lock").symlink_to("/run/lock")
    texts = {
        "etc/chargectl-release": f"VERSION={version}\nBUILD={build}\nMACHINE=charge-control-c-qemu\n"
        "DEVELOPMENT_KEYS=no\n",
        "etc/passwd": "root:x:0:0::/root:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n",
        "etc/group": "root:x:0:\nnogroup:x:65534:\n",
        "etc/shadow": "root:$6$factory$x:0:0:99999:7:::\n",
        "etc/secc/customer.json": "{}\n",
        "etc/secc/customer.json.shipped": f"// of {version}\n{{}}\n",
        "etc/machine-id": "uninitialized\n",
    }
    write_files(root, texts)


def write_files(root: Path, texts: dict[str, str]) -> None:
    """Write text files below a root."""
    for name, text in texts.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


def make_image(root: Path, image: Path, mib: int = IMAGE_MIB) -> Path:
    """An ext4 image of a tree, with fewer inodes than usual: they are of no use here."""
    image.unlink(missing_ok=True)
    run("mke2fs", "-q", "-F", "-t", "ext4", "-N", "4096", "-d", root, image, f"{mib}M")
    return image


def make_disk(disk: Path, slot: Path, srv: Path) -> None:
    """A disk as it leaves the factory: both slots alike, /srv empty, the environment in its first state."""
    with disk.open("wb") as file:
        file.truncate(DISK_SIZE)
        environment = Environment({"BOOT_ORDER": "A B", "BOOT_A_LEFT": "3", "BOOT_B_LEFT": "3"})
        for number, at in enumerate(ENV_AT):
            file.seek(at)
            file.write(environment.pack(flags=number))
        for at, source in ((SLOT_AT["A"], slot), (SLOT_AT["B"], slot), (SRV_AT, srv)):
            file.seek(at)
            file.write(source.read_bytes())


@dataclass(frozen=True, slots=True)
class Environment:
    """U-Boot's variables."""

    variables: dict[str, str]

    def pack(self, flags: int) -> bytes:
        """One of the two copies: CRC, flags, variables."""
        data = b"".join(f"{name}={value}\0".encode() for name, value in self.variables.items()) + b"\0"
        data = data.ljust(ENV_SIZE - 5, b"\0")
        return zlib.crc32(data).to_bytes(4, "little") + bytes([flags]) + data


def load_environment(copies: list[bytes]) -> Environment | None:
    """The environment that U-Boot takes (env/common.c): the valid copy, of two the one with later flags.

    None when it would fall back to its built-in one.
    """
    valid = [copy for copy in copies if zlib.crc32(copy[5:]) == int.from_bytes(copy[:4], "little")]
    if not valid:
        return None
    if len(valid) == 2:
        first, second = valid[0][4], valid[1][4]
        newer = 1 if (first == 255 and second == 0) or (second > first and (first, second) != (0, 255)) else 0
        valid = [valid[newer]]
    variables = {}
    for entry in valid[0][5:].split(b"\0\0")[0].split(b"\0"):
        name, _, value = entry.decode().partition("=")
        variables[name] = value
    return Environment(variables)


BUILT_IN = Environment({"BOOT_ORDER": "A B", "BOOT_A_LEFT": "3", "BOOT_B_LEFT": "3"})


def choose_slots(environment: Environment | None) -> list[str]:
    """The slots that U-Boot would try, one after the other, until one comes up.

    The rule of meta-chargectl/recipes-bsp/u-boot/files/chargectl-boot.env. Never empty: without any
    tries left it gives all back.
    """
    variables = (environment or BUILT_IN).variables
    order = variables.get("BOOT_ORDER", "").split() or ["A", "B"]
    tries = [name for name in order if int(variables.get(f"BOOT_{name}_LEFT", "0") or "0", 16) > 0]
    return tries or (["B", "A"] if order[0] == "B" else ["A", "B"])


def file_in(image: Path, path: str) -> str:
    """A file in an ext4 image."""
    done = subprocess.run(["debugfs", "-R", f"cat /{path}", image], capture_output=True, check=False)
    return done.stdout.decode("utf-8", "replace")
