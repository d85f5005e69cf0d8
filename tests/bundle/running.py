"""The small board of `tests.bundle.board`, running: its disk attached, a system booted from one of its slots.

Its file systems are mounted in a namespace that belongs to one sleeping process: when that ends, nothing is
left but the loop devices, which `close` gives back. The tests reach the files through that process
(``/proc/PID/root``). The server of a remembering disk stays outside of the namespace: if it were the last one
in there, its own end would unmount the file systems on its disk, and wait for itself.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

from tests.bundle.board import ENV_AT, ENV_SIZE, PROGRAMS, SLOT_AT, SLOT_SIZE, SRV_AT, SRV_SIZE
from tests.bundle.miniroot import REPOSITORY
from tests.rauc_rig import run, which

START_S = 20.0
INSTALL_S = 120.0
DEVICES = {"null": (1, 3), "zero": (1, 5), "random": (1, 8), "urandom": (1, 9), "loop-control": (10, 237)}
LOOPS = 24
WITH_PARENT = ("setpriv", "--pdeathsig", "KILL")
"""No process of a board outlives a test run that was killed."""

BUS = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-BUS Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>custom</type><listen>unix:path={socket}</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*"/><allow receive_sender="*"/><allow own="*"/></policy>
</busconfig>
"""


def require() -> None:
    """Skip the test, with the reason, where a system cannot be run."""
    if os.geteuid() != 0:
        pytest.skip("mounts, loop devices and chroot need root")
    needed = [
        *PROGRAMS,
        "mke2fs",
        "debugfs",
        "mksquashfs",
        "dbus-daemon",
        "losetup",
        "nsenter",
        "setpriv",
        "ldd",
    ]
    missing = [name for name in needed if which(name) is None]
    if missing:
        pytest.skip(f"programs missing on this machine: {', '.join(missing)}")
    if not os.path.exists("/dev/fuse") or not os.path.exists("/dev/loop-control"):
        pytest.skip("there is no /dev/fuse or no /dev/loop-control here")


