"""Several cars and chargers that hear each other."""

from __future__ import annotations

import pytest

from tests.v2g.slac.pair import EV_MAC, EVSE_MAC, ev, evse, pair
from tests.v2g.slac.rig import Line, Modem
from v2g.homeplug.frame import BROADCAST
from v2g.homeplug.slac import (
    GROUPS,
    NO_ID,
    AttenCharInd,
    AttenCharRsp,
    SlacMatchReq,
    SlacParmCnf,
    SlacParmReq,
)
from v2g.slac import timing
from v2g.slac.attenuation import Found, ProfileSum, judge, mean_db
from v2g.slac.effects import DLinkReady, Failed, Matched, Reason
from v2g.slac.ev import EvPhase
from v2g.slac.ev_attempt import MOST_EVSES
from v2g.slac.events import Command, FrameReceived
from v2g.slac.evse import Phase


def mac(number):
    return bytes.fromhex(f"0200000000{number:02x}")


class Cables(Line):
    """Chargers hear a car loud on its own cable and faint on the others."""

    own: dict[bytes, bytes]
    near, far = 8, 30

    def line(self, data, frame, sender, delay=2):
        for other in self.stations:
            near = self.own.get(frame.source) == other.mac
            if other.modem.profile is not None:
                other.modem.profile = bytes((self.near if near else self.far,)) * GROUPS
        super().line(data, frame, sender, delay)


def car_park(cars, **config):
    line = Cables()
    chargers = [evse(line, mac(number), f"evse {number}") for number in range(1, cars + 1)]
    evs = [ev(line, mac(0x80 + number), f"ev {number}", **config) for number in range(1, cars + 1)]
    line.own = {car.mac: charger.mac for car, charger in zip(evs, chargers, strict=True)}
    for station in line.stations:
        line.tell(station, Command.START)
    line.run(50)
    return line, chargers, evs


@pytest.mark.parametrize("apart_ms", [0, 3, 100])
@pytest.mark.parametrize("cars", [2, 5])
def test_every_car_finds_its_own_charger(cars, apart_ms):
    line, chargers, evs = car_park(cars)
    for charger, car in zip(chargers, evs, strict=True):
        line.plug(charger, car)
        line.run(line.now + apart_ms)
    line.run(20_000)
    for charger, car in zip(chargers, evs, strict=True):
        assert car.of(Matched)[-1].evse_mac == charger.mac
        assert charger.of(Matched)[-1] == car.of(Matched)[-1]
    keys = {charger.modem.nmk for charger in chargers}
    assert len(keys) == cars


def test_a_matched_charger_ignores_other_cars():
    line, (one, two), (car, other) = car_park(2)
    line.plug(one, car)
    line.run(5_000)
    before = len(one.done)
    line.plug(two, other)
    line.run(10_000)
    assert [type(effect).__name__ for _, effect in one.done[before:]].count("SendFrame") == 0
    assert one.of(DLinkReady) == [DLinkReady(True)]
    assert two.of(Matched)[-1] == other.of(Matched)[-1]


def test_only_one_car_gets_the_key():
    # Two cars that both want the same charger: the first request to match wins.
    line = Line()
    charger = evse(line)
    cars = [ev(line, mac(0x80 + number), f"ev {number}") for number in range(2)]
    for station in line.stations:
        line.tell(station, Command.START)
    line.run(50)
    line.plug(charger, *cars)
    line.run(60_000)
    assert charger.core.phase is Phase.MATCHED
    matched = [car for car in cars if car.core.phase is EvPhase.MATCHED]
    assert len(matched) == 1
    assert charger.of(Matched)[-1] == matched[0].of(Matched)[-1]
    (left,) = [car for car in cars if car not in matched]
    assert left.of(Failed)[-1].final


def test_the_nearer_of_two_chargers_is_chosen():
    line = Cables()
    far, near = evse(line, mac(1), "far"), evse(line, mac(2), "near")
    line.far = 9
    car = ev(line, mac(0x80))
    line.own = {car.mac: near.mac}
    for station in line.stations:
        line.tell(station, Command.START)
    line.run(50)
    line.plug(far, near, car)
    line.run(5_000)
    assert car.of(Matched)[-1].evse_mac == near.mac
    # Both told what they heard, and both were answered.
    answers = [m for m in car.sent() if isinstance(m, AttenCharRsp)]
    assert len(answers) == 2
    assert far.core.phase is Phase.MATCHING


def test_chargers_that_are_all_too_weak_are_not_chosen():
    both = pair()
    both.evse.modem.profile = bytes((25,)) * GROUPS
    both.start(20_000)
    assert [failed.reason for failed in both.ev.of(Failed)] == [Reason.TOO_WEAK] * 3
    assert not [m for m in both.ev.sent() if isinstance(m, SlacMatchReq)]


