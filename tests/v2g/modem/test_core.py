"""What one modem answers."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.v2g.modem.rig import CAR, CHARGER, JOINED_MS, NID, NMK, Desk, modem
from v2g.homeplug.checksum import checksum32
from v2g.homeplug.frame import BROADCAST, LOCAL_MODEM, MMV_AV_1_0, QUALCOMM_OUI, Frame
from v2g.homeplug.keys import nid_of
from v2g.homeplug.network import (
    CmBrgInfoCnf,
    CmBrgInfoReq,
    CmNwInfoCnf,
    CmNwInfoReq,
    CmNwStatsCnf,
    CmNwStatsReq,
)
from v2g.homeplug.pib import CcoMode, PibImage, SlacMode
from v2g.homeplug.qualcomm import (
    DeviceClass,
    FacDefaultsCnf,
    FacDefaultsReq,
    OpAttributesCnf,
    OpAttributesReq,
    PbEncCnf,
    PbEncReq,
    PlLnkStatusCnf,
    PlLnkStatusReq,
    PushButton,
    RsDevCnf,
    RsDevReq,
    SwVerCnf,
    SwVerReq,
    VsSetKeyCnf,
    VsSetKeyReq,
)
from v2g.homeplug.qualcomm_blocks import ModNvmCnf, ModNvmReq, RdModCnf, RdModReq, WrModCnf, WrModReq
from v2g.homeplug.qualcomm_module import ModuleId, ModuleReadCnf, ModuleReadReq, Operation
from v2g.homeplug.qualcomm_network import (
    ALL_LINKS,
    Direction,
    LnkStatsCnf,
    LnkStatsReq,
    NwInfo0Cnf,
    NwInfo0Req,
    NwInfo1Cnf,
    NwInfo1Req,
    Role,
    RxStats,
    TxStats,
)
from v2g.homeplug.qualcomm_session import (
    Commit,
    ModuleCloseCnf,
    ModuleCloseReq,
    ModuleSpec,
    ModuleStartCnf,
    ModuleStartReq,
    ModuleWriteCnf,
    ModuleWriteReq,
)
from v2g.homeplug.slac import AmpMapCnf, AmpMapReq, GetKeyCnf, GetKeyReq, SetKeyCnf, SetKeyReq
from v2g.modem.core import FOR_MODEMS, MOST_HOSTS

MAC = bytes.fromhex("00b052000001")
ASK_KEY = GetKeyReq(0, 1, NID, 0xAAAAAAAA, 4, 0, 0)


def test_a_new_modem_has_a_random_key_and_its_nid():
    one, other = modem(1), modem(2)
    assert one.nmk != other.nmk
    assert one.nid == nid_of(one.nmk)
    assert one.measures
    assert not modem(3, SlacMode.PEV).measures
    assert modem(3, SlacMode.PEV).pib.number("cco") == CcoMode.NEVER


def test_set_key_answers_as_real_modems_do():
    desk = Desk()
    answer = desk.ask(desk.car, SetKeyReq.of(NID, NMK, 0x12345678), SetKeyCnf)
    assert (answer.result, answer.your_nonce, answer.pid, answer.pmn) == (1, 0x12345678, 4, 0xFF)
    assert (desk.car.nid, desk.car.nmk) == (NID, NMK)


def test_a_broadcast_key_is_for_the_own_modem_alone():
    desk = Desk()
    before = desk.charger.nmk
    assert desk.ask(desk.car, SetKeyReq.of(NID, NMK), SetKeyCnf, destination=BROADCAST).result == 1
    assert desk.car.nmk == NMK
    assert desk.charger.nmk == before


def test_rejected_then_lost_keys():
    desk = Desk(car={"reject_keys": 2, "lose_keys": 1})
    before = desk.car.nmk
    results = []
    for _ in range(4):
        answer = desk.ask(desk.car, SetKeyReq.of(NID, NMK), SetKeyCnf)
        results.append(answer and answer.result)
        if len(results) < 4:
            assert desk.car.nmk == before
    assert results == [0, 0, None, 1]
    assert desk.car.nmk == NMK


@pytest.mark.parametrize("change", [{"key_type": 0}, {"new_eks": 0}])
def test_keys_of_other_kinds_are_refused(change):
    desk = Desk()
    fields = dict(zip(SetKeyReq.__match_args__, (1, 0, 0, 4, 0, 0, 0, NID, 1, NMK), strict=True)) | change
    assert desk.ask(desk.car, SetKeyReq(**fields), SetKeyCnf).result == 0
    assert desk.car.nmk != NMK


def test_get_key_tells_it_to_the_own_host_with_the_right_nid_only():
    desk = Desk()
    now = desk.join()
    local = desk.ask(desk.car, ASK_KEY, GetKeyCnf, now_ms=now)
    assert (local.result, local.key, local.nid, local.your_nonce) == (0, NMK, NID, 0xAAAAAAAA)
    other = desk.ask(desk.car, GetKeyReq(0, 1, bytes(7), 1, 4, 0, 0), GetKeyCnf, now_ms=now)
    assert (other.result, other.key) == (1, bytes(16))
    answers = [Frame.parse(each.data) for each in desk.send(desk.car, ASK_KEY, CAR, BROADCAST, now_ms=now)]
    told = {frame.source: GetKeyCnf.parse(frame.payload) for frame in answers}
    assert {mac: each.result for mac, each in told.items()} == {desk.car.mac: 0, desk.charger.mac: 1}
    assert told[desk.charger.mac].key == bytes(16)


def test_vendors_key():
    desk = Desk()
    assert desk.ask(desk.car, VsSetKeyReq(1, NMK), VsSetKeyCnf).status == 0
    assert (desk.car.nmk, desk.car.nid) == (NMK, nid_of(NMK))


def test_vendors_key_for_another_station():
    desk = Desk()
    dak = desk.charger.pib["dak"]
    wrong = VsSetKeyReq(1, NMK, 0, desk.charger.mac, bytes(16))
    assert desk.ask(desk.car, wrong, VsSetKeyCnf).status == 1
    assert desk.charger.nmk != NMK
    nobody = VsSetKeyReq(1, NMK, 0, bytes(6), dak)
    assert desk.ask(desk.car, nobody, VsSetKeyCnf).status == 1
    right = VsSetKeyReq(1, NMK, 0, desk.charger.mac, dak)
    assert desk.ask(desk.car, right, VsSetKeyCnf).status == 0
    assert desk.charger.nmk == NMK
    assert desk.car.nmk != NMK


def test_version_and_attributes():
    desk = Desk()
    version = desk.ask(desk.car, SwVerReq(7), SwVerCnf)
    assert (version.status, version.device_class) == (0, DeviceClass.QCA7000)
    assert version.version == desk.car.options.version
    attributes = desk.ask(desk.car, OpAttributesReq(7), OpAttributesCnf)
    assert (attributes.cookie, attributes.device) == (7, "QCA7000")


def test_network_alone_and_joined():
    desk = Desk()
    assert desk.ask(desk.car, NwInfo1Req(), NwInfo1Cnf) == NwInfo1Cnf(())
    assert desk.ask(desk.car, NwInfo0Req(), NwInfo0Cnf) == NwInfo0Cnf(())
    assert desk.ask(desk.car, CmNwInfoReq(), CmNwInfoCnf) == CmNwInfoCnf(())
    assert desk.ask(desk.car, PlLnkStatusReq(), PlLnkStatusCnf) == PlLnkStatusCnf(0, 0)
    now = desk.join()
    (network,) = desk.ask(desk.car, NwInfo1Req(), NwInfo1Cnf, now_ms=now).networks
    assert (network.nid, network.role, network.cco_mac) == (NID, Role.STA, desk.charger.mac)
    (station,) = network.stations
    assert (station.mac, station.tei, station.bridged) == (desk.charger.mac, 1, CHARGER)
    (mirrored,) = desk.ask(desk.charger, NwInfo0Req(), NwInfo0Cnf, CHARGER, now_ms=now).networks
    assert (mirrored.role, mirrored.tei, mirrored.stations[0].mac) == (Role.CCO, 1, desk.car.mac)
    assert mirrored.stations[0].bridged == CAR
    (public,) = desk.ask(desk.car, CmNwInfoReq(), CmNwInfoCnf, now_ms=now).networks
    assert (public.nid, public.role) == (NID, Role.STA)
    assert desk.ask(desk.car, CmNwStatsReq(), CmNwStatsCnf, now_ms=now).stations[0].mac == desk.charger.mac
    assert desk.ask(desk.car, PlLnkStatusReq(), PlLnkStatusCnf, now_ms=now) == PlLnkStatusCnf(0, 1)


def test_bridged_addresses_are_bounded():
    desk = Desk()
    hosts = [bytes((2, 0, 0, 0, 1, at)) for at in range(MOST_HOSTS + 3)]
    for host in hosts:
        desk.send(desk.car, SwVerReq(), host)
    answer = desk.ask(desk.car, CmBrgInfoReq(), CmBrgInfoCnf, hosts[-1])
    assert answer.addresses == tuple(hosts[3:])


def test_statistics_count_and_clear():
    desk = Desk()
    now = desk.join()
    desk.send(desk.car, b"\xff" * 6 + CAR + b"\x86\xdd" + bytes(46), CAR, now_ms=now)
    both = LnkStatsReq(0, Direction.BOTH, ALL_LINKS)
    answer = desk.ask(desk.car, both, LnkStatsCnf, now_ms=now)
    assert answer.tx == TxStats(mpdu_acked=1, pb_passed=1)
    assert answer.rx == RxStats()
    charger = desk.ask(desk.charger, both, LnkStatsCnf, CHARGER, now_ms=now)
    assert charger.rx == RxStats(mpdu_acked=1, pb_passed=1)
    desk.ask(desk.car, LnkStatsReq(1, Direction.TX, ALL_LINKS), LnkStatsCnf, now_ms=now)
    assert desk.ask(desk.car, both, LnkStatsCnf, now_ms=now).tx == TxStats()
    assert desk.ask(desk.car, LnkStatsReq(0, 7, ALL_LINKS), LnkStatsCnf, now_ms=now).status == 1


def test_amplitude_map():
    desk = Desk()
    assert desk.ask(desk.car, AmpMapReq(3, b"\x21\x03"), AmpMapCnf) == AmpMapCnf(0)
    assert desk.car.amplitudes == b"\x21\x03"
    assert desk.charger.amplitudes == b""


def test_button_joins_and_leaves():
    desk = Desk()
    given = desk.charger.nmk
    assert desk.ask(desk.charger, PbEncReq(PushButton.JOIN), PbEncCnf, CHARGER) == PbEncCnf(0, 0)
    assert desk.ask(desk.car, PbEncReq(PushButton.JOIN), PbEncCnf) == PbEncCnf(0, 0)
    assert desk.car.nmk == desk.charger.nmk == given
    assert desk.line.joined(desk.car, desk.charger, JOINED_MS)
    status = PbEncReq(PushButton.STATUS)
    assert desk.ask(desk.car, status, PbEncCnf, now_ms=JOINED_MS) == PbEncCnf(0, 1)
    desk.ask(desk.car, PbEncReq(PushButton.LEAVE), PbEncCnf, now_ms=JOINED_MS)
    assert desk.car.nmk != given
    assert not desk.line.joined(desk.car, desk.charger, 2 * JOINED_MS)
    assert desk.ask(desk.car, PbEncReq(9), PbEncCnf, now_ms=JOINED_MS).status == 1


def test_a_button_that_was_pressed_too_long_ago():
    desk = Desk()
    desk.ask(desk.charger, PbEncReq(PushButton.JOIN), PbEncCnf, CHARGER)
    desk.ask(desk.car, PbEncReq(PushButton.JOIN), PbEncCnf, now_ms=120_001)
    assert desk.car.nmk != desk.charger.nmk


def test_reset_makes_deaf_for_a_while_and_keeps_the_key():
    desk = Desk(car={"boot_ms": 500})
    now = desk.join()
    assert desk.ask(desk.car, RsDevReq(), RsDevCnf, now_ms=now) == RsDevCnf(0)
    assert desk.ask(desk.car, SwVerReq(), SwVerCnf, now_ms=now + 499) is None
    assert not desk.line.joined(desk.car, desk.charger, now + 499)
    assert desk.ask(desk.car, SwVerReq(), SwVerCnf, now_ms=now + 500) is not None
    assert desk.car.nmk == NMK
    assert desk.line.joined(desk.car, desk.charger, now + 500 + desk.car.options.join_ms)


def test_factory_defaults_forget():
    desk = Desk()
    desk.join()
    desk.car.pib.set_text("user", "changed")
    assert desk.ask(desk.car, FacDefaultsReq(), FacDefaultsCnf) == FacDefaultsCnf(0)
    assert desk.car.pib.text("user") == "simulated modem"
    assert desk.car.nmk != NMK


def test_a_dead_modem_does_nothing():
    desk = Desk(car={"dead": True})
    assert desk.send(desk.car, SwVerReq(), CAR) == []
    assert desk.send(desk.car, SetKeyReq.of(NID, NMK), CAR) == []
    assert desk.car.hosts == {}


def _read(desk, operation=Operation.READ_MEMORY):
    image, length = b"", 1400
    while length == 1400:
        request = ModuleReadReq(operation, ModuleId.PARAMETERS, 0, 1400, len(image))
        answer = desk.ask(desk.car, request, ModuleReadCnf)
        assert (answer.status, answer.offset) == (0, len(image))
        length = len(answer.data)
        image += answer.data
    return image


def _write(desk, image, commit=Commit.FORCE, *, checksum=None):
    check = checksum32(image) if checksum is None else checksum
    start = ModuleStartReq(5, (ModuleSpec(ModuleId.PARAMETERS, 0, len(image), check),))
    assert desk.ask(desk.car, start, ModuleStartCnf).status == 0
    for at in range(0, len(image), 1400):
        block = ModuleWriteReq(5, 0, ModuleId.PARAMETERS, 0, at, image[at : at + 1400])
        assert desk.ask(desk.car, block, ModuleWriteCnf).status == 0
    return desk.ask(desk.car, ModuleCloseReq(5, commit), ModuleCloseCnf).status


@pytest.mark.parametrize("operation", [Operation.READ_MEMORY, Operation.READ_FLASH])
def test_parameters_are_read(operation):
    desk = Desk()
    image = PibImage(_read(desk, operation))
    assert (image["mac"], image["nmk"]) == (desk.car.mac, desk.car.nmk)


def test_parameters_are_written():
    desk = Desk(car={"boot_ms": 500})
    image = PibImage(_read(desk))
    image.prescalers = b"\x40" * 578
    image["nmk"] = NMK
    assert _write(desk, image.pack()) == 0
    assert desk.ask(desk.car, SwVerReq(), SwVerCnf) is None  # it starts again
    assert desk.car.pib.prescalers == b"\x40" * 578
    assert desk.car.nmk == NMK


def test_parameters_as_factory_settings_without_a_reset():
    desk = Desk()
    image = PibImage(_read(desk))
    image.set_text("user", "desk")
    assert _write(desk, image.pack(), Commit.FORCE | Commit.NO_RESET | Commit.FACTORY) == 0
    desk.ask(desk.car, FacDefaultsReq(), FacDefaultsCnf)
    assert desk.car.pib.text("user") == "desk"


def test_damaged_parameters_are_not_taken():
    desk = Desk()
    before = desk.car.pib.pack()
    image = bytearray(before)
    image[-1] ^= 1
    assert _write(desk, bytes(image)) == 1  # the image's own checksum
    assert _write(desk, before, checksum=1) == 1  # the session's
    assert desk.car.pib.pack() == before
    # A sound chain of modules whose settings end too early.
    settings = bytes(0x100)
    head = struct.pack("<HH9I", 1, 1, 0, 96, 0, 0x100, checksum32(settings), *(0xFFFFFFFF,) * 3, 15)
    head = head.ljust(92, b"\0")
    short = head + struct.pack("<I", checksum32(head)) + settings
    PibImage(short)
    assert _write(desk, short) == 1
    assert desk.car.mac == MAC
    other = ModuleStartReq(5, (ModuleSpec(ModuleId.FIRMWARE, 0, 4, 0),))
    assert desk.ask(desk.car, other, ModuleStartCnf).status == 1
    block = ModuleWriteReq(5, 0, ModuleId.PARAMETERS, 0, 0, b"1234")
    assert desk.ask(desk.car, block, ModuleWriteCnf).status == 1
    assert desk.ask(desk.car, ModuleCloseReq(5, 0), ModuleCloseCnf).status == 1
    huge = ModuleStartReq(5, (ModuleSpec(ModuleId.PARAMETERS, 0, 1 << 30, 0),))
    assert desk.ask(desk.car, huge, ModuleStartCnf).status == 1
    far = ModuleWriteReq(5, 0, ModuleId.PARAMETERS, 0, 0xFFFFFFF0, b"1234")
    assert desk.ask(desk.car, far, ModuleWriteCnf).status == 1
    firmware = ModuleReadReq(0, ModuleId.FIRMWARE, 0, 1400, 0)
    assert desk.ask(desk.car, firmware, ModuleReadCnf).status == 1


def test_older_blocks():
    desk = Desk()
    image, length = b"", 1024
    while length == 1024:
        answer = desk.ask(desk.car, RdModReq(2, 1024, len(image)), RdModCnf)
        length = len(answer.data)
        image += answer.data
    changed = PibImage(image)
    changed.set_text("user", "old")
    packed = changed.pack()
    for at in range(0, len(packed), 1024):
        assert desk.ask(desk.car, WrModReq(2, at, packed[at : at + 1024]), WrModCnf).status == 0
    assert desk.ask(desk.car, ModNvmReq(2), ModNvmCnf).status == 0
    assert desk.car.pib.text("user") == "old"
    now = 10_000
    assert desk.ask(desk.car, ModNvmReq(2), ModNvmCnf, now_ms=now).status == 1
    assert desk.ask(desk.car, RdModReq(1, 1024, 0), RdModCnf, now_ms=now).status == 1


def test_what_it_does_not_know_is_not_answered():
    desk = Desk()
    unknown = Frame(LOCAL_MODEM, CAR, 0xA0FC, bytes(20), MMV_AV_1_0, QUALCOMM_OUI).pack()
    foreign = Frame(LOCAL_MODEM, CAR, 0xA000, bytes(20), MMV_AV_1_0, b"\0\x16\xe8").pack()
    for data in (unknown, foreign):
        assert desk.send(desk.car, data, CAR) == []


@given(st.binary(max_size=120), st.booleans())
def test_any_bytes(data, addressed):
    desk = Desk()
    now = desk.join()
    head = LOCAL_MODEM + CAR + b"\x88\xe1" if addressed else b""
    desk.send(desk.car, head + data, CAR, now_ms=now)


@given(st.data())
def test_any_request(data):
    desk = Desk()
    now = desk.join()
    mmtype = data.draw(st.sampled_from(sorted(FOR_MODEMS)))
    mmv = data.draw(st.sampled_from((0, 1)))
    oui = QUALCOMM_OUI if mmtype >= 0xA000 else b""
    payload = data.draw(st.binary(max_size=80))
    destination = data.draw(st.sampled_from((LOCAL_MODEM, BROADCAST, desk.car.mac, desk.charger.mac)))
    frame = Frame(destination, CAR, mmtype, payload, mmv, oui).pack()
    for delivery in desk.send(desk.car, frame, CAR, now_ms=now):
        Frame.parse(delivery.data)
