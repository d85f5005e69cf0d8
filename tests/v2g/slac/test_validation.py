"""Validation by BCB toggles: on offer, not required."""

from __future__ import annotations

from itertools import pairwise

import pytest

from tests.v2g.slac.pair import EV_MAC, EVSE_MAC, ev, evse, pair
from tests.v2g.slac.rig import Line
from v2g.homeplug.frame import Frame
from v2g.homeplug.slac import (
    GROUPS,
    SlacMatchReq,
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
