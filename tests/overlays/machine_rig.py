"""The image's own units under a real systemd: PID 1 of its own namespaces, on a copy-on-write copy of this
machine.

The root file system is this machine's below an overlay into which ``overlays/install`` has put its files;
users, folders and rights are made by the real systemd-sysusers and systemd-tmpfiles. What a charger has and
this machine lacks is added: a simulated board in /sys, and the programs as wheels would install them. Nothing
of it is seen outside, and all of it is gone with the process.
"""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self

import pytest

from chargectl.board.profile import CHARGE_CONTROL_C_200

CHECKOUT: Final = Path(__file__).parents[2]
_CODE: Final = "/usr/lib/test"
"""Where the machine sees this checkout's Python code."""
MACHINE: Final = "charge-control-c"
START_S: Final = 60.0
CONTACTOR: Final = CHARGE_CONTROL_C_200.relays[0].enable.number
_PROGRAMS: Final = {
    "chargectl": "chargectl.cli.main",
    "chargectl-portd": "chargectl.daemons.portd",
    "chargectl-iso15118d": "chargectl.daemons.iso15118d",
    "chargectl-configd": "chargectl.daemons.configd",
    "chargectl-updated": "chargectl.daemons.updated",
}
_STUBS: Final = ("sysinit", "basic", "shutdown", "network", "network-pre", "multi-user", "umount", "local-fs")

_INSIDE: Final = """
set -eu
root=$work/root
mount --make-rprivate /
mount -t proc proc /proc
CHARGECTL_SIM_NAMESPACE=$(readlink /proc/thread-self/ns/mnt) "$python" -m chargectl.sim serve \\
    --inherit-namespace --socket "$shared/sim" &
mount -t tmpfs -o mode=0755 tmpfs "$work"
mkdir "$work/up" "$work/down" "$root"
chmod 0755 "$work/up"
mount -t overlay overlay -o "lowerdir=/,upperdir=$work/up,workdir=$work/down" "$root"
for folder in run tmp sys; do mount -t tmpfs -o mode=0755 tmpfs "$root/$folder"; done
chmod 1777 "$root/tmp"
for folder in "$checkout" "$shared"; do
    mkdir -p "$root$folder"
    mount --bind "$folder" "$root$folder"
done
# A checkout in /home or /var/tmp is hidden from units that have no business there.
mkdir -p "$root/usr/lib/test/src" "$root/usr/lib/test/site"
mount --bind "$checkout/src" "$root/usr/lib/test/src"
mount --bind "$site" "$root/usr/lib/test/site"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount --bind "$console" "$root/dev/console"
mkdir -p "$root/sys/fs/cgroup"
mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
until [ -S "$shared/sim" ]; do sleep 0.05; done
for folder in class bus devices; do
    mkdir -p "$root/sys/$folder"
    [ ! -d "/sys/$folder" ] || mount --bind "/sys/$folder" "$root/sys/$folder"
done
# What the image brings, and nothing of this machine that would be in its way.
rm -rf "$root/etc/systemd/system" "$root/etc/ssh/"ssh_host_* "$root/etc/mosquitto"
sed -i 's/^root:[^:]*:[^:]*/root:*:19000/' "$root/etc/shadow"
sh "$checkout/overlays/install" "$root" "$machine"
rm -f "$root/usr/lib/systemd/system.conf.d/"*
cp "$shared/bin/"* "$root/usr/bin/"
cp "$shared/system.conf" "$root/etc/systemd/system.conf"
mkdir -p "$root/run/units"
cp -r "$root/usr/lib/systemd/system/"chargectl* \\
    "$root/usr/lib/systemd/system/mosquitto.service"* "$root/run/units/"
cp -r "$shared/units/." "$root/run/units/"
ip link set lo up
cd "$root"
mkdir -p .old
pivot_root . .old
cd /
systemd-sysusers /usr/lib/sysusers.d/chargectl.conf
systemd-tmpfiles --create /usr/lib/tmpfiles.d/chargectl.conf
umount -l /.old
exec env -i PATH=/usr/sbin:/usr/bin container=lxc SYSTEMD_UNIT_PATH=/run/units \\
    /lib/systemd/systemd --system --unit=test.target --show-status=no --log-target=console
"""


def require() -> None:
    """Skip the test, with the reason, where such a machine cannot be made."""
    if os.geteuid() != 0:
        pytest.skip("a system of its own needs root: for namespaces and mounts")
    if not Path("/dev/fuse").exists():
        pytest.skip("/dev/fuse is missing: the simulated board needs it")
    for program in ("/lib/systemd/systemd", "/usr/bin/python3", "/usr/sbin/mosquitto", "/usr/sbin/nft"):
        if not Path(program).exists():
            pytest.skip(f"{program} is not installed on this machine")


