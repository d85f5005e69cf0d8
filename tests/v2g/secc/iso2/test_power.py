"""Power on and off: PowerDelivery of AC and DC, the cable check, and pre-charge."""

from __future__ import annotations

import pytest

from tests.v2g.secc.iso2 import requests as ev
from tests.v2g.secc.iso2.requests import rig_at, stopped
from tests.v2g.secc.rig import Rig
from v2g.common.terms import Phase
from v2g.secc import effects
from v2g.secc.direct import PATIENCE_MS
from v2g.secc.effects import Milestone
from v2g.secc.iso2.power_delivery import CONTACTOR_CLOSE_MS, CONTACTOR_OPEN_MS
from v2g.secc.schedule import Period, Schedule
from v2g.secc.station import Isolation, StationError

STEPS = Schedule(7, (Period(0, 11_000), Period(3600, 22_000), Period(7200, 3_700)), 14_400)
LOOPS = pytest.mark.parametrize(
    ("dc", "loop"), [(False, "WaitForChargingStatus"), (True, "WaitForCurrentDemand")]
)


def opened_before_the_answer(rig: Rig) -> bool:
    kinds = [type(each) for each in rig.last]
    return kinds.index(effects.Contactor) < kinds.index(effects.Send)


def milestones(rig: Rig) -> list[Milestone]:
    return [each.milestone for each in rig.of(effects.Reached)]


class TestStartOfAc:
    @pytest.mark.spec(360)
    @pytest.mark.spec(362)
    def test_the_answer_waits_for_state_c_and_the_contactor(self):
        rig = rig_at("WaitForPowerDelivery", dc=False)
        assert rig.ask(ev.power("Start")) is None
        assert not rig.closed
        assert milestones(rig) == [Milestone.V2G_SETUP_FINISHED]
        rig.later(1_000)
        rig.changed(pilot="C")
        assert rig.closed
        assert rig.answer() is None
        rig.later(2_000)
        rig.changed(contactor_closed=True)
        assert rig.answer().ResponseCode == "OK"
        assert rig.state == "WaitForChargingStatus"
        assert milestones(rig) == [Milestone.V2G_SETUP_FINISHED]
        assert rig.told()["ready_to_charge_state"] == "Start"

    def test_a_car_that_stays_in_b_gets_no_power_after_1_5_s(self):
        rig = rig_at("WaitForPowerDelivery", dc=False)
        rig.ask(ev.power("Start"))
        assert rig.later(1_499) == []
        rig.later(1)
        assert rig.answer().ResponseCode == "FAILED_PowerDeliveryNotApplied"
        assert rig.of(effects.Contactor) == []

    @pytest.mark.spec(175)
    def test_a_plug_that_is_not_locked_gets_no_power(self):
        rig = rig_at("WaitForPowerDelivery", dc=False, connector_locked=False)
        rig.changed(pilot="C")
        assert rig.ask(ev.power("Start")) is None
        rig.later(1_500)
        assert rig.answer().ResponseCode == "FAILED_PowerDeliveryNotApplied"
        assert rig.of(effects.Contactor) == []

    @pytest.mark.spec(175)
    def test_a_plug_that_locks_in_time(self):
        rig = rig_at("WaitForPowerDelivery", dc=False, connector_locked=False)
        rig.changed(pilot="C")
        rig.ask(ev.power("Start"))
        rig.changed(connector_locked=True)
        assert rig.closed

    @pytest.mark.spec(360)
    @pytest.mark.parametrize("late", [0, 1_499])
    def test_a_contactor_that_does_not_close_is_an_error_in_time(self, late):
        rig = rig_at("WaitForPowerDelivery", dc=False)
        rig.ask(ev.power("Start"))
        rig.later(late)
        rig.changed(pilot="C")
        assert rig.later(CONTACTOR_CLOSE_MS - 1) == []
        rig.later(1)
        assert rig.answer().ResponseCode == "FAILED_ContactorError"
        assert opened_before_the_answer(rig)
        assert not rig.closed
        assert late + CONTACTOR_CLOSE_MS < 4_500

    def test_a_welded_contactor_is_an_error_before_it_closes(self):
        rig = rig_at("WaitForPowerDelivery", dc=False, contactor_closed=True)
        rig.changed(pilot="C")
        assert rig.ask(ev.power("Start")).ResponseCode == "FAILED_ContactorError"
        assert rig.of(effects.Contactor) == []

    def test_back_to_b_while_the_contactor_closes(self):
        rig = rig_at("WaitForPowerDelivery", dc=False)
        rig.changed(pilot="C")
        rig.ask(ev.power("Start"))
        last = rig.changed(pilot="B")
        assert last[0] == effects.Contactor(False)
        assert rig.answer().ResponseCode == "FAILED_PowerDeliveryNotApplied"
        assert not rig.closed

    @pytest.mark.parametrize(
        "facts", [{"error": StationError.MALFUNCTION}, {"stop": True}, {"rcd_tripped": True}]
    )
    def test_a_station_that_cannot_supply(self, facts):
        rig = rig_at("WaitForPowerDelivery", dc=False)
        rig.changed(pilot="C", **facts)
        assert rig.ask(ev.power("Start")).ResponseCode == "FAILED_PowerDeliveryNotApplied"
        assert rig.of(effects.Contactor) == []

    def test_an_error_while_the_contactor_closes(self):
        rig = rig_at("WaitForPowerDelivery", dc=False)
        rig.changed(pilot="C")
        rig.ask(ev.power("Start"))
        last = rig.changed(error=StationError.RCD)
        assert last[0] == effects.Contactor(False)
        answer = rig.answer()
        assert answer.ResponseCode == "FAILED_PowerDeliveryNotApplied"
        assert answer.EVSEStatus.RCD is True
        assert not rig.closed


