"""A real RAUC on the host: its own D-Bus, its own service, two slots in files, keys and bundles.

    with RaucRig(tmp_path) as rig:
        bundle = rig.bundle("2.0")
        Rauc(rig.address).install(str(bundle))
        assert rig.slot_text("B") == "2.0"

Needs root, rauc, squashfs-tools, dbus-daemon and e2fsprogs; ``require()`` skips a test where one is missing.
The service runs in a mount namespace of its own, so that nothing stays mounted whatever becomes of it. The
boot loader is a script over files in ``root/boot``: ``primary``, ``state.A``, ``state.B``.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

COMPATIBLE = "chargectl charge-control-c-qemu"
VERSION_FILE = "etc/chargectl-release"
PROGRAMS = ("rauc", "mksquashfs", "dbus-daemon", "mke2fs", "debugfs", "openssl", "unshare", "losetup")
START_S = 10.0

_BUS = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-BUS Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>custom</type><listen>unix:path={socket}</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*"/><allow receive_sender="*"/><allow own="*"/></policy>
</busconfig>
"""

_BACKEND = """#!/bin/sh
set -eu
cd {boot}
case $1 in
get-primary) cat primary ;;
set-primary) echo "$2" >primary; echo good >"state.$2" ;;
get-state) cat "state.$2" ;;
set-state)
    echo "$3" >"state.$2"
    if [ "$3" = bad ] && [ "$(cat primary)" = "$2" ]; then
        case $2 in A) echo B ;; *) echo A ;; esac >primary
    fi
    ;;
get-current) cat booted ;;
esac
"""

_SYSTEM = """[system]
compatible={compatible}
bootloader=custom
mountprefix={root}/mnt
statusfile={root}/status
bundle-formats=plain verity

[handlers]
bootloader-custom-backend={root}/backend

[keyring]
path={root}/pki/ca.pem

[slot.rootfs.0]
device={device_a}
type=ext4
bootname=A

[slot.rootfs.1]
device={device_b}
type=ext4
bootname=B
"""


def require() -> None:
    """Skip the test, with the reason, where RAUC cannot be run."""
    missing = [name for name in PROGRAMS if which(name) is None]
    if os.geteuid() != 0:
        pytest.skip("RAUC needs root: it mounts bundles")
    if missing:
        pytest.skip(f"programs missing on this machine: {', '.join(missing)}")


def which(name: str) -> str | None:
    """Where a program is; those of the system administrator are not always in the PATH of a test."""
    return shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")


def run(*command: str | Path) -> str:
    """Run a program that has to succeed; returns its standard output."""
    words = [which(str(command[0])) or str(command[0]), *map(str, command[1:])]
    result = subprocess.run(words, capture_output=True, text=True, check=False)
    assert result.returncode == 0, f"{' '.join(words)}: {result.stdout}{result.stderr}"
    return result.stdout


def make_ca(folder: Path, name: str = "ca") -> None:
    """``name.pem`` and ``name.key`` of a certificate authority."""
    folder.mkdir(parents=True, exist_ok=True)
    run(
        *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30"),
        *("-subj", f"/O=chargectl test/CN={name}"),
        *("-addext", "basicConstraints=critical,CA:TRUE"),
        *("-keyout", folder / f"{name}.key", "-out", folder / f"{name}.pem"),
    )


def make_signer(folder: Path, name: str = "signer", ca: str = "ca", days: int = 30, names: str = "") -> None:
    """``name.pem`` and ``name.key``, signed by ``ca`` in the same folder; ``names`` as ``IP:127.0.0.1``."""
    request = folder / f"{name}.csr"
    run(
        *("openssl", "req", "-new", "-newkey", "rsa:2048", "-nodes", "-subj", f"/O=chargectl test/CN={name}"),
        *("-keyout", folder / f"{name}.key", "-out", request),
        *(("-addext", f"subjectAltName={names}") if names else ()),
    )
    run(
        *("openssl", "x509", "-req", "-in", request, "-days", str(days), "-CAcreateserial"),
        *("-copy_extensions", "copy"),
        *("-CA", folder / f"{ca}.pem", "-CAkey", folder / f"{ca}.key", "-out", folder / f"{name}.pem"),
    )


