"""A packet socket that overhears everything."""

from __future__ import annotations

import asyncio

import pytest

from tests.v2g.netns import needs_netns, plain_wire
from v2g.net.interfaces import InterfaceDownError
from v2g.net.packet import EVERY_ETHERTYPE, PacketSocket

pytestmark = needs_netns
OTHERS = bytes.fromhex("0a00000000010a0000000002")


@pytest.fixture
def ends():
    with plain_wire() as wire:
        with wire.ev.inside():
            ev = PacketSocket(wire.ev.interface)
        with wire.evse.inside():
            observer = PacketSocket(wire.evse.interface, EVERY_ETHERTYPE)
            own = PacketSocket(wire.evse.interface)
        with ev, observer, own:
            observer.observe()
            yield wire, ev, own, observer


def _heard(observer, wanted):
    """The next frames of the test's own EtherType; hosts send neighbour discovery in between."""

    async def collect():
        found: list[tuple[bytes, bool]] = []
        while len(found) < wanted:
            data, own = await observer.overhear()
            if data[12:14] == b"\x88\xb5":
                found.append((data, own))
        return found

    return asyncio.run(asyncio.wait_for(collect(), 30))


def test_frames_to_others_and_own_ones(ends):
    wire, ev, own, observer = ends
    to_others = (OTHERS + b"\x88\xb5 to others").ljust(60, b"\0")
    from_here = (OTHERS + b"\x88\xb5 from here").ljust(60, b"\0")
    ev.send(to_others)
    own.send(from_here)
    assert _heard(observer, 2) == [(to_others, False), (from_here, True)]
    flags = wire.evse.run("ip", "-d", "link", "show", "dev", wire.evse.interface).stdout
    assert "promiscuity 1" in flags


def test_what_was_lost_is_counted(ends):
    _, ev, _, observer = ends
    assert observer.lost() == 0
    frame = OTHERS + b"\x88\xb5" + bytes(1500)
    for _ in range(20_000):
        ev.send(frame)
    assert observer.lost() > 0
    assert observer.lost() == 0


def test_an_interface_that_is_switched_off(ends):
    wire, _, _, observer = ends
    wire.evse.run("ip", "link", "set", wire.evse.interface, "down")
    with wire.evse.inside(), pytest.raises(InterfaceDownError):
        _heard(observer, 1)
