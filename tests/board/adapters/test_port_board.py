"""The port's pins on the simulated board, through the same files as on the hardware."""

from __future__ import annotations

import os
import threading
import time

import pytest

from chargectl.board.errors import BoardError
from chargectl.board.port_board import PortBoard, PortWiring
from chargectl.board.profile import profile_for
from chargectl.port.effects import LockMotion
from chargectl.sim.client import SimClient
from tests.simboard import SimClock, wait_until

PROFILE = profile_for("charge-control-c", 200)


def sources(faults: tuple[BoardError, ...]) -> set[str]:
    return {fault.source for fault in faults}


def test_everything_of_an_idle_port_is_read(board: PortBoard) -> None:
    inputs = board.sample()
    assert inputs.faults == ()
    assert (inputs.emergency, inputs.rcd_healthy, inputs.key_switch) == (False, True, False)
    assert (inputs.relay1_sense, inputs.relay2_sense, inputs.lock_fault) == (False, False, False)
    assert inputs.proximity_mv is not None
    assert inputs.proximity_mv >= 2459
    assert inputs.capacitor_mv is not None
    assert inputs.capacitor_mv == pytest.approx(12_000, abs=10)
    assert inputs.lock_mv is not None
    assert 2900 <= inputs.lock_mv <= 3300


@pytest.mark.spec(36)
def test_relay_1_is_gpio_76_with_its_sense_at_131(board: PortBoard, sim_world: SimClient) -> None:
    board.set_relay(1, True)
    assert (sim_world.gpio(76), sim_world.gpio(77)) == (True, False)
    sim_world.advance(200)
    inputs = board.sample()
    assert (inputs.relay1_sense, inputs.relay2_sense) == (True, False)
    board.set_relay(1, False)
    sim_world.advance(200)
    assert sim_world.gpio(76) is False
    assert board.sample().relay1_sense is False


@pytest.mark.spec(37)
def test_relay_2_is_gpio_77_with_its_sense_at_130(board: PortBoard, sim_world: SimClient) -> None:
    board.set_relay(2, True)
    assert (sim_world.gpio(76), sim_world.gpio(77)) == (False, True)
    sim_world.advance(200)
    inputs = board.sample()
    assert (inputs.relay1_sense, inputs.relay2_sense) == (False, True)
    board.set_relay(2, False)
    sim_world.advance(200)
    assert board.sample().relay2_sense is False


@pytest.mark.spec(10, 11)
def test_the_first_three_inputs_are_emergency_rcd_and_key(board: PortBoard, sim_world: SimClient) -> None:
    sim_world.do("press_emergency")
    assert board.sample().emergency is True
    sim_world.do("release_emergency")
    sim_world.do("trip_rcd")
    inputs = board.sample()
    assert (inputs.emergency, inputs.rcd_healthy) == (False, False)
    sim_world.do("key_on")
    assert board.sample().key_switch is True


def test_polarities_turn_the_meaning_of_levels(sim_world: SimClient, sim_clock: SimClock) -> None:
    wiring = PortWiring(emergency_gpio=121, emergency_active_low=True, rcd_gpio=122, rcd_healthy_high=False)
    board = PortBoard(PROFILE, wiring, sim_clock.sleep)
    board.open()
    inputs = board.sample()
    assert (inputs.emergency, inputs.rcd_healthy) == (True, False)
    board.close()


@pytest.mark.spec(12)
def test_outputs_1_and_4_are_status_led_and_rcd_test(board: PortBoard, sim_world: SimClient) -> None:
    board.set_output(84, True)
    board.set_rcd_test(True)
    assert [sim_world.gpio(gpio) for gpio in (84, 87)] == [True, True]
    assert sim_world.is_output(84)
    board.set_rcd_test(False)
    board.set_output(84, False)
    assert [sim_world.gpio(gpio) for gpio in (84, 87)] == [False, False]


