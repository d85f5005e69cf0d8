"""Levels of the control pilot: the windows, the gaps between them, the diode."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargectl.pilot.levels import CpState, cp_state, diode_present

NOMINAL_MV = {
    CpState.A: 12_000,
    CpState.B: 9_000,
    CpState.C: 6_000,
    CpState.D: 3_000,
    CpState.E: 0,
    CpState.F: -12_000,
}
GAPS = [
    (CpState.A, CpState.B, 10_001, 10_999),
    (CpState.B, CpState.C, 7_001, 7_999),
    (CpState.C, CpState.D, 4_001, 4_999),
    (CpState.D, CpState.E, 1_001, 1_999),
]
states = st.sampled_from(CpState)


@pytest.mark.spec(62)
@given(states, st.integers(-1_000, 1_000), states)
def test_within_the_tolerance_the_level_alone_decides(state, offset, previous):
    assert cp_state(NOMINAL_MV[state] + offset, previous) is state


@given(st.sampled_from(GAPS), st.data())
def test_in_a_gap_either_neighbour_stays(gap, data):
    upper, lower, bottom, top = gap
    level = data.draw(st.integers(bottom, top))
    assert cp_state(level, upper) is upper
    assert cp_state(level, lower) is lower


@given(st.sampled_from(GAPS), st.data())
def test_noise_within_a_gap_changes_the_state_once_at_most(gap, data):
    _, _, bottom, top = gap
    state = data.draw(states)
    seen = [state]
    for level in data.draw(st.lists(st.integers(bottom, top), max_size=20)):
        state = cp_state(level, state)
        if state is not seen[-1]:
            seen.append(state)
    assert len(seen) <= 2


@given(st.sampled_from(GAPS), st.data())
def test_from_elsewhere_a_gap_reads_as_its_lower_neighbour_or_the_upper_one(gap, data):
    upper, lower, bottom, top = gap
    previous = data.draw(states.filter(lambda state: state not in (upper, lower)))
    assert cp_state(data.draw(st.integers(bottom, top)), previous) in (upper, lower)


@pytest.mark.parametrize(
    ("level", "previous", "state"),
    [
        (11_000, CpState.B, CpState.A),
        (10_999, CpState.B, CpState.B),
        (10_000, CpState.A, CpState.B),
        (10_001, CpState.A, CpState.A),
        (8_000, CpState.C, CpState.B),
        (7_999, CpState.C, CpState.C),
        (7_000, CpState.B, CpState.C),
        (7_001, CpState.B, CpState.B),
        (5_000, CpState.D, CpState.C),
        (4_999, CpState.D, CpState.D),
        (4_000, CpState.C, CpState.D),
        (4_001, CpState.C, CpState.C),
        (2_000, CpState.E, CpState.D),
        (1_000, CpState.D, CpState.E),
        (-1_000, CpState.B, CpState.E),
    ],
)
def test_the_edges_of_the_windows(level, previous, state):
    assert cp_state(level, previous) is state


@given(st.integers(-10_999, -1_001), states)
def test_between_e_and_f_nothing_may_be_energised(level, previous):
    assert cp_state(level, previous) is CpState.E


@given(st.integers(13_001, 40_000), states)
def test_above_all_windows_no_ev_is_seen(level, previous):
    assert cp_state(level, previous) is CpState.A


@given(st.integers(-40_000, -13_001), states)
def test_below_all_windows_is_f(level, previous):
    assert cp_state(level, previous) is CpState.F


@given(st.integers(-40_000, 40_000), states)
def test_a_level_read_twice_gives_the_same_state_twice(level, previous):
    once = cp_state(level, previous)
    assert cp_state(level, once) is once


@pytest.mark.parametrize(
    ("negative_mv", "present"),
    [(-12_000, True), (-13_000, True), (-11_000, True), (-10_000, True), (-9_999, False), (-8_800, False)],
)
def test_the_diode_leaves_the_negative_half_wave_at_minus_12_v(negative_mv, present):
    assert diode_present(negative_mv) is present