class Running:
    """A disk in use. With ``log`` it remembers in which order it was written (`tests.bundle.flaky_disk`)."""

    def __init__(self, folder: Path, disk: Path, log: Path | None = None) -> None:
        self.folder = folder
        self.disk = disk
        self.log = log
        self.slot = ""
        self.service_log = folder / "service.log"
        self._root = folder / "root"
        self._holder: subprocess.Popen[bytes] | None = None
        self._started: list[subprocess.Popen[bytes]] = []
        self._server: subprocess.Popen[bytes] | None = None
        self._loops: dict[str, str] = {}

    def __enter__(self) -> Self:
        for name in ("root", "flaky"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        try:
            self._attach()
            self._holder = subprocess.Popen(
                [
                    *WITH_PARENT,
                    "unshare",
                    "--mount",
                    "--propagation",
                    "private",
                    "sh",
                    "-c",
                    "echo; exec sleep infinity",
                ],
                stdout=subprocess.PIPE,
            )
            assert self._holder.stdout is not None
            self._holder.stdout.readline()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def inside(self, *words: str | Path, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a program in the namespace."""
        assert self._holder is not None
        command = ["nsenter", f"--target={self._holder.pid}", "--mount", "--", *map(str, words)]
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            timeout=INSTALL_S,
            env={**os.environ, "PATH": os.environ.get("PATH", "") + ":/usr/sbin:/sbin"},
        )
        if check:
            assert done.returncode == 0, f"{' '.join(map(str, words))}: {done.stdout}{done.stderr}"
        return done

    def system(self, *words: str | Path, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a program of the booted system."""
        return self.inside(
            *("env", "DBUS_SYSTEM_BUS_ADDRESS=unix:path=/run/bus", "PATH=/usr/sbin:/usr/bin:/sbin:/bin"),
            *("chroot", self._root, *words),
            check=check,
        )

    def path(self, name: str) -> Path:
        """A file of the booted system, from outside."""
        assert self._holder is not None
        return Path(f"/proc/{self._holder.pid}/root{self._root}") / name

    def position(self) -> int:
        """How many bytes of the disk's log there are."""
        return self.log.stat().st_size if self.log else 0

    def _attach(self) -> None:
        disk = self.disk
        if self.log is not None:
            disk = self._serve()
        places = {
            "disk": (0, SLOT_AT["A"]),
            "A": (SLOT_AT["A"], SLOT_SIZE),
            "B": (SLOT_AT["B"], SLOT_SIZE),
            "srv": (SRV_AT, SRV_SIZE),
        }
        for name, (at, size) in places.items():
            said = run("losetup", "--find", "--show", f"--offset={at}", f"--sizelimit={size}", disk)
            self._loops[name] = said.strip()

    def _serve(self) -> Path:
        assert self.log is not None
        words = [sys.executable, "-m", "tests.bundle.flaky_disk", self.folder / "flaky", self.disk, self.log]
        self._server = subprocess.Popen(
            [str(word) for word in words],
            cwd=REPOSITORY,
            start_new_session=True,
            env={**os.environ, "PYTHONPATH": f"{REPOSITORY}:{REPOSITORY / 'src'}"},
        )
        disk = self.folder / "flaky/disk"
        _wait(disk.exists, "the disk")
        return disk

    def boot(self, slot: str, *, clock: bool = True, around: Sequence[str] = ()) -> None:
        """Start the system in ``slot``; RAUC through the overlay's own starter, put behind ``around``.

        ``clock``: whether the system knows the time.
        """
        self.slot = slot
        root = self._root
        self.inside("mount", "-t", "ext4", "-o", "noatime", self._loops[slot], root)
        self.inside("mount", "-t", "ext4", "-o", "noatime", self._loops["srv"], root / "srv")
        self.inside("mount", "-t", "proc", "proc", root / "proc")
        self.inside("mount", "-t", "sysfs", "-o", "ro", "sysfs", root / "sys")
        for name in ("dev", "run", "tmp"):
            self.inside("mount", "-t", "tmpfs", "tmpfs", root / name)
        nodes = [*DEVICES.items(), *((f"loop{number}", (7, number)) for number in range(LOOPS))]
        for name, (major, minor) in nodes:
            kind = "b" if name.startswith("loop") and name != "loop-control" else "c"
            self._node(name, kind, major, minor)
        links = {
            "disk/by-partuuid/c4a26ec1-01": self._loops["A"],
            "disk/by-partuuid/c4a26ec1-02": self._loops["B"],
            "disk/by-partuuid/c4a26ec1-05": self._loops["srv"],
            "disk/by-path/platform-2194000.mmc": self._loops["disk"],
        }
        for name, target in links.items():
            link = self.path("dev") / name
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(target)
        self.path("run/cmdline").write_text(
            f"root=PARTUUID=c4a26ec1-0{'12'['AB'.index(slot)]} rauc.slot={slot}\n"
        )
        self.inside("mount", "--bind", root / "run/cmdline", root / "proc/cmdline")
        for name in ("srv/rauc", "run/systemd/timesync", "run/lock", "run/chargectl"):
            self.path(name).mkdir(parents=True, exist_ok=True)
        if clock:
            self.path("run/systemd/timesync/synchronized").touch()
        elif self.path("sys/class/rtc").is_dir():
            self.inside("mount", "-t", "tmpfs", "tmpfs", root / "sys/class/rtc")
        self.path("run/bus.conf").write_text(BUS.format(socket=root / "run/bus"))
        self._start("dbus-daemon", f"--config-file={root / 'run/bus.conf'}", "--nofork")
        _wait(lambda: self.path("run/bus").is_socket(), "the bus")
        self._start(
            *("env", "DBUS_SYSTEM_BUS_ADDRESS=unix:path=/run/bus", "PATH=/usr/sbin:/usr/bin:/sbin:/bin"),
            *("chroot", str(root), *around, "/usr/lib/chargectl/rauc-service"),
        )
        _wait(self._on_bus, "rauc service")

    def _node(self, name: str, kind: str, major: int, minor: int) -> None:
        assert self._holder is not None
        mode = (0o060000 if kind == "b" else 0o020000) | 0o660
        os.mknod(self.path("dev") / name, mode, os.makedev(major, minor))
        os.chmod(self.path("dev") / name, 0o666)

    def _on_bus(self) -> bool:
        said = self.inside(
            *("dbus-send", f"--bus=unix:path={self._root / 'run/bus'}", "--dest=org.freedesktop.DBus"),
            *("--print-reply", "/", "org.freedesktop.DBus.NameHasOwner", "string:de.pengutronix.rauc"),
            check=False,
        )
        return "boolean true" in said.stdout

    def _start(self, *words: str) -> None:
        assert self._holder is not None
        with self.service_log.open("ab") as log:
            process = subprocess.Popen(
                [*WITH_PARENT, "nsenter", f"--target={self._holder.pid}", "--mount", "--", *words],
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._started.append(process)

    def install(self, bundle: Path) -> subprocess.CompletedProcess[str]:
        """`rauc install` of a file that the system has in its memory, as if on a stick."""
        target = self.path("run") / bundle.name
        target.write_bytes(bundle.read_bytes())
        try:
            return self.system("rauc", "install", f"/run/{bundle.name}", check=False)
        finally:
            target.unlink(missing_ok=True)

    def environment(self) -> list[bytes]:
        """Both copies of U-Boot's environment as the disk has them now."""
        with open(self._loops["disk"], "rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
            copies = []
            for at in ENV_AT:
                file.seek(at)
                copies.append(file.read(ENV_SIZE))
            return copies

    def device(self, name: str) -> str:
        """The block device of a slot (A, B), of the whole disk's beginning (disk) or of /srv (srv)."""
        return self._loops[name]

    def pause_rauc(self, paused: bool = True) -> None:
        """Hold RAUC's service where it is, or let it go on."""
        os.killpg(self._started[-1].pid, signal.SIGSTOP if paused else signal.SIGCONT)

    def fw_config(self) -> Path:
        """Settings for U-Boot's tools outside of the booted system."""
        path = self.folder / "fw_env.config"
        path.write_text("".join(f"{self._loops['disk']} {at:#x} {ENV_SIZE:#x}\n" for at in ENV_AT))
        return path

    def shut_down(self) -> None:
        """End the system cleanly; the disk stays attached."""
        for process in reversed(self._started):
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
            process.wait(10)
        self._started = []
        self.inside("umount", self._root / "sys/class/rtc", check=False)
        for name in ("proc/cmdline", "proc", "sys", "dev", "run", "tmp", "srv", ""):
            self.inside("umount", self._root / name if name else self._root)
        self.slot = ""

    def close(self) -> None:
        """Give everything back, whatever state it is in."""
        for process in reversed(self._started):
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)
        self._started = []
        if self._holder is not None:
            self._holder.kill()
            self._holder.wait(10)
            if self._holder.stdout is not None:
                self._holder.stdout.close()
            self._holder = None
        for device in self._loops.values():
            run("losetup", "--detach", device)
        # The kernel finishes with a namespace some time after its last process.
        _wait(
            lambda: not any(_attached(device) for device in self._loops.values()),
            "the end of the loop devices",
        )
        self._loops = {}
        if self._server is not None:
            run("umount", self.folder / "flaky")
            self._server.wait(10)
            self._server = None


def _attached(device: str) -> bool:
    return os.path.exists(f"/sys/block/{os.path.basename(device)}/loop/backing_file")


def _wait(condition: object, what: str) -> None:
    assert callable(condition)
    deadline = time.monotonic() + START_S
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not up within {START_S:g} s"
        time.sleep(0.02)
