"""Recordings of the desk's own sessions."""

from __future__ import annotations

import pytest

from tests.v2g.capture import recordings as r
from v2g.desk import tape
from v2g.net.interfaces import LinkLocal, NoSuchInterfaceError
from v2gexi import pcap

MAC = bytes.fromhex("0a0000000001")
OWN, PEER = "fe80::800:ff:fe00:1", "fe80::cff:fe00:2:0"


@pytest.fixture
def interface(monkeypatch):
    monkeypatch.setattr(tape, "mac_address", lambda name: MAC)
    monkeypatch.setattr(tape, "link_local", lambda name: LinkLocal(OWN, 7))


def _read(path):
    return list(pcap.read(path.read_bytes())), r.read_bytes(path.read_bytes())[0]


def test_datagrams_are_recorded(tmp_path, interface):
    path = tmp_path / "it.pcapng"
    taped = tape.Tape(path, "eth7", car=True)
    taped.datagram("[::]:50000", "[ff02::1]:15118", bytes.fromhex("01fe9000000000021000"), True)
    response = "01fe900100000014fe80000000000000000000fffe000002ffff1000"
    taped.datagram("[fe80::12:34ff:fe56:7802]:15118", "[::]:50000", bytes.fromhex(response), False)
    packets, recording = _read(path)
    assert packets[0].data[:12] == bytes.fromhex("333300000001") + MAC
    # The peer's Ethernet address is read from its IPv6 address.
    assert packets[1].data[:12] == MAC + bytes.fromhex("021234567802")
    assert [(event.name, event.source) for event in recording.events] == [
        ("SECCDiscoveryReq", f"[{OWN}]:50000"),
        ("SECCDiscoveryRes", "[fe80::12:34ff:fe56:7802]:15118"),
    ]
    assert [str(event.side) for event in r.read_bytes(path.read_bytes())[1][0].events] == ["car", "station"]


@pytest.mark.parametrize(
    ("peer", "expected"),
    [("fe80::212:34ff:fe56:7802", "001234567802"), ("fe80::1234", "020000000002")],
)
def test_the_peers_ethernet_address(tmp_path, interface, peer, expected):
    path = tmp_path / "it.pcapng"
    taped = tape.Tape(path, "eth7", car=True)
    taped.opened(f"[{OWN}%eth7]:50000", f"[{peer}%eth7]:61000", False)
    packets, _ = _read(path)
    assert packets[0].data[:6].hex() == expected
    assert packets[0].data[6:12] == MAC


def test_an_interface_that_is_gone(tmp_path, monkeypatch):
    def gone(name):
        raise NoSuchInterfaceError(name)

    monkeypatch.setattr(tape, "mac_address", gone)
    path = tmp_path / "it.pcapng"
    taped = tape.Tape(path, "eth7", car=False)
    taped.opened(f"[{OWN}]:61000", f"[{PEER}]:50000", False)
    packets, _ = _read(path)
    assert packets[1].data[6:12].hex() == "020000000002"
