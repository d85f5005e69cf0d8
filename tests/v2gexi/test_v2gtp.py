"""V2GTP frames and SDP."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from v2gexi import v2gtp


@given(st.lists(st.tuples(st.binary(max_size=50), st.sampled_from(list(v2gtp.PayloadType))), max_size=4))
def test_what_is_packed_is_split(frames):
    data = b"".join(v2gtp.pack(payload, kind) for payload, kind in frames)
    assert [(frame.payload, frame.payload_type) for frame in v2gtp.split(data)] == frames


def test_a_frame_by_hand():
    assert v2gtp.pack(b"\x80\x40") == bytes.fromhex("01fe8001000000028040")
    assert v2gtp.header(bytes.fromhex("01fe800400000102")) == (0x8004, 0x102)


@pytest.mark.parametrize(
    ("data", "says", "offset"),
    [
        ("01fe80", "3 bytes are less than a V2GTP header", 0),
        ("01fe80010000000180" + "0201800100000000", "0201 begins no V2GTP frame", 9),
        ("01fe800100000004aabb", "only 2 of the 4 bytes", 0),
        ("01fe800100200000", "2097152 bytes is above 1048576", 0),
    ],
)
def test_what_is_no_frame_is_named_with_its_offset(data, says, offset):
    with pytest.raises(v2gtp.FrameError, match=says) as caught:
        list(v2gtp.split(bytes.fromhex(data)))
    assert caught.value.offset == offset


def test_the_next_frame_is_found_behind_damage():
    frame = v2gtp.pack(b"x", v2gtp.PayloadType.DC)
    assert v2gtp.find(b"\x01\xfe\x12\x34\0\0\0\x01" + b"\x01" + frame) == 9
    assert v2gtp.find(frame, 1) == -1


def test_sdp():
    (request,) = v2gtp.split(bytes.fromhex("01fe9000000000021000"))
    assert v2gtp.sdp(request) == {"SECCDiscoveryReq": {"Security": "none", "TransportProtocol": "TCP"}}
    (answer,) = v2gtp.split(bytes.fromhex("01fe900100000014fe80000000000000000000000000000ad0010010"))
    assert v2gtp.sdp(answer) == {
        "SECCDiscoveryRes": {
            "Address": "fe80::a",
            "Port": 53249,
            "Security": "TLS",
            "TransportProtocol": "UDP",
        }
    }
    with pytest.raises(v2gtp.FrameError, match="type 9000 with 3 bytes"):
        v2gtp.sdp(v2gtp.Frame(0x9000, b"abc"))
