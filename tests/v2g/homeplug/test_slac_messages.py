from __future__ import annotations

import dataclasses
import typing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.v2g.slac.rig import DATA, captured
from v2g.homeplug import slac
from v2g.homeplug.frame import BROADCAST, Frame, FrameError
from v2g.homeplug.message import parse_as
from v2g.homeplug.mmtypes import mmtype
from v2g.homeplug.slac import (
    MESSAGES,
    AmpMapReq,
    AttenCharInd,
    AttenCharRsp,
    AttenProfileInd,
    GetKeyCnf,
    GetKeyReq,
    MnbcSoundInd,
    SetKeyCnf,
    SetKeyReq,
    SlacMatchCnf,
    SlacMatchReq,
    SlacParmCnf,
    SlacParmReq,
    StartAttenCharInd,
    ValidateCnf,
    ValidateReq,
    message_of,
)

HOST = bytes.fromhex("dc0ea1116708")
CAPTURES = sorted(path.name for path in DATA.glob("slac-*.txt"))
_VARIABLE = {AttenCharInd, AttenProfileInd, AmpMapReq}


def _items(kind):
    """Lengths of the byte fields, and widths of the numbers, in the order of the layout."""
    zero = kind.LAYOUT.unpack(bytes(kind.LAYOUT.size))
    return [len(value) if isinstance(value, bytes) else None for value in zero]


def _widths(kind):
    widest = kind.LAYOUT.unpack(b"\xff" * kind.LAYOUT.size)
    return [value if isinstance(value, int) else None for value in widest]


@st.composite
def messages(draw):
    kind = draw(st.sampled_from([kind for kind in MESSAGES.values() if kind not in _VARIABLE]))
    values = [
        draw(st.integers(0, top)) if length is None else draw(st.binary(min_size=length, max_size=length))
        for length, top in zip(_items(kind), _widths(kind), strict=True)
    ]
    return kind(*values)


@st.composite
def lists(draw):
    six, eight, seventeen = (st.binary(min_size=size, max_size=size) for size in (6, 8, 17))
    byte = st.integers(0, 255)
    tail = draw(st.binary(max_size=255))
    kind = draw(st.sampled_from(sorted(_VARIABLE, key=lambda kind: kind.__name__)))
    if kind is AttenProfileInd:
        return AttenProfileInd(draw(six), tail)
    if kind is AmpMapReq:
        return AmpMapReq(max(2 * len(tail) - draw(st.integers(0, 1)), 0), tail)
    return AttenCharInd(
        draw(byte),
        draw(byte),
        draw(six),
        draw(eight),
        draw(seventeen),
        draw(seventeen),
        draw(byte),
        tail,
    )


@given(messages() | lists())
def test_what_is_packed_is_read_again(message):
    frame = Frame.parse(message.frame(BROADCAST, HOST))
    assert frame.mmtype == message.MMTYPE
    assert message_of(frame) == message


@given(st.sampled_from(sorted(MESSAGES)), st.binary(max_size=120))
def test_any_bytes_are_a_message_or_a_frame_error(number, payload):
    frame = Frame(BROADCAST, HOST, number, payload)
    try:
        message = message_of(frame)
    except FrameError as refused:
        error: FrameError | None = refused
    else:
        error = None
        assert len(message.pack()) <= len(payload)
    begin = frame.payload_offset
    assert error is None or begin <= error.offset <= begin + len(payload)


@pytest.mark.parametrize("file", CAPTURES)
def test_captured_messages_are_packed_as_they_were(file):
    kinds = set()
    for _, data in captured(file):
        frame = Frame.parse(data)
        message = message_of(frame)
        assert message is not None
        kinds.add(type(message))
        # Reserved bytes included: every byte of these frames has its place.
        assert message.frame(frame.destination, frame.source) == data
    assert len(kinds) >= 4


def test_all_that_slac_has_was_captured():
    kinds = {type(message_of(Frame.parse(data))) for file in CAPTURES for _, data in captured(file)}
    assert kinds == {
        SlacParmReq,
        SlacParmCnf,
        StartAttenCharInd,
        MnbcSoundInd,
        AttenProfileInd,
        AttenCharInd,
        AttenCharRsp,
        SlacMatchReq,
        SlacMatchCnf,
        SetKeyReq,
        SetKeyCnf,
    }


def test_a_get_key_dialogue_of_a_real_modem():
    request = GetKeyReq.parse(bytes.fromhex("0001bc90751a5e390eaaaaaaaa04000000"))
    assert (request.request_type, request.key_type, request.my_nonce, request.pid) == (0, 1, 0xAAAAAAAA, 4)
    confirm = GetKeyCnf.parse(
        bytes.fromhex("00016746c9d8aaaaaaaabc90751a5e390e01040000ff3b1fe4cc1bb8f8b8484096dc2eb59e8b")
    )
    assert (confirm.result, confirm.key_type, confirm.your_nonce) == (0, 1, 0xAAAAAAAA)
    assert confirm.nid == request.nid
    assert confirm.key.hex() == "3b1fe4cc1bb8f8b8484096dc2eb59e8b"


