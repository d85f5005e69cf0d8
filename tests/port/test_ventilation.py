"""Ventilation on relay 2 and the EV's state D (guide 15.19, Tables 78-80)."""

from __future__ import annotations

import pytest

from chargectl.declarations import topics
from chargectl.pilot.levels import CpState
from chargectl.port import events
from chargectl.port.effects import SetRelay
from chargectl.port.events import LockPosition
from chargectl.port.settings import Feedback, PortSettings, VentilationSettings
from chargectl.port.timing import EV_STOP_MS
from tests.port.bench import Bench

OFFER_16_A = 2666


def bench_with(
    enable: bool = False,
    external: bool = False,
    feedback: Feedback = Feedback.NORMALLY_OPEN,
    always: bool = False,
) -> Bench:
    ventilation = VentilationSettings(enable, external, feedback, always)
    return Bench(PortSettings(evse_limit_a=16, ventilation=ventilation))


def external(available: bool = True) -> Bench:
    return bench_with(enable=True, external=True).send(events.VentilationAvailable(available))


@pytest.mark.spec(37)
def test_relay_2_is_the_ventilation_and_its_sense_is_the_actual_state() -> None:
    bench = bench_with(enable=True).plug()
    bench.contactor_follows[2] = False
    bench.pilot(CpState.D)
    assert bench.relay[2]
    assert bench.value(topics.TOPIC_VENTILATION_STATE_TARGET) is True
    assert bench.value(topics.TOPIC_VENTILATION_STATE_ACTUAL) is False
    bench.show_contactor(2, True)
    assert bench.value(topics.TOPIC_VENTILATION_STATE_ACTUAL) is True
    bench.pilot(CpState.C)
    assert not bench.relay[2]
    assert bench.value(topics.TOPIC_VENTILATION_STATE_TARGET) is False
    assert bench.value(topics.TOPIC_VENTILATION_STATE_ACTUAL) is True


@pytest.mark.spec(37, 42)
def test_the_logic_of_the_feedback_is_configured() -> None:
    bench = bench_with(enable=True, feedback=Feedback.NORMALLY_CLOSED).plug()
    assert bench.value(topics.TOPIC_VENTILATION_STATE_ACTUAL) is False
    bench.pilot(CpState.D, 1_000)
    assert bench.value(topics.TOPIC_VENTILATION_STATE_ACTUAL) is True
    assert bench.charging


@pytest.mark.spec(42)
def test_ventilation_is_disabled_by_default() -> None:
    assert PortSettings().ventilation == VentilationSettings(
        enable=False, external=False, feedback=Feedback.NORMALLY_OPEN
    )
    bench = Bench().plug().pilot(CpState.D, 10_000)
    bench.send(events.VentilationAvailable(True), events.VentilationTarget(True)).run(10_000)
    assert not bench.relay[2]
    assert not bench.charging


@pytest.mark.spec(43)
@pytest.mark.parametrize("enable", [False, True])
def test_with_internal_control_the_stack_says_once_whether_ventilation_is_available(enable: bool) -> None:
    bench = bench_with(enable=enable).plug().pilot(CpState.D, 10_000).unplug()
    assert bench.history(topics.TOPIC_VENTILATION_AVAILABLE) == [enable]
    assert bench.published[0][0] == 0


@pytest.mark.spec(43)
def test_the_target_is_published_by_the_stack_with_enabled_internal_control_only() -> None:
    assert bench_with(enable=True).history(topics.TOPIC_VENTILATION_STATE_TARGET) == [False]
    assert bench_with().history(topics.TOPIC_VENTILATION_STATE_TARGET) == []


@pytest.mark.spec(44)
def test_with_external_control_the_customer_speaks_and_the_stack_confirms() -> None:
    bench = external().send(events.VentilationTarget(True)).run(1_000)
    assert bench.relay[2]
    assert bench.history(topics.TOPIC_VENTILATION_AVAILABLE) == []
    assert bench.history(topics.TOPIC_VENTILATION_STATE_TARGET) == []
    assert bench.history(topics.TOPIC_VENTILATION_STATE_ACTUAL) == [False, True]
    bench.send(events.VentilationTarget(False)).run(1_000)
    assert not bench.relay[2]
    assert bench.value(topics.TOPIC_VENTILATION_STATE_ACTUAL) is False


@pytest.mark.spec(44)
def test_with_internal_control_the_customer_has_no_say() -> None:
    bench = bench_with(enable=True).send(events.VentilationTarget(True)).run(1_000)
    assert not bench.relay[2]
    bench.send(events.VentilationAvailable(False)).plug().pilot(CpState.D, 1_000)
    assert bench.charging


@pytest.mark.spec(45)
def test_without_feedback_the_actual_state_echoes_the_accepted_target() -> None:
    bench = bench_with(enable=True, external=True, feedback=Feedback.NONE)
    bench.contactor_follows[2] = False
    bench.send(events.VentilationTarget(True))
    assert bench.value(topics.TOPIC_VENTILATION_STATE_ACTUAL) is True
    bench.send(events.SecondarySense(False), events.SecondarySense(True), events.VentilationTarget(False))
    assert bench.value(topics.TOPIC_VENTILATION_STATE_ACTUAL) is False


