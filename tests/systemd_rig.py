"""A real service manager for tests: systemd's user instance in namespaces of its own.

    with SystemdRig(tmp_path) as rig:
        rig.unit("a.service", "[Service]\\nExecStart=/bin/sleep 1000\\n")
        rig.call("start", "a.service")

``command`` reaches it from anywhere. ``path`` is a folder for PATH whose ``systemctl`` is that command, for
programs that call it; a restart of the system that it is asked for is noted in ``reboots`` and not made.

A service manager moves every process that it finds in its control group. So it gets a group of its own, in a
namespace that shows only this: the kernel does not let it reach anybody else's processes. That needs root;
``require()`` skips a test where it or a program is missing.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import pytest

MANAGER: Final = Path("/lib/systemd/systemd")
START_S: Final = 30.0

# In a mount namespace: a group below our own, the manager in it, and the group removed at the end.
_GROUP: Final = """
set -eu
mkdir -p "$1/cgroup"
mount -t cgroup2 none "$1/cgroup"
own="$1/cgroup$(sed -n 's/^0:://p' /proc/self/cgroup)/chargectl-test-$$"
mkdir "$own"
sh -c 'echo $$ >"$1/cgroup.procs"; shift; exec "$@"' sh "$own" \
    unshare --cgroup --mount --propagation private sh -c "$2" "$3" || true
# What the manager has left, if it was killed.
echo 1 >"$own/cgroup.kill"
while grep -q 'populated 1' "$own/cgroup.events"; do sleep 0.02; done
find "$own" -depth -type d -exec rmdir {} + || true
"""
# In the group's namespace. The manager runs only where a folder says that systemd is the system's.
_MANAGER: Final = """
set -eu
mount -t tmpfs none /sys
mkdir -p /sys/fs/cgroup
mount -t cgroup2 none /sys/fs/cgroup
test "$(sed -n 's/^0:://p' /proc/self/cgroup)" = /
mount -t tmpfs none /run
mkdir -p /run/systemd/system
exec "$0" --user --unit=basic.target
"""
_WRAPPER: Final = """#!/bin/sh
case $1 in
reboot) echo reboot >>"{root}/reboots"; exit 0 ;;
esac
XDG_RUNTIME_DIR="{root}/run" exec {systemctl} --user "$@"
"""


def require() -> None:
    """Skip the test, with the reason, where systemd's user instance cannot be run."""
    if os.geteuid() != 0:
        pytest.skip("a service manager of its own needs root: for a mount namespace")
    if not MANAGER.exists() or shutil.which("systemctl") is None:
        pytest.skip("systemd is not installed on this machine")


class SystemdRig:
    """The service manager; its units are files in ``units``."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.units = root / "config" / "systemd" / "user"
        self.path = root / "bin"
        self.command = (str(self.path / "systemctl"),)
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        for folder in (self.units, self.path, self.root / "run"):
            folder.mkdir(parents=True)
        (self.root / "run").chmod(0o700)
        wrapper = self.path / "systemctl"
        wrapper.write_text(_WRAPPER.format(root=self.root, systemctl=shutil.which("systemctl")))
        wrapper.chmod(0o755)
        environment = {
            "PATH": f"{self.path}:{os.environ.get('PATH', '')}",
            "HOME": str(self.root),
            "XDG_RUNTIME_DIR": str(self.root / "run"),
            "XDG_CONFIG_HOME": str(self.root / "config"),
            # The machine's own user units have no business here.
            "SYSTEMD_UNIT_PATH": f"{self.units}:/usr/lib/systemd/user",
        }
        with (self.root / "manager.log").open("wb") as log:
            self._process = subprocess.Popen(
                [
                    *("unshare", "--mount", "--propagation", "private", "sh", "-c", _GROUP, "sh"),
                    *(str(self.root), _MANAGER, str(MANAGER)),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
            )
        try:
            self.wait("basic.target", "active")
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the manager and with it every unit."""
        if self._process is None:
            return
        self.call("exit", check=False)
        try:
            self._process.wait(START_S)
        except subprocess.TimeoutExpired:
            # The script goes on and cleans up after it.
            os.kill(_child(self._process.pid), signal.SIGKILL)
            self._process.wait(START_S)
        self._process = None

    @property
    def reboots(self) -> int:
        """How often a restart of the system was asked for."""
        file = self.root / "reboots"
        return len(file.read_text().splitlines()) if file.exists() else 0

    def hang(self, hanging: bool = True) -> None:
        """Let the manager stand still, or go on."""
        assert self._process is not None
        os.kill(_child(self._process.pid), signal.SIGSTOP if hanging else signal.SIGCONT)

    def unit(self, name: str, text: str) -> None:
        """Write a unit and make it known."""
        (self.units / name).write_text(text)
        self.call("daemon-reload")

    def call(self, *arguments: str, check: bool = True) -> str:
        """Run systemctl; returns its standard output."""
        done = subprocess.run([*self.command, *arguments], capture_output=True, text=True, check=False)
        assert not check or done.returncode == 0, f"systemctl {' '.join(arguments)}: {done.stderr}"
        return done.stdout

    def state(self, name: str) -> str:
        return self.call("is-active", name, check=False).strip()

    def wait(self, name: str, state: str) -> None:
        """Wait until a unit is in a state; fails the test with the manager's log after START_S."""
        deadline = time.monotonic() + START_S
        while self.state(name) != state:
            assert self._process is not None
            if time.monotonic() > deadline or self._process.poll() is not None:
                log = (self.root / "manager.log").read_text(errors="replace")
                pytest.fail(f"{name} is {self.state(name)!r}, not {state}: {log}", pytrace=False)
            time.sleep(0.02)


def _child(pid: int) -> int:
    """The first child of a process: the manager is the script's."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    assert children, f"process {pid} has no children"
    return int(children[0])
