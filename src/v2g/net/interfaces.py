"""Network interfaces as a charging session needs them: index, addresses, and the IPv6 link-local address,
which is all that a car and a charger have.

Everything is read from the network namespace of the calling thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import ipaddress
import os
import socket
import struct
from dataclasses import dataclass
from pathlib import Path

IF_INET6 = Path("/proc/net/if_inet6")
"""The kernel's list of IPv6 addresses: address, index, prefix, scope, flags (all hexadecimal), name."""
_SCOPE_LINK = 0x20
_FLAG_DAD_FAILED, _FLAG_TENTATIVE = 0x08, 0x40
_FLAG_OPTIMISTIC = 0x04
_SIOCGIFFLAGS, _SIOCGIFMTU, _SIOCGIFHWADDR = 0x8913, 0x8921, 0x8927
_IFF_UP = 0x01
_IFREQ = struct.Struct("16s24s")
_RTMGRP_LINK, _RTMGRP_IPV6_IFADDR = 0x001, 0x100
_MOST_NAME_BYTES = 15


class NetworkError(OSError):
    """What an interface or a connection cannot do; the text names it."""


class InterfaceError(NetworkError):
    """An interface that is not there, is down, or has not what is needed. ``interface`` is its name."""

    def __init__(self, interface: str, reason: str) -> None:
        super().__init__(f"{interface}: {reason}")
        self.interface = interface
        self.reason = reason


class NoSuchInterfaceError(InterfaceError):
    """There is no interface of that name, or there no longer is."""

    def __init__(self, interface: str, reason: str = "no such interface") -> None:
        super().__init__(interface, reason)


class InterfaceDownError(InterfaceError):
    """The interface is there and switched off."""

    def __init__(self, interface: str) -> None:
        super().__init__(interface, f"the interface is down; 'ip link set {interface} up' switches it on")


class NoLinkLocalError(InterfaceError):
    """The interface has no IPv6 link-local address that can be used."""


@dataclass(frozen=True, slots=True)
class LinkLocal:
    """An interface's IPv6 link-local address. ``tentative``: the kernel still asks whether somebody else has
    it; ``duplicate``: somebody has. Neither can be used."""

    address: str
    index: int
    tentative: bool = False
    duplicate: bool = False


def interface_index(name: str) -> int:
    """The number of an interface.

    Raises:
        NoSuchInterfaceError: there is none of that name.
    """
    try:
        return socket.if_nametoindex(name)
    except (OSError, ValueError):
        known = ", ".join(known for _, known in socket.if_nameindex())
        raise NoSuchInterfaceError(name, f"no such interface; there are {known}") from None


def mac_address(name: str) -> bytes:
    """The Ethernet address of an interface, six bytes.

    Raises:
        NoSuchInterfaceError: there is none of that name.
    """
    return _ask(name, _SIOCGIFHWADDR)[2:8]


def mtu(name: str) -> int:
    """The most bytes that a packet on an interface may have, without the Ethernet header.

    Raises:
        NoSuchInterfaceError: there is none of that name.
    """
    value: int = struct.unpack_from("=i", _ask(name, _SIOCGIFMTU))[0]
    return value


def is_up(name: str) -> bool:
    """Whether an interface is switched on.

    Raises:
        NoSuchInterfaceError: there is none of that name.
    """
    flags: int = struct.unpack_from("=H", _ask(name, _SIOCGIFFLAGS))[0]
    return bool(flags & _IFF_UP)


def link_local(name: str, table: Path = IF_INET6) -> LinkLocal | None:
    """The IPv6 link-local address of an interface, one that can be used before others; None if it has none.

    Raises:
        NoSuchInterfaceError: there is none of that name.
    """
    index = interface_index(name)
    try:
        text = table.read_text("ascii")
    except FileNotFoundError:
        raise NoLinkLocalError(name, "this kernel has no IPv6") from None
    found = [entry for entry in map(_entry, text.splitlines()) if entry and entry.index == index]
    return min(found, key=lambda entry: (entry.duplicate, entry.tentative), default=None)


def usable_link_local(name: str, table: Path = IF_INET6) -> LinkLocal:
    """As :func:`link_local`, for callers that cannot go on without.

    Raises:
        NoSuchInterfaceError: there is none of that name.
        InterfaceDownError: it is switched off, so it has no address.
        NoLinkLocalError: it has none, or one that cannot be used (yet); the text says which.
    """
    entry = link_local(name, table)
    if entry is None:
        if not is_up(name):
            raise InterfaceDownError(name)
        raise NoLinkLocalError(
            name, f"no IPv6 link-local address; see 'ip -6 address show dev {name}' and its addrgenmode"
        )
    if entry.duplicate:
        raise NoLinkLocalError(name, f"another station has the link-local address {entry.address}")
    if entry.tentative:
        raise NoLinkLocalError(name, f"the link-local address {entry.address} is still tentative")
    return entry


async def wait_link_local(name: str, timeout_s: float, table: Path = IF_INET6) -> LinkLocal:
    """Wait until an interface has an IPv6 link-local address that can be used. The kernel tells of changes;
    nothing is polled.

    Args:
        name: the interface; it may appear while this waits.
        timeout_s: seconds to wait at most.
        table: the kernel's list of addresses.

    Raises:
        NoSuchInterfaceError, InterfaceDownError, NoLinkLocalError: what was wrong when the time was over.
    """
    loop = asyncio.get_running_loop()
    until = loop.time() + timeout_s
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK, 0) as news:
        news.bind((0, _RTMGRP_LINK | _RTMGRP_IPV6_IFADDR))
        while True:
            try:
                return usable_link_local(name, table)
            except InterfaceError:
                if loop.time() >= until:
                    raise
            # A full queue of news (ENOBUFS) is news as well.
            with contextlib.suppress(TimeoutError, OSError):
                async with asyncio.timeout_at(until):
                    await loop.sock_recv(news, 65536)


def _entry(line: str) -> LinkLocal | None:
    # fe800000000000000200fffe000001 02 40 20 80 eth0
    try:
        address, index, _, scope, flags, _ = line.split()
        if int(scope, 16) != _SCOPE_LINK:
            return None
        bits = int(flags, 16)
        number = ipaddress.IPv6Address(bytes.fromhex(address))
        duplicate = bool(bits & _FLAG_DAD_FAILED)
        tentative = bool(bits & _FLAG_TENTATIVE) and not bits & _FLAG_OPTIMISTIC
        return LinkLocal(str(number), int(index, 16), tentative, duplicate)
    except ValueError:
        return None


def _ask(name: str, question: int) -> bytes:
    """What the kernel knows of an interface: the part of an ifreq behind the name."""
    if len(os.fsencode(name)) > _MOST_NAME_BYTES:
        raise NoSuchInterfaceError(name)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as anything:
        try:
            answer = fcntl.ioctl(anything, question, _IFREQ.pack(os.fsencode(name), b""))
        except OSError:
            raise NoSuchInterfaceError(name) from None
    return answer[16:]
