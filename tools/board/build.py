"""What the build scripts make, for programs that run it. Each call builds only what is not there yet."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final


@dataclass(frozen=True)
class DirectBoot:
    """Kernel, device tree, initramfs and command line, for a start without U-Boot."""

    kernel: Path
    device_tree: Path
    initramfs: Path
    command_line: str


HERE: Final = Path(__file__).resolve().parent
CHECKOUT: Final = HERE.parent.parent
RUN: Final = CHECKOUT / ".run" / "board"
"""Everything that running a board leaves in the checkout."""


def _script(name: str, *words: str | Path, environment: Mapping[str, str] | None = None) -> str:
    """Run a build script; the last line of what it prints."""
    done = subprocess.run(
        [HERE / name, *words],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        env={**os.environ, **(environment or {})},
    )
    return done.stdout.strip().rpartition("\n")[2]


def uboot() -> Path:
    """The boot loader."""
    return Path(_script("build-uboot")) / "u-boot.bin"


def qemu() -> Path:
    """The emulator's program."""
    return Path(_script("build-qemu"))


def kernel() -> Path:
    """The folder with zImage, device tree and initramfs."""
    return Path(_script("build-kernel"))


def slot(version: str, out: Path, extra: Path | None = None) -> Path:
    """The file system of a slot from the checkout as it is; ``extra`` is copied over it at the end."""
    _script("build-slot", version, out, environment={"EXTRA": str(extra)} if extra else None)
    return out


def image(slot_image: Path, out: Path) -> Path:
    """A whole card with that system in slot A."""
    _script("build-image", slot_image, out)
    return out


def direct(append: str = "") -> DirectBoot:
    """A start of system A without the boot loader; ``append`` is added to the kernel's command line."""
    folder = kernel()
    line = "console=ttymxc3,115200 root=PARTUUID=c4a26ec1-01 ro rauc.slot=A fsck.repair=yes panic=5 "
    line += f"net.ifnames=0 quiet loglevel=4 systemd.show_status=0 {append}"
    return DirectBoot(folder / "zImage", folder / "imx6ull-tarragon-master.dtb", folder / "initrd.img", line)
