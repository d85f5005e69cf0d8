"""customer.json: network and mobile uplink (guide 14.2 Table 51, 14.2.1 Table 56)."""

from __future__ import annotations

from typing import Final

from chargectl.declarations.keys.make import boolean, text
from chargectl.declarations.types import ConfigFile, Key, KeyType

_T51: Final = "14.2, Table 51"
_T56: Final = "14.2.1, Table 56"
_STATIC: Final = "with network/ipv4/dhcp false"
_MANAGED: Final = "with network/skip_configuration false"


def _addresses(path: str, meaning: str, applies: str, default_meaning: str) -> Key:
    return Key(
        ConfigFile.CUSTOMER,
        path,
        KeyType.STRING_OR_STRINGS,
        None,
        meaning,
        _T51,
        applies=applies,
        default_meaning=default_meaning,
    )


KEYS: Final[tuple[Key, ...]] = (
    boolean(
        "network/skip_configuration",
        False,
        "true: the network is left alone, for files of your own in /etc/systemd/network.",
        _T51,
    ),
    boolean(
        "network/ipv4/dhcp", True, "Whether br0 asks a DHCP server for its address.", _T51, applies=_MANAGED
    ),
    text(
        "network/ipv4/address",
        None,
        "IPv4 address of br0 with prefix length, for example 192.168.178.2/24.",
        _T51,
        applies=_STATIC,
        default_meaning="only the fallback address 169.254.12.53",
    ),
    _addresses(
        "network/ipv4/gateway",
        "IPv4 address of the default gateway, for example 192.168.178.254.",
        _STATIC,
        "none",
    ),
    _addresses("network/ipv4/dns", "IPv4 address of the DNS server, or several.", _STATIC, "none"),
    _addresses(
        "network/ntp",
        "Time server, or several; seldom needed.",
        _MANAGED,
        "those of DHCP, or the system's own",
    ),
    text("uplink/apn_name", "", "Access point name of the mobile network; empty: no mobile uplink.", _T56),
    text(
        "uplink/apn_username",
        None,
        "User name at the access point.",
        _T56,
        nullable=True,
        secret=True,
        applies="with uplink/apn_name",
        default_meaning="no user name",
    ),
    text(
        "uplink/apn_password",
        None,
        "Password at the access point.",
        _T56,
        nullable=True,
        secret=True,
        applies="with uplink/apn_name",
        default_meaning="no password",
    ),
)
