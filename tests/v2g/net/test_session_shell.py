"""What a session's core is told of its connection."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from v2g.common.effects import Log
from v2g.net.car import CarShell
from v2g.net.charger import ChargerShell, Ports
from v2g.net.session import SessionShell
from v2g.secc.effects import Contactor
from v2g.secc.station import Station


class Core:
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.told: dict[str, Any] = {}

    def connected(self, now_ms: int, **told: Any) -> list[Any]:
        self.told = told
        return []

    def deadline(self) -> None:
        return None


def car(core: Any) -> SessionShell:
    return CarShell(core, "lo", lambda effect: None)


def charger(core: Any) -> SessionShell:
    return ChargerShell(core, Ports("lo"), lambda effect: None)


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
    side: Callable[[Any], SessionShell], version: str | None, certificate: bytes | None, told: dict[str, Any]
) -> None:
    stream: Any = SimpleNamespace(
        own="own", peer="peer", security="", tls_version=version, peer_certificate=certificate
    )

    async def connect() -> dict[str, Any]:
        core: Any = Core()
        shell = side(core)
        shell.made(stream)
        found: dict[str, Any] = core.told
        return found

    assert asyncio.run(connect()) == told


class Faulty(Core):
    """A core that is at its end."""

    def received(self, data: bytes, now_ms: int) -> list[Any]:
        raise RuntimeError("a fault")

    def disconnected(self, now_ms: int) -> list[Any]:
        return []


def test_after_a_fault_of_the_core_the_contactor_opens_before_all_else() -> None:
    stream: Any = SimpleNamespace(
        own="own", peer="peer", security="", tls_version=None, peer_certificate=None, close=lambda: None
    )
    seen: list[Any] = []

    async def receive() -> None:
        core: Any = Faulty()
        shell = ChargerShell(core, Ports("lo"), seen.append)
        shell.made(stream)
        seen.clear()
        shell.data(stream, b"bytes")
        assert not shell.connected

    asyncio.run(receive())
    assert seen[0] == Contactor(False)
    assert seen[1] == Log("the session ends after a fault: RuntimeError: a fault")


def test_the_session_hears_of_the_pilot_before_slac_does() -> None:
    told: list[str] = []

    def changed(now_ms: int) -> list[Any]:
        told.append("session")
        return []

    core: Any = SimpleNamespace(
        station=Station(), changed=changed, forget_paused=lambda: None, deadline=lambda: None
    )

    async def unplug() -> None:
        shell = ChargerShell(core, Ports("lo"), lambda effect: None)
        link: Any = SimpleNamespace(pilot=lambda state: told.append(f"SLAC {state}"))
        shell._link = link
        shell.pilot("A")

    asyncio.run(unplug())
    assert told == ["session", "SLAC A"]
