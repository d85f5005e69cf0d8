"""Waits and limits, in virtual time."""

from __future__ import annotations

import pytest

from tests.v2g.secc.iso20 import requests as ev
from v2g.common.timers import ISO20_MESSAGES, ISO20_TIMES
from v2g.secc import effects
from v2g.secc.station import Authorization


@pytest.mark.parametrize(
    ("kind", "state"),
    [(kind, state) for kind, order in (("AC", ev.AC_ORDER), ("DC", ev.DC_ORDER)) for state in order],
)
def test_sequence_timeout_in_every_state(kind: str, state: str) -> None:
    rig = ev.walk(ev.rig(kind), state)
    power = rig.closed
    rig.later(59_999)
    assert rig.state == state
    news = rig.later(1)
    assert rig.state == ""
    assert (news[0] == effects.Contactor(False)) is power
    assert not rig.closed
    assert any(isinstance(each, effects.Disconnect) for each in news)


@pytest.mark.parametrize("kind", ["AC", "DC"])
def test_silence_in_the_charge_loop(kind: str) -> None:
    """Tables 216 and 217: half a second after a response of the loop."""
    rig = ev.walk(ev.rig(kind), "ChargeLoop")
    loop = ev.all_of(kind)[f"{kind}_ChargeLoopReq"]
    for _ in range(3):
        rig.later(499)
        assert rig.ask(loop).ResponseCode == "OK"
    rig.later(499)
    assert rig.closed
    news = rig.later(1)
    assert news[0] == effects.Contactor(False)
    assert rig.state == ""


def test_silence_in_the_charge_loop_as_the_station_wants_it() -> None:
    rig = ev.walk(ev.rig("DC", ev.station(charge_loop_silence_ms=5_000)), "ChargeLoop")
    rig.ask(ev.dc_loop())
    rig.later(4_999)
    assert rig.closed
    rig.later(1)
    assert not rig.closed


def test_other_messages_in_the_charge_loop_give_more_time() -> None:
    rig = ev.walk(ev.rig(), "ChargeLoop")
    rig.ask(ev.dc_loop())
    rig.ask(ev.power("ScheduleRenegotiation"))
    rig.later(59_999)
    assert rig.ask(ev.schedule(True)).ResponseCode == "OK"


def test_cable_check_waits_for_the_pilot() -> None:
    rig = ev.walk(ev.rig(), "WaitForCableCheck")
    assert rig.ask(ev.cable_check) is None
    rig.later(1_000)
    assert not rig.closed
    rig.changed(pilot="C")
    assert rig.answer().EVSEProcessing == "Ongoing"
    assert rig.closed


def test_cable_check_without_state_c() -> None:
    rig = ev.walk(ev.rig(), "WaitForCableCheck")
    assert rig.ask(ev.cable_check) is None
    rig.later(1_499)
    assert rig.answer() is None
    rig.later(1)
    assert rig.answer().ResponseCode == "FAILED"
    assert not rig.of(effects.Contactor)


@pytest.mark.spec(361)
def test_cable_check_takes_its_time() -> None:
    rig = ev.walk(ev.rig(), "WaitForCableCheck")
    rig.changed(pilot="C", cable_check=True)  # of the session before
    assert rig.ask(ev.cable_check).EVSEProcessing == "Ongoing"
    assert rig.of(effects.CableCheck) == [effects.CableCheck()]
    for _ in range(18):
        rig.later(2_000)
        assert rig.ask(ev.cable_check).EVSEProcessing == "Ongoing"
    assert rig.of(effects.CableCheck) == [effects.CableCheck()]
    rig.later(ISO20_TIMES.secc_cable_check_ms - 36_000)
    assert rig.ask(ev.cable_check).ResponseCode == "FAILED"
    assert not rig.closed


@pytest.mark.spec(361)
def test_a_cable_check_that_fails() -> None:
    rig = ev.walk(ev.rig(), "WaitForCableCheck")
    rig.changed(pilot="C")
    rig.ask(ev.cable_check)
    rig.changed(cable_check=False)
    assert rig.ask(ev.cable_check).ResponseCode == "FAILED"
    assert rig.last[0] == effects.Contactor(False)


def test_power_off_during_the_cable_check() -> None:
    rig = ev.walk(ev.rig(), "WaitForCableCheck")
    rig.changed(pilot="C")
    rig.ask(ev.cable_check)
    rig.changed(pilot="B")
    rig.changed(pilot="C", cable_check=True)
    assert rig.ask(ev.cable_check).ResponseCode == "FAILED"


def test_pre_charge_that_never_converges() -> None:
    rig = ev.walk(ev.rig(), "WaitForPreCharge")
    for _ in range(15):
        assert rig.ask(ev.pre_charge).ResponseCode == "OK"
        rig.later(2_000)
    assert rig.ask(ev.pre_charge).ResponseCode == "FAILED"
    assert not rig.closed
    assert rig.last[0] == effects.Contactor(False)


def test_pre_charge_is_limited() -> None:
    rig = ev.walk(ev.rig(), "WaitForPreCharge")
    rig.ask(lambda header: ev.pre_charge(header, 2_000.0))
    assert rig.sent(effects.DcTarget) == effects.DcTarget(850.0, 2.0)


@pytest.mark.spec(360)
def test_a_contactor_that_does_not_close() -> None:
    rig = ev.walk(ev.rig("AC"), "WaitForPowerDelivery")
    rig.changed(pilot="C", contactor_closed=False)
    assert rig.ask(ev.power("Start")) is None
    assert rig.closed
    rig.later(ISO20_MESSAGES["PowerDeliveryReq"].performance_ms - 1)
    assert rig.answer() is None
    news = rig.later(1)
    assert rig.answer().ResponseCode == "FAILED_ContactorError"
    assert news[0] == effects.Contactor(False)


