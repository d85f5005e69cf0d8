"""Messages of Qualcomm's modems, against frames of real ones and of open-plc-utils."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from v2g.homeplug import (
    network,
    qualcomm,
    qualcomm_blocks,
    qualcomm_module,
    qualcomm_network,
    qualcomm_session,
)
from v2g.homeplug.checksum import checksum32
from v2g.homeplug.frame import Frame, FrameError, address_of
from v2g.homeplug.message import Message, parse_as
from v2g.homeplug.mmtypes import mmtype
from v2g.homeplug.network import (
    CmBrgInfoCnf,
    CmBrgInfoReq,
    CmNwInfoCnf,
    CmNwStatsCnf,
    PublicNetwork,
    StationRate,
)
from v2g.homeplug.qualcomm import (
    IDENT_QCA7000,
    IDENT_QCA7005,
    FacDefaultsReq,
    HostActionInd,
    HostActionRsp,
    OpAttributesCnf,
    OpAttributesReq,
    PbEncCnf,
    PbEncReq,
    PlLnkStatusCnf,
    PlLnkStatusReq,
    PushButton,
    RsDevReq,
    SwVerCnf,
    SwVerReq,
    VsAttenCharInd,
    VsSetKeyReq,
)
from v2g.homeplug.qualcomm_blocks import ModNvmReq, RdModCnf, RdModReq, WrModCnf, WrModReq
from v2g.homeplug.qualcomm_module import ModuleId, ModuleReadCnf, ModuleReadReq, Operation
from v2g.homeplug.qualcomm_network import (
    ALL_LINKS,
    Direction,
    LnkStatsCnf,
    LnkStatsReq,
    Network,
    NwInfo0Cnf,
    NwInfo1Cnf,
    NwInfo1Req,
    RemoteStation,
    Role,
    RxStats,
    TxStats,
)
from v2g.homeplug.qualcomm_session import (
    ModuleCloseCnf,
    ModuleCloseReq,
    ModuleSpec,
    ModuleStartCnf,
    ModuleStartReq,
    ModuleWriteCnf,
    ModuleWriteReq,
    module_confirm,
    module_request,
)

_LINES = (Path(__file__).parent / "data/qualcomm_frames.txt").read_text().splitlines()
FRAMES: dict[str, bytes] = {
    source: bytes.fromhex(digits)
    # Of two frames with one source, the second counts.
    for source, digits in (line.split() for line in _LINES if line and not line.startswith("#"))
}

CCO = address_of("BC:F2:AF:F1:C8:11")
STA = address_of("98:48:27:5A:3C:E6")
HOST = address_of("DC:0E:A1:11:67:08")
NID = bytes.fromhex("d5925cb82e6808")
OTHER_CCO, OTHER_STA = address_of("BC:F2:AF:F3:13:74"), address_of("98:DE:D0:65:0E:F7")
OTHER_NID = bytes.fromhex("5a97fe49d9ea0b")
KEY = bytes(range(1, 17))

EXPECTED = {
    "2022-10-26/12": SwVerCnf(0, 0x20, "MAC-QCA7420-1.4.0.20-00-20171027-CS", 0x1CFCFC),
    "2022-10-26/13": SwVerCnf(0, 0x22, "MAC-QCA7000-1.1.0.727-02-20130826-FINAL", IDENT_QCA7000),
    "2022-10-26/14": SwVerCnf(0, 0x22, "MAC-QCA7005-1.1.0.730-04-20140815-CS", IDENT_QCA7005),
    "2023-03-02/540": SwVerCnf(0, 0x22, "MAC-QCA7005-1.2.5.3207-00-20180927-CS", IDENT_QCA7005),
    "2022-11-25/9": OpAttributesCnf(0, 0x2002, "QCA7420", "MAC", (1, 4, 0, 0, 20), "20171027", "CS", 1),
    "2022-11-25/11": NwInfo1Cnf(()),
    "2022-11-25/397": NwInfo1Cnf(
        (
            Network(
                NID,
                4,
                4,
                Role.STA,
                CCO,
                1,
                (RemoteStation(CCO, 1, address_of("54:10:EC:A1:F3:E2"), 9, 9),),
            ),
        )
    ),
    "2022-11-25/400": NwInfo1Cnf(
        (Network(NID, 4, 1, Role.CCO, CCO, 1, (RemoteStation(STA, 4, HOST, 9, 9),)),)
    ),
    "2022-12-20/606": NwInfo0Cnf(
        (Network(OTHER_NID, 14, 1, Role.CCO, OTHER_CCO, 1, (RemoteStation(OTHER_STA, 2, HOST, 9, 9),)),)
    ),
    "2022-11-25/316": CmBrgInfoCnf(3, (HOST,)),
    "2022-12-20/1113": LnkStatsReq(0, Direction.BOTH, ALL_LINKS),
    "2022-12-20/1118": LnkStatsCnf(
        0, 2, ALL_LINKS, 0, TxStats(7038, 0, 0, 7053, 0), RxStats(95, 0, 117, 0, 13, 0)
    ),
    "2022-12-20/1149": LnkStatsCnf(
        0, 2, ALL_LINKS, 0, TxStats(376, 3, 0, 398, 0), RxStats(144, 0, 259, 0, 109, 0)
    ),
    "2023-05-24/48": VsAttenCharInd(address_of("04:65:65:00:64:C3"), 16, b""),
    "tool:int6klist": SwVerReq(0),
    "tool:plctool_-r": SwVerReq(0x21979498),
    "tool:plcstat_-t": NwInfo1Req(),
    "tool:plctool_-a": OpAttributesReq(0x4736E59C),
    "tool:plctool_-M_-K": VsSetKeyReq(1, KEY),
    "tool:plctool_-B_join": PbEncReq(PushButton.JOIN),
    "tool:plctool_-R": RsDevReq(),
    "tool:plctool_-T": FacDefaultsReq(),
}
# Frames whose unused bytes are not zero, or that go on behind what is read.
_NOT_WRITTEN_ALIKE = ("2022-10-26/", "2023-03-02/", "2022-11-25/9", "2022-12-20/11")


@pytest.mark.parametrize("source", EXPECTED)
def test_real_frames(source):
    expected, data = EXPECTED[source], FRAMES[source]
    frame = Frame.parse(data)
    assert parse_as(type(expected), frame) == expected
    assert frame.mmv == expected.MMV
    written = expected.frame(frame.destination, frame.source)
    if source.startswith(_NOT_WRITTEN_ALIKE):
        assert parse_as(type(expected), Frame.parse(written)) == expected
    else:
        assert written == data


def test_real_attenuation():
    frame = Frame.parse(FRAMES["2023-03-02/400"])
    found = parse_as(VsAttenCharInd, frame)
    assert (found.ev_mac, found.carriers, len(found.attenuation)) == (HOST, 16, 58)
    assert (found.attenuation[0], found.attenuation[-1]) == (0x0F, 0x24)
    assert found.frame(frame.destination, frame.source) == FRAMES["2023-03-02/400"]


def test_tools_link_request_and_host_action():
    assert module_request(Frame.parse(FRAMES["tool:plctool_-I"]).payload) == ModuleReadReq(
        Operation.READ_MEMORY, ModuleId.PARAMETERS, 0, 1400, 0
    )
    # "plctool -L" sends the second one too; the table above keeps one frame a command.
    assert parse_as(HostActionRsp, Frame.parse(FRAMES["tool:plctool_-L"])) == HostActionRsp(0)


def test_real_block_and_session():
    block = module_confirm(Frame.parse(FRAMES["2022-11-25/37"]).payload)
    assert isinstance(block, ModuleReadCnf)
    assert (block.status, block.module, block.offset, block.data) == (0, 0x7002, 0x262C, bytes(24))
    start = module_request(Frame.parse(FRAMES["tool:plctool_-P_-F"]).payload)
    assert start == ModuleStartReq(0xAABB8937, (ModuleSpec(ModuleId.PARAMETERS, 0, 9040, 0xDB366905),))


OPERATIONS: list[Message] = [
    ModuleReadReq(Operation.READ_FLASH, ModuleId.PARAMETERS, 1, 1400, 2800),
    ModuleReadCnf(0, 0, Operation.READ_FLASH, ModuleId.PARAMETERS, 1, 2800, b"block"),
    ModuleReadCnf(1, 7, Operation.READ_MEMORY, ModuleId.FIRMWARE, 0, 0, b""),
    ModuleStartReq(0x12345678, (ModuleSpec(ModuleId.PARAMETERS, 0, 9040, 0xCAFE),)),
    ModuleStartCnf(0, 0, 0x12345678, 1),
    ModuleWriteReq(0x12345678, 0, ModuleId.PARAMETERS, 0, 1400, b"block"),
    ModuleWriteCnf(0, 0, 0x12345678, 0, ModuleId.PARAMETERS, 0, 5, 1400),
    ModuleCloseReq(0x12345678, 0x80000003),
    ModuleCloseCnf(1, 2, 0x12345678, 3),
]


@pytest.mark.parametrize("message", OPERATIONS, ids=lambda each: type(each).__name__)
def test_module_operations_by_what_they_name(message):
    frame = Frame.parse(message.frame(STA, HOST))
    assert mmtype(frame.mmtype, frame.oui) is not None
    read = module_request if frame.mmtype & 3 == 0 else module_confirm
    assert read(frame.payload) == message
    others = [kind for kind in {type(each) for each in OPERATIONS} if frame.mmtype == kind.MMTYPE]
    for kind in others:
        if kind is not type(message):
            with pytest.raises(FrameError):
                parse_as(kind, frame)


SMALL: list[Message] = [
    HostActionInd(2, 1, 3),
    PbEncCnf(0, 1),
    PlLnkStatusReq(),
    PlLnkStatusCnf(0, 1),
    CmBrgInfoReq(),
    CmBrgInfoCnf(None, ()),
    CmNwInfoCnf((PublicNetwork(NID, 4, 1, Role.CCO, CCO, 0, 2),)),
    CmNwStatsCnf((StationRate(STA, 9, 8), StationRate(CCO, 7, 6))),
    LnkStatsCnf(0, Direction.TX, ALL_LINKS, 1, tx=TxStats(1, 2, 3, 4, 5)),
    LnkStatsCnf(0, Direction.RX, ALL_LINKS, 1, rx=RxStats(1, 2, 3, 4, 5, 6)),
    LnkStatsCnf(1, Direction.RX, ALL_LINKS, 1),
    RdModReq(2, 1024, 2048),
    RdModCnf(0, 2, 2048, b"1234"),
    RdModCnf(1, 2, 2048, b""),
    WrModReq(2, 0, b"12345678"),
    WrModCnf(0, 2, 8, 0),
    ModNvmReq(2),
]


@pytest.mark.parametrize("message", SMALL, ids=lambda each: type(each).__name__)
def test_small_messages_read_what_they_wrote(message):
    frame = Frame.parse(message.frame(STA, HOST))
    row = mmtype(frame.mmtype, frame.oui)
    assert row is not None
    assert parse_as(type(message), frame) == message


def _kinds():
    modules = (qualcomm, qualcomm_network, qualcomm_module, qualcomm_session, qualcomm_blocks, network)
    for module in modules:
        for _, kind in inspect.getmembers(module, inspect.isclass):
            if issubclass(kind, Message) and getattr(kind, "LAYOUT", None):
                yield kind


KINDS = sorted(set(_kinds()), key=lambda kind: kind.__name__)


def test_every_kind_has_a_row_in_the_table_of_types():
    assert len(KINDS) > 40
    unknown = [kind.__name__ for kind in KINDS if mmtype(kind.MMTYPE, kind.OUI) is None]
    assert unknown == []


@given(st.binary(max_size=200))
def test_any_bytes_are_a_message_or_a_frame_error(data):
    offsets = []
    for kind in KINDS:
        try:
            message = kind.parse(data)
        except FrameError as error:
            offsets.append(error.offset)
        else:
            # What could be read can be written, and read again as the same.
            try:
                written = message.pack()
            except FrameError:
                continue
            assert kind.parse(written) == message
    for read in (module_request, module_confirm):
        try:
            read(data)
        except FrameError as error:
            offsets.append(error.offset)
    assert all(0 <= offset <= len(data) for offset in offsets)


@given(st.sampled_from(sorted(FRAMES)), st.data())
def test_damaged_frames(source, data):
    frame = bytearray(FRAMES[source])
    for _ in range(data.draw(st.integers(1, 4))):
        frame[data.draw(st.integers(17, len(frame) - 1))] = data.draw(st.integers(0, 255))
    end = data.draw(st.integers(17, len(frame)))
    for kind in KINDS:
        try:
            parse_as(kind, Frame.parse(bytes(frame[:end])))
        except FrameError:
            continue


def test_texts_and_numbers_without_room():
    with pytest.raises(FrameError, match="a version of 255 bytes; 254 have room"):
        SwVerCnf(0, 0x22, "x" * 254).pack()
    with pytest.raises(FrameError, match="the version is ASCII text"):
        SwVerCnf(0, 0x22, "QCA7000 ä").pack()
    with pytest.raises(FrameError, match="is not ASCII text of 16 bytes at most"):
        OpAttributesCnf(0, 0, "x" * 17, "MAC", (0,) * 5, "", "", 0).pack()
    with pytest.raises(FrameError, match="NwInfo0Cnf"):
        NwInfo0Cnf((Network(NID, 256, 1, 2, CCO, 1),)).pack()
    with pytest.raises(FrameError, match="at most 255 addresses of 6 bytes"):
        CmBrgInfoCnf(1, (b"short",)).pack()
    with pytest.raises(FrameError, match="LnkStatsCnf"):
        LnkStatsCnf(0, 0, 0, 0, tx=TxStats(-1)).pack()


def test_old_frames_end_early():
    assert SwVerReq.parse(b"") == SwVerReq(0)
    assert SwVerCnf.parse(b"\0\x03\x07INT6400") == SwVerCnf(0, 3, "INT6400")
    with pytest.raises(FrameError, match="2 bytes of 3"):
        SwVerCnf.parse(b"\0\x03")


def test_blocks_with_wrong_checksums_and_lengths():
    with pytest.raises(FrameError, match="RdModCnf: the block's checksum is wrong"):
        RdModCnf.parse(RdModCnf(0, 2, 0, b"1234").pack()[:-1] + b"5")
    with pytest.raises(FrameError, match="WrModReq: the block's checksum is wrong"):
        WrModReq.parse(WrModReq(2, 0, b"1234").pack()[:-1] + b"5")
    with pytest.raises(FrameError, match="3 of 4 bytes"):
        WrModReq.parse(WrModReq(2, 0, b"1234").pack()[:-1])
    with pytest.raises(FrameError, match="4 of 5 bytes of its block"):
        module_confirm(ModuleReadCnf(0, 0, 0, 0x7002, 0, 0, b"block").pack()[:-1])
    with pytest.raises(FrameError, match="4 of 5 bytes of its block"):
        module_request(ModuleWriteReq(1, 0, 0x7002, 0, 0, b"block").pack()[:-1])
    with pytest.raises(FrameError, match="operation 0x63 is not known"):
        module_request(bytes(4) + b"\x01\x63" + bytes(30))
    with pytest.raises(FrameError, match="no operation"):
        module_request(bytes(40))


def test_keys_are_not_shown():
    assert KEY.hex() not in repr(VsSetKeyReq(1, KEY))
    assert "\\x02" not in repr(VsSetKeyReq(1, KEY))
    assert "secret" not in repr(ModuleReadCnf(0, 0, 0, 0x7002, 0, 0, b"secret"))
    assert "secret" not in repr(ModuleWriteReq(0, 0, 0x7002, 0, 0, b"secret"))


def test_checksum():
    # ~(0x04030201 ^ 0x08070605); the last byte is no whole word.
    assert checksum32(bytes((1, 2, 3, 4, 5, 6, 7, 8, 9))) == 0xFFFFFFFF ^ 0x04030201 ^ 0x08070605
    assert checksum32(b"") == 0xFFFFFFFF
