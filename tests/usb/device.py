"""A device to plug sticks into: the real ``chargectl usb run`` with a root file system of its own.

It runs in a mount namespace in which /etc, /run, /srv, /var/cache and /usr/local/sbin belong to the test; the
program itself knows nothing of that. What would restart the machine (``systemctl``, ``reboot``) are scripts
in /usr/local/sbin that note what was asked for.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.rauc_rig import run, which
from tests.usb.pki import make_ca, make_certificate, sign

ROOT = Path(__file__).parents[2]
RUN_S = 120.0

_ENTER = """set -eu
mount -t overlay -o lowerdir=/etc,upperdir={root}/etc,workdir={root}/overlay overlay /etc
mount --bind {root}/run /run
mount --bind {root}/srv /srv
mount --bind {root}/cache /var/cache
mount --bind {root}/sbin /usr/local/sbin
exec "$@"
"""

_SYSTEMCTL = """#!/bin/sh
echo "$*" >>{root}/asked
case $1 in
is-system-running) cat {root}/state ;;
reboot) echo stopping >{root}/state; [ ! -e {root}/kill ] || kill -TERM "$(cat {root}/kill)" ;;
esac
"""


def require() -> None:
    """Skip the test, with the reason, where sticks cannot be mounted."""
    if os.geteuid() != 0:
        pytest.skip("needs root: it mounts file systems")
    missing = [name for name in ("openssl", "losetup", "mke2fs", "unshare") if which(name) is None]
    if missing:
        pytest.skip(f"programs missing on this machine: {', '.join(missing)}")
    if not Path("/dev/loop-control").exists():
        pytest.skip("this machine has no loop devices")


class Device:
    """``keyring`` is /etc/rauc/keyring.pem: a link to the vendor's, as shipped.

    ``pki`` has the authorities ``vendor`` and ``owner``, and under each a signer: ``vendor-signer``.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.pki = root / "pki"
        self.keyring = root / "etc/rauc/keyring.pem"
        self.executed = root / "cache/usb-autorun/executed.list"
        self.record = root / "srv/chargectl/usb-installed"
        self.asked_file = root / "asked"
        self.environment: dict[str, str] = {"DBUS_SYSTEM_BUS_ADDRESS": f"unix:path={root}/nobody"}
        for name in ("etc/rauc", "overlay", "run", "srv", "cache", "sbin"):
            (root / name).mkdir(parents=True)
        for name in ("vendor", "owner"):
            make_ca(self.pki, name)
            make_certificate(self.pki, f"{name}-signer", name)
        self.keyring.symlink_to(self.pki / "vendor.crt")
        (root / "state").write_text("running\n")
        for name, text in (("systemctl", _SYSTEMCTL), ("reboot", "#!/bin/sh\nexec systemctl reboot\n")):
            (root / "sbin" / name).write_text(text.format(root=root))
            (root / "sbin" / name).chmod(0o755)

    def command(self, *words: str) -> list[str]:
        """``words`` on the device."""
        enter = _ENTER.format(root=self.root)
        return ["unshare", "--mount", "--propagation", "private", "sh", "-c", enter, "device", *words]

    def usb_command(self, partition: str) -> list[str]:
        """``chargectl usb run`` on the device."""
        return self.command(sys.executable, "-m", "chargectl.cli.main", "usb", "run", partition)

    def env(self) -> dict[str, str]:
        """Its environment."""
        return {**os.environ, "PYTHONPATH": str(ROOT / "src"), **self.environment}

    def plug(self, partition: str, expected: int = 0) -> str:
        """Process a stick; returns what was logged, with what the script printed."""
        done = subprocess.run(
            self.usb_command(partition),
            capture_output=True,
            text=True,
            errors="replace",
            env=self.env(),
            timeout=RUN_S,
            check=False,
        )
        output = done.stdout + done.stderr
        assert done.returncode == expected, output
        assert "Traceback" not in output, output
        assert not (self.root / "run/chargectl/usb/work").exists(), "private copies were left"
        return output

    @contextmanager
    def plugged(self, partition: str) -> Iterator[subprocess.Popen[str]]:
        """Process a stick meanwhile; its end is killed."""
        process = subprocess.Popen(
            self.usb_command(partition),
            env=self.env(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        with process:
            try:
                yield process
            finally:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)

    def asked(self) -> list[str]:
        """What the service manager was asked for, in order."""
        text = self.asked_file.read_text() if self.asked_file.exists() else ""
        return [line for line in text.splitlines() if line != "is-system-running"]


class Sticks:
    """Makes sticks and plugs them into loop devices; ``close`` takes all away."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._loops: list[str] = []
        self._count = 0

    def folder(self) -> Path:
        """An empty folder for the content of a stick."""
        self._count += 1
        folder = self.root / f"content{self._count}"
        folder.mkdir(parents=True)
        return folder

    def signed(self, folder: Path, name: str, text: str | bytes, pki: Path, signer: str) -> Path:
        """A file with its signature by ``signer``."""
        file = folder / name
        file.write_bytes(text.encode() if isinstance(text, str) else text)
        sign(file, pki, signer)
        return file

    def ext(self, folder: Path, kind: str = "ext4", mib: int = 8, *options: str) -> str:
        """A stick with the folder's content; returns its device."""
        image = folder.with_suffix(f".{kind}")
        run("mke2fs", "-q", "-F", "-t", kind, *options, "-d", folder, image, f"{mib}M")
        return self.attach(image)

    def attach(self, image: Path, *options: str) -> str:
        """A loop device of an image."""
        device = run("losetup", "--find", "--show", *options, image).strip()
        self._loops.append(device)
        return device

    def detach(self, device: str) -> None:
        """Pull a stick."""
        run("losetup", "-d", device)
        self._loops.remove(device)

    def close(self) -> None:
        """Pull all sticks."""
        for device in list(self._loops):
            self.detach(device)
        shutil.rmtree(self.root, ignore_errors=True)
