"""Validation by BCB toggles: on offer, not required."""

from __future__ import annotations

from itertools import pairwise

import pytest

from tests.v2g.slac.pair import EV_MAC, EVSE_MAC, ev, evse, pair
from tests.v2g.slac.rig import Line
from v2g.homeplug.frame import BROADCAST, Frame
from v2g.homeplug.slac import (
    GROUPS,
    NO_ID,
    AttenCharRsp,
    MnbcSoundInd,
    SlacMatchReq,
    SlacParmCnf,
    SlacParmReq,
    StartAttenCharInd,
    ValidateCnf,
    ValidateReq,
    ValidateResult,
    message_of,
)
from v2g.slac import timing
from v2g.slac.effects import Failed, Matched, Reason, SetPilotLoad
from v2g.slac.ev import EvPhase
from v2g.slac.ev_validation import EvValidation, Verdict
from v2g.slac.events import Command
from v2g.slac.evse import Phase
from v2g.slac.validation import Validation

UNCERTAIN = bytes((15,)) * GROUPS
OTHER = bytes.fromhex("0200000000aa")


def uncertain(offered=True, **config):
    both = pair(evse_config={"validation": offered}, **config)
    both.evse.modem.profile = UNCERTAIN
    return both


def test_a_charger_that_counts_the_toggles_is_taken():
    both = uncertain(validate=True).start(8_000)
    assert [load.state for load in both.ev.of(SetPilotLoad)] == ["C", "B"] * timing.C_EV_VALD_NB_TOGGLES
    answers = [m for m in both.evse.sent() if isinstance(m, ValidateCnf)]
    assert answers == [ValidateCnf(0, 0, ValidateResult.READY), ValidateCnf(0, 3, ValidateResult.SUCCESS)]
    assert both.ev.of(Matched) == both.evse.of(Matched) != []
    times = [when for when, effect in both.ev.done if isinstance(effect, SetPilotLoad)]
    assert {b - a for a, b in pairwise(times)} == {timing.TP_EV_VALD_STATE_DURATION_MS}


def test_a_charger_that_does_not_take_part_is_taken_as_well():
    both = uncertain(offered=False, validate=True).start()
    assert [m for m in both.evse.sent() if isinstance(m, ValidateCnf)] == [
        ValidateCnf(0, 0, ValidateResult.NOT_REQUIRED)
    ]
    assert both.ev.of(SetPilotLoad) == []
    assert both.ev.core.phase is EvPhase.MATCHED


def test_a_car_need_not_validate():
    both = uncertain().start()
    assert not [m for m in both.ev.sent() if isinstance(m, ValidateReq)]
    assert both.ev.core.phase is EvPhase.MATCHED


def test_a_charger_on_another_cable_is_not_taken():
    both = uncertain(validate=True)
    both.ev.cabled = []
    both.start(60_000)
    assert {failed.reason for failed in both.ev.of(Failed)} == {Reason.NO_VALIDATION}
    assert not [m for m in both.ev.sent() if isinstance(m, SlacMatchReq)]
    assert ValidateCnf(0, 0, ValidateResult.SUCCESS) in both.evse.sent()


def test_of_two_uncertain_chargers_the_one_on_the_cable_is_taken():
    line = Line()
    wrong = evse(line, bytes.fromhex("020000000010"), "wrong", validation=True)
    right = evse(line, bytes.fromhex("020000000011"), "right", validation=True)
    car = ev(line, validate=True)
    wrong.modem.profile, right.modem.profile = bytes((14,)) * GROUPS, UNCERTAIN
    car.cabled = [right]
    for station in line.stations:
        line.tell(station, Command.START)
    line.run(50)
    line.plug(wrong, right, car)
    line.run(12_000)
    assert car.of(Matched)[-1].evse_mac == right.mac
    assert right.core.phase is Phase.MATCHED
    assert wrong.of(Matched) == []
    # The pilot is where it was.
    assert car.of(SetPilotLoad)[-1].state == "B"


def test_a_charger_that_never_answers_validation():
    both = uncertain(validate=True)
    both.line.fate = lambda _number, message: [] if isinstance(message, ValidateCnf) else [2]
    both.start(60_000)
    assert {failed.reason for failed in both.ev.of(Failed)} == {Reason.NO_VALIDATION}


