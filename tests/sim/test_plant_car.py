"""The car: it obeys the offered current, in its own time (IEC 61851-1 table A.8 and sequences)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargectl.sim.plant.car import Car, CarKind, offered_a
from chargectl.sim.plant.pilot import Wave

MAINS = (230.0, 230.0, 230.0)
DEAD = (0.0, 0.0, 0.0)


def plugged(**kind: object) -> Car:
    car = Car(CarKind(**kind))  # type: ignore[arg-type]
    car.connect()
    return car


def wait(car: Car, ms: float) -> None:
    """Let time pass as the world does: from one change to the next."""
    end_us = car.now_us + round(ms * 1000)
    while (due := car.next_us) is not None and due <= end_us:
        car.advance(due)
    car.advance(end_us)


def charging(car: Car, duty: float = 26.67) -> Car:
    car.see(Wave.PWM, duty, DEAD)
    wait(car, car.kind.s2_close_ms)
    assert car.s2
    car.see(Wave.PWM, duty, MAINS)
    wait(car, car.kind.follow_ms)
    return car


@pytest.mark.parametrize(
    ("duty", "ampere"),
    [
        (5, 0),
        (7.9, 0),
        (8, 6),
        (10, 6),
        (16.67, 10),
        (26.67, 16),
        (53.33, 32),
        (85, 51),
        (86, 55),
        (96, 80),
        (96.5, 80),
        (97.5, 0),
        (100, 0),
    ],
)
def test_offer_by_duty(duty: float, ampere: float) -> None:
    assert offered_a(duty) == pytest.approx(ampere, abs=0.01)


def test_car_closes_s2_after_a_valid_offer_and_takes_what_is_offered() -> None:
    car = plugged()
    car.see(Wave.PWM, 26.67, DEAD)
    wait(car, 799)
    assert not car.s2
    wait(car, 1)
    assert car.s2
    assert car.current_a == 0
    car.see(Wave.PWM, 26.67, MAINS)
    wait(car, 300)
    assert car.current_a == pytest.approx(16.0, abs=0.01)
    assert car.power_w == pytest.approx(3 * 230 * 16, rel=0.01)


def test_car_takes_no_more_than_it_can() -> None:
    car = charging(plugged(max_a=10.0, phases=1), duty=53.33)
    assert car.current_a == 10.0
    assert car.power_w == pytest.approx(2300)


def test_car_follows_a_changed_offer_within_the_standards_five_seconds() -> None:
    car = charging(plugged())
    car.see(Wave.PWM, 10, MAINS)
    wait(car, 5000)
    assert car.current_a == pytest.approx(6.0)


def test_car_opens_s2_within_three_seconds_of_the_end_of_the_offer() -> None:
    car = charging(plugged())
    car.see(Wave.HIGH, 100, MAINS)
    wait(car, 3000)
    assert not car.s2
    assert car.current_a == 0


def test_current_ends_with_the_voltage() -> None:
    car = charging(plugged())
    car.see(Wave.PWM, 26.67, DEAD)
    assert car.current_a == 0


def test_full_battery_leaves_state_c_at_the_moment_it_is_full() -> None:
    car = charging(plugged(capacity_wh=20_001.0, phases=1), duty=10)
    due = car.next_us
    assert due is not None
    car.advance(due)
    assert car.full
    assert car.current_a == 0
    wait(car, 3000)
    assert not car.s2
    assert car.received_wh == pytest.approx(1.0, abs=1e-3)


def test_sleepy_car_wakes_only_after_the_pilot_was_off_long_enough() -> None:
    car = plugged(sleepy=True)
    car.see(Wave.PWM, 26.67, DEAD)
    wait(car, 60_000)
    assert not car.s2
    car.see(Wave.OFF, 0, DEAD)
    wait(car, 2000)
    car.see(Wave.PWM, 26.67, DEAD)
    wait(car, 10_000)
    assert not car.s2
    car.see(Wave.OFF, 0, DEAD)
    wait(car, 3000)
    car.see(Wave.PWM, 26.67, DEAD)
    wait(car, 1000)
    assert car.s2


def test_unwilling_car_stays_in_b() -> None:
    car = plugged()
    car.willing = False
    car.see(Wave.PWM, 26.67, DEAD)
    wait(car, 10_000)
    assert not car.s2


def test_stuck_s2_shows_state_c_without_an_offer() -> None:
    car = plugged()
    car.stuck_s2 = True
    load = car.load
    assert load is not None
    assert load.ohm == pytest.approx(881.7, abs=0.1)
    car.see(Wave.HIGH, 100, MAINS)
    wait(car, 10_000)
    assert car.current_a == 0


@given(
    st.lists(
        st.tuples(
            st.sampled_from([Wave.PWM, Wave.HIGH, Wave.OFF, Wave.LOW]),
            st.integers(0, 100),
            st.booleans(),
            st.integers(0, 4000),
        ),
        max_size=20,
    )
)
def test_no_current_without_voltage_or_above_the_last_offers(
    steps: list[tuple[Wave, int, bool, int]],
) -> None:
    car = plugged()
    offers = [0.0]
    for wave, duty, live, ms in steps:
        offers.append(offered_a(duty) if wave is Wave.PWM else 0.0)
        car.see(wave, duty, MAINS if live else DEAD)
        if not live:
            assert car.current_a == 0
        wait(car, ms)
        assert car.current_a <= min(max(offers), car.kind.max_a)
        if ms >= 3000:
            assert car.current_a <= offers[-1]
            assert car.s2 == (offers[-1] > 0)


def digital(**kind: object) -> Car:
    car = plugged(digital=True, **kind)
    car.see(Wave.PWM, 5.0, DEAD)
    return car


def test_at_five_percent_a_digital_car_does_what_its_session_says() -> None:
    car = digital()
    wait(car, 10_000)
    assert not car.s2
    car.session_s2, car.session_a = True, 10.0
    car.reconsider()
    assert car.s2
    assert car.current_a == 0
    car.see(Wave.PWM, 5.0, MAINS)
    assert car.current_a == 10
    car.session_a = 0.0
    car.reconsider()
    assert car.current_a == 0
    car.session_s2 = False
    car.reconsider()
    assert not car.s2


def test_a_digital_car_takes_no_more_than_it_can_and_nothing_when_full() -> None:
    car = digital(max_a=16.0)
    car.session_s2, car.session_a = True, 32.0
    car.see(Wave.PWM, 5.0, MAINS)
    assert car.current_a == 16
    car.energy_wh = car.kind.capacity_wh
    car.reconsider()
    assert car.current_a == 0


def test_a_digital_car_obeys_an_ordinary_duty_cycle_like_any_other() -> None:
    car = charging(plugged(digital=True))
    assert car.current_a == pytest.approx(16, abs=0.01)


def test_an_unplugged_car_has_no_session() -> None:
    car = digital()
    car.session_s2, car.session_a = True, 10.0
    car.disconnect()
    assert (car.session_s2, car.session_a, car.s2, car.current_a) == (False, 0.0, False, 0.0)
