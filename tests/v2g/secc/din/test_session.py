"""DIN SPEC 70121 at the station: a whole session, and what each message answers."""

from __future__ import annotations

import pytest

from tests.v2g.secc.din import requests as ev
from tests.v2g.secc.din.requests import walk
from tests.v2g.secc.rig import Rig
from v2g.common.effects import Checkpoint
from v2g.common.terms import LinkWish, Phase
from v2g.common.values import number
from v2g.secc import effects
from v2g.secc.din.protocol import PROTOCOL
from v2g.secc.direct import PATIENCE_MS, STOP_PATIENCE_MS
from v2g.secc.effects import Milestone
from v2g.secc.station import Authorization, Isolation, Station, StationError
from v2gexi import din


def rig_at(state: str) -> Rig:
    return walk(Rig(PROTOCOL), state)


def test_a_whole_session_in_order():
    rig = rig_at("WaitForCurrentDemand")
    rig.changed(present_voltage_v=401.0, present_current_a=49.5)
    answer = rig.ask(ev.demand(400, 50))
    assert answer.ResponseCode == "OK"
    assert number(answer.EVSEPresentVoltage) == 401.0
    assert number(answer.EVSEPresentCurrent) == 49.5
    assert rig.sent(effects.DcTarget) == effects.DcTarget(400.0, 50.0)
    assert rig.closed
    rig.changed(contactor_closed=False)
    assert rig.ask(ev.power(False)).ResponseCode == "OK"
    assert not rig.closed
    assert rig.ask(ev.welding()).ResponseCode == "OK"
    assert rig.ask(ev.stop()).ResponseCode == "OK"
    last = rig.later(10_000)
    assert effects.Link(LinkWish.TERMINATE) in last
    assert any(isinstance(each, effects.Disconnect) for each in last)
    assert [each.milestone for each in rig.of(effects.Reached)] == [
        Milestone.V2G_SETUP_FINISHED,
        Milestone.CURRENT_DEMAND_STARTED,
        Milestone.V2G_SETUP_FINISHED,
        Milestone.CURRENT_DEMAND_FINISHED,
        Milestone.SESSION_STOP,
    ]
    assert [(each.phase, each.started) for each in rig.of(effects.PhaseChanged)] == [
        (phase, started) for phase in Phase for started in (True, False)
    ]


def test_checkpoints_come_in_the_order_of_their_numbers_up_to_the_loop():
    rig = rig_at("WaitForCurrentDemand")
    rig.ask(ev.demand())
    numbers = [each.number for each in rig.of(Checkpoint)]
    assert numbers == sorted(numbers)
    assert {303, 401, 402, 500, 505, 510, 515, 520, 525, 530, 535, 538, 540, 545, 560, 575, 605, 700} <= set(
        numbers
    )


def test_what_the_car_tells():
    rig = rig_at("WaitForCurrentDemand")
    rig.ask(ev.demand(400, 50, soc=41))
    told = rig.told()
    assert told["evcc_id"] == "00:16:81:0A:0B:0C"
    assert told["soc"] == 41
    assert told["selected_payment_option"] == "ExternalPayment"
    assert told["requested_energy_transfer_mode"] == "DC_extended"
    assert told["dc_ev_maximum_limits"] == {"current_a": 125.0, "power_w": 50_000.0, "voltage_v": 410.0}
    assert told["dc_ev_energy_capacity"] == 28_000
    assert told["dc_ev_energy_request"] == 16_000
    assert told["dc_full_soc"] == 100
    assert told["dc_bulk_soc"] == 80
    assert told["dc_ev_remaining_time"] == {"full_s": 1800.0, "bulk_s": None}
    assert told["dc_ev_target_voltage_current"] == {"voltage_v": 400.0, "current_a": 50.0}


def test_a_new_session_id_is_given_and_an_old_one_not_taken_up():
    rig = Rig(PROTOCOL)
    rig.handshake()
    assert (
        rig.ask(ev.setup(), session_id=bytes.fromhex("1122334455667788")).ResponseCode
        == "OK_NewSessionEstablished"
    )
    assert rig.core.session.session_id == bytes([1] * 8)


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (ev.payment("Contract"), "FAILED_PaymentSelectionInvalid"),
        (ev.payment(services=(2,)), "FAILED_ServiceSelectionInvalid"),
        (ev.payment(services=(1, 2)), "FAILED_ServiceSelectionInvalid"),
    ],
)
def test_a_selection_that_is_not_on_offer(request_, code):
    rig = rig_at("WaitForServicePaymentSelection")
    assert rig.ask(request_).ResponseCode == code
    assert rig.core.deadline() == rig.now_ms + 5_000


