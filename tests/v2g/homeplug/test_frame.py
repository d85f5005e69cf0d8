from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.v2g.slac.rig import captured
from v2g.homeplug.frame import (
    BROADCAST,
    LOCAL_MODEM,
    LUMISSIL_OUI,
    MIN_BYTES,
    QUALCOMM_OUI,
    VENDOR_TYPES,
    Frame,
    FrameError,
    address_of,
    address_text,
    mmtype_of,
)

HOST = bytes.fromhex("dc0ea1116708")
# VS_SW_VER.REQ as a Windows host sent it, and CM_SLAC_PARM.REQ.
SW_VER = bytes.fromhex("ffffffffffff dc0ea1116708 88e1 00 00a0 00b052").ljust(60, b"\0")
PARM = bytes.fromhex("ffffffffffff dc0ea1116708 88e1 01 6460 0000 0000 dc0ea11167080000").ljust(60, b"\0")

addresses = st.binary(min_size=6, max_size=6)


@st.composite
def frames(draw):
    mmv = draw(st.sampled_from((0, 1, 2)))
    mmtype = draw(st.integers(0, 0xFFFF))
    oui = draw(st.binary(min_size=3, max_size=3)) if mmtype in VENDOR_TYPES else b""
    fragments = draw(st.integers(0, 15)) if mmv else 0
    return Frame(
        draw(addresses),
        draw(addresses),
        mmtype,
        draw(st.binary(max_size=1490)),
        mmv,
        oui,
        fragments,
        draw(st.integers(0, fragments)),
        draw(st.integers(0, 255)) if mmv else 0,
    )


def test_a_header_without_fragment_bytes_and_with_an_oui():
    frame = Frame.parse(SW_VER)
    assert (frame.mmv, frame.mmtype, frame.oui) == (0, 0xA000, QUALCOMM_OUI)
    assert frame.payload == bytes(40)
    assert frame.payload_offset == 20
    assert Frame(BROADCAST, HOST, 0xA000, b"", 0, QUALCOMM_OUI).pack() == SW_VER


def test_a_header_with_fragment_bytes():
    frame = Frame.parse(PARM)
    assert (frame.destination, frame.source, frame.mmv, frame.mmtype, frame.oui) == (
        BROADCAST,
        HOST,
        1,
        0x6064,
        b"",
    )
    assert frame.payload[:10] == bytes.fromhex("0000 dc0ea11167080000")
    assert frame.payload_offset == 19
    assert Frame(BROADCAST, HOST, 0x6064, frame.payload[:10]).pack() == PARM


def test_fragment_numbers():
    data = Frame(BROADCAST, HOST, 0x6000, b"x", 1, b"", 5, 3, 200).pack()
    assert data[17:19] == bytes((0x35, 200))
    frame = Frame.parse(data)
    assert (frame.fragments, frame.fragment, frame.sequence) == (5, 3, 200)


@pytest.mark.parametrize("file", ["slac-ioniq.txt", "slac-model-y.txt", "slac-alpitronic.txt"])
def test_captured_frames_are_packed_as_they_were(file):
    for _, data in captured(file):
        assert Frame.parse(data).pack() == data


@given(frames())
def test_what_is_packed_is_read_again(frame):
    data = frame.pack()
    assert len(data) >= MIN_BYTES
    again = Frame.parse(data)
    assert again.payload.startswith(frame.payload)
    assert not any(again.payload[len(frame.payload) :])
    assert mmtype_of(data) == frame.mmtype
    assert (
        Frame(
            again.destination,
            again.source,
            again.mmtype,
            frame.payload,
            again.mmv,
            again.oui,
            again.fragments,
            again.fragment,
            again.sequence,
        )
        == frame
    )


@given(st.binary(max_size=80) | st.binary(max_size=60).map(lambda tail: PARM[:14] + tail))
def test_any_bytes_are_a_frame_or_a_frame_error(data):
    try:
        frame = Frame.parse(data)
    except FrameError as refused:
        error: FrameError | None = refused
    else:
        error = None
        assert frame.pack() == data.ljust(MIN_BYTES, b"\0")
    assert error is None or 0 <= error.offset <= len(data)


@pytest.mark.parametrize(
    ("data", "text", "offset"),
    [
        (b"", "0 bytes; the headers alone are 17", 0),
        (PARM[:16], "16 bytes; the headers alone are 17", 16),
        (PARM[:12] + b"\x86\xdd" + PARM[14:], "EtherType 0x86dd; HomePlug has 0x88e1", 12),
        (PARM[:14] + b"\x03" + PARM[15:], "MMV 3: 0, 1 and 2 are defined", 14),
        (PARM[:18], "ends before its fragment bytes", 18),
        (PARM[:17] + b"\x21" + PARM[18:], "fragment 2 of a message with 1", 17),
        (SW_VER[:19], "ends before the vendor's OUI", 19),
    ],
)
def test_what_is_no_frame_is_refused_with_its_place(data, text, offset):
    with pytest.raises(FrameError) as caught:
        Frame.parse(data)
    assert caught.value.reason == text
    assert caught.value.offset == offset
    assert str(caught.value) == f"{text} (byte {offset})"


@pytest.mark.parametrize(
    "frame",
    [
        Frame(b"\x01", HOST, 0x6064, b""),
        Frame(HOST, HOST + b"\0", 0x6064, b""),
        Frame(HOST, HOST, 0x6064, b"", 3),
        Frame(HOST, HOST, 0x10000, b""),
        Frame(HOST, HOST, -1, b""),
        Frame(HOST, HOST, 0xA000, b"", 0),
        Frame(HOST, HOST, 0x6064, b"", 1, LUMISSIL_OUI),
        Frame(HOST, HOST, 0x6064, b"", 1, b"", 16, 0),
        Frame(HOST, HOST, 0x6064, b"", 1, b"", 1, 2),
        Frame(HOST, HOST, 0x6064, b"", 1, b"", 0, 0, 256),
        Frame(HOST, HOST, 0x6064, bytes(1496)),
    ],
)
def test_a_frame_that_no_ethernet_frame_can_hold_is_refused(frame):
    with pytest.raises(FrameError):
        frame.pack()


def test_the_longest_frame():
    data = Frame(HOST, HOST, 0x6064, bytes(1495)).pack()
    assert len(data) == 1514


def test_a_payload_is_not_shown():
    assert "secret" not in repr(Frame(HOST, HOST, 0x6008, b"secret"))


def test_mmtype_of_other_traffic_is_none():
    assert mmtype_of(PARM[:16]) is None
    assert mmtype_of(PARM[:12] + b"\x86\xdd" + PARM[14:]) is None


def test_addresses_as_text():
    assert address_text(LOCAL_MODEM) == "00:B0:52:00:00:01"
    for text in ("00:b0:52:00:00:01", "00-B0-52-00-00-01", "00B052000001"):
        assert address_of(text) == LOCAL_MODEM
    for text in ("", "00:b0:52:00:00", "00:b0:52:00:00:01:02", "00:b0:52:00:00:zz"):
        with pytest.raises(ValueError, match="no Ethernet address"):
            address_of(text)
