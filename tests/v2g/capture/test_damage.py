"""Damaged, cut and foreign files: never an exception, and what can be read is."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.v2g.capture import recordings as r
from v2g.capture.tables import csv_lines, json_lines
from v2g.capture.timeline import Timeline
from v2gexi import pcap


def _use(content: bytes) -> None:
    recording, sessions = r.read_bytes(content)
    list(Timeline(recording, sessions).lines("x"))
    list(Timeline(recording, sessions, everything=True, secrets=True).lines("x"))
    list(json_lines(recording, sessions))
    list(csv_lines(recording, sessions))


@pytest.mark.parametrize("name", [r.TAYCAN, r.DEHNER, r.POLESTAR])
def test_a_file_that_was_cut_anywhere(name):
    content = r.data(name)
    whole = r.read(name)[0].packets
    # The headers at the beginning byte by byte, what follows at some places.
    for end in [*range(28, 600), *range(600, len(content), 997)]:
        recording, _ = r.read_bytes(content[:end])
        assert recording.packets <= whole
        assert not recording.problem or recording.problem_offset <= end
    assert r.read_bytes(content[:-5])[0].packets == whole - 1 or r.read_bytes(content[:-5])[0].problem


def test_a_cut_says_where_and_keeps_what_came_before():
    content = r.data(r.IONIQ)
    recording, sessions = r.read_bytes(content[: len(content) // 2])
    assert recording.problem == "the file ends within a block"
    assert 0 < recording.problem_offset <= len(content) // 2
    assert [event.name for event in recording.events if event.name == "CM_SLAC_MATCH.CNF"]
    assert len(sessions) == 1


@pytest.mark.parametrize("content", [b"", b"\0", b"hello, world", b"\x7fELF" + bytes(100)])
def test_what_is_no_capture(content):
    with pytest.raises(pcap.CaptureError, match="neither pcap nor pcapng"):
        r.read_bytes(content)


@pytest.mark.parametrize("name", [r.TAYCAN, r.WP4, r.POLESTAR, r.ABB])
@pytest.mark.parametrize("seed", range(12))
def test_bits_that_fell_over(name, seed):
    chance = random.Random(seed)
    content = bytearray(r.data(name))
    for _ in range(60):
        content[chance.randrange(200, len(content))] ^= 1 << chance.randrange(8)
    _use(bytes(content))


@given(st.lists(st.binary(max_size=120), max_size=12), st.sampled_from([1, 113, 276, 101, 0, 147]))
@settings(max_examples=150, deadline=None)
def test_packets_of_any_content(frames, link_type):
    from tests.v2gexi import wire

    _use(wire.pcap(frames, link_type))


_ETHERTYPES = st.sampled_from([b"\x88\xe1", b"\x86\xdd", b"\x08\x00"])


@given(st.lists(st.tuples(_ETHERTYPES, st.binary(max_size=100)), max_size=12))
@settings(max_examples=150, deadline=None)
def test_packets_that_look_like_ours(frames):
    from tests.v2gexi import wire

    _use(wire.pcap([bytes(12) + kind + rest for kind, rest in frames]))


@given(payloads=st.lists(st.binary(max_size=60), min_size=1, max_size=8))
@settings(max_examples=100, deadline=None)
def test_messages_of_any_content(tmp_path_factory, payloads):
    build = r.Builder(tmp_path_factory.mktemp("x") / "built.pcapng")
    build.connect()
    for number, payload in enumerate(payloads):
        build.payload(number % 2 == 0, payload)
    build.writer.close()
    _use(build.path.read_bytes())


def test_log_lines_cannot_steer_the_terminal(build):
    build.udp(True, b"<14>\x1b[2J red \x07 alarm\0", 514)
    recording, sessions = build.read()
    lines = "\n".join(Timeline(recording, sessions, everything=True).lines("x"))
    assert "\x1b" not in lines
    assert "\x07" not in lines
    assert "[2J red" in lines
