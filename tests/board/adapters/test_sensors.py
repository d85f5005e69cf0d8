"""Analog inputs, 1-Wire temperatures and the rotary switch."""

from __future__ import annotations

import os

import pytest

from chargectl.board import onewire
from chargectl.board.errors import BoardError
from chargectl.board.iio import AnalogInput, find_device
from chargectl.board.profile import profile_for
from chargectl.board.rotary import GridLimit, grid_limit, read_position
from chargectl.sim.client import SimClient
from tests.simboard import SimClock

PROFILE = profile_for("charge-control-c", 200)


@pytest.mark.spec(16)
@pytest.mark.parametrize("index", [0, 1, 4])
def test_the_adc_is_found_by_its_name(sim_world: SimClient, index: int) -> None:
    sim_world.reset(iio_index=index)
    assert find_device("2198000.adc", "adc") == f"/sys/bus/iio/devices/iio:device{index}"


@pytest.mark.spec(16)
def test_a_missing_adc_is_named_with_its_likely_cause(sim_world: SimClient) -> None:
    with pytest.raises(BoardError) as caught:
        find_device("nothing", "proximity_adc")
    assert str(caught.value) == (
        "proximity_adc: /sys/bus/iio/devices/*/name: nothing: no such device: "
        "is the ADC driver loaded, and is this the right board profile?"
    )


def test_a_device_without_a_name_is_passed_over(sim_world: SimClient) -> None:
    sim_world.fault("vanish /sys/bus/iio/devices/iio:device0/name")
    assert find_device("2198000.adc", "adc").endswith("iio:device3")


@pytest.mark.spec(26)
def test_the_cover_locks_switch_is_channel_1(sim_world: SimClient) -> None:
    sim_world.fault("adc/1=1234")
    cover = AnalogInput(PROFILE.cover_lock.sense, "cover")
    assert cover.read_mv() == round(1234 * 3300 / 4095)
    cover.close()


@pytest.mark.parametrize(
    ("ampere", "low", "high"), [(13, 1813, 2459), (20, 1170, 1813), (32, 891, 1170), (63, 751, 891)]
)
def test_a_cable_is_in_its_proximity_window(sim_world: SimClient, ampere: int, low: int, high: int) -> None:
    proximity = AnalogInput(PROFILE.proximity, "proximity_adc")
    assert proximity.read_mv() >= 2459
    sim_world.do("plug", cable_a=ampere)
    assert low <= proximity.read_mv() < high
    proximity.close()


@pytest.mark.parametrize("content", [b"", b"-1\n", b"4096\n", b"nan\n"])
def test_what_is_no_reading_is_a_fault(
    sim_world: SimClient, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    proximity = AnalogInput(PROFILE.proximity, "proximity_adc")
    proximity.open()
    with monkeypatch.context() as patched:
        patched.setattr(os, "pread", lambda fd, count, offset: content)
        with pytest.raises(BoardError, match=r"proximity_adc: .*in_voltage5_raw: unexpected content"):
            proximity.read_mv()
    assert proximity.read_mv() > 0
    proximity.close()


@pytest.mark.spec(17)
def test_one_wire_temperatures(sim_world: SimClient) -> None:
    assert onewire.sensors() == ("28-0000075a1b2c",)
    sim_world.do("set_temperature", sensor="28-0000075a1b2d", celsius=-12.5)
    assert [onewire.temperature(sensor) for sensor in onewire.sensors()] == [31_500, -12_500]


@pytest.mark.spec(17)
def test_a_sensor_that_fails_is_named(sim_world: SimClient) -> None:
    sim_world.fault("w1/28-0000075a1b2c:EIO")
    with pytest.raises(
        BoardError, match=r"onewire: /sys/bus/w1/devices/28-0000075a1b2c/temperature: input/out"
    ):
        onewire.temperature("28-0000075a1b2c")
    with pytest.raises(BoardError, match="is the sensor connected"):
        onewire.temperature("28-000000000000")
    sim_world.fault("vanish /sys/bus/w1")
    with pytest.raises(BoardError, match="1-Wire driver loaded"):
        onewire.sensors()


def test_a_reading_with_a_wrong_checksum_is_a_fault(
    sim_world: SimClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "read", lambda fd, count: b"")
    with pytest.raises(BoardError, match="unexpected content"):
        onewire.temperature("28-0000075a1b2c")


@pytest.mark.spec(19)
@pytest.mark.parametrize("position", range(16))
def test_every_position_of_the_rotary_switch(
    sim_world: SimClient, sim_clock: SimClock, position: int
) -> None:
    sim_world.do("turn_rotary", position=position)
    assert read_position(PROFILE, sim_clock.sleep) == position


@pytest.mark.spec(19)
def test_positions_mean_table_16() -> None:
    currents = [6, 10, 13, 16, 20, 32, 40, 63]
    expected = [GridLimit(phases, ampere) for phases in (1, 3) for ampere in currents]
    assert [grid_limit(position) for position in range(16)] == expected


@pytest.mark.spec(20)
def test_rotaryencd_json_changes_the_meaning() -> None:
    override = [(3, 10_000), None, (1, 1)]
    assert grid_limit(0, override) == GridLimit(3, 10_000)
    assert grid_limit(1, override) == GridLimit(1, 10)
    assert grid_limit(2, override) == GridLimit(1, 1)
    assert grid_limit(15, override) == GridLimit(3, 63)
    assert grid_limit(15, [(1, 8)] * 16) == GridLimit(1, 8)
    assert grid_limit(15, [(1, 8)] * 20) == GridLimit(1, 8)


@pytest.mark.spec(21)
def test_a_switch_between_two_positions_is_an_error_and_means_the_least(
    sim_world: SimClient, sim_clock: SimClock
) -> None:
    sim_world.do("turn_rotary", position=7, between=True)
    with pytest.raises(BoardError, match=r"rotary_switch: SW2: unstable: .*without power"):
        read_position(PROFILE, sim_clock.sleep)
    assert grid_limit(None) == GridLimit(1, 6)
    assert grid_limit(None, [(3, 25)] * 16) == GridLimit(3, 25)
    assert grid_limit(None, [(3, 4)]) == GridLimit(1, 4)


@pytest.mark.spec(21)
def test_a_rotary_line_that_cannot_be_read_is_an_error(sim_world: SimClient, sim_clock: SimClock) -> None:
    sim_world.fault("gpio/23:EIO")
    with pytest.raises(BoardError, match=r"rotary_switch: /sys/class/gpio/gpio23"):
        read_position(PROFILE, sim_clock.sleep)
