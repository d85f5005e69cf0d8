"""The world: everything wired together, at the level of lines, actions, faults and events."""

from __future__ import annotations

import contextlib
import errno
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargectl.sim.actions import ACTIONS, RefusedError, perform
from chargectl.sim.faults import parse
from chargectl.sim.host import build
from chargectl.sim.lines import PILOT_PWM, THRESHOLD_PWM, Line
from chargectl.sim.options import Options
from chargectl.sim.report import report
from chargectl.sim.world import World


def world(**options: Any) -> World:
    board = build(Options.from_json(options))
    board.pwms[THRESHOLD_PWM].period_ns = 40_000
    board.pwms[THRESHOLD_PWM].duty_ns = 20_000
    board.pwms[THRESHOLD_PWM].running = True
    for line in (Line.RELAY_1, Line.RELAY_2, Line.LOCK_IN2, Line.CP_INVERT, Line.OUTPUT_4):
        board.set_direction(line, output=True, level=False)
    board.set_direction(Line.LOCK_IN1, output=True, level=True)
    return board


def offer(board: World, duty: float) -> None:
    pwm = board.pwms[PILOT_PWM]
    pwm.period_ns, pwm.duty_ns, pwm.running = 1_000_000, round(duty * 10_000), True
    board.write(Line.CP_INVERT, True)


def lock(board: World) -> None:
    board.write(Line.LOCK_IN1, False)
    board.advance(600)
    board.write(Line.LOCK_IN1, True)


def charge(board: World) -> None:
    """Bring a board with a car to charging, as a firmware would."""
    perform(board, "plug")
    offer(board, 26.67)
    lock(board)
    board.advance(1000)
    board.write(Line.RELAY_1, True)
    board.advance(1000)
    assert board.car.current_a > 15


def hazards(board: World) -> list[Any]:
    return [event.value for event in board.events if event.name == "hazard"]


def test_a_session_with_correct_order_is_no_hazard() -> None:
    board = world()
    charge(board)
    assert board.volts == (230, 230, 230)
    assert board.gpio(Line.SENSE_1)
    offer(board, 100)
    board.advance(3000)
    board.write(Line.RELAY_1, False)
    board.advance(100)
    board.write(Line.LOCK_IN2, True)
    board.advance(600)
    board.write(Line.LOCK_IN2, False)
    perform(board, "unplug")
    assert hazards(board) == []


def test_charging_counts_energy() -> None:
    board = world()
    charge(board)
    before = board.car.received_wh
    board.advance(3_600_000)
    assert board.car.received_wh - before == pytest.approx(3 * 230 * 16, rel=0.01)


def test_hazard_closing_without_a_car_that_asks() -> None:
    board = world()
    board.write(Line.RELAY_1, True)
    board.advance(100)
    assert hazards(board) == ["contactor closed without a car that asks for energy"]


def test_hazard_closing_again_too_early() -> None:
    board = world()
    charge(board)
    board.write(Line.RELAY_1, False)
    board.advance(5000)
    board.write(Line.RELAY_1, True)
    board.advance(100)
    assert hazards(board) == ["contactor closed again within 6 s"]


def test_hazards_of_the_lock_under_voltage() -> None:
    board = world()
    charge(board)
    board.write(Line.LOCK_IN2, True)
    board.advance(600)
    assert hazards(board) == ["plug unlocked under voltage"]
    perform(board, "unplug")
    assert hazards(board)[1:] == ["plug pulled under voltage"]


def test_locked_plug_does_not_come_out_unless_torn() -> None:
    board = world()
    perform(board, "plug")
    lock(board)
    with pytest.raises(RefusedError, match="locked"):
        perform(board, "unplug")
    perform(board, "unplug", {"force": True})
    assert not board.plugged


def test_phase_contactor_switches_the_other_phases() -> None:
    board = world(relay_2="phases")
    charge(board)
    assert board.volts == (230, 0, 0)
    board.write(Line.RELAY_2, True)
    board.advance(100)
    assert board.volts == (230, 230, 230)


