"""From the proximity pilot's voltage to the cable's rating."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargectl.pilot.proximity import Cable, cable_for_voltage, rating_a


@pytest.mark.spec(73)
@pytest.mark.parametrize(
    ("proximity_mv", "cable"),
    [
        (3_300, Cable.NONE),
        (2_459, Cable.NONE),
        (2_458, Cable.A13),
        (1_813, Cable.A13),
        (1_812, Cable.A20),
        (1_170, Cable.A20),
        (1_169, Cable.A32),
        (891, Cable.A32),
        (890, Cable.A63),
        (751, Cable.A63),
        (750, Cable.INVALID),
        (0, Cable.INVALID),
        (-5, Cable.INVALID),
    ],
)
def test_the_edges_of_the_classes(proximity_mv, cable):
    assert cable_for_voltage(proximity_mv) is cable


@pytest.mark.spec(73)
@pytest.mark.parametrize(
    ("cable", "phases", "ampere"),
    [
        (Cable.A13, 3, 13),
        (Cable.A20, 3, 20),
        (Cable.A32, 3, 32),
        (Cable.A63, 3, 63),
        (Cable.A13, 1, 13),
        (Cable.A32, 1, 32),
        (Cable.A63, 1, 70),
        (Cable.NONE, 3, None),
        (Cable.INVALID, 1, None),
    ],
)
def test_the_rating(cable, phases, ampere):
    assert rating_a(cable, phases) == ampere


@given(st.integers(0, 3_300), st.integers(0, 3_300))
def test_a_higher_voltage_never_means_a_thicker_cable(one, other):
    lower, higher = sorted((one, other))
    ratings = [rating_a(cable_for_voltage(level), 3) or 0 for level in (higher, lower)]
    if cable_for_voltage(lower) is not Cable.INVALID:
        assert ratings == sorted(ratings)