def test_unplugged_while_the_pilot_is_in_c():
    both = uncertain(validate=True)
    both.line.tell(both.evse, Command.START)
    both.line.tell(both.ev, Command.START)
    both.line.run(50)
    both.line.plug(both.evse, both.ev)
    both.line.run(700)
    assert both.ev.of(SetPilotLoad)[-1].state == "C"
    both.line.tell(both.ev, Command.STOP)
    both.line.run(701)
    assert both.ev.of(SetPilotLoad)[-1].state == "B"


@pytest.fixture
def offered():
    return Validation(EVSE_MAC, True)


def answers(effects):
    return [message_of(Frame.parse(effect.data)) for effect in effects]


def test_toggles_are_changes_from_b_to_c_in_the_window(offered):
    offered.request(ValidateReq(0, 0, 1), EV_MAC, 0)
    for state in ("B", "C", "B"):
        offered.pilot(state)
    assert offered.request(ValidateReq(0, 19, 1), EV_MAC, 10) == []
    for state in ("C", "D", "B", "A", "B", "C"):
        offered.pilot(state)
    assert offered.tick(2_009) == []
    assert answers(offered.tick(2_010)) == [ValidateCnf(0, 2, ValidateResult.SUCCESS)]
    assert offered.deadline() is None


def test_no_window_is_longer_than_the_standards(offered):
    offered.request(ValidateReq(0, 0, 1), EV_MAC, 0)
    offered.request(ValidateReq(0, 255, 1), EV_MAC, 0)
    assert offered.deadline() == timing.TT_EVSE_VALD_TOGGLE_MS


def test_another_car_is_told_to_wait(offered):
    offered.request(ValidateReq(0, 0, 1), EV_MAC, 0)
    assert answers(offered.request(ValidateReq(0, 0, 1), OTHER, 1)) == [
        ValidateCnf(0, 0, ValidateResult.NOT_READY)
    ]
    offered.tick(timing.TT_MATCH_SEQUENCE_MS)
    assert answers(offered.request(ValidateReq(0, 0, 1), OTHER, 500)) == [
        ValidateCnf(0, 0, ValidateResult.READY)
    ]


def test_who_repeats_the_first_request_keeps_nobody_out(offered):
    """A lost answer is sent again; after C_EV_match_retry of them another car has its turn."""
    for now in range(0, 800, 100):
        assert answers(offered.request(ValidateReq(0, 0, 1), EV_MAC, now)) == [
            ValidateCnf(0, 0, ValidateResult.READY)
        ]
        assert offered.tick(now + 50) == []
    offered.tick(800)
    assert answers(offered.request(ValidateReq(0, 0, 1), OTHER, 801)) == [
        ValidateCnf(0, 0, ValidateResult.READY)
    ]


def test_the_last_repetition_leaves_the_time_to_go_on(offered):
    for now in (0, 200, 400):
        offered.request(ValidateReq(0, 0, 1), EV_MAC, now)
    assert offered.deadline() == 400 + timing.TT_MATCH_SEQUENCE_MS
    offered.request(ValidateReq(0, 19, 1), EV_MAC, 799)
    assert offered.deadline() == 799 + 2_000


def waiting_for_match(line, charger, cars):
    """These cars have answered their attenuation."""
    run = b"\x01" * 8
    for car in cars:
        line.inject(SlacParmReq(0, 0, run).frame(BROADCAST, car))
        line.inject(StartAttenCharInd(0, 0, 1, 6, 1, car, run).frame(BROADCAST, car))
        line.inject(MnbcSoundInd(0, 0, NO_ID, 0, run, bytes(16)).frame(BROADCAST, car))
    line.run(line.now + 100)
    for car in cars:
        line.inject(AttenCharRsp(0, 0, car, run, NO_ID, NO_ID, 0).frame(charger.mac, car))
    line.run(line.now + 10)