def test_an_active_low_test_trigger_rests_high(sim_world: SimClient, sim_clock: SimClock) -> None:
    board = PortBoard(PROFILE, PortWiring(rcd_test_gpio=87, rcd_test_active_high=False), sim_clock.sleep)
    board.open()
    assert sim_world.gpio(87) is True
    board.set_rcd_test(True)
    assert sim_world.gpio(87) is False
    board.set_rcd_test(False)
    assert sim_world.gpio(87) is True
    board.close()


@pytest.mark.spec(24, 25)
def test_the_plug_lock_is_driven_by_an_inverted_in1_and_in2(board: PortBoard, sim_world: SimClient) -> None:
    levels = {}
    for motion in (LockMotion.OFF, LockMotion.LOCK, LockMotion.UNLOCK):
        board.drive_lock(motion)
        levels[motion] = (sim_world.gpio(71), sim_world.gpio(72))
        assert not sim_world.is_output(73), "the cover lock is not driven"
    assert levels == {
        LockMotion.OFF: (True, False),
        LockMotion.LOCK: (False, False),
        LockMotion.UNLOCK: (True, True),
    }


@pytest.mark.spec(25)
def test_the_lock_moves_and_its_switch_and_fault_are_seen(board: PortBoard, sim_world: SimClient) -> None:
    board.drive_lock(LockMotion.LOCK)
    sim_world.advance(600)
    board.drive_lock(LockMotion.OFF)
    inputs = board.sample()
    assert inputs.lock_mv is not None
    assert inputs.lock_mv <= 700
    assert inputs.lock_fault is False
    sim_world.do("break_lock_driver")
    assert board.sample().lock_fault is True


def test_a_fixed_cable_has_neither_proximity_nor_lock(sim_world: SimClient, sim_clock: SimClock) -> None:
    sim_world.fault("adc/5:EIO")
    board = PortBoard(PROFILE, PortWiring(pluggable=False), sim_clock.sleep)
    assert board.open() == ()
    inputs = board.sample()
    assert inputs.faults == ()
    assert (inputs.proximity_mv, inputs.lock_mv, inputs.capacitor_mv, inputs.lock_fault) == (None,) * 4
    assert (inputs.emergency, inputs.rcd_healthy, inputs.key_switch, inputs.relay2_sense) == (None,) * 4
    board.close()


@pytest.mark.spec(14, 15)
@pytest.mark.parametrize(
    ("threshold_mv", "duty_ns"), [(6000, 20_000), (0, 0), (12_000, 40_000), (4500, 15_000)]
)
def test_the_threshold_is_set_on_the_pwm_of_that_name(
    sim_world: SimClient, sim_clock: SimClock, threshold_mv: int, duty_ns: int
) -> None:
    sim_world.reset(pwm_index={"20fc000.pwm": 2, "2084000.pwm": 4})
    board = PortBoard(PROFILE, PortWiring(threshold_mv=threshold_mv), sim_clock.sleep)
    assert board.open() == ()
    assert sim_world.state()["inputs"]["threshold_mv"] == threshold_mv
    content = {}
    for name in ("period", "duty_cycle", "enable"):
        with open(f"/sys/class/pwm/pwmchip4/pwm0/{name}", encoding="ascii") as file:
            content[name] = int(file.read())
    assert content == {"period": 40_000, "duty_cycle": duty_ns, "enable": 1}
    board.close()


def test_what_a_board_does_not_have_is_refused() -> None:
    with pytest.raises(ValueError, match="charge-control-c 100 has only one relay"):
        PortBoard(profile_for("charge-control-c", 100), PortWiring(use_relay2=True))
    with pytest.raises(ValueError, match="0 to 12000 is allowed"):
        PortBoard(PROFILE, PortWiring(threshold_mv=12_001))


