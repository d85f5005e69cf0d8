"""What the port does when the program starts with a car plugged in, and when it ends."""

from __future__ import annotations

import pytest

from chargectl.declarations import topics
from chargectl.pilot.levels import CpState
from chargectl.pilot.proximity import Cable
from chargectl.port import events
from chargectl.port.effects import DriveLock, LockMotion, Publish, SetPilot, SetRelay
from chargectl.port.events import LockPosition
from chargectl.port.machine import Port
from chargectl.port.settings import PortSettings, RcdSettings
from tests.port.bench import Bench

SOCKET = PortSettings(evse_limit_a=32, grid_limit_a=32, rcd=RcdSettings(enable=True))


def test_before_the_line_was_seen_nothing_is_unlocked_and_no_state_is_told() -> None:
    port = Port(SOCKET, 0)
    told = port.start(0)
    facts: list[events.Event] = [
        events.PrimarySense(False),
        events.LockSense(LockPosition.LOCKED),
        events.LockCapacitor(True),
        events.RcdFeedback(True),
        events.Tick(),
    ]
    for now, event in enumerate(facts):
        told += port.handle(event, now)
    assert DriveLock(LockMotion.UNLOCK) not in told
    assert not [e for e in told if isinstance(e, Publish) and e.topic is topics.TOPIC_CHARGE_CP_STATUS]
    told = port.handle(events.PilotSeen(CpState.A), 60)
    assert DriveLock(LockMotion.UNLOCK) in told
    assert Publish(topics.TOPIC_CHARGE_CP_STATUS, "A") in told


def test_a_plug_that_is_locked_when_the_program_starts_stays_locked_for_its_ev() -> None:
    port = Port(SOCKET, 0)
    told = port.start(0)
    for event in (
        events.PrimarySense(False),
        events.LockSense(LockPosition.LOCKED),
        events.LockCapacitor(True),
        events.RcdFeedback(True),
        events.ProximitySeen(Cable.A32),
    ):
        told += port.handle(event, 1)
    told += port.handle(events.Tick(), 110)
    told += port.handle(events.PilotSeen(CpState.C), 120)
    for now in range(130, 400, 10):
        told += port.handle(events.Tick(), now)
    assert port.lock.locked
    assert DriveLock(LockMotion.UNLOCK) not in told
    assert SetRelay(1, True) not in told


def test_the_end_of_the_program_lets_the_ev_stop_and_frees_the_plug() -> None:
    bench = Bench(SOCKET).charge()
    stopped = bench.now
    bench.send(events.Stop())
    assert bench.since(stopped) == [SetPilot(10_000)]
    assert not bench.port.at_rest(bench.now)
    bench.pilot(CpState.B, 2_000)
    assert bench.since(stopped)[1:3] == [SetRelay(1, False), DriveLock(LockMotion.UNLOCK)]
    assert bench.port.at_rest(bench.now)
    assert bench.value(topics.TOPIC_CHARGING) is False
    bench.pilot(CpState.C, 60_000)
    assert not bench.charging


def test_the_end_of_the_program_does_not_wait_for_an_ev_that_does_not_stop() -> None:
    bench = Bench(SOCKET).charge()
    stopped = bench.now
    bench.send(events.Stop()).run(5_000)
    assert bench.times(SetRelay(1, False))[-1] == stopped + 3_000
    assert bench.port.at_rest(bench.now)


@pytest.mark.parametrize("settings", [SOCKET, PortSettings(pluggable=False)])
def test_an_idle_port_is_at_rest(settings: PortSettings) -> None:
    bench = Bench(settings)
    assert bench.port.at_rest(bench.now)


def test_each_session_announces_its_protocol() -> None:
    bench = Bench(SOCKET).plug().unplug().plug()
    again = [e.again for _, e in bench.log if isinstance(e, Publish) and e.value == "IEC61851"]
    assert again == [True, True]


def test_an_unreadable_rcd_during_its_test_fails_nothing_and_the_test_is_made_again() -> None:
    bench = Bench(SOCKET, settle=False).run(400)
    assert bench.rcd_test_output
    bench.send(events.BoardFault("rcd_feedback", True)).run(20)
    assert not bench.rcd_test_output
    bench.send(events.BoardFault("rcd_feedback", False)).run(100)
    bench.send_rcd()
    bench.run(20_000)
    assert bench.error_codes == []
    assert bench.history(topics.TOPIC_RCD_ERROR)[-1] == ""
    assert len([e for _, e in bench.log if str(e) == "SetRcdTest(active=True)"]) == 2


def test_the_wait_for_normal_counts_from_when_the_trigger_really_fell() -> None:
    port = Port(SOCKET, 0)
    port.start(0)
    for event in (events.PrimarySense(False), events.RcdFeedback(True)):
        port.handle(event, 0)
    port.handle(events.RcdFeedback(False), 700)
    port.handle(events.Tick(), 810)
    port.handle(events.Tick(), 900)
    assert port.outputs.rcd_test is False
    port.handle(events.Tick(), 900 + 409)
    assert port.rcd.testing
    port.handle(events.RcdFeedback(True), 900 + 409)
    port.handle(events.Tick(), 900 + 410)
    assert not port.rcd.testing
    assert port.rcd.error is None


def test_a_cable_does_not_grow_after_it_was_plugged() -> None:
    bench = Bench(SOCKET).plug(Cable.A13)
    bench.send(events.ProximitySeen(Cable.A63)).run(5_000)
    assert bench.value(topics.TOPIC_CABLE_CURRENT_LIMIT) == 13
    bench.unplug().plug(Cable.A63)
    assert bench.value(topics.TOPIC_CABLE_CURRENT_LIMIT) == 63