class TestSchedules:
    @pytest.mark.parametrize("dc", [False, True])
    def test_a_schedule_that_was_not_offered(self, dc):
        rig = rig_at("WaitForPreCharge" if dc else "WaitForPowerDelivery", dc=dc)
        if dc:
            rig.ask(ev.pre_charge())
        assert rig.ask(ev.power("Start", schedule=2)).ResponseCode == "FAILED_TariffSelectionInvalid"
        assert not rig.closed
        assert Milestone.V2G_SETUP_FINISHED not in milestones(rig)

    @pytest.mark.parametrize(
        ("entries", "code"),
        [
            ([(0, 11_000)], "FAILED_ChargingProfileInvalid"),
            ([(0, 3_700)], None),
            ([(0, 11_000), (3600, 22_000), (7200, 3_700)], None),
            ([(0, 11_001)], "FAILED_ChargingProfileInvalid"),
            ([(0, 11_000), (3599, 22_000), (7200, 0)], "FAILED_ChargingProfileInvalid"),
            ([(0, 0), (7199, 3_800), (14_400, 0)], "FAILED_ChargingProfileInvalid"),
            ([(0, 0), (14_400, 99_000)], None),
            ([(0, 1_000), (0, 1_000)], "FAILED_ChargingProfileInvalid"),
            ([(60, 1_000), (30, 1_000)], "FAILED_ChargingProfileInvalid"),
        ],
    )
    def test_a_profile_has_to_keep_to_its_schedule(self, entries, code):
        rig = rig_at("WaitForPowerDelivery", dc=False, schedules=(STEPS,))
        rig.changed(pilot="C")
        answer = rig.ask(ev.power("Start", *entries, schedule=7))
        assert (answer and answer.ResponseCode) == code
        assert rig.closed is (code is None)
        assert rig.told()["charging_profile"]["tuple_id"] == 7

    def test_the_loop_names_the_schedule(self):
        rig = rig_at("WaitForPowerDelivery", dc=False, schedules=(STEPS,))
        rig.changed(pilot="C")
        rig.ask(ev.power("Start", schedule=7))
        rig.changed(contactor_closed=True)
        assert rig.ask(ev.charging_status()).SAScheduleTupleID == 7

    def test_stopping_needs_no_schedule(self):
        rig = rig_at("WaitForChargingStatus", dc=False)
        rig.changed(contactor_closed=False)
        assert rig.ask(ev.power("Stop", (0, 99_000), schedule=99)).ResponseCode == "OK"


