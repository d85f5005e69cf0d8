"""Cable, contactors, RCD, inputs, rotary switch and LEDs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargectl.sim.plant.cable import OHM_BY_RATING, proximity_mv
from chargectl.sim.plant.contactor import Contactor, Fault, Feedback
from chargectl.sim.plant.leds import Led
from chargectl.sim.plant.panel import DigitalInputs, RotarySwitch
from chargectl.sim.plant.rcd import RCD_KINDS, Rcd

WINDOWS_MV = {13: (1813, 2459), 20: (1170, 1813), 32: (891, 1170), 63: (751, 891)}
"""Board facts: proximity thresholds in mV at the ADC."""


@pytest.mark.parametrize("ampere", OHM_BY_RATING)
def test_cable_resistor_lies_well_inside_its_window(ampere: int) -> None:
    low, high = WINDOWS_MV[ampere]
    assert low + 20 < proximity_mv(OHM_BY_RATING[ampere]) < high - 20


def test_open_proximity_contact_is_above_all_windows() -> None:
    assert proximity_mv(None) > 2459


def test_shorted_proximity_contact_is_below_all_windows() -> None:
    assert proximity_mv(0) < 751


def test_contacts_follow_the_coil_after_a_delay_and_the_sense_after_another() -> None:
    contactor = Contactor()
    contactor.set_coil(True)
    contactor.advance(24_999)
    assert not contactor.closed
    contactor.advance(25_000)
    assert contactor.closed
    assert not contactor.sense
    contactor.advance(35_000)
    assert contactor.sense
    contactor.set_coil(False)
    contactor.advance(35_000 + 20_000)
    assert not contactor.closed
    assert contactor.sense
    contactor.advance(35_000 + 30_000)
    assert not contactor.sense


def test_a_short_pulse_does_not_move_the_contacts() -> None:
    contactor = Contactor()
    contactor.set_coil(True)
    contactor.advance(10_000)
    contactor.set_coil(False)
    contactor.advance(1_000_000)
    assert contactor.closings == 0


@pytest.mark.parametrize(
    ("feedback", "open_level", "closed_level"),
    [
        (Feedback.NORMALLY_OPEN, False, True),
        (Feedback.NORMALLY_CLOSED, True, False),
        (Feedback.NONE, False, False),
    ],
)
def test_sense_contact_by_wiring(feedback: Feedback, open_level: bool, closed_level: bool) -> None:
    contactor = Contactor(feedback)
    assert contactor.sense is open_level
    contactor.set_coil(True)
    contactor.advance(100_000)
    assert contactor.sense is closed_level


def test_welded_contacts_stay_closed_and_the_sense_tells() -> None:
    contactor = Contactor()
    contactor.set_coil(True)
    contactor.advance(100_000)
    contactor.set_fault(Fault.WELDED)
    contactor.set_coil(False)
    contactor.advance(1_000_000)
    assert contactor.closed
    assert contactor.sense
    contactor.set_fault(None)
    contactor.advance(2_000_000)
    assert not contactor.closed
    assert not contactor.sense


def test_stuck_contacts_do_not_close() -> None:
    contactor = Contactor()
    contactor.set_fault(Fault.STUCK_OPEN)
    contactor.set_coil(True)
    contactor.advance(1_000_000)
    assert not contactor.closed


@pytest.mark.parametrize(
    ("kind", "trigger_ms", "tripped_ms", "normal_ms"),
    [
        ("western-automation-rcm14-01", 815, 810, 410),
        ("bender-rcd-121", 50, 750, 2000),
    ],
)
def test_rcd_passes_the_test_with_the_guides_timings(
    kind: str, trigger_ms: int, tripped_ms: int, normal_ms: int
) -> None:
    """Guide, table 72: checked after the trigger's rise, and normal again after its fall."""
    rcd = Rcd(RCD_KINDS[kind])
    marks = sorted(
        [(0, "rise"), (trigger_ms, "fall"), (tripped_ms, "tripped"), (trigger_ms + normal_ms, "normal")]
    )
    for at_ms, what in marks:
        rcd.advance(at_ms * 1000)
        match what:
            case "rise" | "fall":
                rcd.set_test_input(what == "rise")
            case "tripped":
                assert rcd.tripped
            case _:
                assert not rcd.tripped


def test_rcd_with_a_dead_test_input_never_trips() -> None:
    rcd = Rcd(RCD_KINDS["western-automation-rcm14-01"])
    rcd.test_dead = True
    rcd.set_test_input(True)
    rcd.advance(5_000_000)
    assert not rcd.tripped


def test_rcd_that_sticks_recovers_only_by_hand() -> None:
    rcd = Rcd(RCD_KINDS["western-automation-rcm14-01"])
    rcd.stuck_tripped = True
    rcd.set_test_input(True)
    rcd.advance(1_000_000)
    rcd.set_test_input(False)
    rcd.advance(9_000_000)
    assert rcd.tripped
    rcd.reset()
    assert not rcd.tripped


@given(volts_mv=st.integers(0, 12_000), duty_ns=st.integers(0, 40_000))
def test_inputs_compare_with_the_common_threshold(volts_mv: int, duty_ns: int) -> None:
    """Guide 7.9.1: reference voltage = duty / period * 12 V."""
    inputs = DigitalInputs()
    inputs.voltage_mv = [volts_mv] * 6
    inputs.set_threshold(running=True, period_ns=40_000, high_ns=duty_ns)
    assert {inputs.level(number) for number in range(1, 7)} == {volts_mv * 40_000 > duty_ns * 12_000}


@given(st.integers(0, 15))
def test_rotary_bits_are_active_low(position: int) -> None:
    switch = RotarySwitch(position)
    assert sum((not switch.level(bit)) << bit for bit in range(4)) == position


def test_rotary_between_two_positions_reads_differently_each_time() -> None:
    switch = RotarySwitch()
    switch.set(7, between=True)
    readings = [sum((not switch.level(bit)) << bit for bit in range(4)) for _ in range(2)]
    assert sorted(readings) == [7, 8]


def test_rotary_refuses_positions_it_does_not_have() -> None:
    with pytest.raises(ValueError, match="0 to 15"):
        RotarySwitch(16)


def test_led_timer_blinks_with_its_delays() -> None:
    led = Led()
    led.set_trigger("timer", 0)
    led.delay_on_ms, led.delay_off_ms = 100, 300
    shines = [led.lit(at_ms * 1000) for at_ms in (0, 99, 100, 399, 400)]
    assert shines == [True, True, False, False, True]


def test_led_brightness_zero_ends_the_trigger() -> None:
    led = Led()
    led.set_trigger("timer", 0)
    led.set_brightness(0)
    assert led.trigger == "none"
    assert not led.lit(0)
