"""leds.json and rotaryencd.json (guide 14.1 Table 49, Table 50)."""

from __future__ import annotations

from typing import Final

from chargectl.declarations.leds import COLORS, CONDITION_NAMES, DEFAULT_GPIOS, MODES, SHIPPED_LEDS
from chargectl.declarations.rotary import ROTARY_TABLE
from chargectl.declarations.types import ConfigFile, Key, KeyType

_T49: Final = "14.1, Table 49"
_T50: Final = "14.1, Table 50"

_LEDS: Final = (
    Key(
        ConfigFile.LEDS,
        "leds",
        KeyType.OBJECTS,
        SHIPPED_LEDS,
        "The status LEDs of the station.",
        _T49,
        ocpp_writable=False,
    ),
    Key(
        ConfigFile.LEDS,
        "leds[]/gpios",
        KeyType.INTEGERS,
        [*DEFAULT_GPIOS],
        "GPIOs of the digital outputs with the LED's channels: red, green, blue; one GPIO is enough for"
        " one colour.",
        _T49,
        minimum=84,
        maximum=89,
        ocpp_writable=False,
    ),
    Key(
        ConfigFile.LEDS,
        "leds[]/behaviors",
        KeyType.OBJECTS,
        [],
        "What the LED shows. Of the conditions that hold, the one with the highest priority shows.",
        _T49,
        ocpp_writable=False,
        default_meaning="the LED stays dark",
    ),
    Key(
        ConfigFile.LEDS,
        "leds[]/behaviors[]/condition",
        KeyType.STRING,
        None,
        "When this behaviour shows.",
        _T49,
        allowed=CONDITION_NAMES,
        ocpp_writable=False,
        default_meaning="the item does nothing",
    ),
    Key(
        ConfigFile.LEDS,
        "leds[]/behaviors[]/mode",
        KeyType.STRING,
        "solid",
        "solid: always on; blink_slow: 1 s on, 1 s off; blink_fast: 100 ms on, 100 ms off.",
        _T49,
        allowed=tuple(MODES),
        ocpp_writable=False,
    ),
    Key(
        ConfigFile.LEDS,
        "leds[]/behaviors[]/color",
        KeyType.STRING,
        "white",
        "Colour of the LED; black is off.",
        _T49,
        allowed=tuple(COLORS),
        ocpp_writable=False,
    ),
    Key(
        ConfigFile.LEDS,
        "leds[]/behaviors[]/duration",
        KeyType.INTEGER,
        0,
        "How long the behaviour shows, in units of 100 ms, before the next lower one resumes; 0: as long"
        " as the condition"
        " holds.",
        _T49,
        minimum=0,
        ocpp_writable=False,
    ),
)


def _position(position: int, phase_count: int, current_limit_a: int) -> tuple[Key, Key]:
    return (
        Key(
            ConfigFile.ROTARY,
            f"rotary_switch_1[{position}]/phase_count",
            KeyType.INTEGER,
            phase_count,
            f"Phases at position {position:X} of SW2.",
            _T50,
            minimum=3,
            maximum=3,
            also_allowed=(1,),
            ocpp_writable=False,
        ),
        Key(
            ConfigFile.ROTARY,
            f"rotary_switch_1[{position}]/current_limit",
            KeyType.INTEGER,
            current_limit_a,
            f"Grid current limit at position {position:X} of SW2, A per phase.",
            _T50,
            minimum=1,
            maximum=10000,
            ocpp_writable=False,
        ),
    )


_ROTARY: Final = tuple(
    key
    for position, (phase_count, current_limit_a) in enumerate(ROTARY_TABLE)
    for key in _position(position, phase_count, current_limit_a)
)

KEYS: Final[tuple[Key, ...]] = (*_LEDS, *_ROTARY)
