"""A vehicle and a charging station of the ``iso15118`` package (Josev), each in its own network namespace.

``run()`` joins two new namespaces by a veth pair, starts both sides and gives back what they sent. The
namespaces have no names and live as long as the processes that hold them, so nothing is left over. Needs
root, iproute2, util-linux, and a virtual environment with the package: ``make josev``, or its interpreter's
path in V2GEXI_JOSEV.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal

ROOT: Final = Path(__file__).resolve().parents[2]
PEER: Final = Path(__file__).with_name("josev_peer.py")
START_S: Final = 90.0
"""For a side to be ready: EXIficient's gateway takes half a minute on a busy machine."""
SESSION_S: Final = 180.0
STOP_S: Final = 20.0

Kind = Literal["java", "v2gexi"]


def interpreter() -> Path:
    """The Python that has the package; it may be missing."""
    named = os.environ.get("V2GEXI_JOSEV")
    if named:
        return Path(named)
    cache_folder = Path(os.environ.get("CHARGECTL_CACHE") or Path.home() / ".cache/chargectl")
    return cache_folder / f"josev-{sys.version_info.major}.{sys.version_info.minor}/bin/python"


@cache
def missing() -> str:
    """What a session lacks here; empty if nothing."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    for program in ("ip", "nsenter", "unshare"):
        if shutil.which(program) is None:
            return f"{program} is not installed"
    if not interpreter().exists():
        return (
            f"no iso15118 package at {interpreter()}: make josev, or its interpreter's path in V2GEXI_JOSEV"
        )
    if subprocess.run(["unshare", "--net", "true"], capture_output=True, check=False).returncode:
        return "no network namespaces here"
    return ""


@cache
def package() -> Path:
    """The folder of the installed package."""
    command = [str(interpreter()), "-c", "import importlib.util as u; print(u.find_spec('iso15118').origin)"]
    return Path(subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()).parent


def certificates(folder: Path) -> Path:
    """Test certificates for TLS and Plug & Charge, made by the package's own script."""
    shutil.copytree(package() / "shared/pki", folder)
    command = ["bash", "create_certs.sh", "-v", "iso-2"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return folder


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a codec."""

    direction: Literal["encode", "decode"]
    namespace: str
    payload: bytes
    message: dict[str, Any]
    seconds: float

    @property
    def name(self) -> str:
        """The message's name: that of the body's element where there is a body."""
        inside = self.message.get("V2G_Message", {}).get("Body", self.message)
        return str(next(iter(inside)))


@dataclass(frozen=True, slots=True)
class Side:
    """What one side did."""

    calls: tuple[Call, ...]
    used_py4j: bool
    exit_code: int
    log: str

    def names(self, direction: Literal["encode", "decode"]) -> list[str]:
        """The messages that went one way."""
        return [call.name for call in self.calls if call.direction == direction]


@dataclass(frozen=True, slots=True)
class Session:
    """A session of both sides."""

    vehicle: Side
    station: Side


def run(
    folder: Path,
    vehicle: Mapping[str, Any],
    environment: Mapping[str, str],
    *,
    vehicle_codec: Kind = "v2gexi",
    station_codec: Kind = "v2gexi",
) -> Session:
    """One session. ``vehicle`` is its configuration (JSON), ``environment`` the settings of both sides."""
    configuration = folder / "vehicle.json"
    configuration.write_text(json.dumps(vehicle))
    with network() as (station_net, vehicle_net):
        station = start(folder, "secc", station_codec, station_net, environment)
        try:
            wait_ready(folder / "secc.out", station)
            car = start(folder, "evcc", vehicle_codec, vehicle_net, environment, configuration)
            try:
                # After a failure the vehicle does not end by itself.
                wait_end(folder / "evcc.out", car)
            finally:
                stop(car)
        finally:
            stop(station)
    return Session(side(folder, "evcc", car.returncode), side(folder, "secc", station.returncode))


@contextmanager
def network() -> Iterator[tuple[int, int]]:
    """Two namespaces, joined; each is given by a process in it."""
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
        station, vehicle = (holder.pid for holder in holders)
        pair = ["ip", "link", "add", "secc", "netns", str(station), "type", "veth"]
        subprocess.run([*pair, "peer", "name", "evcc", "netns", str(vehicle)], check=True)
        for pid, name in ((station, "secc"), (vehicle, "evcc")):
            # Without duplicate address detection the address can be used at once.
            up = (
                f"echo 0 >/proc/sys/net/ipv6/conf/{name}/accept_dad; ip link set lo up; ip link set {name} up"
            )
            subprocess.run(["nsenter", f"--net=/proc/{pid}/ns/net", "sh", "-c", up], check=True)
        for pid, name in ((station, "secc"), (vehicle, "evcc")):
            _wait_address(pid, name)
        yield station, vehicle
    finally:
        for holder in holders:
            holder.communicate()


def _wait_address(pid: int, name: str) -> None:
    command = [
        "nsenter",
        f"--net=/proc/{pid}/ns/net",
        "ip",
        "-6",
        "address",
        "show",
        "dev",
        name,
        "scope",
        "link",
    ]
    deadline = time.monotonic() + STOP_S
    while "inet6" not in (said := subprocess.run(command, check=True, capture_output=True, text=True).stdout):
        if "tentative" in said or time.monotonic() > deadline:
            raise RuntimeError(f"no IPv6 address: {said}")
        time.sleep(0.05)


def start(
    folder: Path, role: str, codec: Kind, net: int, environment: Mapping[str, str], *arguments: Path
) -> subprocess.Popen[bytes]:
    settings = {
        "NETWORK_INTERFACE": role,
        "MESSAGE_LOG_JSON": "false",
        "PYTHONPATH": str(ROOT / "src"),
        "PYTHONUNBUFFERED": "1",
        # EXIficient is started by the name "java": here there is none, unless it is meant to run.
        "PATH": os.environ["PATH"] if codec == "java" else str(folder),
        **environment,
    }
    nsenter = shutil.which("nsenter")
    assert nsenter is not None
    command = [nsenter, f"--net=/proc/{net}/ns/net", str(interpreter()), str(PEER), role, codec, role]
    with (folder / f"{role}.out").open("wb") as out, (folder / f"{role}.err").open("wb") as err:
        return subprocess.Popen(
            [*command, *map(str, arguments)], cwd=folder, env=settings, stdout=out, stderr=err
        )


def wait_ready(out: Path, process: subprocess.Popen[bytes]) -> None:
    _wait(process, START_S, lambda: '{"ready"' in out.read_text(errors="replace"))
    if process.returncode is not None:
        raise RuntimeError(f"{out.stem} ended with {process.returncode}: {_tail(out)}")


def wait_end(out: Path, process: subprocess.Popen[bytes]) -> None:
    _wait(process, SESSION_S, lambda: "SDPFailedError" in out.read_text(errors="replace"))


def _wait(process: subprocess.Popen[bytes], seconds: float, done: Any) -> None:
    deadline = time.monotonic() + seconds
    while process.poll() is None and not done() and time.monotonic() < deadline:
        time.sleep(0.1)


def stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _tail(out: Path) -> str:
    return (
        out.read_text(errors="replace")[-2000:] + out.with_suffix(".err").read_text(errors="replace")[-2000:]
    )


def side(folder: Path, role: str, exit_code: int) -> Side:
    log = (folder / f"{role}.out").read_text(errors="replace")
    lines = [json.loads(line) for line in log.splitlines() if line.startswith('{"')]
    calls = tuple(
        Call(
            line["codec"],
            line["namespace"],
            bytes.fromhex(line["hex"]),
            json.loads(line["json"]),
            line["seconds"],
        )
        for line in lines
        if "codec" in line
    )
    return Side(
        calls,
        any(line.get("py4j", False) for line in lines),
        exit_code,
        "\n".join(line for line in log.splitlines() if not line.startswith('{"'))
        + _tail(folder / f"{role}.out"),
    )