class Machine:
    """A running system with the image's units. ``wanted`` are started; each logs to a file of its own.

    ``programs``: shell scripts that take the place of programs in /usr/bin.
    """

    def __init__(self, folder: Path, wanted: tuple[str, ...], programs: dict[str, str] | None = None) -> None:
        self._folder = folder
        self._wanted = wanted
        self._programs = programs or {}
        self._process: subprocess.Popen[bytes] | None = None
        self._group = _new_cgroup()
        self._console = b""
        self._terminal = -1

    def __enter__(self) -> Self:
        shared, work = self._folder / "shared", self._folder / "work"
        for folder in (shared / "bin", shared / "units" / "service.d", work):
            folder.mkdir(parents=True)
        for folder in (self._folder, shared):
            folder.chmod(0o755)
        self._write(shared)
        ours, console = pty.openpty()
        threading.Thread(target=self._read_console, args=(ours,), daemon=True).start()
        with (self._folder / "start.log").open("wb") as log:
            self._process = self._start(log, shared, work, os.ttyname(console))
        self._terminal = console  # without it, the reader would see the end before the first writer
        try:
            self.wait(lambda: self.run("systemctl", "is-active", "test.target").stdout == "active\n", START_S)
        except BaseException:
            self.close()
            raise
        return self

    def _start(self, log: IO[bytes], shared: Path, work: Path, console: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            ["sh", "-c", _ENTER, "sh", "unshare", *_NAMESPACES, "bash", "-c", _INSIDE],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env={
                **os.environ,
                "work": str(work),
                "shared": str(shared),
                "checkout": str(CHECKOUT),
                "machine": MACHINE,
                "console": console,
                "python": sys.executable,
                "site": next(path for path in sys.path if path.endswith("site-packages")),
                "group": str(self._group),
                "PYTHONPATH": str(CHECKOUT / "src"),
            },
        )

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End everything in it."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
            os.close(self._terminal)
        for _ in range(100):
            try:
                for folder in sorted(self._group.glob("**/"), reverse=True):
                    folder.rmdir()
            except OSError:
                time.sleep(0.05)  # the kernel is still taking the last processes out
            else:
                break

    def run(self, *words: str, text: str = "", user: str = "") -> subprocess.CompletedProcess[str]:
        """Run a command in the system, as root or as a user of it."""
        first = self._first()
        if user:
            words = ("setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups", *words)
        return subprocess.run(
            ["nsenter", "-t", str(first), "-m", "-p", "-n", "-r", "-w", "--", *words],
            input=text,
            text=True,
            capture_output=True,
            timeout=START_S,
            check=False,
            env={"PATH": "/usr/sbin:/usr/bin"},
        )

    def show(self, unit: str, name: str) -> str:
        """One property of a unit."""
        return self.run("systemctl", "show", "-P", name, unit).stdout.strip()

    def log(self, unit: str) -> str:
        """What a unit has written."""
        return self.run("cat", f"/run/{unit}.log").stdout

    def file(self, path: str) -> str:
        """The content of a file."""
        result = self.run("cat", path)
        assert result.returncode == 0, result.stderr
        return result.stdout

    @property
    def simulation(self) -> Path:
        """The socket of the simulated board."""
        return self._folder / "shared" / "sim"

    def wait(self, condition: Callable[[], bool], timeout_s: float = 20.0) -> None:
        """Wait for something to become true; what the system said is in the failure."""
        deadline = time.monotonic() + timeout_s
        while not condition():
            assert self._process is not None
            if self._process.poll() is not None or time.monotonic() > deadline:
                console = self._console.decode(errors="replace")
                pytest.fail(
                    f"not within {timeout_s:g} s\n{(self._folder / 'start.log').read_text()}\n{console}"
                )
            time.sleep(0.05)

    def _first(self) -> int:
        """PID 1 of the system, as seen from here: the only child of unshare."""
        assert self._process is not None
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
        return int(children[0]) if children else self._process.pid

    def _write(self, shared: Path) -> None:
        for name, module in _PROGRAMS.items():
            program = shared / "bin" / name
            program.write_text(
                f'#!/bin/sh\nPYTHONPATH={_CODE}/src:{_CODE}/site exec /usr/bin/python3 -m {module} "$@"\n'
            )
            program.chmod(0o755)
        # The guard's program is proven elsewhere; here, that it is started and may drive the contactor.
        program = shared / "bin" / "micropython"
        program.write_text(
            f"#!/bin/sh\nset -eu\necho low >/sys/class/gpio/gpio{CONTACTOR}/direction\necho made safe\n"
        )
        program.chmod(0o755)
        for name, text in self._programs.items():
            program = shared / "bin" / name
            program.write_text(f"#!/bin/sh\n{text}\n")
            program.chmod(0o755)
        units = shared / "units"
        for name in _STUBS:
            (units / f"{name}.target").write_text("[Unit]\nDefaultDependencies=no\n")
        wanted = " ".join(self._wanted)
        (units / "test.target").write_text(
            f"[Unit]\nDefaultDependencies=no\nWants={wanted}\nAfter={wanted}\n"
        )
        # There is no journal here.
        (units / "service.d" / "10-log.conf").write_text(
            "[Service]\nStandardOutput=append:/run/%N.log\nStandardError=append:/run/%N.log\n"
        )
        (shared / "system.conf").write_text(
            f"[Manager]\nDefaultStandardOutput=null\n"
            f"DefaultEnvironment=PYTHONPATH={_CODE}/src PYTHONDONTWRITEBYTECODE=1\n"
        )

    def _read_console(self, terminal: int) -> None:
        try:
            while data := os.read(terminal, 4096):
                self._console += data
        except OSError:
            pass  # the last one who had it open is gone
        os.close(terminal)


_NAMESPACES: Final = ("--mount", "--pid", "--fork", "--uts", "--ipc", "--net", "--cgroup", "--kill-child")


_ENTER: Final = 'echo $$ >"$group/cgroup.procs" && exec "$@"'


def _new_cgroup() -> Path:
    with open("/proc/mounts", encoding="utf-8") as mounts:
        root = next(words[1] for words in map(str.split, mounts) if words[2] == "cgroup2")
    group = Path(root) / f"chargectl-test-{os.getpid()}-{time.monotonic_ns()}"
    group.mkdir()
    return group
