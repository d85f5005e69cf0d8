"""The control pilot as the port shows and judges it (guide 15.3, Tables 57, 58)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chargectl.bus.payload import encode
from chargectl.declarations import topics
from chargectl.pilot.duty import current_for_duty
from chargectl.pilot.levels import CpState
from chargectl.port import events
from chargectl.port.effects import SetPilot, SetRelay
from chargectl.port.events import LockPosition
from chargectl.port.settings import AuthenticationMode, PortSettings
from chargectl.port.timing import PILOT_SHORTED_AFTER_MS
from tests.port.bench import Bench

FIXED = PortSettings(pluggable=False, fixed_cable_limit_a=80, evse_limit_a=80, grid_limit_a=80)
MQTT = replace(FIXED, authentication=AuthenticationMode.MQTT)


@pytest.mark.spec(60)
def test_the_state_is_published_on_each_change() -> None:
    bench = Bench()
    for state in CpState:
        bench.send(events.PilotSeen(state), events.PilotSeen(state))
    assert bench.history(topics.TOPIC_CHARGE_CP_STATUS) == ["A", "B", "C", "D", "E", "F"]
    assert topics.TOPIC_CHARGE_CP_STATUS.values == ("A", "B", "C", "D", "E", "F")


@pytest.mark.spec(61)
@pytest.mark.parametrize(
    ("ampere", "text"),
    [(6, "10.00"), (16, "26.66"), (32, "53.33"), (51, "85.00"), (63, "89.20"), (80, "96.00")],
)
def test_the_duty_is_published_with_two_decimals(ampere: int, text: str) -> None:
    bench = Bench(replace(FIXED, evse_limit_a=ampere)).plug()
    for topic in (topics.TOPIC_CHARGE_PWM_STATUS, topics.TOPIC_CP_DUTY_CYCLE):
        value = bench.value(topic)
        assert isinstance(value, float)
        assert encode(topic, value) == text


@pytest.mark.spec(61)
def test_the_steady_levels_are_published_as_0_and_100() -> None:
    bench = Bench(replace(FIXED, emergency_enable=True))
    topic = topics.TOPIC_CHARGE_PWM_STATUS
    assert encode(topic, bench.values[topic.path]) == "100.00"
    bench.send(events.EmergencyInput(True))
    assert encode(topic, bench.values[topic.path]) == "0.00"


@pytest.mark.spec(62)
def test_the_duty_is_100_until_charging_is_possible_and_a_pwm_then() -> None:
    bench = Bench(MQTT)
    assert bench.duty_centi == 10_000, "A1"
    bench.plug()
    assert bench.duty_centi == 10_000, "B1"
    bench.send(events.Authorization(True, session=True))
    assert bench.duty_centi == 9_600, "B2"
    bench.pilot(CpState.C, 1_000)
    assert bench.duty_centi == 9_600, "C2"
    bench.unplug()
    assert bench.duty_centi == 10_000, "A1"


@pytest.mark.spec(62)
@pytest.mark.parametrize("state", [CpState.C, CpState.D])
def test_states_c_and_d_draw_power(state: CpState) -> None:
    settings = replace(FIXED, ventilation=replace(FIXED.ventilation, always_accept_state_d=True))
    assert Bench(settings).plug().pilot(state, 1_000).charging


@pytest.mark.spec(62)
@pytest.mark.parametrize("state", [CpState.A, CpState.B, CpState.E, CpState.F])
def test_no_other_state_draws_power(state: CpState) -> None:
    bench = Bench(FIXED).plug()
    bench.send(events.PilotSeen(state)).run(60_000)
    assert SetRelay(1, True) not in bench.since(0)


@pytest.mark.spec(62)
def test_an_offer_uses_the_duties_of_basic_charging_only() -> None:
    bench = Bench(FIXED).plug()
    for tenths in range(0, 1_000, 7):
        bench.send(events.StationLimit(tenths / 10))
        assert bench.duty_centi is not None
        assert bench.duty_centi == 10_000 or 800 <= bench.duty_centi <= 9_700


@pytest.mark.spec(63)
@pytest.mark.parametrize("ampere", [6.0, 6.1, 13.3, 32.0, 50.9, 51.0, 51.1, 63.0, 80.0])
def test_the_duty_says_the_offered_current(ampere: float) -> None:
    bench = Bench(FIXED).plug().send(events.StationLimit(ampere))
    assert bench.duty_centi is not None
    assert ampere * 1_000 - 100 <= current_for_duty(bench.duty_centi) <= ampere * 1_000


def test_a_car_in_state_c_without_an_offer_gets_no_power() -> None:
    bench = Bench(MQTT).plug(state=CpState.C).run(3_600_000)
    assert bench.duty_centi == 10_000
    assert not bench.relay[1]
    bench.send(events.Authorization(True, session=True)).run(1_000)
    assert bench.charging


def test_the_protocol_is_announced_with_each_ev() -> None:
    bench = Bench(FIXED).plug().unplug().plug()
    assert bench.history(topics.TOPIC_CHARGE_INIT_PROTOCOL) == ["IEC61851", "IEC61851"]
    assert Bench(replace(FIXED, basic_charging=False)).plug().history(topics.TOPIC_CHARGE_INIT_PROTOCOL) == []


@pytest.mark.parametrize("state", [CpState.E, CpState.F])
def test_a_short_opens_the_contactor_at_once_and_is_reported_after_a_second(state: CpState) -> None:
    bench = Bench().charge()
    shorted = bench.now
    bench.send(events.PilotSeen(state))
    assert bench.since(shorted)[0] == SetRelay(1, False)
    bench.run(PILOT_SHORTED_AFTER_MS - 1)
    assert bench.error_codes == []
    bench.run(1)
    assert bench.error_codes == ["PilotShorted"]
    assert bench.duty_centi == 10_000
    bench.run(5_000)
    assert bench.lock_position is LockPosition.UNLOCKED


def test_a_short_that_ends_resumes_the_charge() -> None:
    bench = Bench().charge()
    bench.send(events.PilotSeen(CpState.E)).run(5_000).pilot(CpState.C, 10_000)
    assert bench.error_codes == []
    assert bench.charging


def test_a_short_while_no_ev_is_there() -> None:
    bench = Bench().send(events.PilotSeen(CpState.E)).run(5_000)
    assert bench.error_codes == ["PilotShorted"]
    assert bench.pilot(CpState.A, 100).error_codes == []


def test_a_missing_diode_interrupts_until_unplugged() -> None:
    bench = Bench().charge()
    missing = bench.now
    bench.send(events.PilotSeen(CpState.C, diode_ok=False))
    assert bench.since(missing)[:2] == [SetRelay(1, False), SetPilot(10_000)]
    assert bench.error_codes == ["PilotDiodeMissing"]
    # Without PWM the diode cannot be judged: the verdict holds.
    bench.send(events.PilotSeen(CpState.C, diode_ok=True)).run(60_000)
    assert bench.error_codes == ["PilotDiodeMissing"]
    assert not bench.relay[1]
    assert bench.unplug().charge().charging


def test_without_an_ev_there_is_no_diode_to_miss() -> None:
    bench = Bench().send(events.PilotSeen(CpState.A, diode_ok=False)).run(5_000)
    assert bench.error_codes == []
