"""What passes between modems."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.v2g.modem.rig import (
    CAR,
    CHARGER,
    NID,
    NMK,
    OTHER_CAR,
    OTHER_CHARGER,
    SOUND,
    Desk,
    modem,
)
from v2g.homeplug.frame import BROADCAST, Frame, mmtype_of
from v2g.homeplug.message import parse_as
from v2g.homeplug.pib import SlacMode
from v2g.homeplug.qualcomm import SwVerCnf, SwVerReq, VsAttenCharInd
from v2g.homeplug.slac import AmpMapReq, AttenProfileInd, SetKeyReq, SlacParmCnf, SlacParmReq
from v2g.modem.line import Powerline
from v2g.modem.options import LineOptions, Profiles, sloping

PARM = SlacParmReq(0, 0, b"12345678")
IPV6 = b"\x86\xdd"


def _data(destination, source, text=b"data"):
    return (destination + source + IPV6 + text).ljust(60, b"\0")


def test_strangers_pass_only_slac():
    desk = Desk()
    assert desk.send(desk.car, _data(BROADCAST, CAR), CAR) == []
    (delivery,) = desk.send(desk.car, PARM, CAR, BROADCAST)
    assert delivery.modem is desk.charger
    assert delivery.data == PARM.frame(BROADCAST, CAR)
    answer = SlacParmCnf.answer(b"12345678", CAR)
    (back,) = desk.send(desk.charger, answer, CHARGER, CAR)
    assert (back.modem, back.data) == (desk.car, answer.frame(CAR, CHARGER))


def test_members_pass_everything():
    desk = Desk()
    now = desk.join()
    (there,) = desk.send(desk.car, _data(CHARGER, CAR), CAR, now_ms=now)
    assert (there.modem, there.data) == (desk.charger, _data(CHARGER, CAR))
    (back,) = desk.send(desk.charger, _data(CAR, CHARGER), CHARGER, now_ms=now)
    assert back.modem is desk.car


def test_joining_takes_its_time():
    desk = Desk(car={"join_ms": 300}, charger={"join_ms": 700})
    desk.join(now_ms=1000)
    assert desk.send(desk.car, _data(BROADCAST, CAR), CAR, now_ms=1699) == []
    assert len(desk.send(desk.car, _data(BROADCAST, CAR), CAR, now_ms=1700)) == 1


def test_another_key_or_nid_is_another_network():
    for nid, nmk in ((bytes(7), NMK), (NID, bytes(16))):
        desk = Desk()
        desk.join()
        desk.send(desk.charger, SetKeyReq.of(nid, nmk), CHARGER, now_ms=5000)
        assert desk.send(desk.car, _data(BROADCAST, CAR), CAR, now_ms=9000) == []
        assert len(desk.send(desk.car, PARM, CAR, BROADCAST, now_ms=9000)) == 1


def test_a_host_gets_only_what_is_for_it():
    desk = Desk()
    now = desk.join()
    assert desk.send(desk.car, _data(OTHER_CHARGER, CAR), CAR, now_ms=now) == []
    assert len(desk.send(desk.car, _data(b"\x33\x33\0\0\0\1", CAR), CAR, now_ms=now)) == 1


def test_sounds_make_profiles_for_chargers_only():
    heard = sloping(30)
    desk = Desk(attenuation=heard)
    deliveries = desk.send(desk.car, SOUND, CAR, BROADCAST)
    assert [each.modem for each in deliveries] == [desk.charger] * 2
    assert deliveries[0].data == SOUND.frame(BROADCAST, CAR)
    frame = Frame.parse(deliveries[1].data)
    assert frame.source == desk.charger.mac
    assert parse_as(AttenProfileInd, frame) == AttenProfileInd(CAR, heard)
    assert [mmtype_of(each.data) for each in desk.send(desk.charger, SOUND, CHARGER, BROADCAST)] == [0x6076]


@pytest.mark.parametrize(
    ("profiles", "types", "groups"),
    [
        (Profiles.NONE, [0x6076], None),
        (Profiles.EMPTY, [0x6076, 0x6086], b""),
        (Profiles.GROUPS, [0x6076, 0x6086], sloping(12)),
        (Profiles.VENDOR, [0x6076, 0xA14E, 0x6086], sloping(12)),
    ],
)
def test_modems_that_measure_or_not(profiles, types, groups):
    desk = Desk(charger={"profiles": profiles})
    deliveries = desk.send(desk.car, SOUND, CAR, BROADCAST)
    assert [mmtype_of(each.data) for each in deliveries] == types
    if groups is not None:
        assert parse_as(AttenProfileInd, Frame.parse(deliveries[-1].data)).attenuation == groups
    if profiles is Profiles.VENDOR:
        found = parse_as(VsAttenCharInd, Frame.parse(deliveries[1].data))
        assert (found.ev_mac, found.carriers, found.attenuation) == (CAR, 16, groups)


def test_several_chargers_are_told_apart_by_attenuation():
    desk = Desk(attenuation=sloping(10))
    far = desk.line.attach(modem(3))
    out_of_reach = desk.line.attach(modem(4))
    desk.line.attenuate(desk.car, far, sloping(45))
    desk.line.attenuate(out_of_reach, desk.car, None)
    deliveries = desk.send(desk.car, SOUND, CAR, BROADCAST)
    profiles = {
        each.modem: parse_as(AttenProfileInd, Frame.parse(each.data)).attenuation
        for each in deliveries
        if mmtype_of(each.data) == 0x6086
    }
    assert profiles == {desk.charger: sloping(10), far: sloping(45)}
    assert sum(sloping(45)) / 58 == pytest.approx(45, abs=0.5)


def test_several_cars_at_one_charger():
    desk = Desk()
    second = desk.line.attach(modem(3, SlacMode.PEV))
    desk.line.attenuate(second, desk.charger, sloping(50))
    desk.send(second, PARM, OTHER_CAR, BROADCAST)
    desk.send(desk.car, PARM, CAR, BROADCAST)
    both = [*desk.send(desk.car, SOUND, CAR, BROADCAST), *desk.send(second, SOUND, OTHER_CAR, BROADCAST)]
    profiles = [
        parse_as(AttenProfileInd, Frame.parse(each.data))
        for each in both
        if each.modem is desk.charger and mmtype_of(each.data) == 0x6086
    ]
    assert profiles == [AttenProfileInd(CAR, sloping(12)), AttenProfileInd(OTHER_CAR, sloping(50))]


def test_slac_reaches_every_host_but_cars_do_not_hear_cars():
    desk = Desk()
    second = desk.line.attach(modem(3, SlacMode.PEV))
    observer = desk.line.attach(modem(4, SlacMode.OFF))
    assert [each.modem for each in desk.send(desk.car, PARM, CAR, BROADCAST)] == [desk.charger, observer]
    # Its destination does not matter: a listener hears the key that a charger gives to a car.
    answer = SlacParmCnf.answer(b"12345678", CAR)
    heard = desk.send(desk.charger, answer, CHARGER, CAR)
    assert [each.modem for each in heard] == [desk.car, second, observer]


def test_everybody_in_the_network_tells_its_version():
    desk = Desk()
    alone = desk.send(desk.car, SwVerReq(), CAR, BROADCAST)
    assert [Frame.parse(each.data).source for each in alone] == [desk.car.mac]
    now = desk.join()
    joined = desk.send(desk.car, SwVerReq(), CAR, BROADCAST, now_ms=now)
    assert [Frame.parse(each.data).source for each in joined] == [desk.car.mac, desk.charger.mac]
    assert {each.modem for each in joined} == {desk.car}
    far = desk.ask(desk.car, SwVerReq(), SwVerCnf, destination=desk.charger.mac, now_ms=now)
    assert far.version == desk.charger.options.version


def test_an_amplitude_map_for_the_other_host_passes_inside_the_network():
    desk = Desk()
    request = AmpMapReq(3, b"\x21\x03")
    assert desk.send(desk.car, request, CAR, CHARGER) == []
    now = desk.join()
    (delivery,) = desk.send(desk.car, request, CAR, CHARGER, now_ms=now)
    assert delivery.modem is desk.charger
    assert delivery.data == request.frame(CHARGER, CAR)


def test_settings_cannot_be_changed_from_afar():
    desk = Desk()
    now = desk.join()
    assert desk.send(desk.car, SetKeyReq.of(NID, bytes(16)), CAR, desk.charger.mac, now_ms=now) == []
    assert desk.charger.nmk == NMK


def test_a_dead_modem_is_not_heard_and_hears_nothing():
    desk = Desk(charger={"dead": True})
    assert desk.send(desk.car, PARM, CAR, BROADCAST) == []
    desk.join()
    assert desk.send(desk.car, _data(BROADCAST, CAR), CAR, now_ms=9000) == []


def test_delay():
    desk = Desk(LineOptions(delay_ms=7))
    assert desk.send(desk.car, PARM, CAR, BROADCAST, now_ms=100) == []
    assert desk.line.deadline() == 107
    assert desk.line.due(106) == []
    assert len(desk.line.due(107)) == 1
    assert desk.line.deadline() is None


def test_jitter_reorders_within_its_bounds():
    desk = Desk(LineOptions(delay_ms=5, jitter_ms=20))
    for number in range(50):
        desk.send(desk.car, SlacParmReq(0, 0, bytes((number,)) * 8), CAR, BROADCAST, now_ms=100)
    arrived = []
    while (at := desk.line.deadline()) is not None:
        assert 105 <= at <= 125
        arrived += [SlacParmReq.parse(Frame.parse(each.data).payload).run_id[0] for each in desk.line.due(at)]
    assert sorted(arrived) == list(range(50))
    assert arrived != sorted(arrived)


@pytest.mark.parametrize(("loss", "duplicate", "few", "many"), [(0.3, 0, 600, 800), (0, 0.25, 1150, 1350)])
def test_loss_and_duplicates(loss, duplicate, few, many):
    desk = Desk(LineOptions(loss=loss, duplicate=duplicate))
    arrived = sum(len(desk.send(desk.car, PARM, CAR, BROADCAST)) for _ in range(1000))
    assert few < arrived < many


def test_loss_of_everything_spares_the_own_modem():
    desk = Desk(LineOptions(loss=1.0))
    assert desk.send(desk.car, PARM, CAR, BROADCAST) == []
    assert desk.ask(desk.car, SwVerReq(), SwVerCnf) is not None


def test_wrong_uses():
    line = Powerline(random.Random(0).randbytes)
    one = line.attach(modem(1))
    assert list(line.modems) == [one]
    with pytest.raises(ValueError, match="is on the line already"):
        line.attach(modem(1))
    with pytest.raises(ValueError, match="attenuation of 3 groups; there are 58"):
        line.attenuate(one, modem(2), b"123")


@given(
    st.lists(st.tuples(st.integers(0, 1), st.binary(max_size=100)), max_size=20),
    st.floats(0, 1),
    st.integers(0, 30),
)
def test_any_traffic(frames, part, delay):
    desk = Desk(LineOptions(loss=part, duplicate=part, delay_ms=delay, jitter_ms=delay))
    modems = (desk.car, desk.charger)
    for at, (which, data) in enumerate(frames):
        for delivery in desk.line.from_host(modems[which], data, at * 10):
            assert delivery.modem in modems
    deadline = desk.line.deadline()
    if deadline is not None:
        desk.line.due(deadline + 100)
        assert desk.line.deadline() is None
