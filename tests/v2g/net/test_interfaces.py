from __future__ import annotations

import asyncio
import socket
import subprocess
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.v2g.netns import needs_netns, plain_wire
from v2g.modem.veth import link_local_of
from v2g.net.interfaces import (
    InterfaceDownError,
    InterfaceError,
    LinkLocal,
    NetworkError,
    NoLinkLocalError,
    NoSuchInterfaceError,
    interface_index,
    is_up,
    link_local,
    mac_address,
    mtu,
    usable_link_local,
    wait_link_local,
)

ADDRESS = "fe800000000000000280e1fffe000001"
TEXT = "fe80::280:e1ff:fe00:1"


@pytest.fixture
def table(tmp_path):
    """Writes the kernel's list of addresses, for the loopback interface's number."""
    index = interface_index("lo")

    def write(*rows):
        path = tmp_path / "if_inet6"
        path.write_text("".join(row.replace("IDX", f"{index:02x}") + "\n" for row in rows))
        return path

    return write


def test_unknown_interface():
    for ask in (interface_index, mac_address, mtu, is_up, link_local, usable_link_local):
        with pytest.raises(NoSuchInterfaceError, match=r"^v2gnone: no such interface"):
            ask("v2gnone")
        with pytest.raises(NoSuchInterfaceError):
            ask("a-name-that-is-much-too-long")
    assert issubclass(InterfaceError, NetworkError)


def test_loopback():
    assert interface_index("lo") == socket.if_nametoindex("lo")
    assert mac_address("lo") == bytes(6)
    assert mtu("lo") == 65536
    assert is_up("lo")


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ("80", LinkLocal(TEXT, 0)),
        ("c0", LinkLocal(TEXT, 0, tentative=True)),
        ("c4", LinkLocal(TEXT, 0)),  # optimistic: may be used while it is tentative (RFC 4429)
        ("c8", LinkLocal(TEXT, 0, tentative=True, duplicate=True)),
    ],
)
def test_flags(table, flags, expected):
    found = link_local("lo", table(f"{ADDRESS} IDX 40 20 {flags}       lo"))
    assert found is not None
    assert (found.address, found.tentative, found.duplicate) == (
        expected.address,
        expected.tentative,
        expected.duplicate,
    )
    assert found.index == interface_index("lo")


def test_only_this_interface_and_only_link_scope(table):
    path = table(
        f"{ADDRESS} ff 40 20 80     lo",
        "20010db8000000000000000000000001 IDX 40 00 80 lo",
        "nonsense",
        "zz IDX 40 20 80 lo",
    )
    assert link_local("lo", path) is None
    with pytest.raises(NoLinkLocalError, match="no IPv6 link-local address"):
        usable_link_local("lo", path)


def test_a_usable_address_comes_first(table):
    other = "fe800000000000000000000000000002"
    found = link_local("lo", table(f"{ADDRESS} IDX 40 20 c0 lo", f"{other} IDX 40 20 80 lo"))
    assert found is not None
    assert found.address == "fe80::2"


def test_what_cannot_be_used(table):
    with pytest.raises(NoLinkLocalError, match=f"lo: the link-local address {TEXT} is still tentative"):
        usable_link_local("lo", table(f"{ADDRESS} IDX 40 20 c0 lo"))
    with pytest.raises(NoLinkLocalError, match=f"lo: another station has the link-local address {TEXT}"):
        usable_link_local("lo", table(f"{ADDRESS} IDX 40 20 c8 lo"))


def test_no_ipv6(tmp_path):
    with pytest.raises(NoLinkLocalError, match="this kernel has no IPv6"):
        link_local("lo", tmp_path / "none")


@given(st.text(alphabet=st.characters(max_codepoint=127)))
def test_any_table(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("table") / "if_inet6"
    path.write_text(text)
    found = link_local("lo", path)
    assert found is None or found.index == interface_index("lo")


@needs_netns
def test_in_a_namespace():
    with plain_wire() as wire:
        with wire.ev.inside():
            name = wire.ev.interface
            found = usable_link_local(name)
            assert found.address == wire.ev.address == link_local_of(mac_address(name))
            assert (mtu(name), is_up(name)) == (1500, True)
        with pytest.raises(NoSuchInterfaceError):
            interface_index(wire.ev.interface)


@needs_netns
def test_down():
    with plain_wire() as wire, wire.ev.inside():
        subprocess.run(["ip", "link", "set", wire.ev.interface, "down"], check=True)
        with pytest.raises(
            InterfaceDownError, match=rf"{wire.ev.interface}: the interface is down; 'ip link"
        ):
            usable_link_local(wire.ev.interface)


@needs_netns
def test_waiting_for_an_address_that_comes():
    with plain_wire() as wire, wire.ev.inside():
        name = wire.ev.interface
        subprocess.run(["ip", "address", "flush", "dev", name], check=True)

        async def scenario():
            task = asyncio.create_task(wait_link_local(name, 30))
            await asyncio.sleep(0)
            assert not task.done()
            # A thread is in the namespace of the thread that starts it.
            adds = ["ip", "address", "add", f"{wire.ev.address}/64", "dev", name, "nodad"]
            thread = threading.Thread(target=subprocess.run, args=(adds,))
            thread.start()
            found = await task
            thread.join()
            return found

        assert asyncio.run(scenario()).address == wire.ev.address


@needs_netns
def test_waiting_in_vain():
    with plain_wire() as wire, wire.ev.inside():
        subprocess.run(["ip", "address", "flush", "dev", wire.ev.interface], check=True)
        with pytest.raises(NoLinkLocalError, match="no IPv6 link-local address"):
            asyncio.run(wait_link_local(wire.ev.interface, 0.05))
