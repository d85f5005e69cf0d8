"""The contactor: relay 1, its feedback, the guard of 6 s, welding (guide 3.3.4.1, 15.13, Table 14)."""

from __future__ import annotations

from itertools import pairwise

import pytest

from chargectl.declarations import topics
from chargectl.pilot.levels import CpState
from chargectl.port import events
from chargectl.port.contactor import Contactor
from chargectl.port.effects import SetPilot, SetRelay
from chargectl.port.events import LockPosition
from chargectl.port.settings import Feedback, PortSettings
from chargectl.port.timing import CONTACTOR_GUARD_MS, CONTACTOR_REACTION_MS
from tests.port.bench import CONTACTOR_MS, Bench

FEEDBACKS = [Feedback.NORMALLY_OPEN, Feedback.NORMALLY_CLOSED]


def bench_with(feedback: Feedback) -> Bench:
    return Bench(PortSettings(evse_limit_a=16, contactor_feedback=feedback))


@pytest.mark.spec(36)
def test_relay_1_is_the_contactor_and_its_sense_is_the_actual_state() -> None:
    bench = Bench().plug()
    assert bench.value(topics.TOPIC_CONTACTOR_STATE_TARGET) is False
    assert bench.value(topics.TOPIC_CONTACTOR_STATE_ACTUAL) is False
    bench.pilot(CpState.C)
    assert bench.relay[1]
    assert bench.value(topics.TOPIC_CONTACTOR_STATE_TARGET) is True
    assert bench.value(topics.TOPIC_CONTACTOR_STATE_ACTUAL) is False
    bench.run(CONTACTOR_MS)
    assert bench.value(topics.TOPIC_CONTACTOR_STATE_ACTUAL) is True
    bench.pilot(CpState.B)
    assert bench.value(topics.TOPIC_CONTACTOR_STATE_TARGET) is False
    assert bench.value(topics.TOPIC_CONTACTOR_STATE_ACTUAL) is True
    bench.run(CONTACTOR_MS)
    assert bench.value(topics.TOPIC_CONTACTOR_STATE_ACTUAL) is False
    assert not bench.relay[2]


@pytest.mark.spec(38)
@pytest.mark.parametrize("feedback", FEEDBACKS)
def test_the_logic_of_the_feedback_is_configured(feedback: Feedback) -> None:
    bench = bench_with(feedback).charge().run(60_000)
    assert bench.error_codes == []
    assert bench.value(topics.TOPIC_CONTACTOR_STATE_ACTUAL) is True


@pytest.mark.spec(38)
@pytest.mark.parametrize("feedback", FEEDBACKS)
def test_a_feedback_of_the_other_logic_is_a_failure(feedback: Feedback) -> None:
    bench = bench_with(feedback)
    bench.send(events.PrimarySense(feedback is Feedback.NORMALLY_OPEN)).run(CONTACTOR_REACTION_MS)
    assert bench.error_codes == ["PowerSwitchFailure"]


@pytest.mark.spec(38)
def test_normally_open_is_the_default() -> None:
    assert PortSettings().contactor_feedback is Feedback.NORMALLY_OPEN


@pytest.mark.spec(38)
def test_without_feedback_the_state_is_reported_without_verification() -> None:
    bench = bench_with(Feedback.NONE)
    bench.contactor_follows[1] = False
    bench.plug().pilot(CpState.C, 60_000)
    assert bench.relay[1]
    assert bench.value(topics.TOPIC_CONTACTOR_STATE_ACTUAL) is True
    assert bench.value(topics.TOPIC_CHARGING) is True
    bench.send(events.PrimarySense(False), events.PrimarySense(True), events.PrimarySense(False)).run(60_000)
    assert bench.value(topics.TOPIC_CONTACTOR_STATE_ACTUAL) is True
    assert bench.error_codes == []


def test_without_feedback_the_lock_waits_for_the_reaction_time() -> None:
    bench = bench_with(Feedback.NONE).charge()
    stopped = bench.now
    bench.unplug(CONTACTOR_REACTION_MS - 1)
    assert bench.since(stopped) == [SetRelay(1, False), SetPilot(10_000)]
    bench.run(1_000)
    assert bench.lock_position is LockPosition.UNLOCKED


def test_without_feedback_the_port_wakes_up_when_the_contactor_counts_as_open() -> None:
    contactor = Contactor(Feedback.NONE, 0)
    assert not contactor.confirmed_open(CONTACTOR_REACTION_MS - 1)
    assert contactor.deadline(0) == CONTACTOR_REACTION_MS
    assert contactor.confirmed_open(CONTACTOR_REACTION_MS)


@pytest.mark.spec(39)
def test_a_welded_contactor_is_a_power_switch_failure() -> None:
    bench = Bench().charge()
    bench.contactor_follows[1] = False
    bench.pilot(CpState.B, CONTACTOR_REACTION_MS - 1)
    assert bench.value(topics.TOPIC_CONTACTOR_ERROR) is False
    assert bench.lock_position is LockPosition.LOCKED
    bench.run(1)
    assert bench.value(topics.TOPIC_CONTACTOR_ERROR) is True
    assert bench.error_codes == ["PowerSwitchFailure"]
    assert bench.duty_centi == 0
    bench.run(2_000)
    assert bench.contactor[1]
    assert bench.lock_position is LockPosition.UNLOCKED


@pytest.mark.spec(39)
def test_a_contactor_that_does_not_close_is_a_power_switch_failure() -> None:
    bench = Bench().plug()
    bench.contactor_follows[1] = False
    bench.pilot(CpState.C, CONTACTOR_REACTION_MS - 1)
    assert bench.relay[1]
    bench.run(1)
    assert not bench.relay[1]
    assert bench.value(topics.TOPIC_CONTACTOR_ERROR) is True
    assert bench.duty_centi == 0
    bench.run(2_000)
    assert bench.lock_position is LockPosition.UNLOCKED


