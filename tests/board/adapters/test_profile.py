"""The board profile: pins, conversions, and what the smaller variants lack."""

from __future__ import annotations

import pytest

from chargectl.board.digital_io import threshold_duty_ns
from chargectl.board.errors import BoardError
from chargectl.board.profile import PROFILES, Pin, profile_for

BOARD = profile_for("charge-control-c", 300)


def numbers(pins: tuple[Pin, ...]) -> list[int]:
    return [pin.number for pin in pins]


@pytest.mark.spec(10)
def test_digital_inputs_in_order() -> None:
    assert numbers(BOARD.inputs) == [121, 122, 124, 123, 116, 119]
    assert not any(pin.active_low for pin in BOARD.inputs)


@pytest.mark.spec(12)
def test_digital_outputs_in_order() -> None:
    assert numbers(BOARD.outputs) == [84, 85, 86, 87, 88, 89]


@pytest.mark.spec(25)
def test_plug_lock() -> None:
    lock = BOARD.plug_lock
    assert lock.in1 == Pin(71, active_low=True)
    assert lock.in2 == Pin(72)
    assert lock.fault == Pin(19, active_low=True)
    assert lock.sense.channel == 0


@pytest.mark.spec(26)
def test_cover_lock() -> None:
    lock = BOARD.cover_lock
    assert (lock.in1, lock.in2, lock.fault) == (Pin(73), Pin(136), Pin(25, active_low=True))
    assert lock.sense.channel == 1


def test_no_line_is_used_twice() -> None:
    text = repr(BOARD)
    lines = [int(part.split(",")[0]) for part in text.split("Pin(number=")[1:]]
    assert len(lines) == len(set(lines)) == 43


def test_variants_differ_as_the_guide_says() -> None:
    shape = {
        profile.variant: (
            len(profile.relays),
            profile.pilot_powerline is not None,
            profile.mains_powerline is not None,
            [port.device for port in profile.serial_ports],
            profile.fan_autostart,
        )
        for profile in PROFILES
    }
    assert shape == {
        100: (1, False, False, ["/dev/ttymxc0"], False),
        200: (2, True, False, ["/dev/ttymxc0"], False),
        300: (2, True, True, ["/dev/ttymxc0", "/dev/ttymxc4"], True),
    }


@pytest.mark.parametrize(("name", "variant"), [("charge-control-c", 400), ("other", 300)])
def test_an_unknown_board_is_told_the_known_ones(name: str, variant: int) -> None:
    with pytest.raises(
        ValueError, match="known are charge-control-c 100, charge-control-c 200, charge-control"
    ):
        profile_for(name, variant)


@pytest.mark.parametrize(
    ("raw", "sense", "pilot", "capacitor", "proximity"),
    [
        (0, 0, -16013, 0, 0),
        (4095, 3300, 15607, 13500, 3299),
        (2047, 1650, -207, 6748, 1649),
        (3628, 2924, 12001, 11960, 2923),
    ],
)
def test_conversions(raw: int, sense: int, pilot: int, capacitor: int, proximity: int) -> None:
    assert BOARD.plug_lock.sense.millivolts(raw) == sense
    assert BOARD.pilot.positive_peak.millivolts(raw) == pilot
    assert BOARD.pilot.negative_peak.millivolts(raw) == pilot
    assert BOARD.lock_capacitor.millivolts(raw) == capacitor
    assert BOARD.proximity.millivolts(raw) == proximity


@pytest.mark.parametrize("raw", [-1, 4096])
def test_readings_that_cannot_be(raw: int) -> None:
    with pytest.raises(ValueError, match=r"0\.\.4095"):
        BOARD.proximity.millivolts(raw)


@pytest.mark.spec(14)
def test_the_threshold_formula() -> None:
    assert threshold_duty_ns(6000, 40_000, 12_000) == 20_000
    assert threshold_duty_ns(12_000, 40_000, 12_000) == 40_000
    assert threshold_duty_ns(1, 40_000, 12_000) == 3


@pytest.mark.spec(15)
@pytest.mark.parametrize("threshold_mv", [-1, 12_001])
def test_thresholds_that_cannot_be(threshold_mv: int) -> None:
    with pytest.raises(ValueError, match="0 to 12000 is allowed"):
        threshold_duty_ns(threshold_mv, 40_000, 12_000)


def test_an_error_without_a_number_keeps_its_own_words() -> None:
    error = BoardError.of("pilot_output", "/path", OSError("odd"), "hint")
    assert str(error) == "pilot_output: /path: odd"
