"""The emergency alarm and the safe state (guide 15.13, 15.14, 3.3.4.15)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chargectl.declarations import errors, topics
from chargectl.declarations.types import Topic
from chargectl.pilot.levels import CpState
from chargectl.port import effects, events
from chargectl.port.effects import SetPilot, SetRelay
from chargectl.port.events import LockPosition
from chargectl.port.settings import AuthenticationMode, PhaseSettings, PortSettings, VentilationSettings
from tests.port.bench import CONTACTOR_MS, Bench

WATCHED = PortSettings(evse_limit_a=16, emergency_enable=True)
PRESS, RELEASE = events.EmergencyInput(True), events.EmergencyInput(False)
SAFE_STATE: dict[Topic, effects.PublishedValue] = {
    topics.TOPIC_CONTACTOR_STATE_TARGET: False,
    topics.TOPIC_VENTILATION_STATE_TARGET: False,
    topics.TOPIC_CHARGING: False,
    topics.TOPIC_PLUG_LOCK: False,
}
"""Guide Table 70, but for the duty cycle."""


def shown(bench: Bench) -> dict[Topic, object]:
    return {topic: bench.value(topic) for topic in SAFE_STATE}


@pytest.mark.spec(107)
def test_the_input_is_ignored_by_default() -> None:
    assert not PortSettings().emergency_enable
    bench = Bench().charge().send(PRESS).run(10_000)
    assert bench.charging
    assert bench.error_codes == []
    assert bench.value(topics.TOPIC_EMERGENCY_SHUTDOWN) is False


@pytest.mark.spec(108)
def test_an_emergency_opens_the_contactor_before_anything_else() -> None:
    bench = Bench(WATCHED).charge()
    got = bench.port.handle(PRESS, bench.now)
    assert got[:2] == [SetRelay(1, False), SetPilot(0)]
    assert effects.Publish(topics.TOPIC_EMERGENCY_SHUTDOWN, True) in got


@pytest.mark.spec(108)
def test_an_emergency_opens_both_contactors_in_order() -> None:
    bench = Bench(replace(WATCHED, phases=PhaseSettings(enable=True))).charge()
    pressed = bench.now
    bench.send(PRESS).run(1_000)
    assert [effect for effect in bench.since(pressed) if isinstance(effect, SetRelay)] == [
        SetRelay(1, False),
        SetRelay(2, False),
    ]
    assert bench.times(SetRelay(2, False))[-1] == pressed + CONTACTOR_MS


@pytest.mark.spec(108, 109, 110)
def test_the_safe_state_of_an_emergency() -> None:
    settings = replace(WATCHED, ventilation=VentilationSettings(enable=True))
    bench = Bench(settings).plug().pilot(CpState.D, 1_000)
    assert all(value is True for value in shown(bench).values())
    bench.send(PRESS).run(2_000)
    assert shown(bench) == SAFE_STATE
    assert bench.value(topics.TOPIC_CP_DUTY_CYCLE) == 0.0
    assert bench.value(topics.TOPIC_EMERGENCY_SHUTDOWN) is True
    assert bench.error_codes == ["EmergencyShutdown"]
    assert bench.relay == {1: False, 2: False}
    assert bench.lock_position is LockPosition.UNLOCKED


@pytest.mark.spec(109)
def test_the_safe_state_takes_relay_2_from_the_customer_too() -> None:
    settings = replace(WATCHED, ventilation=VentilationSettings(enable=True, external=True))
    bench = Bench(settings).send(events.VentilationTarget(True)).run(100)
    assert bench.relay[2]
    bench.send(PRESS)
    assert not bench.relay[2]
    bench.send(RELEASE).run(1_000)
    assert bench.relay[2]


@pytest.mark.spec(110)
def test_the_duty_of_an_unrecoverable_error_is_0_and_of_a_recoverable_one_100() -> None:
    contactor = Bench(WATCHED).charge().show_contactor(1, False).run(1_000)
    assert contactor.value(topics.TOPIC_CP_DUTY_CYCLE) == 0.0
    lock = Bench(WATCHED).charge().show_lock(LockPosition.MOVING).run(600)
    assert lock.value(topics.TOPIC_CP_DUTY_CYCLE) == 100.0
    assert lock.error_codes == ["PlugLockMotorUnexpectedOpen"]


@pytest.mark.spec(111)
@pytest.mark.parametrize("actuator", ["contactor", "lock"])
def test_an_actuator_that_does_not_react_in_time_is_an_error(actuator: str) -> None:
    bench = Bench(WATCHED).plug() if actuator == "contactor" else Bench(WATCHED)
    bench.contactor_follows[1] = actuator != "contactor"
    bench.lock_jammed = actuator == "lock"
    bench.plug(state=CpState.C, settle_ms=3_000)
    code = {"contactor": "PowerSwitchFailure", "lock": "PlugLockCannotLock"}[actuator]
    assert bench.error_codes == [code]
    assert not bench.relay[1]


@pytest.mark.spec(112)
def test_an_emergency_concerns_the_whole_station_and_is_over_when_released() -> None:
    assert errors.EMERGENCY_SHUTDOWN.whole_station
    bench = Bench(WATCHED).send(PRESS).run(60_000)
    assert bench.error_codes == ["EmergencyShutdown"]
    bench.send(RELEASE).run(1_000)
    assert bench.error_codes == []
    assert bench.value(topics.TOPIC_EMERGENCY_SHUTDOWN) is False
    assert bench.duty_centi == 10_000
    assert bench.charge().charging


@pytest.mark.spec(112)
@pytest.mark.parametrize("state", [CpState.B, CpState.C])
def test_releasing_the_switch_restarts_no_charge_before_the_ev_was_unplugged(state: CpState) -> None:
    bench = Bench(WATCHED).charge().pilot(state, 1_000).send(PRESS).run(5_000).send(RELEASE).run(60_000)
    assert bench.error_codes == []
    assert bench.duty_centi == 10_000
    assert not bench.relay[1]
    assert bench.lock_position is LockPosition.UNLOCKED
    assert bench.unplug().charge().charging


def test_a_short_press_blocks_as_well() -> None:
    bench = Bench(WATCHED).charge().send(PRESS, RELEASE).run(60_000)
    assert not bench.charging
    assert bench.unplug().charge().charging


def test_an_ev_that_comes_during_an_emergency_has_to_be_plugged_in_again() -> None:
    bench = Bench(WATCHED).send(PRESS).run(1_000).plug().send(RELEASE).run(60_000).pilot(CpState.C, 60_000)
    assert not bench.relay[1]
    assert bench.unplug().charge().charging


def test_repeated_presses_and_releases() -> None:
    bench = Bench(WATCHED).charge()
    for _ in range(20):
        bench.send(PRESS, PRESS).run(130).send(RELEASE, RELEASE).run(130)
    assert not bench.charging
    assert bench.run(10_000).error_codes == []
    assert bench.unplug().charge().charging


def test_an_emergency_at_the_start_holds_everything_back() -> None:
    settings = replace(WATCHED, authentication=AuthenticationMode.FREE)
    bench = Bench(settings, settle=False).send(PRESS).plug(state=CpState.C).run(60_000)
    assert not bench.relay[1]
    assert bench.duty_centi == 0
