"""Two network namespaces with a cable between, and programs in them.

The namespaces have no names: they live as long as the processes that hold them, and those end with this one.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
UP_S = 10.0


@cache
def missing() -> str:
    """What a cable lacks here; empty if nothing."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    for program in ("ip", "nsenter", "unshare"):
        if shutil.which(program) is None:
            return f"{program} is not installed"
    if subprocess.run(["unshare", "--net", "true"], capture_output=True, check=False).returncode:
        return "no network namespaces here"
    return ""


@dataclass(frozen=True)
class End:
    """One end of the cable: a namespace with an interface."""

    pid: int
    interface: str

    def command(self, *arguments: str) -> list[str]:
        """A command in the namespace."""
        nsenter = shutil.which("nsenter")
        assert nsenter is not None
        return [nsenter, f"--net=/proc/{self.pid}/ns/net", *arguments]

    def run(self, *arguments: str) -> str:
        """What a command prints there."""
        done = subprocess.run(self.command(*arguments), check=True, capture_output=True, text=True)
        return done.stdout

    def python(self, program: str, *arguments: str) -> subprocess.Popen[str]:
        """A Python program there, with this checkout's packages and its output to read."""
        return subprocess.Popen(
            self.command(sys.executable, "-W", "error", "-c", program, *arguments),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}", "PYTHONUNBUFFERED": "1"},
        )

    def address(self) -> str:
        """Its link-local address."""
        until = time.monotonic() + UP_S
        while "inet6" not in (
            said := self.run("ip", "-6", "-o", "addr", "show", self.interface, "scope", "link")
        ):
            if time.monotonic() > until:
                raise RuntimeError(f"no address on {self.interface}")
            time.sleep(0.02)
        return said.split("inet6 ")[1].split("/")[0]


@contextmanager
def cable() -> Iterator[tuple[End, End]]:
    """The station's end and the car's."""
    hold = ["unshare", "--net", "sh", "-c", "echo ready; exec cat"]
    # cat ends when this process does, whatever becomes of it.
    holders = [
        subprocess.Popen(hold, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        for _ in range(2)
    ]
    try:
        for holder in holders:
            assert holder.stdout is not None
            if not holder.stdout.readline():
                raise RuntimeError("no network namespace")
        ends = [End(holder.pid, name) for holder, name in zip(holders, ("evse", "ev"), strict=True)]
        pair = ["ip", "link", "add", "evse", "netns", str(ends[0].pid), "type", "veth"]
        subprocess.run([*pair, "peer", "name", "ev", "netns", str(ends[1].pid)], check=True)
        for end in ends:
            # Without duplicate address detection the address can be used at once.
            end.run("sh", "-c", f"echo 0 >/proc/sys/net/ipv6/conf/{end.interface}/accept_dad")
            end.run("ip", "link", "set", "lo", "up")
            end.run("ip", "link", "set", end.interface, "up")
        for end in ends:
            end.address()
        yield ends[0], ends[1]
    finally:
        for holder in holders:
            holder.communicate()
