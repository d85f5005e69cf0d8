"""A line that wavers does not stay energized."""

from __future__ import annotations

from itertools import cycle, islice

import pytest

from chargectl.pilot.levels import CpState
from chargectl.pilot.tracker import PilotTracker

A, B, C, E = 12_000, 9_000, 6_000, 0


def lost_after(pattern: list[int], state: CpState = CpState.C, limit: int = 50) -> int | None:
    """How many samples of the pattern it takes until the state is not believed any more."""
    tracker = PilotTracker(state)
    for number, positive_mv in enumerate(islice(cycle(pattern), limit), start=1):
        tracker.feed(positive_mv, -12_000, pwm_running=True)
        if tracker.state is not state:
            return number
    return None


@pytest.mark.parametrize(
    ("pattern", "samples"), [([A, B], 3), ([A, E], 3), ([A, A, C], 4), ([B, C], 5), ([B, B, B], 3)]
)
def test_three_samples_against_a_state_with_power_end_it(pattern: list[int], samples: int) -> None:
    assert lost_after(pattern) == samples


@pytest.mark.parametrize("pattern", [[B, C, C, C], [B, B, C, C, C], [C, C, C, E]])
def test_disturbances_that_three_good_samples_follow_do_not_add_up(pattern: list[int]) -> None:
    assert lost_after(pattern) is None


def test_without_power_only_equal_samples_count() -> None:
    assert lost_after([A, C], CpState.B) is None
