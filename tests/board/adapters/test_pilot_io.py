"""The control pilot: what the car sees of a duty cycle, and what the board sees of the car."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator

import pytest

from chargectl.board.errors import BoardError
from chargectl.board.pilot_io import PilotOutput, PilotPeaks
from chargectl.board.profile import profile_for
from chargectl.sim.client import SimClient
from tests.simboard import SimClock

PINS = profile_for("charge-control-c", 200).pilot


@pytest.fixture
def output(sim_world: SimClient) -> Iterator[PilotOutput]:
    output = PilotOutput(PINS)
    output.open()
    yield output
    output.close()


@pytest.fixture
def peaks(sim_world: SimClient, sim_clock: SimClock) -> Iterator[PilotPeaks]:
    peaks = PilotPeaks(PINS, sim_clock.sleep)
    peaks.open()
    yield peaks
    peaks.close()


def nothing(_seconds: float) -> None:
    """Let no time pass."""


@pytest.mark.parametrize("percent", [0.01, 5, 10, 26.67, 53.33, 96, 99.99])
def test_a_duty_cycle_reaches_the_line_at_1_khz(
    output: PilotOutput, sim_world: SimClient, percent: float
) -> None:
    output.set_duty(percent)
    pilot = sim_world.state()["pilot"]
    assert pilot["wave"] == "PWM"
    assert pilot["duty"] == pytest.approx(percent, abs=0.0005)
    with open("/sys/class/pwm/pwmchip0/pwm0/period", encoding="ascii") as file:
        assert int(file.read()) == 1_000_000


def test_100_is_steady_positive_and_0_steady_negative(output: PilotOutput, sim_world: SimClient) -> None:
    waves = []
    for percent in (100, 0):
        output.set_duty(percent)
        waves.append(sim_world.state()["pilot"]["wave"])
    assert waves == ["steady +12 V", "steady -12 V"]


@pytest.mark.parametrize("percent", [-0.01, 100.01, math.nan, math.inf])
def test_other_duties_are_refused(output: PilotOutput, sim_world: SimClient, percent: float) -> None:
    output.set_duty(50)
    with pytest.raises(ValueError, match="0 to 100 is allowed"):
        output.set_duty(percent)
    assert sim_world.state()["pilot"]["duty"] == pytest.approx(50)


def test_off_is_2_ms_of_steady_12_v_then_0_v(output: PilotOutput, sim_world: SimClient) -> None:
    output.set_duty(50)
    before: list[tuple[float, str]] = []
    output.off(lambda seconds: before.append((seconds, sim_world.state()["pilot"]["wave"])))
    assert before == [(0.002, "steady +12 V")]
    assert sim_world.state()["pilot"]["wave"] == "off"
    assert sim_world.gpio(13) is False
    with open("/sys/class/pwm/pwmchip0/pwm0/enable", encoding="ascii") as file:
        assert file.read() == "0\n"
    output.set_duty(25)
    assert sim_world.state()["pilot"]["duty"] == pytest.approx(25)


def test_the_line_never_sees_state_f_on_the_way_from_off(
    output: PilotOutput, sim_world: SimClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    waves = []
    really = os.pwrite

    def pwrite(fd: int, data: bytes, offset: int) -> int:
        written = really(fd, data, offset)
        waves.append(sim_world.state()["pilot"]["wave"])
        return written

    monkeypatch.setattr(os, "pwrite", pwrite)
    output.set_duty(30)
    output.off(nothing)
    output.set_duty(100)
    assert waves == ["off", "off", "PWM", "steady +12 V", "off", "off", "off", "off", "steady +12 V"]


def test_off_takes_the_source_from_the_line_even_without_its_pwm(
    output: PilotOutput, sim_world: SimClient
) -> None:
    output.set_duty(50)
    sim_world.fault("pwm/20fc000.pwm:EIO")
    with pytest.raises(BoardError, match=r"pilot_output: /sys/class/pwm.*input/output error"):
        output.off(nothing)
    assert sim_world.state()["pilot"]["wave"] == "off"
    assert output.works is False


def test_after_a_failure_the_last_command_is_repeated(output: PilotOutput, sim_world: SimClient) -> None:
    output.set_duty(50)
    sim_world.fault("pwm/20fc000.pwm:EIO")
    with pytest.raises(BoardError):
        output.set_duty(100)
    assert output.works is False
    with pytest.raises(BoardError):
        output.restore(nothing)
    sim_world.clear()
    output.restore(nothing)
    assert output.works is True
    assert sim_world.state()["pilot"]["wave"] == "steady +12 V"


def test_a_foreign_setting_of_the_pwm_is_put_right(sim_world: SimClient) -> None:
    chip = "/sys/class/pwm/pwmchip0"
    for path, text in (
        ("export", "0"),
        ("pwm0/period", "5000000"),
        ("pwm0/duty_cycle", "4000000"),
        ("pwm0/polarity", "inversed"),
        ("pwm0/enable", "1"),
    ):
        with open(f"{chip}/{path}", "w", encoding="ascii") as file:
            file.write(text)
    output = PilotOutput(PINS)
    output.open()
    output.set_duty(20)
    assert sim_world.state()["pilot"]["duty"] == pytest.approx(20)
    output.close()
    del output
    assert sim_world.state()["pilot"]["duty"] == pytest.approx(20), "closing does not stop it"


def test_the_peaks_show_the_car(
    output: PilotOutput, peaks: PilotPeaks, sim_world: SimClient, sim_clock: SimClock
) -> None:
    output.off(sim_clock.sleep)
    assert peaks.measure() == pytest.approx((0, 0), abs=10)
    output.set_duty(100)
    assert peaks.measure()[0] == pytest.approx(12_000, abs=10)
    sim_world.do("refuse_energy")
    sim_world.do("plug")
    sim_world.advance(1000)
    assert peaks.measure()[0] == pytest.approx(9_000, abs=500)
    output.set_duty(50)
    positive, negative = peaks.measure()
    assert positive == pytest.approx(9_000, abs=500)
    assert negative == pytest.approx(-12_000, abs=10)
    sim_world.do("want_energy")
    sim_world.advance(5000)
    positive, negative = peaks.measure()
    assert positive == pytest.approx(6_000, abs=500)
    assert negative == pytest.approx(-12_000, abs=10)
    sim_world.do("remove_diode")
    assert peaks.measure()[1] > -7_000


def test_a_peak_is_forgotten_by_the_reset(
    output: PilotOutput, peaks: PilotPeaks, sim_world: SimClient
) -> None:
    output.set_duty(100)
    peaks.measure()
    sim_world.do("plug")
    sim_world.advance(50)
    assert peaks.measure()[0] < 10_000


def test_both_detectors_are_reset_for_1_5_ms_and_read_2_ms_later(sim_world: SimClient) -> None:
    seen: list[tuple[float, bool, bool]] = []

    def sleep(seconds: float) -> None:
        seen.append((seconds, sim_world.gpio(138), sim_world.gpio(139)))

    peaks = PilotPeaks(PINS, sleep)
    peaks.measure()
    assert seen == [(0.0015, True, True), (0.002, False, False)]
    peaks.close()


def test_a_detector_that_cannot_be_reset_leaves_the_other_released(
    peaks: PilotPeaks, sim_world: SimClient
) -> None:
    peaks.measure()
    sim_world.fault("gpio/138:EIO")
    with pytest.raises(BoardError, match=r"pilot_adc: /sys/class/gpio/gpio138"):
        peaks.measure()
    assert sim_world.gpio(139) is False
    sim_world.clear()
    sim_world.fault("gpio/139:EIO")
    with pytest.raises(BoardError, match=r"pilot_adc: /sys/class/gpio/gpio139"):
        peaks.measure()
    assert sim_world.gpio(138) is False


def test_a_detector_that_cannot_be_released_does_not_hold_the_other(sim_world: SimClient) -> None:
    peaks = PilotPeaks(PINS, lambda _seconds: sim_world.fault("gpio/138:EIO"))
    with pytest.raises(BoardError, match=r"pilot_adc: /sys/class/gpio/gpio138"):
        peaks.measure()
    assert sim_world.gpio(139) is False
    sim_world.clear()
    peaks.close()
