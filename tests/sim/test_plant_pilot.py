"""The pilot line and its peak detectors (IEC 61851-1 Annex A; board facts: measurement)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargectl.sim.plant.car import R_CHARGE_OHM, R_PRESENT_OHM, R_VENTILATION_OHM, parallel
from chargectl.sim.plant.pilot import SHORTED, Load, PilotLine, Wave, from_raw, to_raw

LOADS = {
    "A": (None, 12_000),
    "B": (Load(R_PRESENT_OHM), 9_000),
    "C": (Load(parallel(R_PRESENT_OHM, R_CHARGE_OHM)), 6_000),
    "D": (Load(parallel(R_PRESENT_OHM, R_VENTILATION_OHM)), 3_000),
    "E": (SHORTED, 0),
}


def running(duty_percent: float, load: Load | None = None) -> PilotLine:
    line = PilotLine()
    line.set_load(load)
    line.set_pwm(running=True, period_ns=1_000_000, high_ns=round(duty_percent * 10_000))
    line.set_connected(True)
    return line


def measure(line: PilotLine) -> tuple[float, float]:
    """Both peaks in mV, taken as the board does: reset 1.5 ms, wait 2 ms, read."""
    line.set_resets(positive=True, negative=True)
    line.advance(line.now_us + 1500)
    line.set_resets(positive=False, negative=False)
    line.advance(line.now_us + 2000)
    return from_raw(to_raw(line.positive_peak_mv)), from_raw(to_raw(line.negative_peak_mv))


@pytest.mark.parametrize("state", LOADS)
@pytest.mark.parametrize("duty", [5, 10, 53.33, 97])
def test_levels_are_nominal_and_the_negative_half_wave_is_full(state: str, duty: float) -> None:
    load, nominal_mv = LOADS[state]
    positive, negative = measure(running(duty, load))
    assert abs(positive - nominal_mv) < 150
    assert abs(negative - (0 if state == "E" else -12_000)) < 50


@pytest.mark.parametrize("state", LOADS)
def test_steady_source_shows_one_level_on_both_detectors(state: str) -> None:
    load, nominal_mv = LOADS[state]
    line = running(100, load)
    assert line.wave is Wave.HIGH
    for peak in measure(line):
        assert abs(peak - nominal_mv) < 150


def test_zero_duty_is_state_f() -> None:
    line = running(0, Load(R_PRESENT_OHM))
    assert line.wave is Wave.LOW
    for peak in measure(line):
        assert abs(peak + 12_000) < 50


def test_source_that_is_not_switched_through_is_state_e() -> None:
    line = running(50)
    line.set_connected(False)
    assert line.wave is Wave.OFF
    for peak in measure(line):
        assert abs(peak) < 10


def test_missing_diode_shows_in_the_negative_half_wave() -> None:
    positive, negative = measure(running(50, Load(R_PRESENT_OHM, diode=False)))
    assert 8_000 < positive < 10_000
    assert -9_500 < negative < -8_000


def test_peaks_hold_a_higher_level_until_the_reset() -> None:
    line = running(50)
    measure(line)
    line.set_load(Load(R_PRESENT_OHM))
    line.advance(line.now_us + 10_000_000)
    assert line.positive_peak_mv == pytest.approx(12_000)
    positive, _ = measure(line)
    assert abs(positive - 9_000) < 150


def test_peaks_follow_a_growing_level_without_reset() -> None:
    line = running(50, Load(R_PRESENT_OHM))
    measure(line)
    line.set_load(None)
    line.advance(line.now_us + 1000)
    assert line.positive_peak_mv == pytest.approx(12_000)


def test_reading_too_early_after_the_reset_misses_the_short_high_phase() -> None:
    line = running(5)
    line.advance(100_500)
    line.set_resets(positive=True, negative=True)
    line.set_resets(positive=False, negative=False)
    assert line.positive_peak_mv == pytest.approx(-12_000)
    line.advance(line.now_us + 500)
    assert line.positive_peak_mv == pytest.approx(12_000)


def test_disturbance_ends_by_itself_but_stays_in_the_peak() -> None:
    line = running(50, Load(R_PRESENT_OHM))
    measure(line)
    line.disturb(11_500, 3000)
    assert line.next_us == line.now_us + 3000
    line.advance(line.next_us)
    assert line.next_us is None
    assert line.high_mv == pytest.approx(8_979, abs=1)
    assert line.positive_peak_mv == pytest.approx(11_500)


@given(
    duty=st.integers(30, 970),
    load=st.sampled_from([load for load, _ in LOADS.values()]),
    pauses=st.lists(st.integers(0, 5000), min_size=1, max_size=8),
)
def test_every_measurement_sees_exactly_the_line_whatever_its_phase(
    duty: int, load: Load | None, pauses: list[int]
) -> None:
    line = running(duty / 10, load)
    for pause in pauses:
        line.advance(line.now_us + pause)
        positive, negative = measure(line)
        assert positive == pytest.approx(line.high_mv, abs=5)
        assert negative == pytest.approx(line.low_mv, abs=5)


@given(st.integers(-16_000, 15_500))
def test_conversion_is_the_boards_formula(pilot_mv: int) -> None:
    raw = to_raw(pilot_mv)
    assert abs(raw * 3300 / 4095 * 4561 / 476 - 16_013 - pilot_mv) < 5
