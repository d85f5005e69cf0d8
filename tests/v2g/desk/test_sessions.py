"""Whole sessions of the desk's charger and car: what each wishes for is done."""

from __future__ import annotations

import re

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


def requests(outcome) -> list[str]:
    """Requests in their order, with what PowerDeliveryReq wants; one for each row of equal ones."""
    seen: list[str] = []
    for each in outcome.charger_effects:
        if isinstance(each, effects.MessageSeen) and each.request:
            body = getattr(getattr(each.message, "Body", None), "BodyElement", each.message)
            name = f"{each.name} {getattr(body, 'ChargeProgress', '')}".strip()
            if seen[-1:] != [name]:
                seen.append(name)
    return seen


RENEGOTIATIONS = {
    ("iso2", "dc"): (
        "CurrentDemandReq",
        "PowerDeliveryReq Renegotiate",
        "ChargeParameterDiscoveryReq",
        "CableCheckReq",
        "PreChargeReq",
        "PowerDeliveryReq Start",
        "CurrentDemandReq",
    ),
    ("iso2", "ac"): (
        "ChargingStatusReq",
        "PowerDeliveryReq Renegotiate",
        "ChargeParameterDiscoveryReq",
        "PowerDeliveryReq Start",
        "ChargingStatusReq",
    ),
    ("iso20", "dc"): (
        "DC_ChargeLoopReq",
        "PowerDeliveryReq ScheduleRenegotiation",
        "ScheduleExchangeReq",
        "PowerDeliveryReq Start",
        "DC_ChargeLoopReq",
    ),
    ("iso20", "ac"): (
        "AC_ChargeLoopReq",
        "PowerDeliveryReq ScheduleRenegotiation",
        "ScheduleExchangeReq",
        "PowerDeliveryReq Start",
        "AC_ChargeLoopReq",
    ),
}


@pytest.mark.spec(173)
@pytest.mark.parametrize("after_s", [0, 2])
@pytest.mark.parametrize("side", ["charger", "car"])
@pytest.mark.parametrize(("protocol", "mode"), RENEGOTIATIONS)
def test_either_side_asks_for_new_parameters_and_charging_goes_on(
    protocol: str, mode: str, side: str, after_s: float
):
    wish = {"renegotiate_after_s": 1}
    outcome = charge(
        protocol,
        mode,
        charger={"parameters_after_s": after_s} | (wish if side == "charger" else {}),
        car={"loop_s": 20} | (wish if side == "car" else {}),
    )
    way, seen = RENEGOTIATIONS[protocol, mode], requests(outcome)
    begin = seen.index(way[1]) - 1
    assert tuple(seen[begin : begin + len(way)]) == way
    assert seen.count(way[1]) == 1
    assert milestones(outcome).count(Milestone.RENEGOTIATION) == 1
    assert outcome.charger_fine
    assert outcome.car_result.ok, outcome.car_result.reason
    assert outcome.power_outside == []
    again = max(at for at, each in enumerate(outcome.charger_effects) if is_start(each))
    assert sum(is_loop(each) for each in outcome.charger_effects[again:]) >= 3


def is_loop(effect) -> bool:
    names = {way[0] for way in RENEGOTIATIONS.values()}
    return isinstance(effect, effects.MessageSeen) and effect.name in names


def is_start(effect) -> bool:
    if not isinstance(effect, effects.MessageSeen) or effect.name != "PowerDeliveryReq":
        return False
    body = getattr(getattr(effect.message, "Body", None), "BodyElement", effect.message)
    return bool(body.ChargeProgress == "Start")


def test_a_car_pauses():
    outcome = charge("iso2", "dc", car={"pause_after_s": 1, "loop_s": None})
    assert outcome.car_result.paused is not None
    assert effects.Link(LinkWish.PAUSE) in outcome.charger_effects


