"""Virtual cables between hosts and simulated modems: pairs of veth interfaces, made and removed with `ip`.

The host's end gets an IPv6 link-local address at once, without the second that the kernel otherwise takes to
ask for duplicates; the modem's end gets none. What a network card would compute later (checksums, segments)
is computed in the host, as the frames are carried on as they are.
"""

from __future__ import annotations

import array
import contextlib
import fcntl
import ipaddress
import os
import socket
import struct
import subprocess
from dataclasses import dataclass

from v2g.net.interfaces import InterfaceError, mac_address

_SIOCETHTOOL = 0x8946
_ETHTOOL_STXCSUM, _ETHTOOL_STSO, _ETHTOOL_SGSO = 0x17, 0x1F, 0x24
_IFREQ = struct.Struct("16sP16x")
_MOST_NAME_BYTES = 15
MODEM_END = "-m"
"""What the modem's end has behind the name of the host's end."""


class VethError(InterfaceError):
    """A pair of interfaces that could not be made."""


@dataclass(frozen=True, slots=True)
class Veth:
    """A pair: ``host`` is the end for a program, in the network namespace ``namespace`` (empty: this one);
    ``modem`` the end of the simulated modem, always in this namespace."""

    host: str
    modem: str
    namespace: str = ""

    def remove(self) -> None:
        """Take the pair away; if it is gone already, that is fine."""
        with contextlib.suppress(VethError):
            ip(self.modem, "link", "delete", self.modem)


def link_local_of(mac: bytes) -> str:
    """The IPv6 link-local address that belongs to an Ethernet address (RFC 4291, appendix A)."""
    interface_id = bytes((mac[0] ^ 0x02,)) + mac[1:3] + b"\xff\xfe" + mac[3:]
    return str(ipaddress.IPv6Address(b"\xfe\x80" + bytes(6) + interface_id))


def create(name: str, namespace: str = "", mac: bytes | None = None) -> Veth:
    """Make a pair and switch it on.

    Args:
        name: of the host's end, at most 13 characters.
        namespace: the network namespace for the host's end, as `ip netns` names it; empty for this one.
        mac: Ethernet address of the host's end.

    Raises:
        VethError: not root, no `ip`, a name that is taken or too long, no such namespace.
    """
    if os.geteuid():
        raise VethError(name, "making interfaces needs root")
    pair = Veth(name, name + MODEM_END, namespace)
    if not name or len(os.fsencode(pair.modem)) > _MOST_NAME_BYTES:
        raise VethError(name, f"a name has 1 to {_MOST_NAME_BYTES - len(MODEM_END)} characters")
    address = ["address", mac.hex(":")] if mac else []
    ip(name, "link", "add", name, *address, "type", "veth", "peer", "name", pair.modem)
    try:
        for end in (name, pair.modem):
            _compute_in_host(end)
            ip(end, "link", "set", end, "addrgenmode", "none")
        own = link_local_of(mac_address(name))
        ip(pair.modem, "link", "set", pair.modem, "arp", "off", "multicast", "off", "up")
        inside = ["-n", namespace] if namespace else []
        if namespace:
            ip(name, "link", "set", name, "netns", namespace)
            # It forgets how addresses are made on its way.
            ip(name, *inside, "link", "set", name, "addrgenmode", "none")
        ip(name, *inside, "link", "set", name, "up")
        ip(name, *inside, "address", "add", f"{own}/64", "dev", name, "nodad")
    except InterfaceError:
        pair.remove()
        raise
    return pair


def ip(name: str, *arguments: str) -> None:
    """Run `ip`.

    Raises:
        VethError: it failed; the text is its own.
    """
    try:
        done = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise VethError(name, "the program 'ip' (package iproute2) is missing") from None
    if done.returncode:
        text = done.stderr.strip().splitlines()
        raise VethError(name, text[0] if text else f"'ip {' '.join(arguments)}' failed")


def _compute_in_host(name: str) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as anything:
        for feature in (_ETHTOOL_STXCSUM, _ETHTOOL_STSO, _ETHTOOL_SGSO):
            value = array.array("I", (feature, 0))
            request = _IFREQ.pack(os.fsencode(name), value.buffer_info()[0])
            # A feature that this kernel's veth does not have needs no switching off.
            with contextlib.suppress(OSError):
                fcntl.ioctl(anything, _SIOCETHTOOL, request)
