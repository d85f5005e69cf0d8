"""Which pin of which board is what, as data.

Charge Control C: user guide sections 4.1, 4.2, 7.3, 7.4, 7.6 to 7.10 and, for what the guide leaves out, the
public device trees of mainline Linux (``imx6ull-tarragon-*.dts``) and the vendor's public BSP layer.
A GPIO's number is that of sysfs: 32 * (bank - 1) + line.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final


@dataclass(frozen=True, slots=True)
class Pin:
    """A GPIO line. ``active_low``: the signal is active while the line is low."""

    number: int
    active_low: bool = False


@dataclass(frozen=True, slots=True)
class RelayPins:
    """A relay's drive and the sense input of the load behind it."""

    enable: Pin
    sense: Pin


@dataclass(frozen=True, slots=True)
class AdcChannel:
    """An ADC channel; millivolts are raw * numerator / denominator + offset."""

    device: str
    channel: int
    numerator: int
    denominator: int
    offset_mv: int = 0
    maximum: int = 4095

    def millivolts(self, raw: int) -> int:
        """Return the voltage of a reading, rounded to 1 mV.

        Raises ValueError for a reading that the ADC cannot have (allowed: 0..maximum).
        """
        if not 0 <= raw <= self.maximum:
            raise ValueError(f"reading {raw}: 0..{self.maximum} is possible")
        return (2 * raw * self.numerator + self.denominator) // (2 * self.denominator) + self.offset_mv


@dataclass(frozen=True, slots=True)
class MotorPins:
    """A lock motor: the driver's two inputs, its fault output, the position switch's voltage."""

    in1: Pin
    in2: Pin
    fault: Pin
    sense: AdcChannel


@dataclass(frozen=True, slots=True)
class PwmChannel:
    """A PWM channel; ``device`` is the name of the chip's device."""

    device: str
    channel: int
    period_ns: int


@dataclass(frozen=True, slots=True)
class PilotPins:
    """The control pilot: source, switch to the line, peak detectors."""

    pwm: PwmChannel
    invert: Pin
    """Active: the source reaches the line."""
    positive_reset: Pin
    negative_reset: Pin
    positive_peak: AdcChannel
    negative_peak: AdcChannel


@dataclass(frozen=True, slots=True)
class PowerlinePins:
    """A QCA7000's control lines and its network interface."""

    interface: str
    reset: Pin
    bootloader: Pin


@dataclass(frozen=True, slots=True)
class SerialPort:
    """An EIA-485 port; the UART driver itself switches ``driver_enable``."""

    connector: str
    device: str
    driver_enable: Pin
    maximum_baud: int


@dataclass(frozen=True, slots=True)
class LedNames:
    """The LEDs' names below /sys/class/leds, today's first, then those of older device trees."""

    green: tuple[str, ...]
    yellow: tuple[str, ...]
    red: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BoardProfile:
    """Everything that tells one board from another."""

    name: str
    variant: int
    relays: tuple[RelayPins, ...]
    """Relay 1 (contactor) first."""
    plug_lock: MotorPins
    cover_lock: MotorPins
    lock_capacitor: AdcChannel
    pilot: PilotPins
    proximity: AdcChannel
    rotary_bits: tuple[Pin, ...]
    """Lowest bit first."""
    inputs: tuple[Pin, ...]
    """DIG_IN_1 first."""
    input_threshold: PwmChannel
    input_threshold_full_scale_mv: int
    """Threshold at 100 % duty."""
    outputs: tuple[Pin, ...]
    """PUSH_PULL_OUT_1 first."""
    leds: LedNames
    pilot_powerline: PowerlinePins | None
    mains_powerline: PowerlinePins | None
    serial_ports: tuple[SerialPort, ...]
    serial_mcu_reset: Pin
    serial_mcu_boot: Pin
    fan_rotation: Pin
    fan_autostart: bool
    """The fan is regulated from boot on."""
    mains_present: Pin
    straps: tuple[Pin, ...]
    """Assembly straps, number 0 first."""