@pytest.mark.spec(156)
def test_authorisation_is_ongoing_until_the_station_says_more():
    rig = Rig(PROTOCOL, station=Station())
    walk(rig, "WaitForContractAuthentication")
    assert rig.ask(ev.authentication()).EVSEProcessing == "Ongoing"
    assert rig.sent(effects.AuthorizationWanted).payment.value == "ExternalPayment"
    assert rig.ask(ev.authentication()).EVSEProcessing == "Ongoing"
    assert rig.sent(effects.AuthorizationWanted) is None
    rig.changed(authorization=Authorization.ACCEPTED)
    assert rig.ask(ev.authentication()).EVSEProcessing == "Finished"


def test_a_rejected_customer():
    rig = Rig(PROTOCOL, station=Station(authorization=Authorization.REJECTED))
    walk(rig, "WaitForContractAuthentication")
    assert rig.ask(ev.authentication()).ResponseCode == "FAILED"


@pytest.mark.spec(156)
def test_authorisation_is_ongoing_for_55_s_at_most():
    rig = Rig(PROTOCOL, station=Station())
    walk(rig, "WaitForContractAuthentication")
    for _ in range(11):
        answer = rig.ask(ev.authentication())
        assert (answer.ResponseCode, answer.EVSEProcessing) == ("OK", "Ongoing")
        rig.later(5_000)
    answer = rig.ask(ev.authentication())
    assert (answer.ResponseCode, answer.EVSEProcessing) == ("FAILED", "Finished")
    assert rig.core.deadline() == rig.now_ms + PROTOCOL.times.secc_close_ms


def test_a_customer_who_is_waited_for_has_as_long_as_the_car_gives_him():
    rig = Rig(PROTOCOL, station=Station(authorization=Authorization.WAITING_FOR_CUSTOMER))
    walk(rig, "WaitForContractAuthentication")
    for _ in range(30):
        assert rig.ask(ev.authentication()).EVSEProcessing == "Ongoing"
        rig.later(5_000)
    rig.changed(authorization=Authorization.ONGOING)
    assert rig.ask(ev.authentication()).EVSEProcessing == "Ongoing"
    rig.changed(authorization=Authorization.ACCEPTED)
    assert rig.ask(ev.authentication()).EVSEProcessing == "Finished"


def test_parameters_are_ongoing_for_55_s_at_most():
    rig = rig_at("WaitForChargeParameterDiscovery")
    rig.changed(parameters_ready=False)
    for _ in range(11):
        answer = rig.ask(ev.parameters())
        assert (answer.ResponseCode, answer.EVSEProcessing) == ("OK", "Ongoing")
        rig.later(5_000)
    assert rig.ask(ev.parameters()).ResponseCode == "FAILED"


def test_parameters_carry_the_limits_and_a_schedule():
    rig = rig_at("WaitForChargeParameterDiscovery")
    rig.station.dc.maximum_power_w = 150_000
    answer = rig.ask(ev.parameters())
    limits = answer.EVSEChargeParameter
    assert number(limits.EVSEMaximumVoltageLimit) == 500
    assert number(limits.EVSEMaximumCurrentLimit) == 125
    assert number(limits.EVSEMaximumPowerLimit) == 150_000
    (schedule,) = answer.SASchedules.SAScheduleTuple
    (entry,) = schedule.PMaxSchedule.PMaxScheduleEntry
    assert (entry.PMax, entry.TimeInterval.start, entry.TimeInterval.duration) == (32767, 0, 86_400)


def test_wrong_parameters():
    assert rig_at("WaitForChargeParameterDiscovery").ask(ev.parameters("DC_core")).ResponseCode == (
        "FAILED_WrongEnergyTransferType"
    )
    request = ev.parameters()
    request.EVChargeParameter = din.AC_EVChargeParameterType(
        DepartureTime=0,
        EAmount=ev.volts(1),
        EVMaxVoltage=ev.volts(1),
        EVMaxCurrent=ev.volts(1),
        EVMinCurrent=ev.volts(1),
    )
    assert (
        rig_at("WaitForChargeParameterDiscovery").ask(request).ResponseCode == "FAILED_WrongChargeParameter"
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("EVMaximumCurrentLimit", ev.amperes(-1)),
        ("EVMaximumPowerLimit", ev.volts(-1)),
        ("EVMaximumVoltageLimit", ev.volts(-400)),
        ("EVEnergyCapacity", ev.volts(-1)),
        ("EVMaximumVoltageLimit", ev.volts(149)),
    ],
)
def test_limits_that_cannot_be(name, value):
    rig = rig_at("WaitForChargeParameterDiscovery")
    request = ev.parameters()
    setattr(request.EVChargeParameter, name, value)
    assert rig.ask(request).ResponseCode == "FAILED_WrongChargeParameter"
    assert "dc_ev_maximum_limits" not in rig.told()