@pytest.mark.parametrize(
    ("db", "found"),
    [
        (0, Found.FOUND),
        (10, Found.FOUND),
        (10.1, Found.POTENTIALLY),
        (20, Found.POTENTIALLY),
        (20.1, Found.NOT_FOUND),
    ],
)
def test_thresholds(db, found):
    assert judge(db) is found


def test_average_of_a_profile():
    assert mean_db(bytes((4, 8)), 1.5) == 4.5
    total = ProfileSum()
    assert not total.add(bytes(57))
    assert total.add(bytes((1,)) * GROUPS)
    assert total.add(bytes((2,)) * GROUPS)
    assert total.average() == bytes((2,)) * GROUPS
    assert total.average(-300) == bytes((255,)) * GROUPS
    assert total.average(300) == bytes(GROUPS)


def test_a_charger_matches_five_cars_at_once_and_makes_room_for_the_next():
    line = Line()
    charger = evse(line)
    line.tell(charger, Command.START)
    line.plug(charger)
    line.run(10)
    for number in range(timing.C_EVSE_MATCH_PARALLEL):
        line.inject(SlacParmReq(0, 0, bytes(8)).frame(BROADCAST, mac(0x40 + number)))
        line.run(line.now + 5)
    assert len([m for m in charger.sent() if isinstance(m, SlacParmCnf)]) == 5
    line.inject(SlacParmReq(0, 0, bytes(8)).frame(BROADCAST, mac(0x60)))
    line.run(line.now + 5)
    assert len([m for m in charger.sent() if isinstance(m, SlacParmCnf)]) == 6
    assert len(charger.core._matching._sessions) == 5
    assert mac(0x40) not in charger.core._matching._sessions
    # A car that begins anew takes nobody's place but its own.
    line.inject(SlacParmReq(0, 0, b"again!!!").frame(BROADCAST, mac(0x43)))
    line.run(line.now + 5)
    assert set(charger.core._matching._sessions) == {mac(number) for number in (0x41, 0x42, 0x43, 0x44, 0x60)}


def test_a_flood_of_run_ids_neither_grows_nor_shuts_out_a_car_that_goes_on():
    both = pair()
    for number in range(3_000):
        when = 40 + number
        source = bytes.fromhex("0600") + number.to_bytes(4, "big")
        frame = SlacParmReq(0, 0, number.to_bytes(8, "big")).frame(BROADCAST, source)
        if when % 25 == 0:
            both.line.at(when, both.evse, FrameReceived(frame))
    both.start()
    assert both.ev.core.phase is EvPhase.MATCHED
    assert both.evse.of(Matched)[0] == both.ev.of(Matched)[0]


def test_a_flood_of_chargers_does_not_grow():
    both = pair()
    both.line.tell(both.evse, Command.START)
    both.line.tell(both.ev, Command.START)
    both.line.run(50)
    both.line.plug(both.evse, both.ev)
    both.line.run(52)
    run_id = both.ev.core._attempt.run_id
    for number in range(200):
        source = bytes.fromhex("0600") + number.to_bytes(4, "big")
        both.line.inject(SlacParmCnf.answer(run_id, EV_MAC).frame(EV_MAC, source))
    both.line.run(300)
    assert len(both.ev.core._attempt._evses) == MOST_EVSES
    for number in range(200):
        source = bytes.fromhex("0700") + number.to_bytes(4, "big")
        told = AttenCharInd(0, 0, EV_MAC, run_id, NO_ID, NO_ID, 10, bytes((40,)) * GROUPS)
        both.line.inject(told.frame(EV_MAC, source))
    both.line.run(400)
    assert len(both.ev.core._attempt._evses) == MOST_EVSES
    both.line.run(5_000)
    assert both.ev.of(Matched)[-1].evse_mac == EVSE_MAC


def test_a_new_run_of_the_same_car_replaces_the_old_one():
    line = Line()
    charger = evse(line)
    charger.modem = Modem(b"\x00\xb0\x52\x00\x00\x09")
    line.tell(charger, Command.START)
    line.plug(charger)
    line.run(10)
    for run in (b"\x01" * 8, b"\x02" * 8):
        line.inject(SlacParmReq(0, 0, run).frame(BROADCAST, EV_MAC))
        line.run(line.now + 50)
    assert [m.run_id for m in charger.sent() if isinstance(m, SlacParmCnf)] == [b"\x01" * 8, b"\x02" * 8]
    assert len(charger.core._matching._sessions) == 1
    assert charger.of(Failed) == []