class TestStartOfDc:
    @pytest.mark.spec(362)
    def test_after_pre_charge(self):
        rig = rig_at("WaitForPreCharge")
        rig.ask(ev.pre_charge())
        answer = rig.ask(ev.power("Start"))
        assert answer.ResponseCode == "OK"
        assert answer.EVSEStatus.EVSEStatusCode == "EVSE_Ready"
        assert rig.state == "WaitForCurrentDemand"
        assert milestones(rig) == [Milestone.V2G_SETUP_FINISHED]

    @pytest.mark.parametrize("state", ["WaitForCableCheck", "WaitForPreCharge"])
    def test_before_pre_charge(self, state):
        rig = rig_at(state)
        assert rig.ask(ev.power("Start")).ResponseCode == "FAILED_SequenceError"
        assert not rig.closed

    @pytest.mark.parametrize(
        "facts",
        [
            {"error": StationError.MALFUNCTION},
            {"stop": True},
            {"pilot": "B"},
            {"connector_locked": False},
        ],
    )
    def test_a_station_that_cannot_supply(self, facts):
        rig = rig_at("WaitForPreCharge")
        rig.ask(ev.pre_charge())
        rig.changed(**facts)
        assert rig.ask(ev.power("Start")).ResponseCode == "FAILED_PowerDeliveryNotApplied"
        assert not rig.closed

    def test_an_error_that_was_reset_needs_a_new_pre_charge(self):
        rig = rig_at("WaitForPreCharge")
        rig.ask(ev.pre_charge())
        rig.changed(error=StationError.MALFUNCTION)
        rig.changed(error=None)
        assert rig.ask(ev.power("Start")).ResponseCode == "FAILED_PowerDeliveryNotApplied"
        assert not rig.closed

    @pytest.mark.spec(360)
    def test_relays_that_are_open(self):
        rig = rig_at("WaitForPreCharge")
        rig.ask(ev.pre_charge())
        assert rig.changed(contactor_closed=False)[0] == effects.Contactor(False)
        assert rig.ask(ev.power("Start")).ResponseCode == "FAILED_PowerDeliveryNotApplied"
        assert not rig.closed


class TestStop:
    @pytest.mark.spec(360)
    @pytest.mark.spec(362)
    @pytest.mark.parametrize(
        ("dc", "loop", "after"),
        [
            (False, "WaitForChargingStatus", "WaitForSessionStop"),
            (True, "WaitForCurrentDemand", "WaitForWeldingDetection"),
        ],
    )
    def test_the_answer_waits_until_the_contactor_is_open(self, dc, loop, after):
        rig = rig_at(loop, dc=dc)
        assert rig.ask(ev.power("Stop")) is None
        kinds = [type(each) for each in rig.last if not isinstance(each, effects.MessageSeen)]
        assert kinds[0] is effects.Contactor
        assert not rig.closed
        assert milestones(rig).count(Milestone.V2G_SETUP_FINISHED) == 2
        rig.changed(pilot="B")
        assert rig.answer() is None
        rig.later(1_000)
        rig.changed(contactor_closed=False)
        assert rig.answer().ResponseCode == "OK"
        assert rig.state == after
        assert milestones(rig).count(Milestone.V2G_SETUP_FINISHED) == 2
        assert rig.told()["ready_to_charge_state"] == "Stop"

    @pytest.mark.spec(360)
    @pytest.mark.parametrize(
        ("dc", "loop"), [(False, "WaitForChargingStatus"), (True, "WaitForCurrentDemand")]
    )
    def test_a_contactor_that_does_not_open(self, dc, loop):
        rig = rig_at(loop, dc=dc)
        rig.ask(ev.power("Stop"))
        assert rig.later(CONTACTOR_OPEN_MS - 1) == []
        rig.later(1)
        assert rig.answer().ResponseCode == "FAILED_ContactorError"
        assert not rig.closed

    def test_without_feedback_the_answer_does_not_wait(self):
        rig = rig_at("WaitForCurrentDemand")
        rig.changed(contactor_closed=None)
        assert rig.ask(ev.power("Stop")).ResponseCode == "OK"

    @pytest.mark.parametrize(
        ("dc", "state"),
        [(False, "WaitForPowerDelivery"), (True, "WaitForCableCheck"), (True, "WaitForPreCharge")],
    )
    def test_before_the_loop(self, dc, state):
        rig = rig_at(state, dc=dc)
        rig.changed(contactor_closed=False)
        assert rig.ask(ev.power("Stop")).ResponseCode == "OK"
        assert not rig.closed
        assert rig.ask(ev.stop()).ResponseCode == "OK"

    @pytest.mark.parametrize(
        ("dc", "loop"), [(False, "WaitForChargingStatus"), (True, "WaitForCurrentDemand")]
    )
    def test_start_in_the_loop(self, dc, loop):
        rig = rig_at(loop, dc=dc)
        assert rig.ask(ev.power("Start")).ResponseCode == "FAILED"
        assert not rig.closed