def test_ac_power_waits_for_the_pilot() -> None:
    rig = ev.walk(ev.rig("AC"), "WaitForPowerDelivery")
    assert rig.ask(ev.power("Start")) is None
    assert not rig.of(effects.Contactor)
    rig.later(200)
    rig.changed(pilot="C")
    assert rig.closed
    rig.changed(contactor_closed=True)
    assert rig.answer().ResponseCode == "OK"
    assert len(rig.of(effects.Reached)) == 1
    rig = ev.walk(ev.rig("AC"), "WaitForPowerDelivery")
    assert rig.ask(ev.power("Start")) is None
    rig.later(1_500)
    assert rig.answer().ResponseCode == "FAILED_PowerDeliveryNotApplied"
    assert not rig.of(effects.Contactor)


def test_the_ev_goes_back_to_b_while_the_contactor_closes() -> None:
    rig = ev.walk(ev.rig("AC"), "WaitForPowerDelivery")
    rig.changed(pilot="C")
    assert rig.ask(ev.power("Start")) is None
    news = rig.changed(pilot="B")
    assert news[0] == effects.Contactor(False)
    rig.later(1_500)
    assert rig.answer().ResponseCode == "FAILED_PowerDeliveryNotApplied"


def test_dc_relays_that_are_known_to_be_open() -> None:
    rig = ev.walk(ev.rig(), "WaitForPowerDelivery")
    assert rig.changed(contactor_closed=False)[0] == effects.Contactor(False)
    assert rig.ask(ev.power("Start")).ResponseCode == "FAILED_PowerDeliveryNotApplied"


@pytest.mark.parametrize("kind", ["AC", "DC"])
def test_a_contactor_that_does_not_open(kind: str) -> None:
    rig = ev.walk(ev.rig(kind), "ChargeLoop")
    rig.changed(contactor_closed=True)
    assert rig.ask(ev.power("Stop")) is None
    assert rig.last[0] == effects.Contactor(False)
    rig.later(1_500)
    assert rig.answer().ResponseCode == "FAILED_ContactorError"


def test_authorization_takes_three_minutes_at_most() -> None:
    station = ev.station()
    station.authorization = Authorization.ONGOING
    rig = ev.walk(ev.rig("DC", station), "WaitForAuthorization")
    for _ in range(9):
        assert rig.ask(ev.authorization).EVSEProcessing == "Ongoing"
        rig.later(20_000)
    assert rig.ask(ev.authorization).ResponseCode == "FAILED"


def test_a_customer_may_take_longer() -> None:
    station = ev.station()
    station.authorization = Authorization.WAITING_FOR_CUSTOMER
    rig = ev.walk(ev.rig("DC", station), "WaitForAuthorization")
    for _ in range(20):
        answer = rig.ask(ev.authorization)
        assert answer.EVSEProcessing == "Ongoing_WaitingForCustomerInteraction"
        rig.later(30_000)


@pytest.mark.parametrize("dynamic", [True, False])
def test_schedules_that_are_not_ready(dynamic: bool) -> None:
    rig = ev.walk(ev.rig(), "WaitForScheduleExchange", dynamic=dynamic)
    rig.changed(parameters_ready=False)
    for _ in range(2):
        assert rig.ask(ev.schedule(dynamic)).EVSEProcessing == "Ongoing"
        rig.later(20_000)
    rig.changed(parameters_ready=True)
    assert rig.ask(ev.schedule(dynamic)).EVSEProcessing == "Finished"
    assert rig.state == "WaitForCableCheck"


def test_schedules_that_never_come() -> None:
    rig = ev.walk(ev.rig("AC"), "WaitForScheduleExchange")
    rig.changed(parameters_ready=False)
    rig.ask(ev.schedule(True))
    rig.later(ISO20_TIMES.secc_ongoing_ms)
    assert rig.ask(ev.schedule(True)).ResponseCode == "FAILED"


def test_welding_detection_that_never_ends() -> None:
    rig = ev.walk(ev.rig(), "WaitForWeldingDetection")
    for _ in range(3):
        assert rig.ask(ev.welding("Ongoing")).ResponseCode == "OK"
        rig.later(20_000)
    assert rig.ask(ev.welding("Ongoing")).ResponseCode == "FAILED"


@pytest.mark.parametrize("kind", ["AC", "DC"])
def test_an_ev_that_does_not_end_when_asked(kind: str) -> None:
    """A minute more than NotificationMaxDelay, then power goes off."""
    rig = ev.walk(ev.rig(kind, ev.station(notification_max_delay_s=10)), "ChargeLoop")
    loop = ev.all_of(kind)[f"{kind}_ChargeLoopReq"]
    rig.changed(stop=True)
    for _ in range(175):
        rig.later(400)
        answer = rig.ask(loop)
        assert answer.EVSEStatus.EVSENotification == "Terminate"
        assert answer.EVSEStatus.NotificationMaxDelay == 10
    rig.later(400)
    assert rig.ask(loop).ResponseCode == "FAILED"
    assert rig.last[0] == effects.Contactor(False)


def test_waiting_is_within_the_performance_time() -> None:
    """A response that waits for something comes before the EV gives up."""
    for name, times in ISO20_MESSAGES.items():
        assert times.performance_ms < times.timeout_ms, name
    assert ISO20_MESSAGES["DC_ChargeLoopReq"].timeout_ms == 500
    assert ISO20_MESSAGES["AC_ChargeLoopReq"].performance_ms == 250
    assert ISO20_MESSAGES["PowerDeliveryReq"].timeout_ms == 2_000
