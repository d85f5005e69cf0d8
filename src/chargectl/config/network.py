"""The network section of customer.json as checked values (guide 14.2, Table 51).

The guide asks for a best effort: a value that is no address is left out and reported, the others apply.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from chargectl.config.configuration import Configuration

SKIP: Final = "network/skip_configuration"
DHCP: Final = "network/ipv4/dhcp"
ADDRESS: Final = "network/ipv4/address"
GATEWAY: Final = "network/ipv4/gateway"
DNS: Final = "network/ipv4/dns"
NTP: Final = "network/ntp"
PATHS: Final = (SKIP, DHCP, ADDRESS, GATEWAY, DNS, NTP)

_LONGEST_NAME: Final = 253
"""Characters of a host name (RFC 1035)."""
_NAME_CHARACTERS: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:")


@dataclass(frozen=True, slots=True)
class BridgeSettings:
    """What the owner wants of br0.

    ``managed`` false: the owner ships files of their own, none may be written. ``addresses`` (with prefix
    length) and ``gateways`` apply without DHCP only. ``problems`` are pairs of key path and what is wrong
    with its value.
    """

    managed: bool
    dhcp: bool
    addresses: tuple[str, ...] = ()
    gateways: tuple[str, ...] = ()
    dns: tuple[str, ...] = ()
    ntp: tuple[str, ...] = ()
    problems: tuple[tuple[str, str], ...] = ()


def bridge_settings(values: Configuration) -> BridgeSettings:
    """The settings in force. Never raises: what cannot be used is in ``problems``."""
    problems: list[tuple[str, str]] = []
    static = values.optional_string(ADDRESS)
    addresses = (static,) if static else ()

    def usable(path: str, given: tuple[str, ...], mistake: str, allowed: str) -> tuple[str, ...]:
        check = {ADDRESS: _is_interface, NTP: _is_server}.get(path, _is_address)
        good = []
        for text in given:
            if check(text):
                good.append(text)
            else:
                problems.append((path, f"{text!r} is {mistake}; allowed: {allowed}"))
        return tuple(good)

    four = "an IPv4 address such as 192.168.178.254"
    return BridgeSettings(
        managed=not values.boolean(SKIP),
        dhcp=values.boolean(DHCP),
        addresses=usable(
            ADDRESS, addresses, "no address of a host", "address and prefix such as 192.168.178.2/24"
        ),
        gateways=usable(GATEWAY, values.strings(GATEWAY), "no address", four),
        dns=usable(DNS, values.strings(DNS), "no address", four),
        ntp=usable(NTP, values.strings(NTP), "no server", "a host name or an address"),
        problems=tuple(problems),
    )


def _is_interface(text: str) -> bool:
    """Whether this is an address a host can have, with its prefix length."""
    from ipaddress import IPv4Interface  # seldom needed, and takes a while to load

    try:
        interface = IPv4Interface(text)
    except ValueError:
        return False
    _, slash, prefix = text.partition("/")
    network = interface.network
    # A netmask (/255.255.255.0) is understood here, but not by networkd.
    plain = bool(slash) and prefix.isascii() and prefix.isdigit() and network.prefixlen > 0
    # /31 and /32 have neither network nor broadcast address (RFC 3021).
    edge = network.prefixlen < 31 and interface.ip in (network.network_address, network.broadcast_address)
    return plain and not edge and _is_unicast(text.partition("/")[0])


def _is_address(text: str) -> bool:
    return _is_unicast(text)


def _is_unicast(text: str) -> bool:
    from ipaddress import IPv4Address

    try:
        address = IPv4Address(text)
    except ValueError:
        return False
    return not (address.is_multicast or address.is_unspecified or address.is_reserved)


def _is_server(text: str) -> bool:
    """A name or an address; above all nothing that would end the line of a file of networkd."""
    return 0 < len(text) <= _LONGEST_NAME and set(text) <= _NAME_CHARACTERS and text[0] not in ".-"