@pytest.mark.parametrize(
    ("protocol", "mode", "side"),
    [
        ("iso2", "dc", "car"),
        ("iso2", "ac", "car"),
        ("iso20", "dc", "car"),
        ("iso20", "ac", "car"),
        ("iso20", "dc", "charger"),
        ("iso20", "ac", "charger"),
    ],
)
def test_a_paused_session_goes_on_as_the_same(protocol: str, mode: str, side: str):
    wish = {"pause_after_s": 1}
    outcome = charge(
        protocol,
        mode,
        charger=wish if side == "charger" else {},
        car={"loop_s": 5} | (wish if side == "car" else {}),
        resume=True,
    )
    setups = [each for each in outcome.charger_effects if getattr(each, "name", "") == "SessionSetupRes"]
    assert [code_of(each) for each in setups] == ["OK_NewSessionEstablished", "OK_OldSessionJoined"]
    assert len({each.message.Header.SessionID for each in setups}) == 1
    assert outcome.pauses == [("B", False)]
    links = [each.wish for each in outcome.charger_effects if isinstance(each, effects.Link)]
    assert links == [LinkWish.PAUSE, LinkWish.TERMINATE]
    assert outcome.charger_fine
    assert outcome.car_result.ok
    joined = outcome.charger_effects.index(setups[-1])
    assert sum(is_loop(each) for each in outcome.charger_effects[joined:]) >= 3
    assert outcome.power_outside == []


def code_of(seen) -> str:
    body = getattr(getattr(seen.message, "Body", None), "BodyElement", seen.message)
    return str(body.ResponseCode)


def test_a_pause_is_written_down_readably():
    outcome = charge("iso2", "dc", car={"pause_after_s": 1, "loop_s": None})
    paused = outcome.car_result.paused
    assert repr(paused) == f"Paused({paused.session_id.hex().upper()}, urn:iso:15118:2:2013:MsgDef)"


@pytest.mark.parametrize("protocol", ["iso2", "iso20"])
def test_the_meter_of_an_ac_charger_counts(protocol: str):
    outcome = charge(protocol, "ac", car={"loop_s": 30})
    readings = []
    for each in outcome.charger_effects:
        if isinstance(each, effects.MessageSeen) and each.name in ("ChargingStatusRes", "AC_ChargeLoopRes"):
            body = getattr(getattr(each.message, "Body", None), "BodyElement", each.message)
            readings.append(body.MeterInfo)
    assert readings[0] is not None
    first, last = (
        getattr(info, "MeterReading", None) or info.ChargedEnergyReadingWh
        for info in (readings[0], [each for each in readings if each is not None][-1])
    )
    # Three phases of 32 A at 230 V for half a minute are 184 Wh.
    assert 1_000 <= first < 1_010
    assert 150 <= last - first <= 190


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


def _cable_check(outcome):
    return re.findall(r"cable check: .*", outcome.charger_log)


@pytest.mark.spec(338)
def test_the_cable_is_checked_at_the_cars_highest_voltage():
    outcome = charge(
        "iso20",
        "mcs",
        charger={"maximum_voltage_v": 1250.0, "isolation_ohm": 150_000.0},
        car={"maximum_voltage_v": 800.0, "voltage_v": 700.0, "target_voltage_v": 720.0},
    )
    assert _cable_check(outcome) == [
        "cable check: self-test of the isolation monitor passed",
        "cable check: 800 V, R_F 150000 ohm: OK",
    ]
    assert outcome.charger_fine


@pytest.mark.parametrize("protocol", ["din", "iso2", "iso20"])
@pytest.mark.spec(338)
def test_too_little_isolation(protocol):
    outcome = charge(protocol, "dc", charger={"isolation_ohm": 99_999.0})
    assert _cable_check(outcome)[-1] == "cable check: 500 V, R_F 99999 ohm: fault"
    assert outcome.charger_fine is False
    assert outcome.loops == 0


def test_isolation_is_measured_at_the_whole_voltage():
    outcome = charge("iso2", "dc", charger={"ramp_v_per_s": 100.0, "cable_check_s": 0.1})
    assert _cable_check(outcome)[-1] == "cable check: 500 V, R_F 1000000 ohm: OK"
    assert outcome.charger_fine