def test_variant_100_has_no_second_relay() -> None:
    board = world(variant=100, relay_2_feedback="nc")
    board.write(Line.RELAY_2, True)
    board.advance(100)
    assert not board.contactors[1].closed
    assert not board.gpio(Line.SENSE_2)


def test_undriven_lines_rest_the_lock_and_switch_nothing() -> None:
    board = build(Options())
    board.advance(10_000)
    assert board.lock.position == 0
    assert not board.contactors[0].closed
    assert board.pilot.wave.value == "off"


@pytest.mark.parametrize("healthy_high", [True, False])
def test_rcd_feedback_level(healthy_high: bool) -> None:
    board = world(rcd_healthy_high=healthy_high)
    assert board.gpio(Line.INPUT_2) is healthy_high
    perform(board, "trip_rcd")
    assert board.gpio(Line.INPUT_2) is not healthy_high
    perform(board, "reset_rcd")
    assert board.gpio(Line.INPUT_2) is healthy_high


@pytest.mark.parametrize("active_high", [True, False])
def test_rcd_test_output_trips_for_its_time(active_high: bool) -> None:
    board = world(rcd_test_active_high=active_high)
    board.write(Line.OUTPUT_4, not active_high)
    board.advance(1000)
    assert board.gpio(Line.INPUT_2)
    board.write(Line.OUTPUT_4, active_high)
    board.advance(810)
    assert not board.gpio(Line.INPUT_2)
    board.write(Line.OUTPUT_4, not active_high)
    board.advance(410)
    assert board.gpio(Line.INPUT_2)


def test_leaking_car_trips_under_voltage_until_it_leaves() -> None:
    board = world()
    perform(board, "leak_car")
    charge_until_trip(board)
    board.write(Line.RELAY_1, False)
    board.advance(10_000)
    assert board.rcd.tripped
    perform(board, "unplug")
    assert not board.rcd.tripped


def charge_until_trip(board: World) -> None:
    perform(board, "plug")
    offer(board, 26.67)
    board.advance(1000)
    assert not board.rcd.tripped
    board.write(Line.RELAY_1, True)
    board.advance(100)
    assert board.rcd.tripped


@pytest.mark.parametrize("active_high", [True, False])
def test_emergency_switch_polarity(active_high: bool) -> None:
    board = world(emergency_active_high=active_high)
    assert board.gpio(Line.INPUT_1) is not active_high
    perform(board, "press_emergency")
    assert board.gpio(Line.INPUT_1) is active_high


def test_threshold_above_the_supply_hides_all_inputs() -> None:
    board = world()
    perform(board, "key_on")
    assert board.gpio(Line.INPUT_3)
    board.pwms[THRESHOLD_PWM].duty_ns = 40_000
    board.settle()
    assert not board.gpio(Line.INPUT_3)


def test_mains_failure_takes_voltage_and_current() -> None:
    board = world()
    charge(board)
    perform(board, "mains_off")
    assert board.volts == (0, 0, 0)
    assert board.car.current_a == 0
    assert not board.gpio(Line.MAINS_PRESENT)


def test_shorted_pilot_reads_zero() -> None:
    board = world()
    perform(board, "plug")
    offer(board, 50)
    perform(board, "short_pilot")
    assert board.pilot.high_mv == 0
    perform(board, "free_pilot")
    assert board.pilot.high_mv == pytest.approx(9000, abs=100)


