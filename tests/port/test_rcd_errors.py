"""The three errors of the residual current device (guide 15.15.2, 3.3.4.12-14)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chargectl.declarations import topics
from chargectl.pilot.levels import CpState
from chargectl.port import events
from chargectl.port.effects import DriveLock, LockMotion, SetRcdTest, SetRelay
from chargectl.port.events import LockPosition
from chargectl.port.settings import Feedback, PortSettings, RcdSettings
from chargectl.port.timing import RCD_SPURIOUS_MS, RCD_TEST_INTERVAL_MS
from tests.port.bench import RCD_MS, Bench

TESTED = PortSettings(evse_limit_a=16, rcd=RcdSettings(enable=True))
MONITORED = PortSettings(evse_limit_a=16, rcd=RcdSettings(enable=True, test=False))
TEST_MS = 815 + 410


def made_tests(bench: Bench) -> list[int]:
    return bench.times(SetRcdTest(True))


def failing(bench: Bench) -> Bench:
    """A bench whose RCD no longer trips on the test output."""
    bench.rcd_answers = False
    return bench


@pytest.mark.spec(104)
def test_a_trip_without_an_ev_is_spurious_and_takes_the_port_out_of_service() -> None:
    bench = Bench(TESTED).trip_rcd().run(RCD_SPURIOUS_MS - 1)
    assert bench.error_codes == []
    bench.run(1)
    assert bench.error_codes == ["SpuriousRcdError"]
    assert bench.value(topics.TOPIC_RCD_ERROR) == "SpuriousRcdError"
    assert bench.value(topics.TOPIC_RCD_STATE_ACTUAL) is False
    assert bench.duty_centi == 0
    assert bench.lock_position is LockPosition.UNLOCKED


@pytest.mark.spec(104)
def test_a_spurious_error_stays_when_the_rcd_is_healthy_again_and_the_lock_stays_open() -> None:
    bench = Bench(TESTED).trip_rcd().run(1_000).trip_rcd(False).run(1_000)
    assert bench.value(topics.TOPIC_RCD_STATE_ACTUAL) is True
    blocked = bench.now
    bench.plug(state=CpState.C).run(RCD_TEST_INTERVAL_MS + 60_000)
    assert bench.error_codes[0] == "SpuriousRcdError"
    assert bench.duty_centi == 0
    assert not [effect for effect in bench.since(blocked) if isinstance(effect, DriveLock | SetRelay)]


@pytest.mark.spec(104)
def test_the_test_of_the_start_does_not_cancel_a_spurious_error_from_before_it() -> None:
    tripped = Bench(replace(TESTED, contactor_feedback=Feedback.NONE), settle=False).trip_rcd().run(1_000)
    assert made_tests(tripped) == []
    assert tripped.error_codes == ["SpuriousRcdError"]
    tripped.trip_rcd(False).run(60_000)
    assert made_tests(tripped) == []
    assert tripped.error_codes == ["SpuriousRcdError"]


@pytest.mark.spec(104)
def test_a_spurious_error_is_cancelled_by_hand_with_a_passed_test() -> None:
    bench = Bench(TESTED).trip_rcd().run(1_000).trip_rcd(False).run(1_000)
    bench.send(events.RcdTestRequest()).run(TEST_MS + 1_000)
    assert bench.error_codes == []
    assert bench.value(topics.TOPIC_RCD_ERROR) == ""
    assert bench.duty_centi == 10_000
    assert bench.charge().charging


def test_a_disturbance_without_an_ev_is_no_error() -> None:
    bench = Bench(TESTED)
    for _ in range(10):
        bench.trip_rcd().run(RCD_SPURIOUS_MS - 1).trip_rcd(False).run(50)
    assert bench.error_codes == []


def test_a_tripped_rcd_is_not_tested_and_its_error_is_the_answer() -> None:
    bench = Bench(TESTED).trip_rcd().run(1_000)
    count = len(made_tests(bench))
    said = bench.history(topics.TOPIC_RCD_ERROR)
    bench.send(events.RcdTestRequest())
    assert bench.history(topics.TOPIC_RCD_ERROR) == [*said, "SpuriousRcdError"]
    bench.run(60_000)
    bench.trip_rcd(False).run(60_000)
    assert len(made_tests(bench)) == count
    bench.send(events.RcdTestRequest()).run(TEST_MS)
    assert bench.error_codes == []


@pytest.mark.spec(105)
def test_a_failed_test_without_an_ev_takes_the_port_out_of_service() -> None:
    bench = failing(Bench(TESTED)).send(events.RcdTestRequest()).run(5_000)
    assert bench.error_codes == ["RcdTestError"]
    assert bench.value(topics.TOPIC_RCD_ERROR) == "RcdTestError"
    assert bench.value(topics.TOPIC_RCD_STATE_ACTUAL) is True
    assert bench.duty_centi == 0
    assert bench.lock_position is LockPosition.UNLOCKED


@pytest.mark.spec(105)
def test_a_failed_test_with_an_ev_keeps_the_lock_until_it_is_unplugged() -> None:
    bench = failing(Bench(TESTED).charge().pilot(CpState.B, 1_000))
    bench.send(events.RcdTestRequest()).run(5_000)
    assert bench.error_codes == ["RcdTestError"]
    assert bench.duty_centi == 10_000
    bench.pilot(CpState.C, 60_000)
    assert bench.lock_position is LockPosition.LOCKED
    assert not bench.relay[1]
    bench.unplug()
    assert bench.duty_centi == 0
    assert bench.lock_position is LockPosition.UNLOCKED
    blocked = bench.now
    bench.plug().run(60_000)
    assert bench.duty_centi == 0
    assert not [effect for effect in bench.since(blocked) if isinstance(effect, DriveLock)]


@pytest.mark.spec(105)
def test_a_failed_test_before_a_session_leaves_the_plug_unlocked() -> None:
    bench = failing(Bench(TESTED)).plug()
    assert bench.error_codes == ["RcdTestError"]
    assert bench.duty_centi == 10_000
    assert DriveLock(LockMotion.LOCK) not in bench.since(0)


@pytest.mark.spec(105)
def test_an_rcd_that_does_not_come_back_failed_its_test() -> None:
    bench = Bench(TESTED).send(events.RcdTestRequest()).run(100).trip_rcd().run(TEST_MS)
    assert bench.error_codes == ["RcdTestError"]


@pytest.mark.spec(105)
def test_a_failed_test_is_cancelled_by_hand_with_a_passed_one() -> None:
    bench = failing(Bench(TESTED)).send(events.RcdTestRequest()).run(5_000)
    bench.run(2 * RCD_TEST_INTERVAL_MS)
    assert len(made_tests(bench)) == 2
    bench.rcd_answers = True
    bench.send(events.RcdTestRequest()).run(TEST_MS + 1_000)
    assert bench.error_codes == []
    assert bench.charge().charging


@pytest.mark.spec(106)
def test_a_trip_while_charging_opens_the_contactor_first_and_keeps_the_lock() -> None:
    bench = Bench(TESTED).charge()
    tripped = bench.now
    bench.trip_rcd()
    assert bench.since(tripped)[0] == SetRelay(1, False)
    assert bench.error_codes == ["RcdGroundFailure"]
    assert bench.value(topics.TOPIC_RCD_ERROR) == "RcdGroundFailure"
    assert bench.value(topics.TOPIC_RCD_STATE_ACTUAL) is False
    bench.run(60_000)
    assert bench.duty_centi == 10_000
    assert bench.lock_position is LockPosition.LOCKED


@pytest.mark.spec(106)
def test_a_ground_failure_stays_until_unplugged_though_the_rcd_is_healthy_again() -> None:
    bench = Bench(TESTED).charge().trip_rcd().run(1_000).trip_rcd(False).run(60_000)
    assert bench.error_codes == ["RcdGroundFailure"]
    assert not bench.charging
    assert bench.lock_position is LockPosition.LOCKED
    assert bench.duty_centi == 10_000


@pytest.mark.spec(106)
def test_a_ground_failure_gone_at_unplug_lets_the_next_session_begin() -> None:
    bench = Bench(TESTED).charge().trip_rcd().run(1_000).trip_rcd(False).run(1_000).unplug()
    assert bench.error_codes == []
    assert bench.value(topics.TOPIC_RCD_ERROR) == ""
    assert bench.lock_position is LockPosition.UNLOCKED
    assert bench.charge().charging


@pytest.mark.spec(106)
def test_a_ground_failure_still_there_at_unplug_becomes_spurious() -> None:
    bench = Bench(TESTED).charge().trip_rcd().run(1_000).unplug()
    assert bench.error_codes == ["SpuriousRcdError"]
    assert bench.value(topics.TOPIC_RCD_ERROR) == "SpuriousRcdError"
    assert bench.history(topics.TOPIC_RCD_ERROR)[-2:] == ["RcdGroundFailure", "SpuriousRcdError"]
    assert bench.duty_centi == 0
    assert bench.lock_position is LockPosition.UNLOCKED
    bench.trip_rcd(False).run(60_000)
    assert bench.error_codes == ["SpuriousRcdError"]


@pytest.mark.spec(106)
@pytest.mark.parametrize("state", [CpState.B, CpState.C])
def test_a_trip_with_an_ev_that_does_not_charge_is_a_ground_failure(state: CpState) -> None:
    settings = replace(TESTED, evse_limit_a=5)
    bench = Bench(settings).plug().pilot(state, 1_000).trip_rcd()
    assert bench.error_codes == ["RcdGroundFailure"]


@pytest.mark.spec(92)
def test_an_unreadable_feedback_switches_off_and_is_no_residual_current() -> None:
    bench = Bench(MONITORED).charge()
    lost = bench.now
    bench.send(events.BoardFault("rcd_feedback", True))
    assert bench.since(lost)[0] == SetRelay(1, False)
    bench.run(5_000)
    assert bench.error_codes == ["BoardFailure"]
    assert bench.value(topics.TOPIC_RCD_ERROR) == ""
    bench.send(events.BoardFault("rcd_feedback", False), events.RcdFeedback(True)).run(10_000)
    assert bench.error_codes == []
    assert bench.charging


def test_nothing_is_offered_before_the_feedback_is_known() -> None:
    bench = Bench(MONITORED)
    bench.send(events.BoardFault("rcd_feedback", True), events.BoardFault("rcd_feedback", False))
    bench.plug(state=CpState.C).run(60_000)
    assert bench.duty_centi == 10_000
    assert not bench.relay[1]
    bench.send(events.RcdFeedback(True)).run(1_000)
    assert bench.charging


def test_the_reaction_time_of_the_bench_is_shorter_than_the_checks() -> None:
    assert RcdSettings().check_tripped_ms > RCD_MS
    assert RcdSettings().check_normal_ms > RCD_MS
