"""ChargeParameterDiscovery: limits, schedules, and cars that do not fit."""

from __future__ import annotations

import pytest

from tests.v2g.secc.iso2 import requests as ev
from tests.v2g.secc.iso2.requests import rig_at
from v2g.common.terms import Phase
from v2g.common.values import number
from v2g.secc import effects
from v2g.secc.schedule import Period, Schedule
from v2g.secc.station import Authorization, StationError
from v2gexi import iso2

STATE = "WaitForChargeParameterDiscovery"
STEPS = Schedule(7, (Period(0, 11_000), Period(3600, 22_000), Period(7200, 3_700)), 14_400)


@pytest.mark.spec(366)
def test_what_an_ac_car_tells():
    told = rig_at("WaitForPowerDelivery", dc=False).told()
    assert told["requested_energy_transfer_mode"] == "AC_three_phase_core"
    assert told["ac_eamount"] == 22_000
    assert told["ac_ev_max_voltage"] == 400
    assert told["ac_ev_max_current"] == 32
    assert told["ac_ev_min_current"] == 6


@pytest.mark.spec(365)
def test_payment_mode_and_departure_are_told():
    told = rig_at("WaitForPowerDelivery", dc=False).told()
    assert told["selected_payment_option"] == "ExternalPayment"
    assert told["departure_time"] == 7200
    assert told["requested_energy_transfer_mode"] == "AC_three_phase_core"


@pytest.mark.spec(366)
def test_what_a_dc_car_tells():
    rig = rig_at(STATE)
    rig.ask(ev.dc_parameters(most=2))
    told = rig.told()
    assert told["soc"] == 40
    assert told["dc_ev_energy_capacity"] == 28_000
    assert told["dc_ev_energy_request"] == 16_000
    assert (told["dc_full_soc"], told["dc_bulk_soc"]) == (100, 80)
    assert told["dc_ev_maximum_limits"] == {"current_a": 125.0, "power_w": 50_000.0, "voltage_v": 410.0}
    assert told["dc_ev_status"] == {"EVReady": True, "EVErrorCode": "NO_ERROR", "EVRESSSOC": 40}
    assert told["max_entries_sa_schedule_tuple"] == 2


@pytest.mark.spec(370)
def test_ac_limits():
    rig = rig_at(STATE, dc=False)
    rig.station.ac.maximum_current_a = 16
    answer = rig.ask(ev.ac_parameters())
    assert (answer.ResponseCode, answer.EVSEProcessing) == ("OK", "Finished")
    limits = answer.EVSEChargeParameter
    assert isinstance(limits, iso2.AC_EVSEChargeParameterType)
    assert (number(limits.EVSENominalVoltage), number(limits.EVSEMaxCurrent)) == (230, 16)
    assert limits.AC_EVSEStatus.RCD is False
    assert rig.state == "WaitForPowerDelivery"


@pytest.mark.spec(370)
def test_dc_limits():
    rig = rig_at(STATE)
    rig.station.dc.maximum_power_w = 150_000
    answer = rig.ask(ev.dc_parameters())
    limits = answer.EVSEChargeParameter
    assert isinstance(limits, iso2.DC_EVSEChargeParameterType)
    assert number(limits.EVSEMaximumVoltageLimit) == 500
    assert number(limits.EVSEMaximumCurrentLimit) == 125
    assert number(limits.EVSEMaximumPowerLimit) == 150_000
    assert number(limits.EVSEMinimumVoltageLimit) == 150
    assert number(limits.EVSEMinimumCurrentLimit) == 0
    assert number(limits.EVSEPeakCurrentRipple) == 5
    assert limits.DC_EVSEStatus.EVSEStatusCode == "EVSE_Ready"
    assert rig.state == "WaitForCableCheck"


@pytest.mark.parametrize(
    ("request_", "dc", "power"),
    [
        (ev.ac_parameters(), False, 22_080),
        (ev.ac_parameters("AC_single_phase_core"), False, 7_360),
        (ev.dc_parameters(), True, 50_000),
    ],
)
def test_without_schedules_the_limit_holds_for_a_day(request_, dc, power):
    (schedule,) = rig_at(STATE, dc=dc).ask(request_).SASchedules.SAScheduleTuple
    (entry,) = schedule.PMaxSchedule.PMaxScheduleEntry
    assert number(entry.PMax) == power
    assert (entry.TimeInterval.start, entry.TimeInterval.duration) == (0, 86_400)
    assert schedule.SAScheduleTupleID == 1


def test_the_stations_schedules():
    rig = rig_at(STATE, schedules=(STEPS, Schedule(9, (Period(0, 1_000),))))
    first, second = rig.ask(ev.dc_parameters()).SASchedules.SAScheduleTuple
    assert (first.SAScheduleTupleID, second.SAScheduleTupleID) == (7, 9)
    assert [
        (entry.TimeInterval.start, entry.TimeInterval.duration, number(entry.PMax))
        for entry in first.PMaxSchedule.PMaxScheduleEntry
    ] == [(0, None, 11_000), (3600, None, 22_000), (7200, 7_200, 3_700)]


