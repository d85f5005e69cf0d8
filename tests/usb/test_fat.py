"""FAT sticks with the kernel's real driver, also where this machine's kernel has none.

User-mode Linux (Debian: user-mode-linux) is a kernel as an ordinary program: its root is this machine's file
system, read-only for what matters, and the sticks are its disks. It has FAT, and neither exFAT nor ntfs3.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.rauc_rig import run, which
from tests.usb.device import ROOT, Sticks
from tests.usb.pki import make_ca, make_certificate

KERNEL_S = 180.0
SIZES = ("16", "32")

_INIT = """#!/bin/sh
# The first process of the other kernel. What the board writes goes to memory.
mount -t proc proc /proc
mount -t sysfs sysfs /sys
for folder in /run /srv /var/cache; do mount -t tmpfs tmpfs $folder; done
for module in overlayfs/overlay nls/nls_cp437 nls/nls_iso8859-1 nls/nls_utf8 fat/fat fat/vfat; do
    insmod {modules}/$module.ko || :
done
mkdir /srv/etc /srv/work
mount -t overlay -o lowerdir=/etc,upperdir=/srv/etc,workdir=/srv/work overlay /etc
mkdir -p /etc/rauc
cp {keyring} /etc/rauc/keyring.pem
major=$(awk '$2 == "ubd" {{ print $1 }}' /proc/devices)
cd {root}
minor=0
for size in {sizes}; do
    mknod /run/stick$size b $major $minor
    minor=$((minor + 16))
    PYTHONPATH=src {python} -B -m chargectl.cli.main usb run /run/stick$size >{out}/$size.log 2>&1
    echo "exit code $?" >>{out}/$size.log
    cp /var/cache/usb-autorun/executed.list {out}/$size.list
done
poweroff -f
"""


def modules() -> Path:
    if os.geteuid() != 0:
        pytest.skip("needs root: the other kernel reads this machine's files")
    missing = [name for name in ("linux.uml", "mkfs.vfat", "mcopy", "openssl") if which(name) is None]
    if missing:
        pytest.skip(f"programs missing on this machine: {', '.join(missing)}")
    found = sorted(Path("/usr/lib/uml/modules").glob("*/kernel/fs"))
    if not found:
        pytest.skip("user-mode-linux has no modules on this machine")
    return found[-1]


@pytest.mark.spec(241)
@pytest.mark.spec(268)
def test_fat_sticks_are_read(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = modules()
    pki = tmp_path / "pki"
    make_ca(pki, "vendor")
    make_certificate(pki, "release", "vendor")
    sticks = Sticks(tmp_path / "sticks")
    disks = []
    for number, size in enumerate(SIZES):
        content = sticks.folder()
        script = (
            f"pwd; ls; cat 'größe {size}.txt'\ntouch new || echo read-only\ngrep usb/ /proc/self/mounts\n"
        )
        sticks.signed(content, "autorun.sh", script, pki, "release")
        (content / f"größe {size}.txt").write_text(f"from FAT{size}\n")
        (content / "Update 2.0.image").write_text("no image\n")
        image = tmp_path / f"fat{size}.img"
        with image.open("wb") as file:
            file.truncate(64 << 20)
        run("mkfs.vfat", "-F", size, image)
        files = sorted(str(path) for path in content.iterdir())
        subprocess.run(
            ["mcopy", "-i", image, *files, "::/"], check=True, env={**os.environ, "LC_ALL": "C.UTF-8"}
        )
        disks.append(f"ubd{'abcdef'[number]}r={image}")
    init = tmp_path / "init"
    init.write_text(
        _INIT.format(
            keyring=pki / "vendor.crt",
            modules=folder,
            root=ROOT,
            sizes=" ".join(SIZES),
            python=sys.executable,
            out=tmp_path,
        )
    )
    init.chmod(0o755)
    done = subprocess.run(
        [
            *("linux.uml", "mem=256M", "root=/dev/root", "rootfstype=hostfs", "rootflags=/", "rw", "quiet"),
            *(*disks, f"init={init}", "con=null", "con0=null,fd:1"),
        ],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=KERNEL_S,
        check=False,
        env={**os.environ, "HOME": str(tmp_path), "TMPDIR": str(tmp_path)},
    )
    kernel = (done.stdout + done.stderr).decode(errors="replace")
    for size in SIZES:
        log = tmp_path / f"{size}.log"
        assert log.exists(), kernel
        text = log.read_text()
        assert "a stick with FAT" in text
        assert f"from FAT{size}\n" in text, "names beyond ASCII are found"
        assert "/run/chargectl/usb/stick vfat ro,nosuid,nodev,noexec" in text
        assert "\nread-only\n" in text
        assert "'autorun.sh': ended, exit status 0" in text
        assert "Update 2.0.image" in text
        # Nobody is on the bus there: that the image cannot be looked at is the one thing that failed.
        assert "images: not looked at: D-Bus" in text
        assert "exit code 1" in text
        assert len((tmp_path / f"{size}.list").read_text().splitlines()) == SIZES.index(size) + 1
