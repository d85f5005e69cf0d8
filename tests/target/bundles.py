"""Update bundles of the checkout, good and bad, for the tests on a board."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tools.board import build

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


class Workshop:
    """Each bundle is made once; ``pki`` holds the development keys that the systems trust."""

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
        if out.exists():
            return out
        extra = self._folder / f"{version}.extra"
        for path, text in (files or {}).items():
            (extra / path).parent.mkdir(parents=True, exist_ok=True)
            (extra / path).write_text(text)
        for path, target in (links or {}).items():
            (extra / path).parent.mkdir(parents=True, exist_ok=True)
            (extra / path).unlink(missing_ok=True)
            (extra / path).symlink_to(target)
        slot = build.slot(version, self._folder / f"{version}.ext4", extra if extra.exists() else None)
        words: list[str | Path] = [
            "--image",
            slot,
            "--version",
            version,
            "--compatible",
            COMPATIBLE,
            "--out",
            out,
        ]
        words += ["--cert", self.pki / "bundle.pem", "--key", self.pki / "bundle.key"]
        subprocess.run([build.CHECKOUT / "bundle" / "make", *words], check=True, stdout=subprocess.DEVNULL)
        slot.unlink()
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
