"""Belief in pilot readings: what repeats counts, what flickers does not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargectl.pilot.levels import CpState
from chargectl.pilot.tracker import CONFIRMING_SAMPLES, PilotTracker

B_MV, C_MV, D_MV, A_MV = 9_000, 6_000, 3_000, 12_000
DIODE_MV, NO_DIODE_MV = -12_000, -8_800


def feed(tracker: PilotTracker, *positive: int, negative: int = DIODE_MV, pwm: bool = True) -> list[bool]:
    return [tracker.feed(level, negative, pwm) for level in positive]


def test_the_third_equal_sample_is_believed():
    tracker = PilotTracker()
    assert feed(tracker, B_MV, B_MV, B_MV, B_MV) == [False, False, True, False]
    assert tracker.state is CpState.B


def test_three_cycles_of_20_ms_leave_time_to_switch_off_within_100_ms():
    assert CONFIRMING_SAMPLES * 20 <= 60


def test_the_state_before_ends_a_half_believed_change():
    tracker = PilotTracker(CpState.B)
    feed(tracker, C_MV, C_MV, B_MV, C_MV, C_MV)
    assert tracker.state is CpState.B


def test_three_different_samples_make_no_state():
    tracker = PilotTracker(CpState.A)
    assert feed(tracker, B_MV, C_MV, D_MV, B_MV, C_MV, D_MV) == [False] * 6
    assert tracker.state is CpState.A


def test_another_candidate_counts_from_its_own_first_sample():
    tracker = PilotTracker(CpState.A)
    assert feed(tracker, B_MV, B_MV, C_MV, C_MV, C_MV) == [False, False, False, False, True]
    assert tracker.state is CpState.C


@given(st.sampled_from(CpState), st.lists(st.integers(-14_000, 14_000), max_size=2))
def test_two_disturbed_samples_never_change_anything(state, disturbed):
    tracker = PilotTracker(state)
    feed(tracker, *disturbed)
    assert tracker.state is state


@given(st.lists(st.integers(-14_000, 14_000), max_size=60))
def test_a_change_is_reported_exactly_when_there_is_one(levels):
    tracker = PilotTracker()
    for level in levels:
        before = tracker.state, tracker.diode_ok
        assert tracker.feed(level, DIODE_MV, True) is ((tracker.state, tracker.diode_ok) != before)


def test_a_restart_forgets_a_half_believed_change():
    tracker = PilotTracker(CpState.B)
    feed(tracker, C_MV, C_MV)
    tracker.restart()
    feed(tracker, C_MV, C_MV)
    assert tracker.state is CpState.B
    feed(tracker, C_MV)
    assert tracker.state is CpState.C


def test_a_restart_forgets_a_half_missed_diode():
    tracker = PilotTracker(CpState.B)
    feed(tracker, B_MV, B_MV, negative=NO_DIODE_MV)
    tracker.restart()
    feed(tracker, B_MV, B_MV, negative=NO_DIODE_MV)
    assert tracker.diode_ok


def test_a_missing_diode_is_believed_with_the_third_sample():
    tracker = PilotTracker(CpState.B)
    assert feed(tracker, B_MV, B_MV, B_MV, B_MV, negative=NO_DIODE_MV) == [False, False, True, False]
    assert not tracker.diode_ok


def test_a_diode_that_comes_back_is_believed_again():
    tracker = PilotTracker(CpState.C)
    feed(tracker, C_MV, C_MV, C_MV, negative=NO_DIODE_MV)
    assert feed(tracker, C_MV, C_MV, C_MV) == [False, False, True]
    assert tracker.diode_ok


def test_a_single_good_half_wave_starts_the_count_anew():
    tracker = PilotTracker(CpState.C)
    feed(tracker, C_MV, C_MV, negative=NO_DIODE_MV)
    feed(tracker, C_MV)
    feed(tracker, C_MV, C_MV, negative=NO_DIODE_MV)
    assert tracker.diode_ok


def test_without_pwm_there_is_no_negative_half_wave_to_judge():
    tracker = PilotTracker(CpState.B)
    feed(tracker, *[B_MV] * 6, negative=12_000, pwm=False)
    assert tracker.diode_ok


@pytest.mark.parametrize("state", [CpState.A, CpState.E, CpState.F])
def test_without_an_ev_there_is_no_diode_to_judge(state):
    tracker = PilotTracker(state)
    feed(tracker, *[{CpState.A: A_MV, CpState.E: 0, CpState.F: -12_000}[state]] * 6, negative=NO_DIODE_MV)
    assert tracker.diode_ok
