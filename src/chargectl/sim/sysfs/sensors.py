"""Sensors: the ADC among other IIO devices, 1-Wire thermometers, SoC temperature and fan, CPU topology."""

from __future__ import annotations

import errno
from collections.abc import Callable
from typing import Final

from chargectl.sim.lines import ADC_NAME, Channel
from chargectl.sim.sysfs.nodes import Folder, SysfsError, to_unsigned
from chargectl.sim.world import World

DECOYS: Final = ("20c8000.anatop:tempmon", "0-0048", "max1363", "ads1015")
"""Names of other IIO devices: whoever counts instead of comparing names finds these."""
FAN_FULL_RPM: Final = 3000


def add_iio(world: World, root: Folder, index: int) -> None:
    """``/sys/bus/iio/devices``: the ADC as ``iio:device<index>``, decoys at the lower numbers."""
    devices = root.folder("bus/iio/devices")
    for number in range(index):
        decoy = devices.folder(f"iio:device{number}")
        decoy.text("name", DECOYS[number % len(DECOYS)])
        decoy.text("in_voltage0_raw", "17")
    adc = devices.folder(f"iio:device{index}")
    adc.text("name", ADC_NAME)
    adc.text("in_voltage_scale", "0.805664062")
    for channel in Channel:
        _add_channel(world, adc, channel)


def _add_channel(world: World, adc: Folder, channel: Channel) -> None:
    adc.file(f"in_voltage{channel.value}_raw", lambda: f"{world.adc(channel)}\n")
    adc.children[f"in_voltage{channel.value}_raw"].device = f"adc/{channel.value}"


class OneWire:
    """``/sys/bus/w1/devices``: the bus master and the sensors that are attached."""

    def __init__(self, world: World, root: Folder) -> None:
        self._world = world
        self._devices = root.folder("bus/w1/devices")
        self._master = self._devices.folder("w1_bus_master1")
        self._master.file("w1_master_slave_count", lambda: f"{len(world.temperatures_c)}\n")
        self._master.file("w1_master_slaves", lambda: "".join(f"{name}\n" for name in world.temperatures_c))
        self.refresh()

    def refresh(self) -> None:
        """Make the folders follow the sensors of the world."""
        shown = {name for name in self._devices.children if name.startswith("28-")}
        for name in shown - set(self._world.temperatures_c):
            self._devices.remove(name)
        for name in set(self._world.temperatures_c) - shown:
            sensor = self._devices.folder(name, f"w1/{name}")
            sensor.text("name", name)
            sensor.file("temperature", self._reader(name, lambda milli: f"{milli}\n"))
            sensor.file("w1_slave", self._reader(name, _scratchpad))

    def _reader(self, name: str, show: Callable[[int], str]) -> Callable[[], str]:
        def read() -> str:
            celsius = self._world.temperatures_c.get(name)
            if celsius is None:
                raise SysfsError(errno.ENODEV)
            return show(round(celsius * 1000))

        return read


def _scratchpad(milli: int) -> str:
    """The two lines of w1_slave for a DS18B20 at 12 bit."""
    count = round(milli * 16 / 1000) & 0xFFFF
    data = [count & 0xFF, count >> 8, 0x4B, 0x46, 0x7F, 0xFF, 0x0C, 0x10]
    crc = _crc8(data)
    bytes_text = " ".join(f"{byte:02x}" for byte in [*data, crc])
    return f"{bytes_text} : crc={crc:02x} YES\n{bytes_text} t={milli}\n"


def _crc8(data: list[int]) -> int:
    """Dallas/Maxim CRC-8 (x^8 + x^5 + x^4 + 1, reflected)."""
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x8C if crc & 1 else 0)
    return crc


def add_thermal(world: World, root: Folder, *, fan: bool) -> None:
    """SoC temperature, and the fan's hwmon device where there is a fan."""
    zone = root.folder("class/thermal/thermal_zone0")
    zone.text("type", "imx_thermal_zone")
    zone.file("temp", lambda: f"{round(world.soc_c * 1000)}\n")
    soc = root.folder("class/hwmon/hwmon0")
    soc.text("name", "imx_thermal_zone")
    soc.file("temp1_input", lambda: f"{round(world.soc_c * 1000)}\n")
    if not fan:
        return

    def set_pwm(text: str) -> None:
        world.fan_pwm = min(to_unsigned(text), 255)
        world.settle()

    device = root.folder("class/hwmon/hwmon1")
    device.text("name", "pwmfan")
    device.file("pwm1", lambda: f"{world.fan_pwm}\n", set_pwm)
    device.file("fan1_input", lambda: f"{FAN_FULL_RPM * world.fan_pwm // 255}\n")


def add_cpu(root: Folder) -> None:
    """What C libraries and Python ask for: the one core of the SoC."""
    cpu = root.folder("devices/system/cpu")
    for name in ("online", "possible", "present"):
        cpu.text(name, "0")
