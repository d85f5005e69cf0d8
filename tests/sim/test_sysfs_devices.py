"""PWM, ADC, LEDs, 1-Wire and hwmon on the real paths."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest
from periphery import LED, PWM, PWMError

from chargectl.sim.client import SimClient
from tests.simboard import SimClock, in_sys

PWM_CLASS = Path("/sys/class/pwm")
IIO = Path("/sys/bus/iio/devices")


def chip_of(name: str) -> int:
    """Number of the PWM chip with a device name, as production code must find it."""
    for chip in PWM_CLASS.iterdir():
        if os.path.basename(os.readlink(chip / "device")) == name:
            return int(chip.name.removeprefix("pwmchip"))
    raise LookupError(name)


def error_of(path: Path, text: str) -> int | None:
    with pytest.raises(OSError) as caught:  # noqa: PT011 (the errno is what matters)
        path.write_text(text)
    return caught.value.errno


def adc() -> Path:
    return next(device for device in IIO.iterdir() if (device / "name").read_text() == "2198000.adc\n")


@pytest.mark.parametrize("sim_options", [{}, {"pwm_index": {"20fc000.pwm": 5, "2084000.pwm": 0}}])
def test_pwm_chips_are_found_by_device_name(sim_world: SimClient, sim_options: dict[str, Any]) -> None:
    expected = sim_options.get("pwm_index", {"20fc000.pwm": 0, "2084000.pwm": 1})
    assert {name: chip_of(name) for name in expected} == expected
    assert (PWM_CLASS / f"pwmchip{expected['20fc000.pwm']}" / "device" / "modalias").is_file()


def test_periphery_drives_the_pilot(sim_world: SimClient) -> None:
    (Path("/sys/class/gpio/export")).write_text("13")
    Path("/sys/class/gpio/gpio13/direction").write_text("high")
    pwm = PWM(chip_of("20fc000.pwm"), 0)
    pwm.period_ns = 1_000_000
    pwm.duty_cycle = 0.2667
    pwm.enable()
    pilot = sim_world.state()["pilot"]
    assert pilot["wave"] == "PWM"
    assert pilot["duty"] == pytest.approx(26.67)
    pwm.duty_cycle_ns = 1_000_000
    assert sim_world.state()["pilot"]["wave"] == "steady +12 V"
    pwm.disable()
    assert sim_world.state()["pilot"]["wave"] == "steady -12 V"
    pwm.close()


def test_inversed_polarity_swaps_the_phases(sim_world: SimClient) -> None:
    (Path("/sys/class/gpio/export")).write_text("13")
    Path("/sys/class/gpio/gpio13/direction").write_text("high")
    pwm = PWM(chip_of("20fc000.pwm"), 0)
    pwm.period_ns = 1_000_000
    pwm.duty_cycle = 0.3
    pwm.polarity = "inversed"
    pwm.enable()
    assert sim_world.state()["pilot"]["duty"] == pytest.approx(70)
    pwm.close()


def test_pwm_errors_are_the_kernels(sim_world: SimClient) -> None:
    chip = PWM_CLASS / "pwmchip0"
    assert error_of(chip / "export", "1") == errno.ENODEV
    assert error_of(chip / "unexport", "0") == errno.ENODEV
    (chip / "export").write_text("0")
    assert error_of(chip / "export", "0") == errno.EBUSY
    channel = chip / "pwm0"
    assert error_of(channel / "enable", "1") == errno.EINVAL
    assert error_of(channel / "duty_cycle", "1") == errno.EINVAL
    (channel / "period").write_text("1000000")
    assert error_of(channel / "duty_cycle", "1000001") == errno.EINVAL
    (channel / "duty_cycle").write_text("1000000")
    assert error_of(channel / "period", "999999") == errno.EINVAL
    assert error_of(channel / "enable", "2") == errno.EINVAL
    assert error_of(channel / "polarity", "upside down") == errno.EINVAL
    (channel / "enable").write_text("1")
    assert (channel / "enable").read_text() == "1\n"


def test_pwm_faults(sim_world: SimClient) -> None:
    pwm = PWM(chip_of("20fc000.pwm"), 0)
    sim_world.fault("pwm/20fc000.pwm:EIO")
    with pytest.raises(OSError, match="Input/output error"):
        pwm.period_ns = 1_000_000
    sim_world.clear()
    pwm.close()
    sim_world.fault("vanish /sys/class/pwm/pwmchip0")
    with pytest.raises(LookupError):
        PWM(0, 0)
    sim_world.clear()
    sim_world.fault("/sys/class/pwm/pwmchip0/export:ENODEV")
    with pytest.raises(PWMError):
        PWM(0, 0)


@pytest.mark.parametrize("index", [1, 3])
def test_adc_is_never_device_zero(sim_world: SimClient, index: int) -> None:
    sim_world.reset(iio_index=index)
    assert adc().name == f"iio:device{index}"
    assert (IIO / "iio:device0" / "name").read_text() != "2198000.adc\n"


def test_adc_measures_the_cable_and_the_pilot_through_the_reset_lines(
    sim_world: SimClient, sim_clock: SimClock
) -> None:
    for line in (13, 138, 139):
        Path("/sys/class/gpio/export").write_text(str(line))
    Path("/sys/class/gpio/gpio13/direction").write_text("high")
    pwm = PWM(0, 0)
    pwm.period_ns, pwm.duty_cycle_ns = 1_000_000, 500_000
    pwm.enable()
    sim_world.do("plug", cable_a=20)

    def peaks() -> tuple[float, float]:
        for level, pause in (("high", 0.0015), ("low", 0.002)):
            for line in (138, 139):
                Path(f"/sys/class/gpio/gpio{line}/direction").write_text(level)
            sim_clock.sleep(pause)
        raws = (int((adc() / f"in_voltage{channel}_raw").read_text()) for channel in (2, 3))
        positive, negative = (raw * 3300 / 4095 * 4561 / 476 - 16013 for raw in raws)
        return positive, negative

    assert peaks() == pytest.approx((9000, -12_000), abs=100)
    sim_clock.sleep(1.0)
    assert sim_clock.monotonic_ms() == 1003
    sim_world.do("remove_diode")
    assert peaks() == pytest.approx((5626, -5626), abs=10)
    assert 1170 < int((adc() / "in_voltage5_raw").read_text()) * 3300 / 4096 < 1813
    pwm.close()


def test_adc_faults(sim_world: SimClient) -> None:
    raw = adc() / "in_voltage4_raw"
    assert int(raw.read_text()) * 3300 / 4095 * 90 / 22 == pytest.approx(12_000, abs=10)
    with open(raw, encoding="ascii") as descriptor:
        sim_world.fault("adc/4=123")
        assert os.pread(descriptor.fileno(), 8, 0) == b"123\n"
        sim_world.fault("adc/4:EIO")
        with pytest.raises(OSError, match="Input/output error"):
            os.pread(descriptor.fileno(), 8, 0)
    assert error_of(raw, "1") == errno.EACCES


def test_periphery_lights_an_led(sim_world: SimClient) -> None:
    led = LED("green:boot")
    led.write(True)
    assert sim_world.state()["leds"]["green:boot"]["lit"]
    led.write(0)
    assert not sim_world.state()["leds"]["green:boot"]["lit"]
    led.close()


def test_led_timer_has_its_files_only_while_it_is_selected(sim_world: SimClient) -> None:
    led = Path("/sys/class/leds/yellow:programming")
    assert (led / "trigger").read_text() == "[none] timer heartbeat default-on\n"
    (led / "trigger").write_text("timer\n")
    (led / "delay_on").write_text("100\n")
    (led / "delay_off").write_text("900\n")
    shines = []
    for _ in range(10):
        shines.append(sim_world.state()["leds"]["yellow:programming"]["lit"])
        sim_world.advance(100)
    assert shines == [True] + [False] * 9
    (led / "brightness").write_text("0")
    assert not (led / "delay_on").exists()
    assert error_of(led / "trigger", "disco") == errno.EINVAL


def test_old_led_names(sim_world: SimClient) -> None:
    sim_world.reset(old_led_names=True)
    assert sorted(os.listdir("/sys/class/leds")) == ["evse:green:led1", "evse:red:led3", "evse:yellow:led2"]


def test_one_wire_sensors_come_and_go(sim_world: SimClient) -> None:
    sensor = "28-0000075a1b2c"
    folder = Path("/sys/bus/w1/devices") / sensor
    sim_world.do("set_temperature", sensor=sensor, celsius=-7.25)
    assert (folder / "temperature").read_text() == "-7250\n"
    first, second = (folder / "w1_slave").read_text().splitlines()
    assert first.endswith("YES")
    assert second.endswith("t=-7250")
    assert second.startswith("8c ff ")
    sim_world.do("set_temperature", sensor="28-000000000002", celsius=20)
    assert in_sys("bus/w1/devices/w1_bus_master1/w1_master_slave_count") == "2"
    with open(folder / "temperature", encoding="ascii") as descriptor:
        sim_world.do("set_temperature", sensor=sensor, celsius=None)
        assert not folder.exists()
        with pytest.raises(OSError, match="No such device"):
            os.pread(descriptor.fileno(), 8, 0)


def test_one_wire_fault(sim_world: SimClient) -> None:
    sim_world.fault("w1/28-0000075a1b2c:EIO")
    with pytest.raises(OSError, match="Input/output error"):
        in_sys("bus/w1/devices/28-0000075a1b2c/temperature")


def test_fan_of_variant_300(sim_world: SimClient) -> None:
    sim_world.reset(variant=300)
    fan = Path("/sys/class/hwmon/hwmon1")
    (fan / "pwm1").write_text("255")
    assert (fan / "fan1_input").read_text() == "3000\n"
    assert sim_world.fact("fan") is True