@pytest.mark.spec(46)
def test_disabled_with_external_control_leaves_relay_2_to_the_customer() -> None:
    bench = bench_with(external=True).plug().pilot(CpState.C, 1_000)
    for on in (True, False, True):
        bench.send(events.VentilationTarget(on)).run(1_000)
        assert bench.relay[2] is on
        assert bench.value(topics.TOPIC_VENTILATION_STATE_ACTUAL) is on
    assert bench.charging
    assert bench.error_codes == []


@pytest.mark.spec(46, 48)
def test_a_customers_relay_2_serves_no_state_d() -> None:
    bench = bench_with(external=True)
    bench.send(events.VentilationAvailable(True), events.VentilationTarget(True))
    bench.plug().pilot(CpState.D, 10_000)
    assert not bench.charging
    assert bench.duty_centi == 10_000


@pytest.mark.spec(47)
@pytest.mark.parametrize("enable", [False, True])
@pytest.mark.parametrize("outside", [False, True])
def test_state_d_is_always_accepted_where_configured(enable: bool, outside: bool) -> None:
    bench = bench_with(enable=enable, external=outside, always=True)
    bench.contactor_follows[2] = False
    bench.plug().pilot(CpState.D, 10_000)
    assert bench.charging
    assert bench.duty_centi == OFFER_16_A
    assert not PortSettings().ventilation.always_accept_state_d


@pytest.mark.spec(48)
def test_state_d_without_ventilation_gets_no_offer_and_a_locked_plug() -> None:
    bench = bench_with().plug()
    assert bench.duty_centi == OFFER_16_A
    bench.pilot(CpState.D, 60_000)
    assert bench.duty_centi == 10_000
    assert bench.lock_position is LockPosition.LOCKED
    assert not bench.relay[1]
    assert bench.error_codes == []


@pytest.mark.spec(48)
def test_state_d_from_the_first_moment_locks_the_plug_too() -> None:
    bench = bench_with().plug(state=CpState.D).run(10_000)
    assert bench.duty_centi == 10_000
    assert bench.lock_position is LockPosition.LOCKED


@pytest.mark.spec(48)
def test_state_d_in_mid_charge_ends_it_and_state_c_resumes_it() -> None:
    bench = bench_with().charge()
    asked = bench.now
    bench.pilot(CpState.D, 20_000)
    assert bench.times(SetRelay(1, False))[-1] == asked + EV_STOP_MS
    assert bench.duty_centi == 10_000
    bench.pilot(CpState.C, 20_000)
    assert bench.charging
    assert bench.duty_centi == OFFER_16_A


def test_internal_control_charges_once_the_fan_runs() -> None:
    bench = bench_with(enable=True).plug()
    bench.contactor_follows[2] = False
    bench.pilot(CpState.D, 10_000)
    assert bench.relay[2]
    assert not bench.charging
    bench.show_contactor(2, True).run(1_000)
    assert bench.charging


def test_a_fan_that_stops_in_mid_charge_ends_the_charge() -> None:
    bench = bench_with(enable=True).plug().pilot(CpState.D, 1_000)
    assert bench.charging
    bench.show_contactor(2, False).run(EV_STOP_MS + 1_000)
    assert not bench.charging
    assert bench.duty_centi == 10_000


@pytest.mark.spec(49)
def test_external_control_charges_while_available_and_followed() -> None:
    bench = external().send(events.VentilationTarget(True)).plug().pilot(CpState.D, 10_000)
    assert bench.charging
    assert bench.duty_centi == OFFER_16_A


@pytest.mark.spec(49)
def test_external_control_does_not_charge_while_nothing_is_available() -> None:
    bench = external(available=False).send(events.VentilationTarget(True)).plug().pilot(CpState.D, 10_000)
    assert not bench.charging
    assert bench.duty_centi == 10_000
    bench.send(events.VentilationAvailable(True)).run(1_000)
    assert bench.charging
    bench.send(events.VentilationAvailable(False)).run(EV_STOP_MS + 1_000)
    assert not bench.charging
    assert bench.duty_centi == 10_000


@pytest.mark.spec(49)
def test_external_control_is_not_available_before_the_customer_says_so() -> None:
    bench = bench_with(enable=True, external=True).plug().pilot(CpState.D, 10_000)
    assert not bench.charging


@pytest.mark.spec(49)
def test_external_control_does_not_charge_while_the_relay_does_not_follow() -> None:
    bench = external()
    bench.contactor_follows[2] = False
    bench.send(events.VentilationTarget(True)).plug().pilot(CpState.D, 10_000)
    assert not bench.charging
    bench.show_contactor(2, True).run(1_000)
    assert bench.charging


def test_an_unreadable_fan_feedback_ends_state_d() -> None:
    bench = bench_with(enable=True).plug().pilot(CpState.D, 1_000)
    bench.send(events.BoardFault("relay2_sense", True)).run(EV_STOP_MS + 1_000)
    assert not bench.charging