def test_a_reserved_byte_stands_between_the_number_of_groups_and_the_groups():
    assert AttenProfileInd(HOST, b"\x05\x06").pack() == HOST + b"\x02\x00\x05\x06"
    assert AttenProfileInd.parse(HOST + b"\x02\xff\x05\x06\x07") == AttenProfileInd(HOST, b"\x05\x06")


def test_validate():
    assert ValidateReq(0, 19, 1).pack() == b"\x00\x13\x01"
    assert ValidateCnf.parse(b"\x00\x03\x02padding") == ValidateCnf(0, 3, 2)


def test_a_set_key_request_is_the_one_that_hosts_send():
    nid, nmk = bytes.fromhex("bc90751a5e390e"), bytes.fromhex("3b1fe4cc1bb8f8b8484096dc2eb59e8b")
    sent = [data for _, data in captured("slac-listener.txt") if data[15:17] == b"\x08\x60"]
    assert [SetKeyReq.of(nid, nmk).frame(BROADCAST, HOST)] == sent


def test_the_defaults_of_a_parm_confirmation_are_a_real_chargers():
    run_id = bytes.fromhex("dc0ea11167080000")
    sent = [data for _, data in captured("slac-alpitronic.txt") if data[15:17] == b"\x65\x60"]
    assert [SlacParmCnf.answer(run_id, HOST).frame(HOST, bytes.fromhex("9a8ab66d2df6"))] == sent


@pytest.mark.parametrize(
    "message",
    [
        SlacParmReq(0, 0, b"short"),
        SlacParmReq(0, 0, bytes(9)),
        SlacParmReq(256, 0, bytes(8)),
        SetKeyReq.of(bytes(7), bytes(15)),
        AttenProfileInd(HOST, bytes(256)),
        AttenProfileInd(HOST[:5], bytes(58)),
        AmpMapReq(4, b"\x11"),
    ],
)
def test_a_value_that_does_not_fit_is_refused(message):
    with pytest.raises(FrameError, match=type(message).__name__):
        message.pack()


def test_a_short_message_is_refused_with_its_place_in_the_frame():
    frame = Frame(BROADCAST, HOST, SlacParmReq.MMTYPE, bytes(9))
    with pytest.raises(FrameError, match=r"SlacParmReq: 9 bytes of 10 \(byte 28\)") as caught:
        message_of(frame)
    assert caught.value.offset == 28


def test_fewer_groups_than_counted_are_refused():
    whole = AttenProfileInd(HOST, bytes(58)).pack()
    with pytest.raises(FrameError, match="57 of 58 bytes"):
        AttenProfileInd.parse(whole[:-1])


def test_a_part_of_a_fragmented_message_is_refused():
    frame = Frame(BROADCAST, HOST, SlacParmReq.MMTYPE, bytes(10), 1, b"", 1, 0)
    with pytest.raises(FrameError, match="fragment"):
        message_of(frame)


def test_a_message_is_not_read_as_another_one():
    with pytest.raises(FrameError, match="no SlacParmCnf"):
        parse_as(SlacParmCnf, Frame(BROADCAST, HOST, SlacParmReq.MMTYPE, bytes(60)))


def test_other_types_are_no_message():
    assert message_of(Frame(BROADCAST, HOST, 0x6020, bytes(40))) is None


def test_keys_are_not_shown():
    key = bytes(range(16))
    shown = [
        SetKeyReq.of(bytes(7), key),
        SlacMatchCnf(0, 0, 0x56, slac.NO_ID, HOST, slac.NO_ID, HOST, bytes(8), bytes(7), key),
        GetKeyCnf(0, 1, 0, 0, bytes(7), 1, 4, 0, 0, key),
    ]
    for message in shown:
        assert repr(key) not in repr(message)
        assert key.hex() not in repr(message)


def test_every_kind_is_in_the_table_of_types():
    kinds = [
        value
        for value in vars(slac).values()
        if isinstance(value, type) and dataclasses.is_dataclass(value) and hasattr(value, "MMTYPE")
    ]
    assert {kind.MMTYPE: kind for kind in kinds} == MESSAGES
    for number, kind in MESSAGES.items():
        row = mmtype(number)
        assert row is not None
        assert row.mmv == kind.MMV
        assert row.name.replace("CM_", "").replace("_", "").replace(".", "").lower() == kind.__name__.lower()
        assert "CM_" in typing.cast(str, kind.__doc__)