def test_a_car_that_takes_the_lowest_voltage_of_the_station_is_charged():
    rig = rig_at("WaitForChargeParameterDiscovery")
    request = ev.parameters()
    request.EVChargeParameter.EVMaximumVoltageLimit = ev.volts(150)
    assert rig.ask(request).ResponseCode == "OK"


def test_negative_targets_ask_for_nothing():
    """Nothing flows back, even at a station that could take it with other protocols."""
    rig = rig_at("WaitForPreCharge")
    rig.station.dc.discharge_current_a = 100.0
    request = ev.pre_charge(-380)
    request.EVTargetCurrent = ev.amperes(-1)
    assert rig.ask(request).ResponseCode == "OK"
    assert rig.sent(effects.DcTarget) == effects.DcTarget(0.0, 0.0)
    rig.ask(ev.power(True))
    rig.ask(ev.demand(400, -50))
    assert rig.sent(effects.DcTarget) == effects.DcTarget(400.0, 0.0)


class TestCableCheck:
    def test_waits_for_state_c(self):
        rig = rig_at("WaitForCableCheck")
        assert rig.ask(ev.cable_check()) is None
        assert not rig.closed
        rig.later(1_000)
        rig.changed(pilot="C")
        assert rig.answer().EVSEProcessing == "Ongoing"
        assert rig.closed
        assert rig.sent(effects.CableCheck)

    def test_a_car_that_stays_in_b_fails_after_1_5_s(self):
        rig = rig_at("WaitForCableCheck")
        rig.ask(ev.cable_check())
        assert rig.later(1_499) == []
        rig.later(1)
        assert rig.answer().ResponseCode == "FAILED"
        assert not rig.closed

    def test_a_bad_cable_fails_and_power_goes_off_before_the_answer(self):
        rig = rig_at("WaitForCableCheck")
        rig.changed(pilot="C")
        rig.ask(ev.cable_check())
        rig.changed(cable_check=False, isolation=Isolation.FAULT)
        answer = rig.ask(ev.cable_check())
        assert answer.ResponseCode == "FAILED"
        assert answer.DC_EVSEStatus.EVSEIsolationStatus == "Fault"
        kinds = [type(each) for each in rig.last]
        assert kinds.index(effects.Contactor) < kinds.index(effects.Send)

    def test_a_plug_that_is_not_locked_fails_after_1_5_s(self):
        rig = rig_at("WaitForCableCheck")
        rig.changed(pilot="C", connector_locked=False)
        assert rig.ask(ev.cable_check()) is None
        rig.later(1_500)
        assert rig.answer().ResponseCode == "FAILED"
        assert not rig.of(effects.CableCheck)

    def test_ends_when_power_was_switched_off_meanwhile(self):
        rig = rig_at("WaitForCableCheck")
        rig.changed(pilot="C")
        assert rig.ask(ev.cable_check()).EVSEProcessing == "Ongoing"
        rig.changed(pilot="B")
        rig.changed(pilot="C")
        assert rig.ask(ev.cable_check()).ResponseCode == "FAILED"

    def test_takes_38_s_at_most(self):
        rig = rig_at("WaitForCableCheck")
        rig.changed(pilot="C")
        for _ in range(38):
            assert rig.ask(ev.cable_check()).EVSEProcessing == "Ongoing"
            rig.later(1_000)
        assert rig.ask(ev.cable_check()).ResponseCode == "FAILED"
        assert not rig.closed

    def test_a_result_of_an_earlier_session_does_not_count(self):
        rig = rig_at("WaitForCableCheck")
        rig.changed(pilot="C", cable_check=True)
        assert rig.ask(ev.cable_check()).EVSEProcessing == "Ongoing"


