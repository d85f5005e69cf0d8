"""The charge loops: ChargingStatus and CurrentDemand, and what a station wants of a car in them."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

import v2gexi
from tests.v2g.secc.iso2 import requests as ev
from tests.v2g.secc.iso2.requests import rig_at, stopped
from tests.v2g.secc.rig import UNIX_S, Rig
from v2g.common.values import number
from v2g.secc import effects
from v2g.secc.direct import STOP_PATIENCE_MS, WISH_PATIENCE_MS
from v2g.secc.effects import Milestone
from v2g.secc.station import Isolation, MeterReading, StationError
from v2gexi import v2gtp

BOTH = pytest.mark.parametrize("dc", [False, True])


def loop(dc: bool, **facts: Any) -> Rig:
    return rig_at("WaitForCurrentDemand" if dc else "WaitForChargingStatus", dc=dc, **facts)


def turn(rig: Rig, dc: bool) -> Any:
    return rig.ask(ev.demand() if dc else ev.charging_status())


def status_of(answer: Any, dc: bool) -> Any:
    return answer.DC_EVSEStatus if dc else answer.AC_EVSEStatus


@pytest.mark.spec(370)
def test_charging_status_tells_limit_and_meter():
    rig = loop(False)
    meter = MeterReading("M" * 40, 5_000, status=3, unix_s=UNIX_S, signature=b"s" * 80)
    rig.changed(meter=meter)
    rig.station.ac.maximum_current_a = 13.5
    answer = turn(rig, False)
    assert answer.ResponseCode == "OK"
    assert answer.EVSEID == "DE*ABC*E1234"
    assert number(answer.EVSEMaxCurrent) == 13.5
    info = answer.MeterInfo
    assert (info.MeterID, info.MeterReading, info.MeterStatus, info.TMeter) == ("M" * 32, 5_000, 3, UNIX_S)
    assert info.SigMeterReading == b"s" * 64
    assert answer.ReceiptRequired is False
    assert answer.SAScheduleTupleID == 1


@pytest.mark.spec(370)
def test_current_demand_follows_the_car_within_the_limits():
    rig = loop(True)
    rig.changed(present_voltage_v=401.0, present_current_a=49.5, meter=MeterReading("M", 7))
    answer = rig.ask(ev.demand(400, 50))
    assert rig.sent(effects.DcTarget) == effects.DcTarget(400.0, 50.0)
    assert (number(answer.EVSEPresentVoltage), number(answer.EVSEPresentCurrent)) == (401.0, 49.5)
    assert (answer.EVSECurrentLimitAchieved, answer.EVSEVoltageLimitAchieved) == (False, False)
    assert answer.MeterInfo.MeterReading == 7
    rig.station.dc.maximum_current_a = 20
    rig.station.dc.maximum_power_w = 6_000
    answer = rig.ask(ev.demand(600, 50))
    target = rig.sent(effects.DcTarget)
    assert target is not None
    assert (target.voltage_v, target.current_a) == (410.0, pytest.approx(6_000 / 410))
    assert number(answer.EVSEMaximumCurrentLimit) == 20
    assert number(answer.EVSEMaximumPowerLimit) == 6_000
    assert answer.EVSECurrentLimitAchieved
    assert answer.EVSEVoltageLimitAchieved
    assert answer.EVSEPowerLimitAchieved
    rig.ask(ev.demand(400, -10))
    assert rig.sent(effects.DcTarget) == effects.DcTarget(400.0, 0.0)


@pytest.mark.spec(363)
def test_the_loop_is_announced_once_at_its_start_and_once_at_its_end():
    rig = loop(True)
    for _ in range(3):
        rig.ask(ev.demand())
    stopped(rig)
    reached = [each.milestone for each in rig.of(effects.Reached)]
    assert reached.count(Milestone.CURRENT_DEMAND_STARTED) == 1
    assert reached.count(Milestone.CURRENT_DEMAND_FINISHED) == 1
    assert reached.index(Milestone.CURRENT_DEMAND_STARTED) < reached.index(Milestone.CURRENT_DEMAND_FINISHED)


@pytest.mark.spec(363)
def test_a_session_stop_in_the_loop_ends_it_too():
    rig = loop(True)
    rig.ask(ev.demand())
    rig.ask(ev.stop())
    assert Milestone.CURRENT_DEMAND_FINISHED in [each.milestone for each in rig.of(effects.Reached)]
    assert not rig.closed


@pytest.mark.spec(366)
def test_what_a_dc_car_tells_in_the_loop():
    rig = loop(True)
    request = ev.demand(400, 50, soc=63)
    request.BulkChargingComplete = True
    request.EVMaximumCurrentLimit = ev.amperes(80)
    rig.ask(request)
    told = rig.told()
    assert told["soc"] == 63
    assert told["dc_ev_target_voltage_current"] == {"voltage_v": 400.0, "current_a": 50.0}
    assert told["dc_ev_remaining_time"] == {"full_s": 1800.0, "bulk_s": None}
    assert told["dc_bulk_charging_complete"] is True
    assert told["dc_charging_complete"] is False
    assert told["dc_ev_maximum_limits"] == {"current_a": 80.0, "power_w": 50_000.0, "voltage_v": 410.0}
    rig.ask(request)
    assert rig.sent(effects.EvTold) is None


@BOTH
@pytest.mark.spec(371)
@pytest.mark.spec(172)
def test_the_station_asks_the_car_to_stop(dc):
    setup = dataclasses.replace(ev.DC_SETUP if dc else ev.AC_SETUP, notification_max_delay_s=30)
    rig = loop(dc, setup=setup)
    rig.changed(stop=True, renegotiate=True)
    answer = turn(rig, dc)
    status = status_of(answer, dc)
    assert answer.ResponseCode == "OK"
    assert (status.EVSENotification, status.NotificationMaxDelay) == ("StopCharging", 30)
    assert rig.closed
    if dc:
        assert status.EVSEStatusCode == "EVSE_Shutdown"
        assert rig.sent(effects.DcTarget) == effects.DcTarget(400.0, 0.0)
    rig.changed(stop=False, renegotiate=False)
    assert status_of(turn(rig, dc), dc).EVSENotification == "None"
    rig.changed(stop=True)
    assert stopped(rig).ResponseCode == "OK"


@BOTH
@pytest.mark.spec(172)
def test_a_car_that_ignores_the_wish_is_cut_off(dc):
    rig = loop(dc)
    rig.changed(stop=True)
    turn(rig, dc)
    last = rig.changed(abort=True)
    assert last[0] == effects.Contactor(False)
    assert any(isinstance(each, effects.Disconnect) for each in last)


@BOTH
@pytest.mark.spec(371)
@pytest.mark.parametrize(
    ("error", "code"),
    [
        (StationError.EMERGENCY_SHUTDOWN, "EVSE_EmergencyShutdown"),
        (StationError.MALFUNCTION, "EVSE_Malfunction"),
        (StationError.UTILITY_INTERRUPT, "EVSE_UtilityInterruptEvent"),
        (StationError.RCD, "EVSE_Malfunction"),
        (StationError.CONTACTOR, "EVSE_Malfunction"),
    ],
)
def test_an_error_takes_power_off_at_once_and_the_car_may_stop_by_itself(dc, error, code):
    rig = loop(dc)
    turn(rig, dc)
    assert rig.changed(error=error)[0] == effects.Contactor(False)
    rig.changed(contactor_closed=False)
    answer = turn(rig, dc)
    status = status_of(answer, dc)
    assert answer.ResponseCode == "OK"
    assert status.EVSENotification == "StopCharging"
    if dc:
        assert status.EVSEStatusCode == code
    else:
        assert status.RCD is (error is StationError.RCD)
    assert not rig.closed
    assert rig.ask(ev.power("Stop")).ResponseCode == "OK"
    assert rig.ask(ev.stop()).ResponseCode == "OK"


@BOTH
def test_a_car_that_does_not_stop_after_an_error_is_sent_away(dc):
    rig = loop(dc)
    rig.changed(error=StationError.MALFUNCTION)
    for _ in range(STOP_PATIENCE_MS // 1_000):
        assert turn(rig, dc).ResponseCode == "OK"
        rig.later(1_000)
    assert turn(rig, dc).ResponseCode == "FAILED"


@BOTH
def test_a_car_that_is_asked_to_stop_and_does_not_is_sent_away(dc):
    rig = loop(dc)
    rig.changed(stop=True)
    for _ in range(WISH_PATIENCE_MS // 1_000):
        assert turn(rig, dc).ResponseCode == "OK"
        rig.later(1_000)
    assert turn(rig, dc).ResponseCode == "FAILED"
    assert not rig.closed


@BOTH
def test_a_wish_to_stop_that_is_taken_back_does_not_count(dc):
    rig = loop(dc)
    for stop in (True, False, True):
        rig.changed(stop=stop)
        turn(rig, dc)
        rig.later(WISH_PATIENCE_MS - 30_000)
    assert turn(rig, dc).ResponseCode == "OK"
    assert rig.closed


UNSAYABLE = MeterReading("M", 1 << 70)
"""No message can carry it."""


def test_power_goes_off_also_if_a_refusal_cannot_be_said():
    rig = loop(False)
    rig.station.meter = UNSAYABLE
    rig.ask(ev.charging_status(), session_id=b"stranger")
    assert rig.last[0] == effects.Contactor(False)
    assert rig.sent(effects.Disconnect) is not None


def test_power_goes_off_also_if_the_request_after_the_stop_cannot_be_answered():
    rig = loop(False)
    stop, more = (packed(rig, body) for body in (ev.power("Stop"), ev.charging_status()))
    rig.changed(meter=UNSAYABLE, contactor_closed=None)
    rig.data(stop + more)
    assert rig.last[0] == effects.Contactor(False)
    assert rig.sent(effects.Disconnect) is not None


def packed(rig: Rig, body: Any) -> bytes:
    """A request's bytes."""
    return v2gtp.pack(v2gexi.encode(rig.session.protocol.wrap(rig.session, body), "iso2"))


