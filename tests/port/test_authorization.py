"""Who may charge: the four authentication modes (guide Tables 48, 83)."""

from __future__ import annotations

import pytest

from chargectl.pilot.levels import CpState
from chargectl.port import events
from chargectl.port.events import LockPosition
from chargectl.port.settings import AuthenticationMode, PortSettings
from tests.port.bench import Bench

OFFER = 2666
MESSAGES = [AuthenticationMode.MQTT, AuthenticationMode.OCPP]


def bench_with(mode: AuthenticationMode) -> Bench:
    return Bench(PortSettings(evse_limit_a=16, authentication=mode))


def everything_else(bench: Bench, mode: AuthenticationMode) -> Bench:
    """Send what authorizes in the other modes."""
    if mode not in MESSAGES:
        bench.send(events.Authorization(True, session=False))
    if mode is not AuthenticationMode.KEY_SWITCH:
        bench.send(events.KeySwitch(True))
    return bench.run(1_000)


@pytest.mark.spec(67)
def test_free_charging_is_the_default_and_nobody_can_forbid_it() -> None:
    assert PortSettings().authentication is AuthenticationMode.FREE
    bench = bench_with(AuthenticationMode.FREE)
    bench.send(events.Authorization(False, session=False), events.KeySwitch(False)).charge().run(60_000)
    assert bench.charging


@pytest.mark.parametrize("mode", [mode for mode in AuthenticationMode if mode is not AuthenticationMode.FREE])
@pytest.mark.spec(68, 69)
def test_without_its_own_authorization_a_mode_gives_no_power(mode: AuthenticationMode) -> None:
    bench = everything_else(bench_with(mode), mode).plug().pilot(CpState.C, 60_000)
    assert not bench.relay[1]
    assert bench.duty_centi == 10_000
    assert bench.lock_position is LockPosition.UNLOCKED


@pytest.mark.spec(68)
def test_the_key_switch_authorizes_as_long_as_it_is_on() -> None:
    bench = bench_with(AuthenticationMode.KEY_SWITCH).plug().send(events.KeySwitch(True)).run(2_000)
    assert bench.duty_centi == OFFER
    bench.pilot(CpState.C, 1_000)
    assert bench.charging
    bench.send(events.KeySwitch(False)).run(10_000)
    assert not bench.charging
    assert bench.duty_centi == 10_000
    assert bench.lock_position is LockPosition.UNLOCKED


@pytest.mark.spec(68)
def test_a_key_that_stays_on_serves_the_next_session_too() -> None:
    bench = bench_with(AuthenticationMode.KEY_SWITCH).send(events.KeySwitch(True)).charge().unplug()
    assert bench.charge().charging


@pytest.mark.spec(69)
@pytest.mark.parametrize("mode", MESSAGES)
def test_a_message_authorizes_and_withdraws(mode: AuthenticationMode) -> None:
    bench = bench_with(mode).plug().send(events.Authorization(True, session=True)).run(2_000)
    assert bench.duty_centi == OFFER
    assert bench.pilot(CpState.C, 1_000).charging
    bench.send(events.Authorization(False, session=True)).run(10_000)
    assert not bench.charging
    assert bench.duty_centi == 10_000
    assert bench.lock_position is LockPosition.UNLOCKED


@pytest.mark.spec(69)
def test_an_authorization_for_a_session_ends_when_the_ev_is_unplugged() -> None:
    bench = bench_with(AuthenticationMode.MQTT).send(events.Authorization(True, session=True))
    bench.charge().unplug().plug().pilot(CpState.C, 60_000)
    assert not bench.charging
    assert bench.duty_centi == 10_000


@pytest.mark.spec(69)
def test_a_retained_authorization_lasts_until_it_is_taken_back() -> None:
    bench = bench_with(AuthenticationMode.MQTT).send(events.Authorization(True, session=False))
    assert bench.charge().unplug().charge().charging
    bench.unplug().send(events.Authorization(False, session=False)).plug().pilot(CpState.C, 60_000)
    assert not bench.charging


@pytest.mark.spec(69)
def test_a_pause_of_the_ev_keeps_the_authorization() -> None:
    bench = bench_with(AuthenticationMode.MQTT).send(events.Authorization(True, session=True)).charge()
    assert bench.pilot(CpState.B, 60_000).pilot(CpState.C, 1_000).charging


def test_repeated_messages_change_nothing() -> None:
    bench = bench_with(AuthenticationMode.MQTT).send(events.Authorization(True, session=True)).charge()
    again = bench.now
    for _ in range(10):
        bench.send(events.Authorization(True, session=True)).run(100)
    assert bench.since(again) == []