def test_edges_come_in_order_and_none_is_lost_in_one_advance() -> None:
    board = world()
    edges: list[tuple[int, int, bool]] = []
    board.on_level = lambda number, level: edges.append((board.now_us // 1000, number, level))
    board.write(Line.OUTPUT_4, True)
    board.advance(600)
    board.write(Line.OUTPUT_4, False)
    board.write(Line.RELAY_1, True)
    board.advance(10_000)
    assert edges == [
        (500, Line.INPUT_2, False),
        (635, Line.SENSE_1, True),
        (850, Line.INPUT_2, True),
    ]


def test_stuck_line_and_reading() -> None:
    board = world()
    board.faults.add("gpio/131=1")
    board.faults.add("adc/5=4095")
    assert board.gpio(Line.SENSE_1)
    assert board.adc(5) == 4095
    board.faults.remove(None)
    assert not board.gpio(Line.SENSE_1)


def test_faults_are_parsed_into_what_they_do() -> None:
    assert parse("gpio/131:EIO").number == errno.EIO
    assert parse("led/green:boot:EIO").target == "led/green:boot"
    assert parse("adc/2=17").value == 17
    assert parse("vanish /sys/class/gpio/gpio131/").target == "/sys/class/gpio/gpio131"
    assert parse("/sys/class/gpio/export:ENODEV").number == errno.ENODEV


@pytest.mark.parametrize(
    "name", ["", "gpio/131", "gpio/x=1", "adc/2:EWHAT", "vanish gpio", "/etc/passwd:EIO", "x:EIO"]
)
def test_unknown_faults_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="is allowed"):
        parse(name)


def test_actions_refuse_what_makes_no_sense() -> None:
    board = world()
    refused: list[tuple[str, dict[str, Any]]] = [
        ("dance", {}),
        ("plug", {"cable": 5}),
        ("plug", {"cable_a": 5}),
        ("unplug", {}),
        ("turn_rotary", {"position": 16}),
        ("turn_rotary", {}),
        ("weld_contactor", {"which": 3}),
        ("jam_lock", {"at": 2}),
        ("set_input", {"number": 1, "mv": 0}),
        ("change_car", {"wheels": 3}),
        ("change_car", {"max_a": "many"}),
        ("disturb_pilot", {"mv": float("nan"), "ms": 1}),
        ("offset_pilot", {"mv": "up"}),
        ("set_temperature", {"sensor": "28-1", "celsius": "warm"}),
        ("charge_battery", {"wh": float("inf")}),
    ]
    for name, arguments in refused:
        with pytest.raises(RefusedError):
            perform(board, name, arguments)


def test_another_car_may_come() -> None:
    board = world()
    perform(board, "change_car", {"ventilation": True, "s2_close_ms": 100})
    perform(board, "plug")
    offer(board, 50)
    board.advance(100)
    assert board.pilot.high_mv == pytest.approx(3000, abs=100)


@pytest.mark.parametrize(
    "options",
    [
        {"variant": 150},
        {"iio_index": -1},
        {"pwm_index": {}},
        {"temperatures_c": {"28-1": "warm"}},
        {"rotary": 16},
        {"cable_a": 16},
        {"lock": "PADLOCK"},
        {"colour": 1},
        {"car": {"x": 1}},
    ],
)
def test_options_are_checked(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="option"):
        build(Options.from_json(options))


NO_ARGUMENTS = sorted(
    name
    for name in ACTIONS
    if name not in ("set_cable", "disturb_pilot", "offset_pilot", "turn_rotary", "set_input", "move_lock")
    and name not in ("charge_battery", "set_temperature")
)


@given(
    st.lists(
        st.one_of(
            st.sampled_from(NO_ARGUMENTS),
            st.tuples(st.sampled_from([76, 77, 71, 72, 13, 87, 138]), st.booleans()),
            st.integers(0, 5000),
            st.floats(0, 100),
        ),
        max_size=25,
    )
)
def test_any_sequence_leaves_a_consistent_world(steps: list[Any]) -> None:
    board = world()
    for step in steps:
        match step:
            case str():
                with contextlib.suppress(RefusedError):
                    perform(board, step)
            case (line, level):
                board.write(line, level)
            case int():
                board.advance(step)
            case _:
                offer(board, step)
        state = report(board)
        assert state["facts"] == board.facts()
        assert -12_100 <= board.pilot.low_mv <= board.pilot.high_mv <= 12_100
        assert all(0 <= board.adc(channel) <= 4095 for channel in range(6))
        if state["safety"]["current_flows"]:
            assert state["safety"]["inlet_volts"][0] == 230
            assert state["facts"]["contactor_1"]
        assert board.next_us is None or board.next_us > board.now_us
    assert [event.at_us for event in board.events] == sorted(event.at_us for event in board.events)
