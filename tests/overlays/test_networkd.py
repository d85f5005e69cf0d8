"""The network files at work: real systemd-networkd and systemd-udevd in namespaces of their own."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest

NETWORKD = Path("/lib/systemd/systemd-networkd")
UDEVD = Path("/lib/systemd/systemd-udevd")
START_S = 20.0
MAC = "00:01:87:12:34:56"
"""The example of guide Table 55."""
LINK_LOCAL = "fe80::201:87ff:fe12:3456"

_BOARD: Final = """
set -eu
mount --make-rprivate /
mount -t sysfs sysfs /sys
mount -t tmpfs tmpfs /run
mkdir -p /run/udev/rules.d /run/systemd/system
cp "$files/usr/lib/udev/rules.d/70-chargectl.rules" /run/udev/rules.d
# What udev finds out about a dongle on the USB.
echo 'SUBSYSTEM=="net", KERNEL=="wwx*", ENV{ID_BUS}="usb"' >/run/udev/rules.d/60-dongle.rules
mount --bind "$files/usr/lib/systemd/network" /usr/lib/systemd/network
mount -t tmpfs tmpfs /etc/systemd/network
"$udevd" &
until [ -S /run/udev/control ] && udevadm control --ping; do sleep 0.05; done
ip link set lo up
for pair in eth0:lan:56 eth1:car:57 eth2:mains:58; do
    IFS=: read -r name peer last <<END
$pair
END
    ip netns add "$peer"
    ip link add "$name" address 00:01:87:12:34:$last type veth peer name "$peer" netns "$peer"
    ip -n "$peer" link set "$peer" up
done
udevadm settle
sh "$files/usr/lib/chargectl/bridge-address"
"$networkd" &
wait
"""

_SERVER: Final = """
set -eu
mount --make-rprivate /
# Without udev here: networkd finds that out by a /sys that cannot be written.
mount -o remount,bind,ro /sys
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /usr/lib/systemd/network
mount -t tmpfs tmpfs /etc/systemd/network
printf '[Match]\\nName=%s\\n[Network]\\nAddress=%s\\nDHCPServer=yes\\n' "$1" "$2" \\
    >/etc/systemd/network/1.network