_ADC: Final = "2198000.adc"
_ADC_REFERENCE_MV: Final = 3300


def _plain(channel: int) -> AdcChannel:
    return AdcChannel(_ADC, channel, _ADC_REFERENCE_MV, 4095)


def _pilot_peak(channel: int) -> AdcChannel:
    return AdcChannel(_ADC, channel, _ADC_REFERENCE_MV * 4561, 4095 * 476, -16013)


CHARGE_CONTROL_C_300: Final = BoardProfile(
    name="charge-control-c",
    variant=300,
    relays=(RelayPins(Pin(76), Pin(131)), RelayPins(Pin(77), Pin(130))),
    plug_lock=MotorPins(Pin(71, active_low=True), Pin(72), Pin(19, active_low=True), _plain(0)),
    cover_lock=MotorPins(Pin(73), Pin(136), Pin(25, active_low=True), _plain(1)),
    lock_capacitor=AdcChannel(_ADC, 4, _ADC_REFERENCE_MV * 90, 4095 * 22),
    pilot=PilotPins(
        pwm=PwmChannel("20fc000.pwm", 0, 1_000_000),
        invert=Pin(13),
        positive_reset=Pin(138),
        negative_reset=Pin(139),
        positive_peak=_pilot_peak(2),
        negative_peak=_pilot_peak(3),
    ),
    proximity=AdcChannel(_ADC, 5, _ADC_REFERENCE_MV, 4096),
    rotary_bits=tuple(Pin(number, active_low=True) for number in (128, 22, 23, 24)),
    inputs=tuple(Pin(number) for number in (121, 122, 124, 123, 116, 119)),
    input_threshold=PwmChannel("2084000.pwm", 0, 40_000),
    input_threshold_full_scale_mv=12_000,
    outputs=tuple(Pin(number) for number in (84, 85, 86, 87, 88, 89)),
    leds=LedNames(
        green=("green:boot", "evse:green:led1"),
        yellow=("yellow:programming", "evse:yellow:led2"),
        red=("red:heartbeat", "evse:red:led3"),
    ),
    pilot_powerline=PowerlinePins("eth1", Pin(81, active_low=True), Pin(82, active_low=True)),
    mains_powerline=PowerlinePins("eth2", Pin(135, active_low=True), Pin(80, active_low=True)),
    serial_ports=(
        SerialPort("X7", "/dev/ttymxc0", Pin(18), 115_200),
        SerialPort("X8", "/dev/ttymxc4", Pin(120), 115_200),
    ),
    serial_mcu_reset=Pin(75, active_low=True),
    serial_mcu_boot=Pin(74),
    fan_rotation=Pin(129),
    fan_autostart=True,
    mains_present=Pin(132),
    straps=tuple(Pin(number) for number in (111, 109, 110, 112)),
)
"""The fully equipped variant; the others lack parts of it."""

CHARGE_CONTROL_C_200: Final = replace(
    CHARGE_CONTROL_C_300,
    variant=200,
    mains_powerline=None,
    serial_ports=CHARGE_CONTROL_C_300.serial_ports[:1],
    fan_autostart=False,
)
"""Without mains powerline and without the second EIA-485 (guide 7.3.1, 17)."""

CHARGE_CONTROL_C_100: Final = replace(
    CHARGE_CONTROL_C_200,
    variant=100,
    relays=CHARGE_CONTROL_C_200.relays[:1],
    pilot_powerline=None,
)
"""With one relay and without powerline (guide 15.20, 17)."""

PROFILES: Final = (CHARGE_CONTROL_C_100, CHARGE_CONTROL_C_200, CHARGE_CONTROL_C_300)


def profile_for(name: str, variant: int) -> BoardProfile:
    """Return the profile of a board. Raises ValueError that names the known boards."""
    for profile in PROFILES:
        if (profile.name, profile.variant) == (name, variant):
            return profile
    known = ", ".join(f"{profile.name} {profile.variant}" for profile in PROFILES)
    raise ValueError(f"board {name!r}, variant {variant}: not known; known are {known}")