@pytest.mark.parametrize(("most", "count"), [(None, 3), (0, 1), (1, 1), (2, 2), (12, 3)])
def test_no_more_schedules_than_the_car_and_the_schema_take(most, count):
    schedules = tuple(Schedule(number, (Period(0, 1_000),)) for number in range(1, 6))
    answer = rig_at(STATE, schedules=schedules).ask(ev.dc_parameters(most=most))
    assert len(answer.SASchedules.SAScheduleTuple) == count


def test_ongoing_carries_no_schedules_and_ends_after_55_s():
    rig = rig_at(STATE, parameters_ready=False)
    for _ in range(11):
        answer = rig.ask(ev.dc_parameters())
        assert (answer.ResponseCode, answer.EVSEProcessing, answer.SASchedules) == ("OK", "Ongoing", None)
        assert answer.EVSEChargeParameter.DC_EVSEStatus.EVSEStatusCode == "EVSE_NotReady"
        rig.later(5_000)
    assert rig.ask(ev.dc_parameters()).ResponseCode == "FAILED"


def test_ongoing_until_the_parameters_are_there():
    rig = rig_at(STATE, parameters_ready=False)
    assert rig.ask(ev.dc_parameters()).EVSEProcessing == "Ongoing"
    assert rig.changed(parameters_ready=True) == []
    assert rig.ask(ev.dc_parameters()).EVSEProcessing == "Finished"


def wrong(**values):
    request = ev.dc_parameters()
    for name, value in values.items():
        setattr(request.EVChargeParameter, name, value)
    return request


def wrong_ac(**values):
    request = ev.ac_parameters()
    for name, value in values.items():
        setattr(request.EVChargeParameter, name, value)
    return request


def swapped(request, parameters):
    request.EVChargeParameter = parameters.EVChargeParameter
    return request


@pytest.mark.parametrize(
    ("dc", "request_", "code"),
    [
        (True, ev.dc_parameters("DC_core"), "FAILED_WrongEnergyTransferMode"),
        (True, ev.ac_parameters(), "FAILED_WrongEnergyTransferMode"),
        (False, ev.dc_parameters(), "FAILED_WrongEnergyTransferMode"),
        (True, swapped(ev.dc_parameters(), ev.ac_parameters()), "FAILED_WrongChargeParameter"),
        (False, swapped(ev.ac_parameters(), ev.dc_parameters()), "FAILED_WrongChargeParameter"),
        (True, wrong(EVMaximumVoltageLimit=ev.volts(100)), "FAILED_WrongChargeParameter"),
        (True, wrong(EVMaximumCurrentLimit=ev.amperes(-1)), "FAILED_WrongChargeParameter"),
        (True, wrong(EVMaximumPowerLimit=ev.watts(-1)), "FAILED_WrongChargeParameter"),
        (False, wrong_ac(EVMaxCurrent=ev.amperes(-6)), "FAILED_WrongChargeParameter"),
        (False, wrong_ac(EVMinCurrent=ev.amperes(40)), "FAILED_WrongChargeParameter"),
    ],
)
def test_parameters_that_do_not_fit(dc, request_, code):
    rig = rig_at(STATE, dc=dc)
    assert rig.ask(request_).ResponseCode == code
    assert rig.ask(ev.stop()) is None


@pytest.mark.parametrize("dc", [True, False])
def test_an_error_of_the_station_ends_it(dc):
    rig = rig_at(STATE, dc=dc, error=StationError.MALFUNCTION)
    assert rig.ask(ev.dc_parameters() if dc else ev.ac_parameters()).ResponseCode == "FAILED"


@pytest.mark.spec(371)
def test_a_station_that_wants_to_stop_or_has_an_rcd_fault_says_so_here():
    rig = rig_at(STATE, dc=False, stop=True, rcd_tripped=True)
    status = rig.ask(ev.ac_parameters()).EVSEChargeParameter.AC_EVSEStatus
    assert (status.EVSENotification, status.RCD) == ("StopCharging", True)


def test_phases_go_with_the_messages():
    """Guide 15.3: AUTH ends with the authorisation, PARAMETER with the last ChargeParameterDiscovery."""
    rig = rig_at("WaitForAuthorization", authorization=Authorization.ONGOING)
    phases = [(each.phase.value, each.started) for each in rig.of(effects.PhaseChanged)]
    assert phases == [("init", True), ("init", False), ("auth", True)]
    rig.changed(authorization=Authorization.ACCEPTED, parameters_ready=False)
    rig.ask(ev.authorization())
    rig.ask(ev.dc_parameters())
    rig.changed(parameters_ready=True)
    assert rig.sent(effects.PhaseChanged) is None
    rig.ask(ev.dc_parameters())
    assert rig.sent(effects.PhaseChanged) == effects.PhaseChanged(Phase.PARAMETER, False)