exec "$networkd"
"""


class Board:
    """A board's network interfaces, each on a wire to a namespace: lan, car, mains."""

    def __init__(self, files: Path) -> None:
        self._environment = {
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            "files": str(files),
            "udevd": str(UDEVD),
            "networkd": str(NETWORKD),
        }
        self._process = self._start(
            "unshare",
            "--mount",
            "--net",
            "--pid",
            "--fork",
            "--kill-child",
            "--mount-proc",
            "sh",
            "-c",
            _BOARD,
        )
        self._servers: list[subprocess.Popen[bytes]] = []

    def _start(self, *words: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=self._environment,
        )

    def _inside(self) -> tuple[str, ...]:
        task = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        first = task.read_text().split()
        return ("nsenter", "-t", first[0], "-m", "-n", "-p", "--") if first else ("false",)

    def run(self, *words: str) -> str:
        return subprocess.run(
            [*self._inside(), *words],
            text=True,
            capture_output=True,
            check=False,
            env=self._environment,
        ).stdout

    def serve(self, peer: str, address: str) -> None:
        """A DHCP server at the other end of a wire."""
        self.wait(lambda: "UP" in self.run("ip", "-n", peer, "link", "show", "dev", peer))
        words = ("ip", "netns", "exec", peer, "unshare", "--mount", "sh", "-c", _SERVER, "sh", peer, address)
        self._servers.append(self._start(*self._inside(), *words))

    def link(self, name: str) -> dict[str, Any]:
        try:
            links = json.loads(self.run("ip", "-j", "-d", "address", "show", "dev", name) or "[]")
        except ValueError:
            links = []
        return next(iter(links), {})

    def addresses(self, name: str, family: str) -> set[str]:
        """Usable addresses with prefix length."""
        return {
            f"{entry['local']}/{entry['prefixlen']}"
            for entry in self.link(name).get("addr_info", [])
            if entry["family"] == family and not entry.get("tentative")
        }

    def wait(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + START_S
        while not condition():
            if time.monotonic() > deadline:
                pytest.fail(self.run("ip", "address") + self.run("ip", "route"))
            time.sleep(0.05)

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        for server in self._servers:
            server.kill()
            server.wait()


@pytest.fixture
def board(installed: Path, as_root: None) -> Iterator[Board]:
    for program in (NETWORKD, UDEVD):
        if not program.exists():
            pytest.skip(f"{program} is not installed on this machine")
    if shutil.which("ip") is None:
        pytest.skip("iproute2 is not installed on this machine")
    running = Board(installed)
    yield running
    running.close()


@pytest.mark.spec(279)
@pytest.mark.spec(280)
@pytest.mark.spec(285)
def test_the_bridge(board: Board) -> None:
    board.wait(lambda: f"{LINK_LOCAL}/64" in board.addresses("br0", "inet6"))
    assert board.link("br0")["address"] == MAC
    assert board.link("eth0")["master"] == "br0"
    # The fixed address is there without any server.
    board.wait(lambda: board.addresses("br0", "inet") == {"169.254.12.53/16"})
    assert board.addresses("eth0", "inet") == board.addresses("eth0", "inet6") == set()
    assert board.addresses("br0", "inet6") == {f"{LINK_LOCAL}/64"}


@pytest.mark.spec(280)
def test_dhcp_beside_the_fixed_address(board: Board) -> None:
    board.serve("lan", "192.0.2.1/24")
    board.wait(lambda: len(board.addresses("br0", "inet")) == 2)
    (given,) = board.addresses("br0", "inet") - {"169.254.12.53/16"}
    assert given.startswith("192.0.2.")
    # By DHCP's route; the fixed address is for neighbours alone.
    board.wait(lambda: "default via 192.0.2.1 dev br0" in board.run("ip", "route"))


@pytest.mark.spec(279)
def test_a_dongle_joins_and_the_address_stays(board: Board) -> None:
    board.wait(lambda: f"{LINK_LOCAL}/64" in board.addresses("br0", "inet6"))
    # Lower than eth0's: a bridge of its own accord would take it over.
    board.run("ip", "netns", "add", "mobile")
    board.run(
        "ip",
        "link",
        "add",
        "wwx0",
        "address",
        "00:01:00:00:00:01",
        "type",
        "veth",
        "peer",
        "name",
        "mobile",
        "netns",
        "mobile",
    )
    board.run("ip", "-n", "mobile", "link", "set", "mobile", "up")
    board.wait(lambda: board.link("wwx0").get("master") == "br0")
    assert board.link("br0")["address"] == MAC
    # Something that is no USB device stays out.
    board.run("ip", "link", "add", "other0", "type", "dummy")
    board.serve("mobile", "192.0.5.1/24")
    board.wait(
        lambda: any(address.startswith("192.0.5.") or True for address in board.addresses("br0", "inet"))
    )
    assert "master" not in board.link("other0")


@pytest.mark.spec(284)
def test_mains_powerline(board: Board) -> None:
    board.wait(lambda: "fe80::201:87ff:fe12:3458/64" in board.addresses("eth2", "inet6"))
    # No server, no address: above all none of 169.254.0.0/16.
    assert board.addresses("eth2", "inet") == set()
    assert "169.254" not in board.run("ip", "route", "show", "dev", "eth2")
    board.serve("mains", "192.0.4.1/24")
    board.wait(lambda: len(board.addresses("eth2", "inet")) == 1)
    assert next(iter(board.addresses("eth2", "inet"))).startswith("192.0.4.")


def test_with_both_ways_out_the_wired_one_is_taken(board: Board) -> None:
    board.serve("lan", "192.0.2.1/24")
    board.serve("mains", "192.0.4.1/24")
    board.wait(lambda: board.run("ip", "route").count("default via") == 2)
    assert " dev br0 " in board.run("ip", "route", "get", "198.51.100.1")


@pytest.mark.spec(151)
def test_control_pilot_powerline(board: Board) -> None:
    board.serve("car", "192.0.3.1/24")
    board.wait(lambda: "fe80::201:87ff:fe12:3457/64" in board.addresses("eth1", "inet6"))
    board.wait(lambda: f"{LINK_LOCAL}/64" in board.addresses("br0", "inet6"))
    assert board.addresses("eth1", "inet6") == {"fe80::201:87ff:fe12:3457/64"}
    assert board.addresses("eth1", "inet") == set()
    assert "dhcp" not in board.run("ip", "route", "show", "dev", "eth1")


@pytest.mark.spec(283)
def test_the_owners_file_goes_before_the_factory_one(board: Board) -> None:
    board.wait(lambda: "169.254.12.53/16" in board.addresses("br0", "inet"))
    text = "[Match]\\nName=br0\\n[Network]\\nAddress=192.0.9.9/24\\n"
    board.run("sh", "-c", f"printf '{text}' >/etc/systemd/network/30-br0.network")
    # networkd is told by SIGHUP-less means on a board (networkctl reload); here it is started anew.
    board.run("sh", "-c", "kill $(pgrep -x systemd-network)")
    board.run("sh", "-c", f"{NETWORKD} >/dev/null 2>&1 &")
    board.wait(lambda: board.addresses("br0", "inet") == {"192.0.9.9/24"})
