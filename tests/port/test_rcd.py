"""Residual current: monitoring, the test, its moments and its timings (guide 15.15)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chargectl.declarations import topics
from chargectl.pilot.levels import CpState
from chargectl.port import events
from chargectl.port.effects import DriveLock, LockMotion, Publish, PublishTime, SetRcdTest
from chargectl.port.settings import Feedback, PortSettings, RcdSettings
from chargectl.port.timing import RCD_TEST_INTERVAL_MS
from tests.port.bench import Bench

TESTED = PortSettings(evse_limit_a=16, rcd=RcdSettings(enable=True))
MONITORED = PortSettings(evse_limit_a=16, rcd=RcdSettings(enable=True, test=False))
TEST_MS = 815 + 410
TRIGGER, RELEASE = SetRcdTest(True), SetRcdTest(False)


def made_tests(bench: Bench) -> list[int]:
    return bench.times(TRIGGER)


def failing(bench: Bench) -> Bench:
    """A bench whose RCD no longer trips on the test output."""
    bench.rcd_answers = False
    return bench


# ------------------------------------------------------------------ configuration


@pytest.mark.spec(91)
def test_monitoring_is_off_by_default() -> None:
    assert not PortSettings().rcd.enable
    bench = Bench().charge()
    bench.send(events.RcdFeedback(False)).run(10_000)
    assert bench.charging
    assert bench.error_codes == []
    assert bench.value(topics.TOPIC_RCD_STATE_ACTUAL) is True


@pytest.mark.spec(92)
def test_healthy_is_the_meaning_of_the_feedback_whatever_its_level() -> None:
    assert set(events.RcdFeedback.__dataclass_fields__) == {"healthy"}
    bench = Bench(MONITORED).charge().send(events.RcdFeedback(True)).run(1_000)
    assert bench.charging
    bench.send(events.RcdFeedback(False))
    assert not bench.relay[1]
    assert bench.value(topics.TOPIC_RCD_STATE_ACTUAL) is False


@pytest.mark.spec(93)
def test_without_a_test_output_the_monitoring_stays() -> None:
    bench = Bench(MONITORED).send(events.RcdTestRequest()).charge().run(2 * RCD_TEST_INTERVAL_MS)
    assert not [effect for _, effect in bench.log if isinstance(effect, SetRcdTest | PublishTime)]
    assert bench.charging
    bench.trip_rcd()
    assert bench.error_codes == ["RcdGroundFailure"]
    assert not bench.relay[1]


@pytest.mark.spec(93)
def test_without_monitoring_there_is_no_test() -> None:
    bench = Bench(PortSettings(evse_limit_a=16, rcd=RcdSettings(enable=False, test=True)))
    bench.send(events.RcdTestRequest()).charge().run(2 * RCD_TEST_INTERVAL_MS)
    assert not [effect for _, effect in bench.log if isinstance(effect, SetRcdTest | PublishTime)]


@pytest.mark.spec(94)
def test_the_default_timings() -> None:
    rcd = RcdSettings()
    assert (rcd.trigger_ms, rcd.check_tripped_ms, rcd.check_normal_ms) == (815, 810, 410)
    bench = Bench(TESTED, settle=False).run(5_000)
    assert bench.times(RELEASE)[-1] - bench.times(TRIGGER)[0] == 815
    [ended] = [time for time, effect in bench.log if isinstance(effect, PublishTime)]
    assert ended - bench.times(TRIGGER)[0] == 815 + 410


@pytest.mark.spec(94)
@pytest.mark.parametrize(("trigger", "tripped", "normal"), [(100, 90, 300), (5000, 5000, 5000), (60, 31, 31)])
def test_the_timings_are_configured(trigger: int, tripped: int, normal: int) -> None:
    rcd = RcdSettings(True, True, trigger, tripped, normal)
    bench = Bench(replace(TESTED, rcd=rcd), settle=False).run(20_000)
    [started] = made_tests(bench)
    [ended] = [time for time, effect in bench.log if isinstance(effect, PublishTime)]
    assert bench.times(RELEASE)[-1] - started == trigger
    assert ended - started == trigger + normal
    assert bench.error_codes == []


@pytest.mark.spec(95)
@pytest.mark.parametrize(("trips_after_ms", "passed"), [(809, True), (810, True), (811, False)])
def test_tripped_is_checked_from_the_rising_edge_of_the_trigger(trips_after_ms: int, passed: bool) -> None:
    bench = failing(Bench(TESTED))
    bench.send(events.RcdTestRequest())
    started = bench.now
    assert made_tests(bench)[-1] == started
    bench.later(trips_after_ms, events.RcdFeedback(False))
    bench.later(TEST_MS - 50, events.RcdFeedback(True))
    bench.run(810)
    assert (bench.error_codes == ["RcdTestError"]) is not passed
    bench.run(TEST_MS)
    assert (bench.error_codes == []) is passed


@pytest.mark.spec(95)
@pytest.mark.parametrize(("recovers_after_ms", "passed"), [(409, True), (410, True), (411, False)])
def test_normal_is_checked_from_the_falling_edge_of_the_trigger(recovers_after_ms: int, passed: bool) -> None:
    bench = failing(Bench(TESTED))
    bench.send(events.RcdTestRequest())
    bench.later(100, events.RcdFeedback(False))
    bench.later(815 + recovers_after_ms, events.RcdFeedback(True))
    bench.run(TEST_MS - 1)
    assert bench.error_codes == []
    bench.run(1)
    assert (bench.error_codes == []) is passed


@pytest.mark.spec(96)
def test_a_short_pulse_with_late_checks_is_a_valid_test() -> None:
    """Bender RCD-121: 50 ms trigger, tripped after 750 ms, normal 2000 ms after the trigger."""
    bender = RcdSettings(True, True, trigger_ms=50, check_tripped_ms=750, check_normal_ms=2_000)
    assert bender.check_tripped_ms < bender.trigger_ms + bender.check_normal_ms
    bench = Bench(replace(TESTED, rcd=bender), rcd_pulse_ms=(400, 1_500))
    assert bench.error_codes == []
    bench.send(events.RcdTestRequest())
    started = bench.now
    bench.run(5_000)
    assert bench.since(started) == [TRIGGER, RELEASE]
    assert bench.times(RELEASE)[-1] - started == 50
    assert bench.error_codes == []


@pytest.mark.spec(96)
@pytest.mark.parametrize("pulse_ms", [(751, 1_500), (100, 749), (400, 2_051)])
def test_a_short_pulse_with_a_trip_at_the_wrong_time_is_a_failed_test(pulse_ms: tuple[int, int]) -> None:
    bender = RcdSettings(True, True, trigger_ms=50, check_tripped_ms=750, check_normal_ms=2_000)
    bench = Bench(replace(TESTED, rcd=bender), rcd_pulse_ms=pulse_ms)
    assert bench.error_codes == ["RcdTestError"]


# ------------------------------------------------------------------ when it is tested


@pytest.mark.spec(97)
def test_the_rcd_is_tested_at_every_start() -> None:
    assert len(made_tests(Bench(TESTED))) == 1


@pytest.mark.spec(97)
def test_nobody_charges_before_the_test_at_the_start_has_passed() -> None:
    bench = Bench(replace(TESTED, contactor_feedback=Feedback.NONE), settle=False).plug(settle_ms=300)
    bench.pilot(CpState.C)
    assert bench.duty_centi == 10_000
    assert made_tests(bench) == []
    assert DriveLock(LockMotion.LOCK) not in bench.since(0)
    bench.run(20_000)
    assert len(made_tests(bench)) == 1
    assert bench.charging


@pytest.mark.spec(98)
def test_the_rcd_is_tested_before_each_session() -> None:
    bench = Bench(TESTED)
    for sessions in range(1, 4):
        plugged = bench.now
        bench.plug()
        assert made_tests(bench)[sessions] == plugged
        bench.pilot(CpState.C, 10_000).pilot(CpState.B, 10_000).pilot(CpState.C, 10_000).unplug()
        assert len(made_tests(bench)) == sessions + 1


@pytest.mark.spec(98)
def test_lock_offer_and_power_wait_for_the_test() -> None:
    bench = Bench(TESTED).plug(state=CpState.C, settle_ms=TEST_MS - 1)
    assert not [effect for effect in bench.since(1_000) if effect == DriveLock(LockMotion.LOCK)]
    assert bench.duty_centi == 10_000
    assert not bench.relay[1]
    bench.run(5_000)
    assert bench.charging


@pytest.mark.spec(98)
def test_an_ev_that_comes_during_a_test_needs_no_second_one() -> None:
    bench = Bench(TESTED).send(events.RcdTestRequest()).run(500).plug()
    assert len(made_tests(bench)) == 2
    assert bench.duty_centi == 2666


@pytest.mark.spec(99)
def test_the_rcd_is_tested_after_24_hours() -> None:
    bench = Bench(TESTED)
    [first] = made_tests(bench)
    bench.run(first + TEST_MS + RCD_TEST_INTERVAL_MS - 1 - bench.now)
    assert len(made_tests(bench)) == 1
    bench.run(1)
    assert len(made_tests(bench)) == 2
    bench.run(10 * RCD_TEST_INTERVAL_MS)
    assert len(made_tests(bench)) == 11
    assert RCD_TEST_INTERVAL_MS == 24 * 60 * 60 * 1_000


@pytest.mark.spec(99)
def test_a_charge_is_not_interrupted_for_a_test_and_the_test_follows_it() -> None:
    bench = Bench(TESTED).charge()
    count = len(made_tests(bench))
    bench.run(RCD_TEST_INTERVAL_MS + 60_000).send(events.RcdTestRequest())
    assert bench.charging
    assert len(made_tests(bench)) == count
    bench.pilot(CpState.B, 100)
    assert len(made_tests(bench)) == count + 1
    assert bench.duty_centi == 10_000
    bench.run(2_000)
    assert bench.duty_centi == 2666


@pytest.mark.spec(102)
def test_a_test_is_made_on_request_and_its_end_is_told() -> None:
    bench = Bench(TESTED)
    count = len(made_tests(bench))
    asked = bench.now
    bench.send(events.RcdTestRequest()).run(TEST_MS)
    assert len(made_tests(bench)) == count + 1
    ended = [effect for time, effect in bench.log if time == asked + TEST_MS]
    assert Publish(topics.TOPIC_RCD_ERROR, "", again=True) in ended
    assert not topics.TOPIC_RCD_TEST_PERFORM.retain


@pytest.mark.spec(102)
def test_a_request_during_a_test_makes_no_second_one() -> None:
    bench = Bench(TESTED).send(events.RcdTestRequest()).run(100).send(events.RcdTestRequest()).run(10_000)
    assert len(made_tests(bench)) == 2


@pytest.mark.spec(103)
def test_the_end_of_each_test_is_dated() -> None:
    bench = Bench(TESTED).send(events.RcdTestRequest()).run(10_000)
    dated = [(time, effect) for time, effect in bench.log if isinstance(effect, PublishTime)]
    assert [effect for _, effect in dated] == [PublishTime(topics.TOPIC_RCD_TEST_TIMESTAMP)] * 2
    assert [time for time, _ in dated] == [started + TEST_MS for started in made_tests(bench)]


@pytest.mark.spec(103)
def test_a_failed_test_is_dated_too() -> None:
    bench = failing(Bench(TESTED)).send(events.RcdTestRequest()).run(5_000)
    assert len([effect for _, effect in bench.log if isinstance(effect, PublishTime)]) == 2


@pytest.mark.spec(100)
def test_a_test_does_not_show_as_a_trip() -> None:
    bench = Bench(TESTED).send(events.RcdTestRequest()).run(20_000).plug()
    assert len(made_tests(bench)) == 3
    assert bench.history(topics.TOPIC_RCD_STATE_ACTUAL) == [True]
    assert bench.error_codes == []


@pytest.mark.spec(101)
@pytest.mark.parametrize(
    ("rcd", "feedback", "test"),
    [
        (RcdSettings(enable=False), False, False),
        (RcdSettings(enable=True, test=False), True, False),
        (RcdSettings(enable=True, test=True), True, True),
    ],
)
def test_what_is_available_reflects_the_configuration(rcd: RcdSettings, feedback: bool, test: bool) -> None:
    bench = Bench(replace(TESTED, rcd=rcd)).charge()
    assert bench.history(topics.TOPIC_RCD_FEEDBACK_AVAILABLE) == [feedback]
    assert bench.history(topics.TOPIC_RCD_TEST_AVAILABLE) == [test]
