from __future__ import annotations

import asyncio
import subprocess

import pytest

from tests.v2g.netns import needs_netns, plain_wire
from v2g.homeplug.frame import BROADCAST, ETHERTYPE
from v2g.net.interfaces import InterfaceDownError, InterfaceError, NoSuchInterfaceError, mac_address
from v2g.net.packet import EVERY_ETHERTYPE, PacketSocket

pytestmark = needs_netns
TYPE = ETHERTYPE.to_bytes(2, "big")


def _frame(source, text, ethertype=TYPE):
    return (BROADCAST + source + ethertype + text).ljust(60, b"\0")


@pytest.fixture
def ends():
    with plain_wire() as wire:
        with wire.ev.inside():
            ev = PacketSocket(wire.ev.interface)
        with wire.evse.inside():
            evse = PacketSocket(wire.evse.interface)
        with ev, evse:
            yield wire, ev, evse


def test_what_it_knows_of_the_interface(ends):
    wire, ev, _ = ends
    with wire.ev.inside():
        assert ev.mac == mac_address(wire.ev.interface)
    assert ev.mtu == 1500
    assert ev.interface == wire.ev.interface


def test_frames_arrive_in_order_and_own_ones_do_not(ends):
    _, ev, evse = ends

    async def scenario():
        for number in range(20):
            ev.send(_frame(ev.mac, b"from the car %d" % number))
            evse.send(_frame(evse.mac, b"from the charger %d" % number))
        at_evse = [await evse.receive() for _ in range(20)]
        at_ev = [await ev.receive() for _ in range(20)]
        return at_ev, at_evse

    at_ev, at_evse = asyncio.run(scenario())
    assert at_evse == [_frame(ev.mac, b"from the car %d" % number) for number in range(20)]
    assert at_ev == [_frame(evse.mac, b"from the charger %d" % number) for number in range(20)]


def test_only_its_ethertype(ends):
    wire, ev, evse = ends
    with wire.ev.inside():
        everything = PacketSocket(wire.ev.interface, EVERY_ETHERTYPE)

    async def scenario():
        evse.send(_frame(evse.mac, b"other", b"\x88\xb5"))
        evse.send(_frame(evse.mac, b"ours"))
        return await ev.receive(), [await everything.receive(), await everything.receive()]

    with everything:
        ours, both = asyncio.run(asyncio.wait_for(scenario(), 30))
    assert ours == _frame(evse.mac, b"ours")
    assert both == [_frame(evse.mac, b"other", b"\x88\xb5"), ours]


def test_the_longest_frame(ends):
    _, ev, evse = ends
    longest = _frame(ev.mac, b"x" * 1500)
    assert len(longest) == 1514

    async def scenario():
        ev.send(longest)
        return await evse.receive()

    assert asyncio.run(asyncio.wait_for(scenario(), 30)) == longest
    with pytest.raises(InterfaceError, match="a frame of 1515 bytes; 1514 have room"):
        ev.send(longest + b"x")


def test_interface_switched_off_and_gone(ends):
    wire, ev, _ = ends

    async def receiving():
        task = asyncio.create_task(ev.receive())
        await asyncio.sleep(0)
        subprocess.run(["ip", "link", "set", wire.ev.interface, "down"], check=True)
        with pytest.raises(InterfaceDownError, match=f"{wire.ev.interface}: the interface is down"):
            await asyncio.wait_for(task, 30)
        with pytest.raises(InterfaceDownError):
            ev.send(_frame(ev.mac, b"nowhere"))
        subprocess.run(["ip", "link", "delete", wire.ev.interface], check=True)
        with pytest.raises(NoSuchInterfaceError, match=f"{wire.ev.interface}: the interface is gone"):
            ev.send(_frame(ev.mac, b"nowhere"))

    with wire.ev.inside():
        asyncio.run(receiving())


def test_interface_goes_while_receiving(ends):
    wire, ev, _ = ends

    async def receiving():
        task = asyncio.create_task(ev.receive())
        await asyncio.sleep(0)
        subprocess.run(["ip", "link", "delete", wire.ev.interface], check=True)
        with pytest.raises(InterfaceError, match=r"is (gone|down)"):
            await asyncio.wait_for(task, 30)
        with pytest.raises(NoSuchInterfaceError, match="the interface is gone"):
            ev.send(_frame(ev.mac, b"nowhere"))

    with wire.ev.inside():
        asyncio.run(receiving())


def test_no_such_interface_and_down():
    with pytest.raises(NoSuchInterfaceError, match="v2gnone: no such interface"):
        PacketSocket("v2gnone")
    with plain_wire() as wire, wire.ev.inside():
        subprocess.run(["ip", "link", "set", wire.ev.interface, "down"], check=True)
        with pytest.raises(InterfaceDownError):
            PacketSocket(wire.ev.interface)


def test_without_the_right_to_open_raw_sockets(monkeypatch):
    def refused(*_):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr("v2g.net.packet.socket.socket", refused)
    monkeypatch.setattr("v2g.net.packet.mac_address", lambda _: bytes(6))
    monkeypatch.setattr("v2g.net.packet.mtu", lambda _: 1500)
    monkeypatch.setattr("v2g.net.packet.is_up", lambda _: True)
    with pytest.raises(InterfaceError, match="lo: raw sockets need root or the capability CAP_NET_RAW"):
        PacketSocket("lo")


def test_closing_twice(ends):
    _, ev, _ = ends
    ev.close()
    ev.close()
