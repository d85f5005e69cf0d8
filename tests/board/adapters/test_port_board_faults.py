"""What fails on the board is a fault with a name, and the loop goes on."""

from __future__ import annotations

import os

import pytest

from chargectl.board.errors import BoardError
from chargectl.board.port_board import PortBoard, PortWiring
from chargectl.board.profile import profile_for
from chargectl.port.effects import LockMotion
from chargectl.sim.client import SimClient
from tests.simboard import BoardProcess, SimClock

PROFILE = profile_for("charge-control-c", 200)


def sources(faults: tuple[BoardError, ...]) -> set[str]:
    return {fault.source for fault in faults}


SOURCES = {
    "gpio/121": ("emergency_input", "emergency"),
    "gpio/122": ("rcd_feedback", "rcd_healthy"),
    "gpio/131": ("relay1_sense", "relay1_sense"),
    "gpio/130": ("relay2_sense", "relay2_sense"),
    "gpio/19": ("lock_fault", "lock_fault"),
    "gpio/124": ("key_switch", "key_switch"),
    "gpio/138": ("pilot_adc", "pilot"),
    "adc/2": ("pilot_adc", "pilot"),
    "adc/3": ("pilot_adc", "pilot"),
    "adc/5": ("proximity_adc", "proximity_mv"),
    "adc/0": ("lock_adc", "lock_mv"),
    "adc/4": ("capacitor_adc", "capacitor_mv"),
}


@pytest.mark.parametrize("error", ["EIO", "ETIMEDOUT", "EACCES", "ENODEV"])
@pytest.mark.parametrize("device", SOURCES)
def test_a_failing_source_is_one_fault_and_spares_the_others(
    board: PortBoard, sim_world: SimClient, device: str, error: str
) -> None:
    source, field = SOURCES[device]
    sim_world.fault(f"{device}:{error}")
    for _ in range(3):
        inputs = board.sample()
        assert sources(inputs.faults) == {source}
        assert len(inputs.faults) == 1
        values = {name: getattr(inputs, name) for name in inputs.__slots__ if name != "faults"}
        assert [name for name, value in values.items() if value is None] == [field]
    sim_world.clear()
    inputs = board.sample()
    assert inputs.faults == ()
    assert getattr(inputs, field) is not None


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("/sys/class/gpio/gpio131", "relay1_sense"),
        ("/sys/class/gpio/gpio121/value", "emergency_input"),
        ("/sys/class/gpio/gpio76", "relay1_output"),
        ("/sys/bus/iio/devices/iio:device3/in_voltage5_raw", "proximity_adc"),
    ],
)
def test_a_vanished_file_is_a_fault_until_it_is_back(
    board: PortBoard, sim_world: SimClient, path: str, source: str
) -> None:
    sim_world.fault(f"vanish {path}")
    if source == "relay1_output":
        with pytest.raises(BoardError, match="relay1_output: /sys/class/gpio/gpio76"):
            board.set_relay(1, True)
    for _ in range(2):
        (fault,) = board.sample().faults
        assert fault.source == source
        assert path.removesuffix("/value") in str(fault)
    sim_world.clear()
    assert board.sample().faults == ()


def test_an_adc_that_is_gone_takes_all_analog_values_and_nothing_else(
    board: PortBoard, sim_world: SimClient
) -> None:
    sim_world.fault("vanish /sys/bus/iio/devices/iio:device3")
    inputs = board.sample()
    assert sources(inputs.faults) == {"pilot_adc", "proximity_adc", "lock_adc", "capacitor_adc"}
    assert (inputs.emergency, inputs.rcd_healthy, inputs.relay1_sense) == (False, True, False)
    sim_world.clear()
    assert board.sample().faults == ()


