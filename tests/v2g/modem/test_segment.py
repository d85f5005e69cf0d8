"""Simulated modems at real interfaces."""

from __future__ import annotations

import asyncio
import errno
import os
import random
import socket
import subprocess

import pytest

from tests.v2g.modem.rig import NID, NMK, SOUND, modem
from tests.v2g.netns import missing, modem_wire, needs_netns, plain_wire, sweep
from v2g.homeplug.frame import BROADCAST, LOCAL_MODEM, Frame, mmtype_of
from v2g.homeplug.message import parse_as
from v2g.homeplug.qualcomm import SwVerCnf, SwVerReq
from v2g.homeplug.slac import SetKeyCnf, SetKeyReq
from v2g.modem import veth
from v2g.modem.line import Powerline
from v2g.modem.options import LineOptions
from v2g.modem.segment import Segment
from v2g.net.interfaces import InterfaceError, NoSuchInterfaceError, interface_index, usable_link_local
from v2g.net.packet import EVERY_ETHERTYPE, FRAMES_A_TURN, PacketSocket

pytestmark = needs_netns
TIMEOUT_S = 30


def _sockets(wire):
    with wire.ev.inside():
        ev = PacketSocket(wire.ev.interface)
    with wire.evse.inside():
        evse = PacketSocket(wire.evse.interface)
    return ev, evse


async def _until(port, kind):
    while True:
        data = await asyncio.wait_for(port.receive(), TIMEOUT_S)
        if mmtype_of(data) == kind.MMTYPE:
            return parse_as(kind, Frame.parse(data))


async def _key(port):
    port.send(SetKeyReq.of(NID, NMK).frame(LOCAL_MODEM, port.mac))
    return (await _until(port, SetKeyCnf)).result


async def _joined(port):
    """Ask everybody's version until two modems answer."""
    while True:
        port.send(SwVerReq().frame(BROADCAST, port.mac))
        await _until(port, SwVerCnf)
        try:
            async with asyncio.timeout(0.05):
                while mmtype_of(await port.receive()) != SwVerCnf.MMTYPE:
                    pass
            return
        except TimeoutError:
            continue


def test_slac_passes_and_makes_profiles():
    with modem_wire() as wire:
        ev, evse = _sockets(wire)

        async def scenario():
            # A modem knows its host by what it sends.
            evse.send(SwVerReq().frame(LOCAL_MODEM, evse.mac))
            await _until(evse, SwVerCnf)
            ev.send(SOUND.frame(BROADCAST, ev.mac))
            return [await asyncio.wait_for(evse.receive(), TIMEOUT_S) for _ in range(2)]

        with ev, evse:
            sound, profile = asyncio.run(scenario())
        assert sound == SOUND.frame(BROADCAST, ev.mac)
        assert mmtype_of(profile) == 0x6086
        assert Frame.parse(profile).source == wire.modems[1].mac


def test_data_does_not_pass_before_the_key():
    with modem_wire() as wire:
        with wire.ev.inside():
            ev = PacketSocket(wire.ev.interface)
        with wire.evse.inside():
            everything = PacketSocket(wire.evse.interface, EVERY_ETHERTYPE)

        async def scenario():
            ev.send((BROADCAST + ev.mac + b"\x86\xdd").ljust(60, b"\0"))
            ev.send(SOUND.frame(BROADCAST, ev.mac))
            return await asyncio.wait_for(everything.receive(), TIMEOUT_S)

        with ev, everything:
            # Of what was sent one after the other, only the second has come.
            assert asyncio.run(scenario()) == SOUND.frame(BROADCAST, ev.mac)


def test_tcp_passes_after_the_key():
    payload = os.urandom(200_000)
    with modem_wire() as wire:
        ev, evse = _sockets(wire)

        async def scenario():
            assert [await _key(ev), await _key(evse)] == [1, 1]
            await asyncio.wait_for(_joined(ev), TIMEOUT_S)
            with wire.evse.inside():
                index = socket.if_nametoindex(wire.evse.interface)
                listener = socket.create_server((wire.evse.address, 0, 0, index), family=socket.AF_INET6)
            with wire.ev.inside():
                index = socket.if_nametoindex(wire.ev.interface)
                client = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
            port = listener.getsockname()[1]
            received = asyncio.get_running_loop().create_future()

            async def serve(reader, writer):
                received.set_result(await reader.read(-1))
                writer.close()

            client.setblocking(False)
            server = await asyncio.start_server(serve, sock=listener)
            async with server:
                await asyncio.get_running_loop().sock_connect(client, (wire.evse.address, port, 0, index))
                _, writer = await asyncio.open_connection(sock=client)
                writer.write(payload)
                writer.write_eof()
                done = await asyncio.wait_for(received, TIMEOUT_S)
                writer.close()
                await writer.wait_closed()
            return done

        with ev, evse:
            # Larger than a segment: nothing may be left for a network card to cut or to compute.
            assert asyncio.run(scenario()) == payload


