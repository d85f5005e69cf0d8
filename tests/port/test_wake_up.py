"""Waking an EV by 0 V on the pilot (guide Table 48)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chargectl.declarations import topics
from chargectl.pilot.levels import CpState
from chargectl.port import events
from chargectl.port.effects import SetPilot
from chargectl.port.settings import AuthenticationMode, PortSettings
from chargectl.port.timing import WAKE_UP_AFTER_MS, WAKE_UP_PULSE_MS
from tests.port.bench import Bench

PULSE = SetPilot(None)
OFFER = SetPilot(2666)
MQTT = PortSettings(evse_limit_a=16, authentication=AuthenticationMode.MQTT)
FORCED = replace(MQTT, force_wake_up=True)
LATE = replace(MQTT, wake_up_after_timeout=True)


def allow(bench: Bench, allowed: bool = True) -> Bench:
    return bench.send(events.Authorization(allowed, session=True))


def offer_at(bench: Bench) -> int:
    return bench.times(OFFER)[0]


@pytest.mark.spec(71, 72)
def test_nobody_is_woken_up_by_default() -> None:
    assert not PortSettings().force_wake_up
    assert not PortSettings().wake_up_after_timeout
    bench = allow(Bench(MQTT).plug()).run(3_600_000)
    assert bench.times(PULSE) == []


@pytest.mark.spec(71)
def test_a_forced_wake_up_follows_the_authorization_at_once() -> None:
    bench = Bench(FORCED).plug().run(60_000)
    assert bench.times(PULSE) == []
    authorized = bench.now
    allow(bench).run(60_000)
    [pulse] = bench.times(PULSE)
    assert pulse - authorized < 1_000
    assert bench.times(OFFER) == [pulse + WAKE_UP_PULSE_MS]
    assert bench.duty_centi == 2666


@pytest.mark.spec(71)
def test_an_ev_that_is_ready_already_is_not_woken_up() -> None:
    bench = allow(Bench(FORCED).plug(state=CpState.C)).run(60_000)
    assert bench.times(PULSE) == []
    assert bench.charging


@pytest.mark.spec(71)
@pytest.mark.parametrize("settings", [FORCED, LATE])
def test_an_ev_is_woken_up_once_in_a_session(settings: PortSettings) -> None:
    bench = allow(Bench(settings).plug()).run(600_000)
    assert len(bench.times(PULSE)) == 1
    allow(bench, False).run(60_000)
    allow(bench).run(600_000)
    assert len(bench.times(PULSE)) == 1
    allow(bench.unplug().plug()).run(600_000)
    assert len(bench.times(PULSE)) == 2


@pytest.mark.spec(72, 316)
def test_an_ev_that_does_not_react_for_30_s_is_woken_up() -> None:
    bench = allow(Bench(LATE).plug()).run(60_000)
    assert bench.times(PULSE) == [offer_at(bench) + 30_000]
    assert WAKE_UP_AFTER_MS == 30_000
    assert bench.times(OFFER)[1] == bench.times(PULSE)[0] + WAKE_UP_PULSE_MS


@pytest.mark.spec(72)
def test_an_ev_that_reacts_in_time_is_not_woken_up_later() -> None:
    bench = allow(Bench(LATE).plug()).run(20_000).pilot(CpState.C, 60_000).pilot(CpState.B, 600_000)
    assert bench.times(PULSE) == []


@pytest.mark.spec(72)
def test_the_30_s_count_from_the_offer_and_begin_anew_with_it() -> None:
    bench = allow(Bench(LATE).plug()).run(25_000)
    allow(bench, False).run(25_000)
    allow(bench).run(60_000)
    assert bench.times(PULSE) == [bench.times(OFFER)[1] + WAKE_UP_AFTER_MS]


@pytest.mark.spec(72)
def test_without_an_offer_nobody_is_woken_up() -> None:
    bench = allow(Bench(replace(LATE, evse_limit_a=5)).plug()).run(600_000)
    assert bench.times(PULSE) == []


@pytest.mark.spec(71)
def test_the_woken_ev_charges() -> None:
    bench = allow(Bench(FORCED).plug()).run(1_000)
    assert bench.duty_centi is None
    bench.pilot(CpState.C, 1_000)
    assert not bench.relay[1], "nobody charges at 0 V"
    bench.run(10_000)
    assert bench.charging
    assert bench.error_codes == []


def test_at_0_v_the_duty_is_published_as_0() -> None:
    bench = allow(Bench(FORCED).plug()).run(1_000)
    assert bench.value(topics.TOPIC_CHARGE_PWM_STATUS) == 0
    assert bench.value(topics.TOPIC_CHARGE_CP_STATUS) == "E"
    assert bench.run(10_000).value(topics.TOPIC_CHARGE_PWM_STATUS) == 26.66


def test_the_ports_own_0_v_is_no_short() -> None:
    bench = allow(Bench(FORCED).plug()).run(60_000)
    assert "PilotShorted" not in str(bench.history(topics.TOPIC_PORTD_ERRORS))


def test_a_pilot_that_stays_at_0_v_after_the_pulse_is_a_short() -> None:
    bench = allow(Bench(FORCED).plug()).run(1_000 + WAKE_UP_PULSE_MS)
    bench.send(events.PilotSeen(CpState.E)).run(2_000)
    assert bench.error_codes == ["PilotShorted"]
    assert bench.duty_centi == 10_000


@pytest.mark.parametrize(
    "end",
    [
        events.Authorization(False, session=True),
        events.StationLimit(5),
        events.LockSense(events.LockPosition.UNLOCKED),
    ],
)
def test_a_pulse_ends_when_the_offer_does(end: events.Event) -> None:
    bench = allow(Bench(FORCED).plug()).run(1_000)
    bench.lock_jammed = True
    bench.send(end).run(600)
    assert bench.duty_centi == 10_000


def test_an_ev_unplugged_during_the_pulse_is_noticed_after_it() -> None:
    bench = allow(Bench(FORCED).plug()).run(1_000).unplug(settle_ms=20_000)
    assert bench.value(topics.TOPIC_CHARGE_CP_STATUS) == "A"
    assert bench.lock_position is events.LockPosition.UNLOCKED
    assert bench.duty_centi == 10_000
    assert bench.error_codes == []
