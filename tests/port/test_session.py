"""Whole sessions on the test bench."""

from __future__ import annotations

import pytest

from chargectl.declarations import topics
from chargectl.pilot.levels import CpState
from chargectl.pilot.proximity import Cable
from chargectl.port import events
from chargectl.port.effects import DriveLock, LockMotion, SetPilot, SetRelay
from chargectl.port.settings import AuthenticationMode, PortSettings, RcdSettings
from tests.port.bench import Bench


def test_a_session_from_plug_to_unplug() -> None:
    bench = Bench(
        PortSettings(
            evse_limit_a=32,
            grid_limit_a=16,
            rcd=RcdSettings(enable=True),
            authentication=AuthenticationMode.MQTT,
        )
    )
    bench.plug()
    assert bench.duty_centi == 10_000
    assert bench.lock_position is events.LockPosition.UNLOCKED
    authorized = bench.now
    bench.send(events.Authorization(True, session=True)).run(2_000)
    assert bench.since(authorized) == [
        DriveLock(LockMotion.LOCK),
        DriveLock(LockMotion.OFF),
        SetPilot(2666),
    ]
    bench.pilot(CpState.C, 1_000)
    assert bench.charging
    stopped = bench.now
    bench.send(events.Authorization(False, session=True)).run(1_000)
    assert bench.since(stopped) == [SetPilot(10_000)]
    bench.pilot(CpState.B, 3_000)
    assert bench.since(stopped) == [
        SetPilot(10_000),
        SetRelay(1, False),
        DriveLock(LockMotion.UNLOCK),
        DriveLock(LockMotion.OFF),
    ]
    bench.unplug()
    assert bench.value(topics.TOPIC_CHARGING) is False
    assert bench.error_codes == []


def test_an_ev_that_ignores_the_stop_is_switched_off_after_three_seconds() -> None:
    bench = Bench(PortSettings(evse_limit_a=16, authentication=AuthenticationMode.MQTT))
    bench.send(events.Authorization(True, session=True)).charge()
    stopped = bench.now
    bench.send(events.Authorization(False, session=True)).run(10_000)
    assert bench.times(SetRelay(1, False))[-1] == stopped + 3_000


@pytest.mark.spec(67)
def test_free_charging_needs_no_authorization() -> None:
    assert Bench(PortSettings(evse_limit_a=16)).charge().charging


def test_a_fixed_cable_needs_neither_lock_nor_proximity() -> None:
    bench = Bench(PortSettings(pluggable=False, fixed_cable_limit_a=20, evse_limit_a=32, grid_limit_a=32))
    bench.plug(Cable.NONE).pilot(CpState.C, 1_000)
    assert bench.charging
    assert bench.duty_centi == 3333