@pytest.mark.spec(39)
@pytest.mark.parametrize("charging", [False, True])
def test_a_contactor_that_moves_by_itself_is_a_power_switch_failure(charging: bool) -> None:
    bench = Bench().charge() if charging else Bench()
    bench.show_contactor(1, not charging).run(CONTACTOR_REACTION_MS)
    assert bench.error_codes == ["PowerSwitchFailure"]
    assert not bench.relay[1]
    assert bench.duty_centi == 0


def test_a_bounce_of_the_feedback_is_no_failure() -> None:
    bench = Bench().charge()
    bench.show_contactor(1, False).run(CONTACTOR_REACTION_MS - 1).show_contactor(1, True).run(5_000)
    assert bench.error_codes == []
    assert bench.relay[1]


def test_a_contactor_welded_before_the_start_is_noticed_at_the_start() -> None:
    bench = Bench(settle=False)
    bench.contactor_follows[1] = False
    bench.show_contactor(1, True).run(CONTACTOR_REACTION_MS)
    assert bench.error_codes == ["PowerSwitchFailure"]


@pytest.mark.spec(39)
def test_a_power_switch_failure_lasts_until_restart() -> None:
    bench = Bench().charge()
    bench.contactor_follows[1] = False
    bench.pilot(CpState.B, 5_000).show_contactor(1, False).unplug().plug().pilot(CpState.C, 3_600_000)
    assert "PowerSwitchFailure" in bench.error_codes
    assert bench.value(topics.TOPIC_CONTACTOR_ERROR) is True
    assert not bench.relay[1]
    assert bench.duty_centi == 0


@pytest.mark.spec(40, 315)
def test_six_seconds_pass_between_opening_and_closing() -> None:
    bench = Bench().charge()
    bench.pilot(CpState.B, 100).pilot(CpState.C, 20_000)
    opened, closed = bench.times(SetRelay(1, False))[-1], bench.times(SetRelay(1, True))[-1]
    # The guard counts from the moment the contactor really opened.
    assert closed - opened == 6_000 + CONTACTOR_MS
    assert bench.charging


@pytest.mark.spec(40, 315)
def test_the_guard_without_feedback_counts_from_switching_off() -> None:
    bench = bench_with(Feedback.NONE).charge()
    bench.pilot(CpState.B, 100).pilot(CpState.C, 20_000)
    assert bench.times(SetRelay(1, True))[-1] - bench.times(SetRelay(1, False))[-1] == 6_000


@pytest.mark.spec(40, 315)
def test_the_guard_holds_after_a_start() -> None:
    bench = Bench(PortSettings(evse_limit_a=16), settle=False)
    bench.plug(settle_ms=2_000).pilot(CpState.C, 60_000)
    assert bench.times(SetRelay(1, True)) == [CONTACTOR_GUARD_MS]
    assert CONTACTOR_GUARD_MS == 6_000


@pytest.mark.spec(40)
def test_a_flickering_ev_never_shortens_the_guard() -> None:
    bench = Bench().charge()
    for _ in range(60):
        bench.pilot(CpState.B, 70).pilot(CpState.C, 430)
    changes = sorted((time, on) for on in (False, True) for time in bench.times(SetRelay(1, on)))
    pairs = [(a, b) for a, b in pairwise(changes) if not a[1] and b[1]]
    assert len(pairs) > 3
    assert all(closed - opened >= 6_000 for (opened, _), (closed, _) in pairs)


def test_switching_on_within_the_guard_is_refused() -> None:
    contactor = Contactor(Feedback.NONE, 0)
    with pytest.raises(ValueError, match="guard"):
        contactor.switch(True, CONTACTOR_GUARD_MS - 1)
    assert not contactor.target


@pytest.mark.spec(41)
def test_the_contactors_status_is_published() -> None:
    bench = Bench().charge()
    bench.pilot(CpState.B, 1_000)
    assert bench.history(topics.TOPIC_CHARGE_CONTACTOR_STATUS) == ["unknown", "opened", "closed", "opened"]


@pytest.mark.spec(41)
def test_the_status_is_unknown_where_nothing_tells_it() -> None:
    bench = bench_with(Feedback.NONE).charge()
    assert bench.history(topics.TOPIC_CHARGE_CONTACTOR_STATUS) == ["unknown"]


@pytest.mark.spec(41)
def test_the_status_is_unknown_while_the_feedback_cannot_be_read() -> None:
    bench = Bench().charge()
    bench.send(events.BoardFault("relay1_sense", True))
    assert bench.value(topics.TOPIC_CHARGE_CONTACTOR_STATUS) == "unknown"
    bench.send(events.BoardFault("relay1_sense", False), events.PrimarySense(True))
    assert bench.value(topics.TOPIC_CHARGE_CONTACTOR_STATUS) == "closed"


def test_an_unreadable_feedback_opens_the_contactor_and_holds_the_plug_until_the_ev_is_gone() -> None:
    bench = Bench().charge()
    bench.contactor_follows[1] = False
    bench.send(events.BoardFault("relay1_sense", True)).run(60_000)
    assert not bench.relay[1]
    assert bench.lock_position is LockPosition.LOCKED
    assert bench.error_codes == ["BoardFailure"]
    bench.unplug()
    assert bench.lock_position is LockPosition.UNLOCKED


def test_an_ev_that_leaves_state_c_loses_power_at_once() -> None:
    for state in (CpState.A, CpState.B, CpState.E, CpState.F):
        bench = Bench().charge()
        left = bench.now
        bench.send(events.PilotSeen(state))
        assert bench.since(left)[0] == SetRelay(1, False), state