@BOTH
def test_an_error_that_is_reset_does_not_bring_power_back(dc):
    rig = loop(dc)
    rig.changed(error=StationError.MALFUNCTION)
    turn(rig, dc)
    rig.changed(error=None)
    assert turn(rig, dc).ResponseCode == "FAILED"
    assert not rig.closed


@BOTH
@pytest.mark.parametrize("facts", [{"contactor_closed": False}, {"connector_locked": False}, {"pilot": "B"}])
def test_power_that_is_gone_ends_the_loop(dc, facts):
    rig = loop(dc)
    rig.changed(**facts)
    assert turn(rig, dc).ResponseCode == "FAILED"
    assert not rig.closed


def test_an_rcd_that_has_tripped_is_told_and_power_is_off():
    rig = loop(False)
    rig.changed(rcd_tripped=True, contactor_closed=False)
    answer = turn(rig, False)
    assert answer.AC_EVSEStatus.RCD is True
    assert not rig.closed


@BOTH
@pytest.mark.spec(370)
def test_the_meter_is_told_as_it_is_now(dc):
    rig = loop(dc)
    assert turn(rig, dc).MeterInfo is None
    for reading in (1, 2, 3):
        rig.changed(meter=MeterReading("M", reading))
        assert turn(rig, dc).MeterInfo.MeterReading == reading


@pytest.mark.parametrize("isolation", list(Isolation))
@pytest.mark.spec(370)
def test_isolation_is_told(isolation):
    rig = loop(True)
    rig.changed(isolation=isolation)
    assert turn(rig, True).DC_EVSEStatus.EVSEIsolationStatus == isolation.value


@BOTH
def test_a_receipt_is_not_asked_for_without_a_contract(dc):
    rig = loop(dc)
    rig.changed(receipt_required=True, meter=MeterReading("M", 1))
    assert turn(rig, dc).ReceiptRequired is False
