"""Duty cycle and current after IEC 61851-1 Tables A.7 and A.8."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chargectl.pilot.duty import HLC_CENTI, NEGATIVE_CENTI, STEADY_CENTI, current_for_duty, duty_for_current

currents = st.integers(0, 120_000)


@pytest.mark.spec(63)
@pytest.mark.parametrize(
    ("ampere", "centi"),
    [
        (6, 1_000),
        (10, 1_666),
        (13, 2_166),
        (16, 2_666),
        (20, 3_333),
        (32, 5_333),
        (40, 6_666),
        (51, 8_500),
        (52, 8_500),
        (63, 8_920),
        (70, 9_200),
        (80, 9_600),
    ],
)
def test_the_table_of_the_standard(ampere, centi):
    assert duty_for_current(ampere * 1_000) == centi


@pytest.mark.spec(62)
@pytest.mark.parametrize(
    ("centi", "current_ma"),
    [
        (0, 0),
        (500, 0),
        (799, 0),
        (800, 6_000),
        (1_000, 6_000),
        (1_001, 6_006),
        (2_666, 15_996),
        (8_500, 51_000),
        (8_501, 52_525),
        (8_920, 63_000),
        (9_600, 80_000),
        (9_601, 80_000),
        (9_700, 80_000),
        (9_701, 0),
        (10_000, 0),
    ],
)
def test_what_an_ev_makes_of_a_duty(centi, current_ma):
    assert current_for_duty(centi) == current_ma


@pytest.mark.spec(63)
@given(currents)
def test_what_is_offered_is_never_more_than_was_asked_for(current_ma):
    assert current_for_duty(duty_for_current(current_ma)) <= current_ma


@given(st.integers(6_000, 51_000) | st.integers(52_525, 80_000))
@example(52_525)
def test_the_round_trip_loses_less_than_one_step_of_the_duty(current_ma):
    step_ma = 6 if current_ma <= 51_000 else 25
    assert current_ma - current_for_duty(duty_for_current(current_ma)) < step_ma


@given(currents, currents)
@example(51_000, 51_001)
@example(51_000, 52_499)
def test_more_current_is_never_less_duty(one, other):
    lower, higher = sorted((one, other))
    if lower >= 6_000:
        assert duty_for_current(lower) <= duty_for_current(higher)


@given(st.integers(0, 5_999))
def test_below_6_a_nothing_is_offered(current_ma):
    assert duty_for_current(current_ma) == STEADY_CENTI


@given(st.integers(6_000, 1_000_000))
def test_an_offer_stays_within_the_standard_and_away_from_the_special_duties(current_ma):
    centi = duty_for_current(current_ma)
    assert 1_000 <= centi <= 9_600


def test_the_special_duties():
    assert (STEADY_CENTI, NEGATIVE_CENTI, HLC_CENTI) == (10_000, 0, 500)
