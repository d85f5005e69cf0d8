"""Capture files and packets: what is built by hand is read back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.v2gexi import wire
from v2gexi import packets, pcap

FRAMES = st.lists(st.binary(max_size=40), max_size=5)


@given(FRAMES, st.sampled_from("<>"), st.booleans())
def test_pcap_in_both_orders_and_units(frames, order, nanoseconds):
    read = list(pcap.read(wire.pcap(frames, 113, order=order, nanoseconds=nanoseconds)))
    assert [packet.data for packet in read] == frames
    assert [packet.time for packet in read] == [1000 * 10**9 + at * 10**6 for at in range(len(frames))]
    assert [packet.number for packet in read] == list(range(1, len(frames) + 1))
    assert {packet.link_type for packet in read} <= {113}


@given(FRAMES, st.sampled_from("<>"), st.sampled_from([None, 3, 6, 9, 0x80 | 10]))
def test_pcapng_in_both_orders_and_units(frames, order, unit):
    read = list(pcap.read(wire.pcapng(frames, 276, order=order, unit=unit)))
    assert [packet.data for packet in read] == frames
    exact = [1000 * 10**9 + at * 10**6 for at in range(len(frames))]
    assert all(abs((packet.time or 0) - time) < 10**6 for packet, time in zip(read, exact, strict=True))
    assert {packet.link_type for packet in read} <= {276}


def test_pcapng_offsets_sections_and_other_blocks():
    one = wire.pcapng([b"abcd"], 1)
    other = wire.pcapng([b"ef"], 101, order=">")
    unknown = wire.block("<", 0xBAD, b"1234")
    simple = wire.block("<", 3, (4).to_bytes(4, "little") + b"wxyz")
    read = list(pcap.read(one + unknown + simple + other))
    assert [(packet.number, packet.link_type, packet.data) for packet in read] == [
        (1, 1, b"abcd"),
        (2, 1, b"wxyz"),
        (3, 101, b"ef"),
    ]
    assert read[1].time is None
    assert all((one + unknown + simple + other)[packet.offset + 4 :] for packet in read)


def test_time_offset_of_an_interface():
    option = (14).to_bytes(2, "little") + (8).to_bytes(2, "little") + (3600).to_bytes(8, "little")
    section = wire.pcapng([])[:28]
    interface = wire.block("<", 1, (1).to_bytes(2, "little") + bytes(6) + option)
    packet = wire.block("<", 6, bytes(12) + (1).to_bytes(4, "little") * 2 + b"a\0\0\0")
    assert [each.time for each in pcap.read(section + interface + packet)] == [3600 * 10**9]


@pytest.mark.parametrize("build", [wire.pcap, wire.pcapng])
def test_a_cut_file_yields_what_is_whole(build):
    whole = build([b"first packet", b"second packet"])
    cut = whole[:-3]
    found = pcap.read(cut)
    assert next(found).data == b"first packet"
    with pytest.raises(pcap.CaptureError, match="ends within") as caught:
        next(found)
    assert caught.value.offset < len(cut)


def test_damage_is_named():
    with pytest.raises(pcap.CaptureError, match="neither pcap nor pcapng"):
        pcap.read(b"GIF89a")
    with pytest.raises(pcap.CaptureError, match="cannot be"):
        list(pcap.read(wire.pcapng([]) + b"\x06\0\0\0\x05\0\0\0xxxx"))
    with pytest.raises(pcap.CaptureError, match="contradicts itself"):
        list(pcap.read(wire.pcapng([])[:28] + wire.block("<", 6, bytes(20))))
    huge = wire.pcap([]) + (1).to_bytes(4, "little") * 2 + (1 << 30).to_bytes(4, "little") * 2
    with pytest.raises(pcap.CaptureError, match="is above"):
        list(pcap.read(huge))


@given(st.binary(max_size=200))
def test_any_bytes_after_a_header_are_read_or_refused(rest):
    for start in (wire.pcap([]), wire.pcapng([])):
        try:
            for packet in pcap.read(start + rest):
                packets.segment_of(packet)
        except pcap.CaptureError:
            pass


def _segment(link_type: int, data: bytes) -> packets.Segment | None:
    return packets.segment_of(pcap.Packet(1, 0, link_type, data, 0))


TCP = wire.tcp(b"payload", 77)
IPV6 = TCP[14:]


@pytest.mark.parametrize(
    ("link_type", "data"),
    [
        (1, TCP),
        (1, TCP + b"padding"),
        (1, wire.ethernet(IPV6, tags=b"\x81\0\0\x05")),
        (1, wire.ethernet(IPV6, tags=b"\x88\xa8\0\x05\x81\0\0\x05")),
        (101, IPV6),
        (229, IPV6),
        (0, b"\x1e\0\0\0" + IPV6),
        (113, bytes(14) + b"\x86\xdd" + IPV6),
        (276, b"\x86\xdd" + bytes(18) + IPV6),
        (101, IPV6[:6] + b"\0\xff" + IPV6[8:40] + b"\x06\0" + bytes(6) + IPV6[40:]),
    ],
    ids=["plain", "padded", "vlan", "qinq", "raw", "ipv6", "loopback", "cooked", "cooked2", "hop-by-hop"],
)
def test_link_layers(link_type, data):
    if link_type == 101 and data is not IPV6 and data[6] == 0:
        data = data[:4] + (len(data) - 40).to_bytes(2, "big") + data[6:]
    found = _segment(link_type, data)
    assert found is not None
    assert (found.data, found.sequence, found.flags) == (b"payload", 77, wire.ACK)
    assert str(found.source) == "[fe80::1]:50000"
    assert str(found.destination) == "[fe80::2]:61000"


def test_ipv4_and_udp():
    found = _segment(1, wire.ethernet(wire.ipv4(6, IPV6[40:]), 0x0800))
    assert found is not None
    assert (str(found.source), found.data) == ("10.0.0.1:50000", b"payload")
    found = _segment(1, wire.udp(b"\x01\xfe", (4000, 15118)))
    assert found is not None
    assert (found.flags, found.data, found.destination.port) == (None, b"\x01\xfe", 15118)


def test_what_is_no_segment():
    assert _segment(1, wire.ethernet(IPV6, 0x88E1)) is None  # HomePlug
    assert _segment(1, TCP[:30]) is None
    assert _segment(105, TCP) is None
    fragment = bytearray(wire.ipv4(6, IPV6[40:]))
    fragment[6] = 0x20
    assert _segment(101, bytes(fragment)) is None
