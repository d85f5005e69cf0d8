"""Whole sessions of the desk's charger and car: what each wishes for is done."""

from __future__ import annotations

import pytest

from tests.v2g.desk.pair import charge
from v2g.common.terms import LinkWish
from v2g.secc import effects
from v2g.secc.effects import Milestone


def milestones(outcome) -> list[Milestone]:
    return [each.milestone for each in outcome.charger_effects if isinstance(each, effects.Reached)]


@pytest.mark.parametrize(("protocol", "mode"), [("din", "dc"), ("iso2", "dc"), ("iso2", "ac")])
def test_a_session_ends_well_on_both_sides(protocol: str, mode: str):
    outcome = charge(protocol, mode)
    assert outcome.charger_fine
    assert outcome.car_result.ok
    assert outcome.loops >= 3
    assert outcome.contactor_closed is False
    assert outcome.contactors_closed is False
    assert effects.Link(LinkWish.TERMINATE) in outcome.charger_effects


@pytest.mark.spec(371)
@pytest.mark.parametrize(("protocol", "mode"), [("din", "dc"), ("iso2", "dc"), ("iso2", "ac")])
def test_the_station_asks_the_car_to_stop(protocol: str, mode: str):
    outcome = charge(protocol, mode, charger={"stop_after_s": 1}, car={"loop_s": None})
    assert outcome.charger_fine
    assert outcome.car_result.ok
    assert "charger" in outcome.car_result.reason


@pytest.mark.spec(173)
@pytest.mark.parametrize("side", ["charger", "car"])
@pytest.mark.parametrize("mode", ["dc", "ac"])
def test_either_side_asks_for_new_parameters(mode: str, side: str):
    wish = {"renegotiate_after_s": 1}
    outcome = charge(
        "iso2", mode, charger=wish if side == "charger" else {}, car=wish if side == "car" else {}
    )
    assert Milestone.RENEGOTIATION in milestones(outcome)
    assert outcome.charger_fine
    assert outcome.car_result.ok
    assert outcome.charger_log.count("ChargeParameterDiscoveryReq") >= 2


def test_a_car_pauses():
    outcome = charge("iso2", "dc", car={"pause_after_s": 1, "loop_s": None})
    assert outcome.car_result.paused is not None
    assert effects.Link(LinkWish.PAUSE) in outcome.charger_effects


@pytest.mark.spec(174)
def test_a_station_that_does_not_pause_rejects_it_cleanly():
    outcome = charge("iso2", "dc", charger={"pause": False}, car={"pause_after_s": 1, "loop_s": None})
    assert "SessionStopRes  FAILED" in outcome.charger_log
    assert outcome.car_result.paused is None
    assert effects.Link(LinkWish.PAUSE) not in outcome.charger_effects


def test_a_battery_that_is_full_ends_the_session():
    outcome = charge("din", "dc", car={"loop_s": None, "soc_percent": 79, "full_soc_percent": 80})
    assert outcome.charger_fine
    assert outcome.car_result.ok
    assert outcome.loops > 5