def test_delayed_frames_come_in_time():
    with modem_wire(line=LineOptions(delay_ms=20)) as wire:
        ev, evse = _sockets(wire)

        async def scenario():
            loop = asyncio.get_running_loop()
            begin = loop.time()
            ev.send(SOUND.frame(BROADCAST, ev.mac))
            await asyncio.wait_for(evse.receive(), TIMEOUT_S)
            return loop.time() - begin

        with ev, evse:
            # An event loop's timer may come a millisecond early: that is how finely it waits.
            assert asyncio.run(scenario()) >= 0.019


def test_several_cars_and_chargers():
    with modem_wire(cars=2, chargers=2) as wire:
        assert (len(wire.cars), len(wire.chargers), len(wire.modems)) == (2, 2, 4)
        found = {station.namespace for station in (*wire.cars, *wire.chargers)}
        assert len(found) == 4
        for station in (*wire.cars, *wire.chargers):
            with station.inside():
                assert usable_link_local(station.interface).address == station.address


def test_everything_is_gone_afterwards():
    with modem_wire() as wire:
        namespaces = {wire.ev.namespace, wire.evse.namespace}
        listed = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=True).stdout
        assert all(name in listed for name in namespaces)
        ends = {wire.ev.interface + veth.MODEM_END, wire.evse.interface + veth.MODEM_END}
    listed = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=True).stdout
    assert not any(name in listed for name in namespaces)
    links = subprocess.run(["ip", "-o", "link"], capture_output=True, text=True, check=True).stdout
    assert not any(name in links for name in ends)


def test_an_interface_that_goes_ends_the_segment():
    with plain_wire() as wire:
        line = Powerline(random.Random(0).randbytes)
        one = line.attach(modem(1))

        async def scenario():
            async with Segment(line, [(one, wire.ev.interface)]) as segment:
                subprocess.run(["ip", "link", "delete", wire.ev.interface], check=True)
                await asyncio.wait_for(segment.failed, TIMEOUT_S)

        with wire.ev.inside(), pytest.raises(InterfaceError, match=wire.ev.interface):
            asyncio.run(scenario())


class Flooded:
    """A port at which there is always a frame, up to a number of them."""

    def __init__(self, port):
        self._port, self.taken = port, 0
        self.frame = (BROADCAST + b"\2\0\0\0\0\1" + b"\x86\xdd").ljust(60, b"\0")

    def gettimeout(self):
        return 0.0

    def recvfrom(self, _room):
        if self.taken >= 20_000:
            raise OSError(errno.ENETDOWN, "the flood is over")
        self.taken += 1
        return self.frame, ("", 0, 0, 1, b"")

    def __getattr__(self, name):
        return getattr(self._port, name)


def test_a_flood_at_one_port_leaves_the_others_and_timers_their_turn():
    with modem_wire() as wire, wire.ev.inside():
        line = Powerline(random.Random(0).randbytes)
        one = line.attach(modem(1))

        async def scenario():
            segment = Segment(line, [(one, wire.ev.interface)])
            port = next(iter(segment._sockets.values()))
            flood = Flooded(port._socket)
            port._socket = flood  # type: ignore[assignment]
            async with segment:
                fired = asyncio.Event()
                asyncio.get_running_loop().call_later(0, fired.set)
                await asyncio.wait_for(fired.wait(), TIMEOUT_S)
                return flood.taken

        assert asyncio.run(scenario()) <= 10 * FRAMES_A_TURN


def test_a_port_that_is_not_there():
    with pytest.raises(NoSuchInterfaceError, match=r"v2gnone: no such interface"):
        Segment(Powerline(random.Random(0).randbytes), [(modem(1), "v2gnone")])


def test_names_that_cannot_be():
    assert not missing()
    with pytest.raises(veth.VethError, match="a name has 1 to 13 characters"):
        veth.create("fourteen-chars")
    with pytest.raises(veth.VethError, match=r"v2gtestx: .*no-such-namespace"):
        veth.create("v2gtestx", "no-such-namespace")
    with pytest.raises(NoSuchInterfaceError):
        usable_link_local("v2gtestx")


def test_not_root(monkeypatch):
    monkeypatch.setattr("v2g.modem.veth.os.geteuid", lambda: 1000)
    with pytest.raises(veth.VethError, match=r"^v2gx: making interfaces needs root$"):
        veth.create("v2gx")


def test_without_ip(monkeypatch):
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(veth.VethError, match=r"the program 'ip' \(package iproute2\) is missing"):
        veth.create("v2gx")


def test_link_local_addresses():
    assert veth.link_local_of(bytes.fromhex("00b052000010")) == "fe80::2b0:52ff:fe00:10"


def test_what_a_killed_run_left_is_removed():
    ended = subprocess.Popen(["true"])
    ended.wait()
    name, interface = f"v2gtest-{ended.pid}-0", f"vt{ended.pid}z0"
    subprocess.run(["ip", "netns", "add", name], check=True)
    subprocess.run(
        ["ip", "link", "add", interface, "type", "veth", "peer", "name", f"{interface}p"], check=True
    )
    with plain_wire():
        sweep()
    listed = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=True).stdout
    assert name not in listed
    with pytest.raises(NoSuchInterfaceError):
        interface_index(interface)
