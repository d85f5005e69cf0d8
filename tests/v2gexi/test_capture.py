"""V2GTP out of captures: recorded ones, and built ones with what goes wrong on networks."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from tests.v2gexi import vectors, wire
from v2gexi import capture, pcap, sessions, v2gtp

DATA = Path(__file__).with_name("data")
ABB = "2022-11-25_v0.2_ABB_until_ChargeParamDiscovery.pcapng"
POLESTAR = "2024-06-11_Griffigroen_polestar2_stop_in_precharge.pcapng"
SDP_ONLY = "2022-11-17_Dehner_Alpitronic_until_SdpRequest.pcapng"
REQUEST = bytes.fromhex("8000dbab9371d3234b71d1b981899189d191818991d26b9b3a232b30020000040040")
ANSWER = bytes.fromhex("80400040")


def _names(file: str) -> list[str]:
    reader = sessions.Sessions()
    names = []
    for frame in capture.read((DATA / file).read_bytes()).frames:
        if frame.payload_type >= v2gtp.PayloadType.SDP_REQUEST:
            names.append(next(iter(v2gtp.sdp(v2gtp.Frame(frame.payload_type, frame.payload)))))
            continue
        found = reader.decode(frame.payload, frame.payload_type, frame.connection)
        assert not found.error
        assert not found.note
        names.append(f"{found.message_set} {sessions.name_of(found.message)}")
        assert frame.from_car is names[-1].endswith("Req")
    return names


def test_abb():
    assert _names(ABB) == [
        "SECCDiscoveryReq",
        "SECCDiscoveryRes",
        "app supportedAppProtocolReq",
        "app supportedAppProtocolRes",
        "din SessionSetupReq",
        "din SessionSetupRes",
        "din ServiceDiscoveryReq",
        "din ServiceDiscoveryRes",
        "din ServicePaymentSelectionReq",
        "din ServicePaymentSelectionRes",
        "din ChargeParameterDiscoveryReq",
    ]


def test_polestar_asks_and_is_answered_each_time():
    names = _names(POLESTAR)
    assert len(names) == 54
    assert [name.removesuffix("Req") for name in names[::2]] == [
        name.removesuffix("Res") for name in names[1::2]
    ]
    assert names[-1] == "din SessionStopRes"


def test_time_and_place():
    frame = capture.read((DATA / ABB).read_bytes()).frames[4]
    assert (frame.packet, frame.offset, frame.connection) == (450, 42, 1)
    assert frame.time == 1669371820_945817000
    assert (DATA / ABB).read_bytes()[frame.file_offset :][:4] == b"\x06\0\0\0"


def test_every_vector_recorded_there_is_found():
    known = {vector.payload for vector in vectors.load() if vector.message_set in ("app", "din")}
    for file in (ABB, POLESTAR):
        frames = capture.read((DATA / file).read_bytes()).frames
        assert len(known & {frame.payload for frame in frames}) >= 4


def test_only_a_request():
    found = capture.read((DATA / SDP_ONLY).read_bytes())
    assert [(frame.payload_type, frame.from_car) for frame in found.frames] == [(0x9000, True)]


def _stream(
    data: bytes, cuts: tuple[int, ...] = (), drop: int | None = None, syn: bool = True
) -> capture.Capture:
    """A connection on which the car sends some bytes, cut there; one segment can be lost to the capture."""
    ends = (0, *cuts, len(data))
    pieces = list(pairwise(ends))
    frames = [wire.tcp(flags=wire.SYN, sequence=0)] if syn else []
    frames += [wire.tcp(data[a:b], 1 + a) for at, (a, b) in enumerate(pieces) if at != drop]
    return capture.read(wire.pcap(frames))


FRAME = v2gtp.pack(REQUEST)


@pytest.mark.parametrize("at", range(1, len(FRAME) * 2, 7))
def test_a_frame_in_two_segments_and_two_in_one(at):
    found = _stream(FRAME + FRAME, (at,))
    assert [frame.payload for frame in found.frames] == [REQUEST, REQUEST]
    assert [frame.offset for frame in found.frames] == [0, len(FRAME)]
    assert [frame.packet for frame in found.frames] == [2 if at >= len(FRAME) else 3, 3]


def test_a_lost_segment_costs_only_its_frames():
    size = len(FRAME)
    found = _stream(FRAME * 4, (size + 5, size * 2 + 5, size * 3), drop=1)
    assert [frame.problem for frame in found.frames] == [
        "",
        "5 bytes are less than a V2GTP header",
        f"{size - 5} bytes of a frame's end: the capture lacks what comes before",
        "",
    ]
    assert found.notes == [
        f"[fe80::1]:50000 to [fe80::2]:61000: the capture lacks {size} bytes before packet 3"
    ]


def test_a_connection_that_began_before_the_capture():
    found = _stream(FRAME[20:] + FRAME * 2, (len(FRAME) - 20,), syn=False)
    assert found.frames[0].problem == f"{len(FRAME) - 20} bytes of a frame's end: the capture began later"
    assert [(frame.payload, frame.from_car) for frame in found.frames[1:]] == [(REQUEST, None)] * 2


def test_damage_in_a_stream_is_passed_over():
    found = _stream(FRAME + b"\x01\xff damage " + FRAME)
    assert [bool(frame.problem) for frame in found.frames] == [False, True, False]
    assert found.frames[1].problem == "10 bytes: 01ff begins no V2GTP frame, which begins with 01fe"


def test_other_protocols_are_passed_over_and_tls_is_said():
    assert _stream(b"GET / HTTP/1.1\r\n\r\n").frames == []
    assert _stream(b"GET / HTTP/1.1\r\n\r\n").notes == []
    (note,) = _stream(b"\x16\x03\x01\x00\x05hello").notes
    assert (
        note == "connection [fe80::1]:50000 to [fe80::2]:61000 (from packet 2 on) is TLS and cannot be read"
    )


def test_a_link_type_that_is_not_read_is_said():
    assert capture.read(wire.pcap([b"abc"], 105)).notes == ["1 packets of link type 105 passed over"]


def test_a_damaged_file_gives_what_comes_before():
    whole = wire.pcap([wire.tcp(flags=wire.SYN), wire.tcp(FRAME, 1), wire.tcp(FRAME, 1 + len(FRAME))])
    found = capture.read(whole[:-1])
    assert [frame.payload for frame in found.frames] == [REQUEST]
    assert found.problem == "the file ends within a packet"
    with pytest.raises(pcap.CaptureError):
        capture.read(b"no capture")


def test_a_datagram_that_is_no_sdp():
    found = capture.read(
        wire.pcap([wire.udp(b"\x01\xfe\x90", (4000, 15118)), wire.udp(b"hello", (4000, 15118))])
    )
    assert [frame.problem for frame in found.frames] == ["3 bytes are less than a V2GTP header"]
