"""What a session's core is told of its connection."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from v2g.evcc import effects as car
from v2g.net.session import SessionShell
from v2g.secc import effects as charger


class Core:
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.told: dict[str, Any] = {}

    def connected(self, now_ms: int, **told: Any) -> list[Any]:
        self.told = told
        return []

    def deadline(self) -> None:
        return None


@pytest.mark.parametrize("side", [car, charger])
@pytest.mark.parametrize(
    ("version", "certificate", "told"),
    [
        (None, None, {"tls": False, "tls_version": "", "peer_certificate": None}),
        ("TLSv1.2", None, {"tls": True, "tls_version": "TLSv1.2", "peer_certificate": None}),
        ("TLSv1.3", b"DER", {"tls": True, "tls_version": "TLSv1.3", "peer_certificate": b"DER"}),
    ],
)
def test_a_core_is_told_of_tls_and_the_certificate(
    side: Any, version: str | None, certificate: bytes | None, told: dict[str, Any]
) -> None:
    stream: Any = SimpleNamespace(
        own="own", peer="peer", security="", tls_version=version, peer_certificate=certificate
    )

    async def connect() -> dict[str, Any]:
        core: Any = Core()
        shell = SessionShell(core, side.Send, side.Disconnect, side.Link, lambda effect: None)
        shell.made(stream)
        found: dict[str, Any] = core.told
        return found

    assert asyncio.run(connect()) == told