def test_pre_charge_that_never_converges_ends():
    rig = rig_at("WaitForPreCharge")
    for _ in range(PATIENCE_MS // 500):
        assert rig.ask(ev.pre_charge()).ResponseCode == "OK"
        rig.later(500)
    assert rig.ask(ev.pre_charge()).ResponseCode == "FAILED"
    assert not rig.closed


def test_pre_charge_gives_two_amperes_at_most_and_never_more_than_the_limit():
    rig = rig_at("WaitForPreCharge")
    request = ev.pre_charge(800)
    request.EVTargetCurrent = ev.amperes(50)
    rig.ask(request)
    assert rig.sent(effects.DcTarget) == effects.DcTarget(410.0, 2.0)  # what the car can take at most
    rig.station.dc.maximum_voltage_v = 300
    rig.ask(request)
    assert rig.sent(effects.DcTarget) == effects.DcTarget(300.0, 2.0)


def test_power_on_without_pre_charge():
    rig = rig_at("WaitForPreCharge")
    assert rig.ask(ev.power(True)).ResponseCode == "FAILED_SequenceError"
    assert not rig.closed


@pytest.mark.spec(371)
@pytest.mark.parametrize(
    "facts",
    [{"stop": True}, {"error": StationError.MALFUNCTION}, {"pilot": "B"}, {"contactor_closed": False}],
)
def test_no_power_for_a_car_that_is_to_stop(facts):
    rig = rig_at("WaitForPreCharge")
    rig.ask(ev.pre_charge())
    rig.changed(**facts)
    assert rig.ask(ev.power(True)).ResponseCode == "FAILED_PowerDeliveryNotApplied"
    assert not rig.closed


def test_stop_waits_until_the_output_is_off():
    rig = rig_at("WaitForCurrentDemand")
    rig.ask(ev.demand())
    assert rig.ask(ev.power(False)) is None
    assert isinstance(rig.last[-1], effects.Reached)
    assert not rig.closed
    rig.later(500)
    rig.changed(contactor_closed=False)
    assert rig.answer().ResponseCode == "OK"


def test_an_output_that_stays_on_does_not_hold_the_answer_for_ever():
    rig = rig_at("WaitForCurrentDemand")
    rig.ask(ev.power(False))
    rig.later(1_400)
    answer = rig.answer()
    assert (answer.ResponseCode, answer.EVSEStatus.EVSEStatusCode) == ("FAILED", "EVSE_Malfunction")


@pytest.mark.spec(371)
def test_the_station_asks_the_car_to_stop():
    rig = rig_at("WaitForCurrentDemand")
    rig.changed(stop=True)
    status = rig.ask(ev.demand()).DC_EVSEStatus
    assert (status.EVSENotification, status.EVSEStatusCode) == ("StopCharging", "EVSE_Shutdown")
    assert rig.sent(effects.DcTarget) == effects.DcTarget(400.0, 0.0)
    rig.changed(contactor_closed=False)
    assert rig.ask(ev.power(False)).ResponseCode == "OK"


@pytest.mark.spec(371)
@pytest.mark.parametrize(
    ("error", "code"),
    [
        (StationError.EMERGENCY_SHUTDOWN, "EVSE_EmergencyShutdown"),
        (StationError.MALFUNCTION, "EVSE_Malfunction"),
        (StationError.UTILITY_INTERRUPT, "EVSE_UtilityInterruptEvent"),
        (StationError.RCD, "EVSE_Malfunction"),
    ],
)
def test_an_error_of_the_station_takes_power_off_at_once_and_is_told(error, code):
    rig = rig_at("WaitForCurrentDemand")
    rig.ask(ev.demand())
    assert rig.changed(error=error)[0] == effects.Contactor(False)
    assert rig.ask(ev.demand()).DC_EVSEStatus.EVSEStatusCode == code
    assert not rig.closed
    assert rig.ask(ev.power(True)).ResponseCode.startswith("FAILED")


@pytest.mark.spec(371)
def test_a_car_that_does_not_stop_after_an_error_is_ended():
    rig = rig_at("WaitForCurrentDemand")
    rig.changed(error=StationError.MALFUNCTION)
    for _ in range(STOP_PATIENCE_MS // 1_000):
        assert rig.ask(ev.demand()).ResponseCode == "OK"
        rig.later(1_000)
    assert rig.ask(ev.demand()).ResponseCode == "FAILED"
    assert rig.core.deadline() == rig.now_ms + PROTOCOL.times.secc_close_ms


@pytest.mark.spec(370)
def test_limits_that_change_in_the_loop_are_told():
    rig = rig_at("WaitForCurrentDemand")
    rig.station.dc.maximum_current_a = 20
    answer = rig.ask(ev.demand(400, 50))
    assert number(answer.EVSEMaximumCurrentLimit) == 20
    assert answer.EVSECurrentLimitAchieved
    assert rig.sent(effects.DcTarget) == effects.DcTarget(400.0, 20.0)


@pytest.mark.parametrize("state", ev.ORDER[1:])
def test_the_car_may_stop_in_every_state(state):
    rig = rig_at(state)
    assert rig.ask(ev.stop()).ResponseCode == "OK"
    assert not rig.closed


@pytest.mark.parametrize("state", ev.ORDER)
@pytest.mark.parametrize("name", ev.ALL)
def test_a_request_out_of_order_is_a_sequence_error_of_its_own_response(state, name):
    if name in PROTOCOL.states[state].accepts:
        return
    rig = rig_at(state)
    answer = rig.ask(ev.ALL[name]())
    assert answer.ResponseCode == "FAILED_SequenceError"
    assert type(answer).__name__ == name.replace("Req", "ResType")
    assert not rig.closed
    assert rig.ask(ev.stop()) is None


@pytest.mark.parametrize("state", ev.ORDER[1:])
def test_a_foreign_session_id_ends_the_session(state):
    rig = rig_at(state)
    request = ev.ALL[PROTOCOL.states[state].accepts[0]]()
    assert rig.ask(request, session_id=b"\xff" * 8).ResponseCode == "FAILED_UnknownSession"
    assert not rig.closed


@pytest.mark.parametrize("state", ev.ORDER)
def test_silence_ends_the_session_after_60_s(state):
    rig = rig_at(state)
    rig.later(59_999)
    assert rig.state == state
    last = rig.later(1)
    assert rig.state == ""
    assert effects.Link(LinkWish.ERROR) in last
    if PROTOCOL.states[state].power and state != "WaitForCableCheck":
        assert last[0] == effects.Contactor(False)


@pytest.mark.spec(66)
@pytest.mark.parametrize("state", ev.ORDER)
@pytest.mark.parametrize("pilot", "AEF")
def test_the_pilot_in_a_state_that_cannot_be_closes_the_connection(state, pilot):
    rig = rig_at(state)
    was_closed = rig.closed
    last = rig.changed(pilot=pilot)
    assert any(isinstance(each, effects.Disconnect) for each in last)
    assert not was_closed or last[0] == effects.Contactor(False)


@pytest.mark.spec(66)
def test_a_car_back_in_state_b_loses_power_and_may_still_end_by_message():
    rig = rig_at("WaitForCurrentDemand")
    assert rig.changed(pilot="B")[0] == effects.Contactor(False)
    rig.changed(contactor_closed=False)
    assert rig.ask(ev.power(False)).ResponseCode == "OK"
    other = rig_at("WaitForCurrentDemand")
    other.changed(pilot="B")
    assert other.ask(ev.demand()).ResponseCode == "FAILED"


@pytest.mark.parametrize("state", ev.ORDER)
def test_a_lost_connection_in_every_state(state):
    rig = rig_at(state)
    was_closed = rig.closed
    last = rig._take(rig.core.disconnected(rig.now_ms))
    assert effects.Link(LinkWish.ERROR) in last
    assert not was_closed or last[0] == effects.Contactor(False)
    assert not rig.closed
    assert rig.core.deadline() is None


@pytest.mark.spec(158)
@pytest.mark.parametrize("state", ev.ORDER)
def test_an_abort_of_the_station_in_every_state(state):
    rig = rig_at(state)
    last = rig.changed(abort=True)
    assert any(isinstance(each, effects.Disconnect) for each in last)
    assert not rig.closed


@pytest.mark.parametrize("state", ev.ORDER)
def test_answers_and_what_follows_are_those_of_the_tables(state):
    exchanges = {exchange.name: exchange for exchange in PROTOCOL.exchanges.values()}
    for name in PROTOCOL.states[state].accepts:
        rig = rig_at(state)
        rig.changed(contactor_closed=False)
        answer = rig.ask(ev.ALL[name]())
        while answer is None:
            rig.later(100)
            answer = rig.answer()
        assert answer.ResponseCode in exchanges[name].codes
        ended = rig.core.deadline() == rig.now_ms + PROTOCOL.times.secc_close_ms
        assert ("" if ended else rig.state) in exchanges[name].leads_to
    for exchange in exchanges.values():
        assert set(exchange.leads_to) <= {*PROTOCOL.states, ""}