class RaucRig:
    """A device with two slots, running from ``booted``.

    ``address`` is its bus, ``config`` its system.conf. With ``loop`` the slots are loop devices, which slot
    hooks need because they get the new file system mounted; plain files are faster.
    """

    def __init__(
        self,
        root: Path,
        *,
        compatible: str = COMPATIBLE,
        booted: str = "A",
        slot_mib: int = 8,
        loop: bool = False,
    ) -> None:
        self.root = root
        self.compatible = compatible
        self.booted = booted
        self.config = root / "system.conf"
        self.pki = root / "pki"
        self.log = root / "service.log"
        self.address = f"unix:path={root}/bus"
        self._loop = loop
        self._loops: list[str] = []
        self._bus: subprocess.Popen[bytes] | None = None
        self._service: subprocess.Popen[bytes] | None = None
        for name in ("mnt", "boot", "tmp"):
            (root / name).mkdir(parents=True)
        make_ca(self.pki)
        make_signer(self.pki)
        for slot in "AB":
            make_filesystem(self.slot_file(slot), {VERSION_FILE: f"VERSION=1.0-{slot}\n"}, slot_mib)
            (root / "boot" / f"state.{slot}").write_text("good\n")
        (root / "boot" / "primary").write_text(booted + "\n")
        (root / "boot" / "booted").write_text(booted + "\n")
        backend = root / "backend"
        backend.write_text(_BACKEND.format(boot=root / "boot"))
        backend.chmod(0o755)
        (root / "bus.conf").write_text(_BUS.format(socket=root / "bus"))

    def __enter__(self) -> Self:
        try:
            devices = [self._device(slot) for slot in "AB"]
            self.config.write_text(
                _SYSTEM.format(
                    root=self.root, compatible=self.compatible, device_a=devices[0], device_b=devices[1]
                )
            )
            self.start_bus()
            self.start_service()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End everything that was started."""
        self.stop_service()
        self.stop_bus()
        for device in self._loops:
            run("losetup", "-d", device)
        self._loops = []
        # Also those that a killed service has left.
        for line in run("losetup", "--list", "--noheadings", "--output", "NAME,BACK-FILE").splitlines():
            device, _, file = line.partition(" ")
            if file.strip().startswith(f"{self.root}/"):
                subprocess.run([which("losetup") or "losetup", "-d", device], check=False)

    def start_bus(self) -> None:
        (self.root / "bus").unlink(missing_ok=True)
        program = which("dbus-daemon")
        assert program is not None
        with self.log.open("ab") as log:
            self._bus = subprocess.Popen(
                [program, f"--config-file={self.root / 'bus.conf'}", "--nofork"], stdout=log, stderr=log
            )
        _wait((self.root / "bus").is_socket, "the bus")

    def stop_bus(self) -> None:
        _end(self._bus, signal.SIGTERM)
        self._bus = None

    def start_service(self, *, after: Sequence[str] = ()) -> None:
        """Start ``rauc service`` and wait until it is on the bus; ``after`` is put before its name."""
        offset = self.log.stat().st_size
        with self.log.open("ab") as log:
            self._service = subprocess.Popen(
                [
                    *("unshare", "--mount", "--propagation", "private", *after),
                    *("rauc", f"--conf={self.config}", f"--override-boot-slot={self.booted}", "service"),
                ],
                stdout=log,
                stderr=log,
                env={
                    **os.environ,
                    "DBUS_SYSTEM_BUS_ADDRESS": self.address,
                    "TMPDIR": str(self.root / "tmp"),
                    "PATH": os.environ.get("PATH", "") + ":/usr/sbin:/sbin",
                },
                start_new_session=True,
            )
        _wait(lambda: self._on_bus() or b"rror" in self.log.read_bytes()[offset:], "rauc service")

    def stop_service(self, number: int = signal.SIGTERM) -> None:
        """End the service and what it has started; SIGKILL is its crash."""
        _end(self._service, number)
        self._service = None

    def pause_service(self, paused: bool = True) -> None:
        """Make the service hang, or go on."""
        assert self._service is not None
        os.killpg(self._service.pid, signal.SIGSTOP if paused else signal.SIGCONT)

    def reboot(self) -> None:
        """Restart the service in the slot that the boot loader would take now."""
        self.stop_service()
        self.booted = (self.root / "boot" / "primary").read_text().strip()
        (self.root / "boot" / "booted").write_text(self.booted + "\n")
        self.start_service()

    def slot_file(self, slot: str) -> Path:
        return self.root / f"slot{slot}.img"

    def slot_text(self, slot: str, path: str = VERSION_FILE) -> str:
        """A file in a slot."""
        return run("debugfs", "-R", f"cat /{path}", self.slot_file(slot))

    def bundle(
        self,
        version: str = "2.0",
        *,
        name: str = "",
        compatible: str = "",
        signer: str = "signer",
        hook: str = "",
        image_mib: int = 4,
        filler_bytes: int = 0,
    ) -> Path:
        """A plain bundle with one root file system.

        ``hook`` is the text of a slot post-install script, ``signer`` the key's name in ``pki``,
        ``filler_bytes`` of random content make it as long as a test needs.
        """
        path = self.root / (name or f"{version}.image")
        content = self.root / f"content-{path.name}"
        content.mkdir()
        files = {VERSION_FILE: f"VERSION={version}\n"}
        make_filesystem(content / "rootfs.ext4", files, image_mib, filler_bytes)
        manifest = f"[update]\ncompatible={compatible or self.compatible}\nversion={version}\n\n"
        manifest += "[bundle]\nformat=plain\n"
        if hook:
            (content / "hook").write_text(hook)
            (content / "hook").chmod(0o755)
            manifest += "\n[hooks]\nfilename=hook\n"
        manifest += "\n[image.rootfs]\nfilename=rootfs.ext4\n" + ("hooks=post-install;\n" if hook else "")
        (content / "manifest.raucm").write_text(manifest)
        run(
            *("rauc", "bundle", f"--cert={self.pki / signer}.pem", f"--key={self.pki / signer}.key"),
            *(content, path),
        )
        shutil.rmtree(content)
        return path

    def _device(self, slot: str) -> str:
        if not self._loop:
            return str(self.slot_file(slot))
        self._loops.append(run("losetup", "--find", "--show", self.slot_file(slot)).strip())
        return self._loops[-1]

    def _on_bus(self) -> bool:
        result = subprocess.run(
            [
                *("dbus-send", f"--bus={self.address}", "--dest=org.freedesktop.DBus", "--print-reply", "/"),
                *("org.freedesktop.DBus.NameHasOwner", "string:de.pengutronix.rauc"),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        return "boolean true" in result.stdout


def make_filesystem(path: Path, files: dict[str, str], mib: int, filler_bytes: int = 0) -> None:
    """An ext4 file system with some files, made without mounting."""
    tree = path.with_name(path.name + ".tree")
    for name, text in files.items():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text(text)
    if filler_bytes:
        (tree / "filler").write_bytes(os.urandom(filler_bytes))
    run("mke2fs", "-q", "-F", "-t", "ext4", "-d", tree, path, f"{mib}M")
    shutil.rmtree(tree)


def _end(process: subprocess.Popen[bytes] | None, number: int) -> None:
    if process is None:
        return
    if process.poll() is None:
        # A stopped process takes no SIGTERM.
        group = os.getpgid(process.pid) == process.pid
        (os.killpg if group else os.kill)(process.pid, number)
        (os.killpg if group else os.kill)(process.pid, signal.SIGCONT)
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(5)


def _wait(condition: object, what: str) -> None:
    assert callable(condition)
    deadline = time.monotonic() + START_S
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not up within {START_S:g} s"
        time.sleep(0.02)
