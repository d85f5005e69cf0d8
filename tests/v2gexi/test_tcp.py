"""TCP streams: whatever order, repetition and cut of the segments, the bytes come out as they went in."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from tests.v2gexi import wire
from v2gexi import packets, pcap, tcp


def _segments(frames: list[bytes]) -> list[packets.Segment]:
    found = [packets.segment_of(packet) for packet in pcap.read(wire.pcap(frames))]
    return [segment for segment in found if segment is not None]


def _cut(data: bytes, size: int) -> list[tuple[int, bytes]]:
    return [(at, data[at : at + size]) for at in range(0, len(data), size)]


@given(
    st.binary(min_size=1, max_size=300),
    st.integers(1, 60),
    st.integers(0, 0xFFFFFFFF),
    st.integers(0, 1 << 30),
)
def test_out_of_order_repeated_and_overlapping(data, size, first, seed):
    random = Random(seed)
    pieces = _cut(data, size) + _cut(data, size + 3)
    # Neighbours change places, as they do on a network.
    order = sorted(range(len(pieces)), key=lambda at: at + random.randint(0, 3))
    frames = [wire.tcp(flags=wire.SYN, sequence=first)]
    frames += [wire.tcp(pieces[at][1], first + 1 + pieces[at][0]) for at in order]
    (stream,) = tcp.assemble(_segments(frames))
    assert stream.whole
    assert stream.opened
    assert [run.data for run in stream.runs] == [data]


def test_both_directions_of_two_connections():
    frames = [
        wire.tcp(flags=wire.SYN, sequence=9),
        wire.tcp(flags=wire.SYN | wire.ACK, sequence=99, back=True),
        wire.tcp(b"question", 10),
        wire.tcp(flags=wire.SYN, sequence=500, car_port=7),
        wire.tcp(b"answer", 100, back=True),
        wire.tcp(b"other", 501, car_port=7),
    ]
    streams = tcp.assemble(_segments(frames))
    assert [(each.connection, each.opened, each.runs[0].data) for each in streams] == [
        (1, True, b"question"),
        (1, False, b"answer"),
        (2, True, b"other"),
    ]


def test_the_same_ports_again_are_a_new_connection_and_a_repeated_syn_is_not():
    frames = [
        wire.tcp(flags=wire.SYN, sequence=9),
        wire.tcp(flags=wire.SYN, sequence=9),
        wire.tcp(b"one", 10),
        wire.tcp(flags=wire.SYN, sequence=7000),
        wire.tcp(b"two", 7001),
    ]
    streams = tcp.assemble(_segments(frames))
    assert [(each.connection, each.runs[0].data) for each in streams] == [(1, b"one"), (2, b"two")]


def test_a_gap_begins_a_new_run():
    frames = [wire.tcp(flags=wire.SYN, sequence=0), wire.tcp(b"abc", 1), wire.tcp(b"ghi", 7)]
    (stream,) = tcp.assemble(_segments(frames))
    assert [(run.offset, run.data) for run in stream.runs] == [(0, b"abc"), (6, b"ghi")]


def test_a_keep_alive_adds_nothing():
    frames = [wire.tcp(b"abc", 1), wire.tcp(b"\0", 3), wire.tcp(b"def", 4)]
    (stream,) = tcp.assemble(_segments(frames))
    assert [run.data for run in stream.runs] == [b"abcdef"]
    assert not stream.whole


def test_with_which_packet_bytes_were_complete():
    frames = [
        wire.tcp(flags=wire.SYN, sequence=0),
        wire.tcp(b"def", 4),
        wire.tcp(b"abc", 1),
        wire.tcp(b"ghi", 7),
    ]
    ((run,),) = [stream.runs for stream in tcp.assemble(_segments(frames))]
    assert run.last_packet(0, 3).number == 3
    assert run.last_packet(3, 6).number == 2
    assert run.last_packet(2, 4).number == 3
    assert run.last_packet(0, 9).number == 4