def test_a_line_that_a_driver_holds_is_named_as_busy(sim_world: SimClient, sim_clock: SimClock) -> None:
    board = PortBoard(PROFILE, PortWiring(emergency_gpio=120), sim_clock.sleep)
    (fault,) = board.open()
    assert str(fault) == (
        "emergency_input: /sys/class/gpio/gpio120: device or resource busy: "
        "held by another program or by a kernel driver"
    )
    inputs = board.sample()
    assert sources(inputs.faults) == {"emergency_input"}
    assert inputs.emergency is None
    assert inputs.pilot is not None
    board.close()


def test_a_missing_pwm_chip_is_one_clear_line(
    sim_world: SimClient, sim_clock: SimClock, wiring: PortWiring
) -> None:
    sim_world.fault("vanish /sys/class/pwm/pwmchip0")
    board = PortBoard(PROFILE, wiring, sim_clock.sleep)
    (fault,) = board.open()
    assert str(fault) == (
        "pilot_output: /sys/class/pwm/*/device -> 20fc000.pwm: no such device: "
        "is the PWM driver loaded, and is this the right board profile?"
    )
    assert sources(board.sample().faults) == {"pilot_output"}
    sim_world.clear()
    assert board.sample().faults == ()
    board.set_duty(50)
    assert sim_world.state()["pilot"]["duty"] == pytest.approx(50)
    board.close()


def test_a_threshold_that_could_not_be_set_is_set_later(sim_world: SimClient, sim_clock: SimClock) -> None:
    sim_world.fault("pwm/2084000.pwm:EIO")
    board = PortBoard(PROFILE, PortWiring(threshold_mv=4500), sim_clock.sleep)
    assert sources(board.open()) == {"input_threshold"}
    assert sources(board.sample().faults) == {"input_threshold"}
    sim_world.clear()
    assert board.sample().faults == ()
    assert sim_world.state()["inputs"]["threshold_mv"] == 4500
    board.close()


def test_a_lock_drive_that_failed_is_stopped_at_once(
    board: PortBoard, sim_world: SimClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel may report an error for a write that has reached the pin."""
    really, done = os.pwrite, []

    def pwrite(fd: int, data: bytes, offset: int) -> int:
        written = really(fd, data, offset)
        done.append(data)
        if len(done) == 2:
            raise OSError(5, "I/O error")
        return written

    with monkeypatch.context() as patched:
        patched.setattr(os, "pwrite", pwrite)
        with pytest.raises(BoardError, match=r"lock_motor: /sys/class/gpio/gpio71"):
            board.drive_lock(LockMotion.LOCK)
    assert (sim_world.gpio(71), sim_world.gpio(72)) == (True, False)


def test_a_board_that_dies_is_faults_and_no_crash(
    board: PortBoard, sim_process: BoardProcess, sim_world: SimClient
) -> None:
    board.sample()
    sim_process.kill()
    for _ in range(2):
        inputs = board.sample()
        values = {getattr(inputs, name) for name in inputs.__slots__ if name != "faults"}
        assert values == {None}
        assert {"emergency_input", "rcd_feedback", "relay1_sense", "pilot_adc"} <= sources(inputs.faults)
    assert "pilot_output" in sources(board.safe_outputs())


def test_a_board_without_any_file_is_faults_and_no_crash(
    sim_world: SimClient, sim_clock: SimClock, wiring: PortWiring
) -> None:
    sim_world.fault("vanish /sys/class")
    sim_world.fault("vanish /sys/bus")
    board = PortBoard(PROFILE, wiring, sim_clock.sleep)
    assert len(board.open()) > 10
    inputs = board.sample()
    assert {"emergency_input", "relay1_output", "pilot_output", "pilot_adc"} <= sources(inputs.faults)
    assert sources(board.safe_outputs()) == {
        "relay1_output",
        "relay2_output",
        "lock_motor",
        "rcd_test",
        "pilot_output",
    }
    sim_world.clear()
    assert board.sample().faults == ()
    board.close()


def test_a_lasting_fault_holds_no_frames(board: PortBoard, sim_world: SimClient) -> None:
    sim_world.fault("gpio/131:EIO")
    (fault,) = board.sample().faults
    assert fault.__traceback__ is None
