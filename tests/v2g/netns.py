"""Rig: a car's and a charger's network namespace, joined by a plain cable or by simulated modems.

Use the context managers `plain_wire` and `modem_wire`; everything that they make is gone afterwards, also
what an earlier run left behind when it was killed. They need root: mark tests with `needs_netns`.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import functools
import itertools
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from v2g.homeplug.pib import SlacMode
from v2g.modem import veth
from v2g.modem.core import Modem
from v2g.modem.line import Powerline
from v2g.modem.options import LineOptions, ModemOptions
from v2g.modem.segment import Segment

_CLONE_NEWNET = 0x40000000
_NAMESPACE = re.compile(r"v2gtest-(\d+)-\d+")
_INTERFACE = re.compile(r"vt(\d+)[a-z]\d+")
_numbers = itertools.count()


@functools.cache
def missing() -> str:
    """Why there can be no network namespaces here; empty if there can."""
    if os.geteuid():
        return "network namespaces need root"
    if not shutil.which("ip"):
        return "the program 'ip' (iproute2) is missing"
    name = f"v2gtest-{os.getpid()}-{next(_numbers)}"
    made = subprocess.run(["ip", "netns", "add", name], capture_output=True, text=True, check=False)
    if made.returncode:
        return f"network namespaces are not allowed: {made.stderr.strip()}"
    subprocess.run(["ip", "netns", "delete", name], check=True)
    return ""


needs_netns = pytest.mark.skipif(bool(missing()), reason=missing() or "namespaces are there")


@dataclass(frozen=True)
class Station:
    """One end: a namespace and the only interface in it."""

    namespace: str
    interface: str
    address: str
    """IPv6 link-local address."""

    def command(self, *arguments: str) -> list[str]:
        """A command that runs there."""
        return ["ip", "netns", "exec", self.namespace, *arguments]

    def run(self, *arguments: str, timeout: float = 60.0) -> subprocess.CompletedProcess[str]:
        """Run a command there and wait for it."""
        return subprocess.run(
            self.command(*arguments), capture_output=True, text=True, timeout=timeout, check=False
        )

    @contextlib.contextmanager
    def inside(self) -> Iterator[None]:
        """The calling thread is there meanwhile; sockets that it opens stay there."""
        libc = ctypes.CDLL(None, use_errno=True)
        before = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        there = os.open(f"/run/netns/{self.namespace}", os.O_RDONLY | os.O_CLOEXEC)
        try:
            if libc.setns(there, _CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), "setns")
            yield
        finally:
            libc.setns(before, _CLONE_NEWNET)
            os.close(there)
            os.close(before)


@dataclass(frozen=True)
class Wire:
    """Cars and chargers on one cable."""

    cars: tuple[Station, ...]
    chargers: tuple[Station, ...]
    listeners: tuple[Station, ...] = ()
    line: Powerline | None = None
    modems: tuple[Modem, ...] = field(default=())
    """Those of the cars, then those of the chargers, then those of the listeners."""

    @property
    def ev(self) -> Station:
        return self.cars[0]

    @property
    def evse(self) -> Station:
        return self.chargers[0]


@contextlib.contextmanager
def plain_wire() -> Iterator[Wire]:
    """A car and a charger joined by a cable without modems."""
    with contextlib.ExitStack() as stack:
        ev, evse = (_namespace(stack) for _ in range(2))
        one, two = _interface("a"), _interface("b")
        _ip("link", "add", one, "netns", ev, "type", "veth", "peer", "name", two, "netns", evse)
        yield Wire((_station(ev, one),), (_station(evse, two),))


@contextlib.contextmanager
def modem_wire(
    *,
    cars: int = 1,
    chargers: int = 1,
    listeners: int = 0,
    car: ModemOptions | None = None,
    charger: ModemOptions | None = None,
    line: LineOptions | None = None,
) -> Iterator[Wire]:
    """Cars and chargers, each behind a simulated modem. The modems run in a thread of their own."""
    kinds = [car or ModemOptions(role=SlacMode.PEV)] * cars + [charger or ModemOptions()] * chargers
    kinds += [ModemOptions(role=SlacMode.OFF)] * listeners
    with contextlib.ExitStack() as stack:
        powerline = Powerline(os.urandom, line)
        stations, ports = [], []
        for at, options in enumerate(kinds):
            namespace = _namespace(stack)
            pair = veth.create(_interface("m"), namespace)
            stack.callback(pair.remove)
            modem = powerline.attach(Modem(bytes((0, 0xB0, 0x52, 0, 1, at)), options, os.urandom))
            ports.append((modem, pair.modem))
            stations.append(Station(namespace, pair.host, _address(namespace, pair.host)))
        stack.enter_context(_running(powerline, ports))
        modems = tuple(modem for modem, _ in ports)
        beside = cars + chargers
        yield Wire(
            tuple(stations[:cars]),
            tuple(stations[cars:beside]),
            tuple(stations[beside:]),
            powerline,
            modems,
        )


@contextlib.contextmanager
def _running(line: Powerline, ports: list[tuple[Modem, str]]) -> Iterator[None]:
    ready = threading.Event()
    ends: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []
    failures: list[BaseException] = []

    async def serve() -> None:
        end = asyncio.Event()
        ends.append((asyncio.get_running_loop(), end))
        async with Segment(line, ports):
            ready.set()
            await end.wait()

    def main() -> None:
        try:
            asyncio.run(serve())
        except BaseException as error:  # noqa: BLE001 - it is raised again in the test's thread
            failures.append(error)
            ready.set()

    thread = threading.Thread(target=main, name="simulated modems", daemon=True)
    thread.start()
    assert ready.wait(30)
    try:
        yield
    finally:
        if ends and not failures:
            loop, end = ends[0]
            loop.call_soon_threadsafe(end.set)
        thread.join(30)
        if failures:
            raise failures[0]


def sweep() -> None:
    """Remove what runs that no longer live have left."""
    listed = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=False).stdout
    for line in listed.splitlines():
        found = _NAMESPACE.match(line)
        if found and not os.path.exists(f"/proc/{found[1]}"):
            subprocess.run(["ip", "netns", "delete", found[0]], capture_output=True, check=False)
    links = subprocess.run(["ip", "-o", "link"], capture_output=True, text=True, check=False).stdout
    for number, name in {(found[1], found[0]) for found in _INTERFACE.finditer(links)}:
        if not os.path.exists(f"/proc/{number}"):
            subprocess.run(["ip", "link", "delete", name], capture_output=True, check=False)


def _namespace(stack: contextlib.ExitStack) -> str:
    sweep()
    name = f"v2gtest-{os.getpid()}-{next(_numbers)}"
    _ip("netns", "add", name)
    stack.callback(subprocess.run, ["ip", "netns", "delete", name], capture_output=True, check=False)
    _ip("-n", name, "link", "set", "lo", "up")
    return name


def _interface(kind: str) -> str:
    return f"vt{os.getpid()}{kind}{next(_numbers)}"


def _station(namespace: str, interface: str) -> Station:
    _ip("-n", namespace, "link", "set", interface, "addrgenmode", "none", "up")
    mac = subprocess.run(
        ["ip", "-n", namespace, "-o", "link", "show", interface], capture_output=True, text=True, check=True
    ).stdout
    found = re.search(r"link/ether (\S+)", mac)
    assert found
    address = veth.link_local_of(bytes.fromhex(found[1].replace(":", "")))
    _ip("-n", namespace, "address", "add", f"{address}/64", "dev", interface, "nodad")
    return Station(namespace, interface, address)


def _address(namespace: str, interface: str) -> str:
    shown = subprocess.run(
        ["ip", "-n", namespace, "-6", "-o", "address", "show", "dev", interface],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    found = re.search(r"inet6 (fe80::[0-9a-f:]+)", shown)
    assert found, shown
    return found[1]


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], capture_output=True, text=True, check=True)
