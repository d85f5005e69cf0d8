"""Durations from the plug to the charge loop."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from v2g.common.timing_statistics import GROUPS, Milestone, TimingStatistics

M = Milestone


@pytest.mark.spec(339)
def test_a_session_with_the_times_of_the_guide():
    """Three groups: 1448 ms with 688 ms to the duty cycle and 12 ms of authorisation, 1112 ms, 533 ms."""
    statistics = TimingStatistics()
    for milestone, at in (
        (M.PLUGGED_IN, 5000),
        (M.PWM_ON, 5688),
        (M.SESSION_SET_UP, 6300),
        (M.AUTHORIZED, 6312),
        (M.CABLE_CHECK_ASKED, 6448),
        (M.BELOW_60_V, 6448),
        (M.CONTACTOR_CLOSED, 6548),
        (M.VOLTAGE_REACHED, 6835),
        (M.ISOLATION_MEASURED, 7426),
        (M.CABLE_CHECK_FINISHED, 7560),
        (M.CHARGE_LOOP, 8093),
    ):
        statistics.mark(milestone, at)
    assert statistics.complete
    assert statistics.lines() == (
        "Timing statistics (plugged in to charge loop)",
        "---------------------------------------------",
        " | ".join(
            (
                "ConnSetup      ",
                "5 % duty cycle: 688 ms",
                "session setup: 612 ms",
                "authorisation: 12 ms",
                "cable check asked: 136 ms",
                "Total: 1448 ms",
            )
        ),
        " | ".join(
            (
                "CableCheck     ",
                "below 60 V: 0 ms",
                "contactor closed: 100 ms",
                "voltage rise: 287 ms",
                "isolation measured: 591 ms",
                "cable check finished: 134 ms",
                "Total: 1112 ms",
            )
        ),
        "PrepareCharging | charge loop: 533 ms | Total: 533 ms",
        "Total of all groups: 3093 ms",
    )


def test_the_first_time_counts():
    statistics = TimingStatistics()
    statistics.mark(M.PLUGGED_IN, 0)
    statistics.mark(M.CHARGE_LOOP, 100)
    statistics.mark(M.CHARGE_LOOP, 900)
    assert statistics.total_ms == 100


def test_nothing_measured_gives_no_block():
    assert TimingStatistics().lines() == ()
    alone = TimingStatistics()
    alone.mark(M.PLUGGED_IN, 3)
    assert alone.lines() == ()
    assert not alone.complete


def test_a_session_that_ended_early_says_how_far_it_came():
    statistics = TimingStatistics()
    statistics.mark(M.SLAC_STARTED, 10)
    statistics.mark(M.MATCHED, 900)
    lines = statistics.lines()
    assert lines[0] == "Timing statistics (SLAC begins to SLAC match)"
    assert lines[2:] == ("ConnSetup | SLAC match: 890 ms | Total: 890 ms", "Total of all groups: 890 ms")


def test_groups_end_with_milestones_in_their_order():
    order = list(Milestone)
    ends = [order.index(group.last) for group in GROUPS]
    assert ends == sorted(ends)
    assert ends[-1] == len(order) - 1


@given(st.dictionaries(st.sampled_from(list(Milestone)), st.integers(0, 10_000_000), min_size=1))
def test_steps_add_up(marks):
    statistics = TimingStatistics()
    for milestone, at in marks.items():
        statistics.mark(milestone, at)
    groups = statistics.groups()
    for group in groups:
        assert group.total_ms == sum(duration for _, duration in group.steps)
        assert all(duration >= 0 for _, duration in group.steps)
    assert sum(len(group.steps) for group in groups) == len(marks) - 1
    first = marks[min(marks, key=list(Milestone).index)]
    assert statistics.total_ms == max(first, *marks.values(), first) - first