class TestCableCheck:
    @pytest.mark.spec(361)
    def test_it_waits_for_state_c_and_for_the_result(self):
        rig = rig_at("WaitForCableCheck")
        assert rig.ask(ev.cable_check()) is None
        assert not rig.closed
        rig.later(1_000)
        rig.changed(pilot="C")
        answer = rig.answer()
        assert (answer.ResponseCode, answer.EVSEProcessing) == ("OK", "Ongoing")
        assert answer.DC_EVSEStatus.EVSEStatusCode == "EVSE_IsolationMonitoringActive"
        assert rig.closed
        assert rig.sent(effects.CableCheck)
        assert rig.ask(ev.cable_check()).EVSEProcessing == "Ongoing"
        assert rig.sent(effects.CableCheck) is None
        rig.changed(cable_check=True, isolation=Isolation.VALID)
        answer = rig.ask(ev.cable_check())
        assert (answer.ResponseCode, answer.EVSEProcessing) == ("OK", "Finished")
        assert answer.DC_EVSEStatus.EVSEIsolationStatus == "Valid"
        assert rig.state == "WaitForPreCharge"

    def test_a_car_that_stays_in_b_fails_after_1_5_s(self):
        rig = rig_at("WaitForCableCheck")
        rig.ask(ev.cable_check())
        assert rig.later(1_499) == []
        rig.later(1)
        assert rig.answer().ResponseCode == "FAILED"
        assert rig.of(effects.Contactor) == []

    @pytest.mark.spec(175)
    def test_a_plug_that_is_not_locked(self):
        rig = rig_at("WaitForCableCheck", connector_locked=False)
        rig.changed(pilot="C")
        rig.ask(ev.cable_check())
        rig.later(1_500)
        assert rig.answer().ResponseCode == "FAILED"
        assert rig.of(effects.Contactor) == []

    @pytest.mark.spec(361)
    def test_a_bad_cable_fails_and_power_goes_off_before_the_answer(self):
        rig = rig_at("WaitForCableCheck")
        rig.changed(pilot="C")
        rig.ask(ev.cable_check())
        rig.changed(cable_check=False, isolation=Isolation.FAULT)
        answer = rig.ask(ev.cable_check())
        assert answer.ResponseCode == "FAILED"
        assert answer.DC_EVSEStatus.EVSEIsolationStatus == "Fault"
        assert opened_before_the_answer(rig)

    @pytest.mark.parametrize("facts", [{"pilot": "B"}, {"connector_locked": False}])
    def test_back_to_b_or_unlocked_during_the_check(self, facts):
        rig = rig_at("WaitForCableCheck")
        rig.changed(pilot="C")
        rig.ask(ev.cable_check())
        rig.changed(**facts)
        assert rig.ask(ev.cable_check()).ResponseCode == "FAILED"
        assert not rig.closed

    def test_a_pilot_that_comes_back_does_not_bring_power_back(self):
        rig = rig_at("WaitForCableCheck")
        rig.changed(pilot="C")
        rig.ask(ev.cable_check())
        rig.changed(pilot="B")
        rig.changed(pilot="C", cable_check=True)
        assert rig.ask(ev.cable_check()).ResponseCode == "FAILED"
        assert not rig.closed

    def test_takes_38_s_at_most(self):
        rig = rig_at("WaitForCableCheck")
        rig.changed(pilot="C")
        for _ in range(38):
            assert rig.ask(ev.cable_check()).EVSEProcessing == "Ongoing"
            rig.later(1_000)
        assert rig.ask(ev.cable_check()).ResponseCode == "FAILED"
        assert not rig.closed

    def test_a_result_from_before_does_not_count(self):
        rig = rig_at("WaitForCableCheck")
        rig.changed(pilot="C", cable_check=True)
        assert rig.ask(ev.cable_check()).EVSEProcessing == "Ongoing"

    def test_an_error_of_the_station(self):
        rig = rig_at("WaitForCableCheck", error=None)
        rig.changed(pilot="C", error=StationError.EMERGENCY_SHUTDOWN)
        answer = rig.ask(ev.cable_check())
        assert answer.ResponseCode == "FAILED"
        assert answer.DC_EVSEStatus.EVSEStatusCode == "EVSE_EmergencyShutdown"


