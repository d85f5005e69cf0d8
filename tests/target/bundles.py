"""Update bundles of the checkout, good and bad, for the tests on a board."""

from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path

from tools.board import build
from tools.extra_files import write_extra

COMPATIBLE = "chargectl charge-control-c-qemu"
NEVER_READY = """\
[Service]
# Starts, and never says that it is ready.
ExecStart=
ExecStart=/usr/bin/sleep infinity
"""
PANIC = """\
[Unit]
DefaultDependencies=no
[Service]
Type=oneshot
ExecStart=/bin/sh -c 'echo c >/proc/sysrq-trigger'
[Install]
WantedBy=sysinit.target
"""
HANG = """\
[Unit]
DefaultDependencies=no
[Service]
Type=oneshot
# The kernel stands still after a panic instead of restarting: only the watchdog is left.
ExecStart=/bin/sh -c 'echo 0 >/proc/sys/kernel/panic; echo c >/proc/sysrq-trigger'
[Install]
WantedBy=sysinit.target
"""
_PORTD = "chargectl/daemons/portd.py"
CHANGED_DAEMON = {
    f"usr/lib/python3/dist-packages/{_PORTD}": (build.CHECKOUT / "src" / _PORTD).read_text()
    + "\n\nCHANGED = True\n"
}
"""Another portd: the smallest update that is worth one."""


class Workshop:
    """Makes each bundle once, until the checkout changes.

    ``pki`` holds the development keys that the systems trust."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        cache = Path(os.environ.get("CHARGECTL_CACHE", Path.home() / ".cache" / "chargectl"))
        self.pki = cache / "pki"

    def bundle(
        self, version: str, files: dict[str, str] | None = None, links: dict[str, str] | None = None
    ) -> Path:
        """The checkout as an update of that version; ``files`` and ``links`` go on top."""
        out = self._folder / f"{version}.image"
        extra = write_extra(self._folder / f"{version}.extra", files or {}, links)
        slot = build.slot(version, self._folder / f"{version}.ext4", extra)
        with slot.open("rb") as file:
            made_of = f"{hashlib.file_digest(file, 'sha256').hexdigest()} {slot.stat().st_size}\n"
        note = self._folder / f"{version}.of"
        if not out.exists() or not note.exists() or note.read_text() != made_of:
            self.of_slot(slot, version, out)
            note.write_text(made_of)
        slot.unlink()
        return out

    def image_bytes(self, version: str) -> int:
        """Size of the file system in the bundle of that version."""
        return int((self._folder / f"{version}.of").read_text().split()[1])

    def of_slot(self, slot: Path, version: str, out: Path) -> Path:
        """A signed bundle of that file system."""
        words: list[str | Path] = ["--image", slot, "--version", version, "--compatible", COMPATIBLE]
        words += ["--cert", self.pki / "bundle.pem", "--key", self.pki / "bundle.key", "--out", out]
        subprocess.run([build.CHECKOUT / "bundle" / "make", *words], check=True, stdout=subprocess.DEVNULL)
        return out

    def never_ready(self, version: str) -> Path:
        """portd starts and never becomes ready."""
        return self.bundle(version, {"etc/systemd/system/chargectl-portd.service.d/test.conf": NEVER_READY})

    def panics(self, version: str) -> Path:
        """The kernel panics at the start."""
        return self._at_start(version, PANIC)

    def hangs(self, version: str) -> Path:
        """The system stands still at the start."""
        return self._at_start(version, HANG)

    def _at_start(self, version: str, unit: str) -> Path:
        name = "etc/systemd/system/test.service"
        wanted = "etc/systemd/system/sysinit.target.wants/test.service"
        return self.bundle(version, {name: unit}, {wanted: "../test.service"})
