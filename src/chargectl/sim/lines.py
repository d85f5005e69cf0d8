"""The numbers on the board: GPIO lines, PWM chips and ADC channels, as the simulated board wires them.

This is the sim's own transcription. Production code has its board profile; that the two agree is what the
end-to-end tests show, so neither imports the other.
"""

from __future__ import annotations

from enum import IntEnum, unique
from typing import Final


@unique
class Line(IntEnum):
    """GPIO lines by sysfs number (32 * (bank - 1) + line)."""

    CP_INVERT = 13
    RS485_ENABLE_1 = 18
    LOCK_FAULT = 19
    ROTARY_2 = 22
    ROTARY_4 = 23
    ROTARY_8 = 24
    COVER_FAULT = 25
    LOCK_IN1 = 71
    LOCK_IN2 = 72
    COVER_IN1 = 73
    RELAY_1 = 76
    RELAY_2 = 77
    OUTPUT_1 = 84
    OUTPUT_2 = 85
    OUTPUT_3 = 86
    OUTPUT_4 = 87
    OUTPUT_5 = 88
    OUTPUT_6 = 89
    STRAP_1 = 109
    STRAP_2 = 110
    STRAP_0 = 111
    STRAP_3 = 112
    INPUT_5 = 116
    INPUT_6 = 119
    RS485_ENABLE_2 = 120
    INPUT_1 = 121
    INPUT_2 = 122
    INPUT_4 = 123
    INPUT_3 = 124
    ROTARY_1 = 128
    FAN_ROTATION = 129
    SENSE_2 = 130
    SENSE_1 = 131
    MAINS_PRESENT = 132
    COVER_IN2 = 136
    CP_POSITIVE_RESET = 138
    CP_NEGATIVE_RESET = 139


LINE_COUNT: Final = 160
"""Five banks of 32 lines."""

CLAIMED_BY_DRIVERS: Final = frozenset({Line.RS485_ENABLE_1, Line.RS485_ENABLE_2})
"""Lines that a kernel driver (the UART) holds: exporting one fails with EBUSY."""

DIGITAL_INPUTS: Final = (
    Line.INPUT_1,
    Line.INPUT_2,
    Line.INPUT_3,
    Line.INPUT_4,
    Line.INPUT_5,
    Line.INPUT_6,
)
"""DIG_IN_1 to DIG_IN_6 (guide, table 26)."""

ROTARY_BITS: Final = (Line.ROTARY_1, Line.ROTARY_2, Line.ROTARY_4, Line.ROTARY_8)
STRAPS: Final = (Line.STRAP_0, Line.STRAP_1, Line.STRAP_2, Line.STRAP_3)

VARIANT_STRAPS: Final = {100: 0b0001, 200: 0b0010, 300: 0b0011}
"""Strap levels by board variant. The vendor publishes no table; these values are the sim's own."""

PILOT_PWM: Final = "20fc000.pwm"
THRESHOLD_PWM: Final = "2084000.pwm"
ADC_NAME: Final = "2198000.adc"


@unique
class Channel(IntEnum):
    """ADC channels (``in_voltageN_raw``)."""

    LOCK_SENSE = 0
    COVER_SENSE = 1
    CP_POSITIVE_PEAK = 2
    CP_NEGATIVE_PEAK = 3
    LOCK_CAPACITOR = 4
    PROXIMITY = 5


ADC_REFERENCE_MV: Final = 3300
ADC_MAX: Final = 4095