def test_a_relay_that_is_not_the_ports_is_left_alone(sim_world: SimClient, sim_clock: SimClock) -> None:
    board = PortBoard(PROFILE, PortWiring(), sim_clock.sleep)
    board.open()
    board.set_relay(2, False)
    with pytest.raises(BoardError, match="relay2_output: relay 2: not used"):
        board.set_relay(2, True)
    with pytest.raises(BoardError, match=r"rcd_test: .*no test trigger"):
        board.set_rcd_test(True)
    with pytest.raises(BoardError, match="status_led: gpio85: not configured"):
        board.set_output(85, True)
    assert not os.path.exists("/sys/class/gpio/gpio77")
    board.close()


def test_opening_puts_every_output_to_its_safe_level(
    sim_world: SimClient, sim_clock: SimClock, wiring: PortWiring
) -> None:
    first = PortBoard(PROFILE, wiring, sim_clock.sleep)
    first.open()
    first.set_relay(1, True)
    first.set_relay(2, True)
    first.drive_lock(LockMotion.UNLOCK)
    first.set_rcd_test(True)
    first.set_duty(50)
    first.close()
    assert [sim_world.gpio(gpio) for gpio in (76, 77, 71, 72, 87, 13)] == [True, True, True, True, True, True]
    second = PortBoard(PROFILE, wiring, sim_clock.sleep)
    assert second.open() == ()
    assert [sim_world.gpio(gpio) for gpio in (76, 77, 71, 72, 87, 13)] == [
        False,
        False,
        True,
        False,
        False,
        False,
    ]
    second.close()


def test_safe_outputs_tries_all_of_them(board: PortBoard, sim_world: SimClient) -> None:
    board.set_relay(1, True)
    board.set_relay(2, True)
    board.drive_lock(LockMotion.UNLOCK)
    board.set_rcd_test(True)
    board.set_duty(50)
    sim_world.fault("gpio/76:EIO")
    sim_world.fault("gpio/71:EIO")
    assert sources(board.safe_outputs()) == {"relay1_output", "lock_motor"}
    assert [sim_world.gpio(gpio) for gpio in (77, 72, 87)] == [False, False, False]
    assert sim_world.state()["pilot"]["wave"] == "steady +12 V"
    # What could not be done is done as soon as it can be.
    sim_world.clear()
    assert board.sample().faults == ()
    assert sim_world.gpio(76) is False


def test_an_edge_wakes_who_waits(board: PortBoard, sim_world: SimClient) -> None:
    board.read_urgent()
    assert board.wait_urgent(0) is False
    assert len(board.urgent_fds()) == 2
    sim_world.do("press_emergency")
    assert board.wait_urgent(5) is True
    assert board.wait_urgent(0) is True, "reported until it is read"
    urgent = board.read_urgent()
    assert (urgent.emergency, urgent.rcd_healthy, urgent.faults) == (True, True, ())
    assert board.wait_urgent(0) is False
    sim_world.do("trip_rcd")
    assert board.wait_urgent(5) is True
    assert board.read_urgent().rcd_healthy is False
    sim_world.do("release_emergency")
    assert board.wait_urgent(5) is True
    assert board.read_urgent().emergency is False


def test_an_edge_ends_a_wait_that_has_begun(board: PortBoard, sim_world: SimClient) -> None:
    board.read_urgent()
    woken: list[bool] = []
    waiter = threading.Thread(target=lambda: woken.append(board.wait_urgent(30)))
    began = time.monotonic()
    waiter.start()
    sim_world.do("press_emergency")
    wait_until(lambda: bool(woken))
    waiter.join()
    assert woken == [True]
    assert time.monotonic() - began < 10


def test_edges_come_again_after_the_input_was_gone(board: PortBoard, sim_world: SimClient) -> None:
    board.sample()
    assert board.wait_urgent(0) is False
    sim_world.fault("gpio/121:EIO")
    assert sources(board.read_urgent().faults) == {"emergency_input"}
    assert len(board.urgent_fds()) == 1
    sim_world.clear()
    assert board.read_urgent().faults == ()
    assert board.wait_urgent(0) is False
    sim_world.do("press_emergency")
    assert board.wait_urgent(5) is True
    assert board.read_urgent().emergency is True