@pytest.mark.parametrize("offered", [False, True])
def test_cars_that_validate_for_ever_do_not_shut_out_the_next_one(offered):
    line = Line()
    charger = evse(line, validation=offered)
    line.tell(charger, Command.START)
    line.plug(charger)
    line.run(10)
    strangers = [bytes.fromhex("02000000b0") + bytes((number,)) for number in range(5)]
    waiting_for_match(line, charger, strangers)
    begun = line.now
    while line.now < begun + 2 * timing.TT_EVSE_MATCH_SESSION_MS:
        for car in strangers:
            line.inject(ValidateReq(0, 0, 1).frame(charger.mac, car))
        line.run(line.now + 3_000)
    line.inject(SlacParmReq(0, 0, b"real-car").frame(BROADCAST, EV_MAC))
    line.run(line.now + 10)
    assert [m.run_id for m in charger.sent() if isinstance(m, SlacParmCnf)][-1] == b"real-car"


def test_a_validation_adds_its_time_once():
    line = Line()
    charger = evse(line, validation=True)
    line.tell(charger, Command.START)
    line.plug(charger)
    line.run(10)
    waiting_for_match(line, charger, [EV_MAC])
    line.run(line.now + 9_000)
    line.inject(ValidateReq(0, 0, 1).frame(charger.mac, EV_MAC))
    line.run(line.now + 9_000)
    assert charger.of(Failed) == []
    line.inject(ValidateReq(0, 0, 1).frame(charger.mac, EV_MAC))
    line.run(line.now + 1_100)
    assert charger.of(Failed) == [Failed(Reason.NO_MATCH_REQ, final=False)]


def test_a_car_that_begins_anew_ends_its_own_validation():
    line = Line()
    charger = evse(line, validation=True)
    line.tell(charger, Command.START)
    line.plug(charger)
    line.run(10)
    waiting_for_match(line, charger, [EV_MAC])
    line.inject(ValidateReq(0, 0, 1).frame(charger.mac, EV_MAC))
    line.inject(ValidateReq(0, 34, 1).frame(charger.mac, EV_MAC))
    line.run(line.now + 10)
    waiting_for_match(line, charger, [EV_MAC])
    line.inject(ValidateReq(0, 0, 1).frame(charger.mac, EV_MAC))
    line.run(line.now + 10)
    assert [m for m in charger.sent() if isinstance(m, ValidateCnf)] == [
        ValidateCnf(0, 0, ValidateResult.READY)
    ] * 2


@pytest.mark.parametrize("request_", [ValidateReq(0, 19, 1), ValidateReq(255, 0, 1)])
def test_a_second_request_without_a_first_one_and_other_signals_are_ignored(offered, request_):
    assert offered.request(request_, EV_MAC, 0) == []
    assert offered.deadline() is None


def test_a_car_that_gives_up_is_not_waited_for(offered):
    offered.request(ValidateReq(0, 0, 1), EV_MAC, 0)
    assert offered.request(ValidateReq(0, 19, ValidateResult.FAILURE), EV_MAC, 1) == []
    assert offered.deadline() is None


@pytest.mark.parametrize(
    ("result", "toggles", "verdict"),
    [
        (ValidateResult.SUCCESS, 3, Verdict.PASSED),
        (ValidateResult.SUCCESS, 2, Verdict.FAILED),
        (ValidateResult.FAILURE, 3, Verdict.FAILED),
        (ValidateResult.READY, 0, Verdict.OPEN),
        (77, 3, Verdict.FAILED),
    ],
)
def test_the_second_answer_is_judged(result, toggles, verdict):
    car = EvValidation(EV_MAC, 2)
    car.begin(EVSE_MAC, 0)
    car.confirmed(ValidateCnf(0, 0, ValidateResult.READY), 1)
    car.confirmed(ValidateCnf(0, toggles, result), 500)
    assert car.verdict is verdict


@pytest.mark.parametrize(
    ("result", "verdict"),
    [
        (ValidateResult.NOT_REQUIRED, Verdict.PASSED),
        (ValidateResult.FAILURE, Verdict.FAILED),
        (ValidateResult.SUCCESS, Verdict.FAILED),
        (ValidateResult.NOT_READY, Verdict.OPEN),
    ],
)
def test_the_first_answer_is_judged(result, verdict):
    car = EvValidation(EV_MAC, 2)
    car.begin(EVSE_MAC, 0)
    car.confirmed(ValidateCnf(0, 0, result), 1)
    assert car.verdict is verdict