class TestPreCharge:
    def test_it_follows_the_car_within_limits(self):
        rig = rig_at("WaitForPreCharge")
        assert rig.ask(ev.pre_charge(380, 1)).ResponseCode == "OK"
        assert rig.sent(effects.DcTarget) == effects.DcTarget(380.0, 1.0)
        rig.ask(ev.pre_charge(800, 50))
        assert rig.sent(effects.DcTarget) == effects.DcTarget(410.0, 2.0)
        rig.ask(ev.pre_charge(-5, -5))
        assert rig.sent(effects.DcTarget) == effects.DcTarget(0.0, 0.0)

    def test_what_never_converges_ends(self):
        rig = rig_at("WaitForPreCharge")
        for _ in range(PATIENCE_MS // 500):
            assert rig.ask(ev.pre_charge()).ResponseCode == "OK"
            rig.later(500)
        assert rig.ask(ev.pre_charge()).ResponseCode == "FAILED"
        assert not rig.closed

    @pytest.mark.parametrize("facts", [{"error": StationError.MALFUNCTION}, {"pilot": "B"}])
    def test_power_that_is_off_ends_it(self, facts):
        rig = rig_at("WaitForPreCharge")
        rig.ask(ev.pre_charge())
        assert rig.changed(**facts)[0] == effects.Contactor(False)
        assert rig.ask(ev.pre_charge()).ResponseCode == "FAILED"
        assert not rig.closed


class TestRenegotiation:
    @pytest.mark.spec(173)
    @pytest.mark.parametrize(
        ("dc", "loop"), [(False, "WaitForChargingStatus"), (True, "WaitForCurrentDemand")]
    )
    def test_of_the_car(self, dc, loop):
        rig = rig_at(loop, dc=dc, schedules=(STEPS, Schedule(1, (Period(0, 9_000),))))
        answer = stopped(rig, "Renegotiate")
        assert answer.ResponseCode == "OK"
        assert milestones(rig)[-1] is Milestone.RENEGOTIATION
        assert rig.state == "WaitForChargeParameterDiscovery"
        assert (rig.station.parameters_ready, rig.station.schedules) == (False, ())
        assert rig.sent(effects.PhaseChanged) == effects.PhaseChanged(Phase.PARAMETER, True)
        assert rig.told()["ready_to_charge_state"] == "Renegotiate"
        rig.changed(pilot="B")
        request = ev.dc_parameters() if dc else ev.ac_parameters()
        assert rig.ask(request).EVSEProcessing == "Ongoing"
        rig.changed(parameters_ready=True, schedules=(Schedule(5, (Period(0, 5_000),)),))
        answer = rig.ask(request)
        assert [each.SAScheduleTupleID for each in answer.SASchedules.SAScheduleTuple] == [5]
        rig.changed(pilot="C")
        if dc:
            rig.ask(ev.cable_check())
            rig.changed(contactor_closed=True, cable_check=True)
            rig.ask(ev.cable_check())
            rig.ask(ev.pre_charge())
        assert rig.ask(ev.power("Start", schedule=1)).ResponseCode == "FAILED_TariffSelectionInvalid"
        assert not rig.closed

    @pytest.mark.spec(173)
    @pytest.mark.parametrize(
        ("dc", "loop"), [(False, "WaitForChargingStatus"), (True, "WaitForCurrentDemand")]
    )
    def test_of_the_station(self, dc, loop):
        rig = rig_at(loop, dc=dc)
        rig.changed(renegotiate=True)
        answer = rig.ask(ev.demand() if dc else ev.charging_status())
        status = answer.DC_EVSEStatus if dc else answer.AC_EVSEStatus
        assert status.EVSENotification == "ReNegotiation"
        assert stopped(rig, "Renegotiate").EVSEStatus.EVSENotification == "None"
        assert rig.station.renegotiate is False
        rig.changed(parameters_ready=True)
        ev.walk(rig, loop)
        assert rig.closed

    def test_dc_begins_with_the_cable_again(self):
        rig = rig_at("WaitForCurrentDemand")
        rig.ask(ev.demand())
        stopped(rig, "Renegotiate")
        rig.changed(parameters_ready=True)
        rig.ask(ev.dc_parameters())
        assert rig.ask(ev.cable_check()).EVSEProcessing == "Ongoing"
        assert rig.sent(effects.CableCheck)
        rig.changed(contactor_closed=True, cable_check=True)
        rig.ask(ev.cable_check())
        ev.walk(rig, "WaitForCurrentDemand")
        rig.ask(ev.demand())
        assert milestones(rig).count(Milestone.CURRENT_DEMAND_STARTED) == 2

    def test_dc_needs_pre_charge_again(self):
        rig = rig_at("WaitForCurrentDemand")
        stopped(rig, "Renegotiate")
        rig.changed(parameters_ready=True)
        ev.walk(rig, "WaitForPreCharge")
        assert rig.ask(ev.power("Start")).ResponseCode == "FAILED_SequenceError"

    def test_the_time_for_parameters_begins_again(self):
        rig = rig_at("WaitForChargeParameterDiscovery", dc=False, parameters_ready=False)
        rig.ask(ev.ac_parameters())
        rig.later(50_000)
        rig.changed(parameters_ready=True)
        ev.walk(rig, "WaitForChargingStatus")
        stopped(rig, "Renegotiate")
        for _ in range(5):
            assert rig.ask(ev.ac_parameters()).EVSEProcessing == "Ongoing"
            rig.later(10_000)

    def test_the_shell_may_give_parameters_before_the_answer(self):
        rig = rig_at("WaitForChargingStatus", dc=False)
        assert rig.ask(ev.power("Renegotiate")) is None
        assert rig.sent(effects.Reached) == effects.Reached(Milestone.RENEGOTIATION)
        rig.changed(parameters_ready=True)
        rig.changed(contactor_closed=False)
        assert rig.answer().ResponseCode == "OK"
        assert rig.ask(ev.ac_parameters()).EVSEProcessing == "Finished"

    @pytest.mark.parametrize(
        ("dc", "state"),
        [(False, "WaitForPowerDelivery"), (True, "WaitForCableCheck"), (True, "WaitForPreCharge")],
    )
    def test_outside_the_loop(self, dc, state):
        rig = rig_at(state, dc=dc)
        assert rig.ask(ev.power("Renegotiate")).ResponseCode == "FAILED"
        assert not rig.closed
        assert rig.station.parameters_ready

    def test_a_contactor_that_does_not_open(self):
        rig = rig_at("WaitForChargingStatus", dc=False)
        rig.ask(ev.power("Renegotiate"))
        rig.later(CONTACTOR_OPEN_MS)
        assert rig.answer().ResponseCode == "FAILED_ContactorError"
