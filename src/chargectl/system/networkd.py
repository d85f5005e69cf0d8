"""Settings of br0 for systemd-networkd: a drop-in beside the factory's file, made from customer.json.

The factory's file in /usr/lib/systemd/network (br0, DHCP, fallback address) stays what it is; the
owner's own files in /etc/systemd/network go before it. See guide 14.2.
"""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Final

from chargectl.config.network import BridgeSettings
from chargectl.config.store import write_atomic

DIRECTORY: Final = Path("/run/systemd/network")
DROP_IN: Final = Path("30-br0.network.d/50-customer.conf")
"""Belongs to overlays/common/usr/lib/systemd/network/30-br0.network."""
_RELOAD_TIMEOUT_S: Final = 20
"""networkd answers in well under a second; a hanging one must not hold up the start."""


def text_of(settings: BridgeSettings) -> str:
    """The drop-in's content; empty when the factory's settings are wanted, or none of ours at all."""
    if not settings.managed:
        return ""
    lines = [f"DNS={address}" for address in settings.dns]
    lines += [f"NTP={server}" for server in settings.ntp]
    if not settings.dhcp:
        addresses = [f"Address={address}" for address in settings.addresses]
        gateways = [f"Gateway={address}" for address in settings.gateways]
        lines = ["DHCP=no", *addresses, *gateways, *lines]
    if not lines:
        return ""
    return "\n".join(["# From customer.json, by `chargectl network apply`.", "[Network]", *lines, ""])


def apply(settings: BridgeSettings, directory: Path = DIRECTORY) -> bool:
    """Write or remove the drop-in; returns whether that changed anything. Raises OSError."""
    path = directory / DROP_IN
    wanted = text_of(settings)
    try:
        present = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        present = ""
    if wanted == present:
        return False
    if wanted:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, wanted.encode(), mode=0o644)
    else:
        path.unlink()
    return True


def reload() -> None:
    """Let a running networkd take up what changed. Raises OSError, subprocess.SubprocessError."""
    for words in (("reload",), ("reconfigure", "br0")):
        subprocess.run(["networkctl", *words], check=True, timeout=_RELOAD_TIMEOUT_S)
