"""The status LED: which conditions it can show, in which order, and how (guide 14.1 Table 49, 7.9.2).

Several conditions hold at once, and ``ready`` holds whenever the station works. Of the conditions that hold
and that have a behaviour in leds.json, the one with the highest priority shows; when a timed behaviour has
ended, the next one below it shows. The order follows what the driver must know first:

* what forbids or ends charging (failure, error) hides everything else, because nothing else is true then;
* a station that still starts has nothing else to tell;
* the answer to a tag or card is short and awaited, so auth_* stand above the lasting conditions they lead to;
* charging stands above updating and deactivated: an update in the background does not disturb it and a
  station taken out of service finishes it;
* then why an EV waits, from its latest request down to being plugged in; then an empty port's reservation;
* ready is what is left.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from chargectl.declarations.types import JsonValue


@dataclass(frozen=True, slots=True)
class LedCondition:
    """A condition that a behaviour of leds.json can name; ``priority`` 1 is the highest."""

    name: str
    priority: int
    meaning: str


@dataclass(frozen=True, slots=True)
class LedMode:
    """How a behaviour lights: on and off times in ms, both 0 for always on."""

    name: str
    on_ms: int
    off_ms: int
    meaning: str


_ORDER: Final = (
    ("failure", "an error that ends only by service or restart is active; the port is unavailable"),
    ("error", "an error that can end by itself is active; charging is interrupted or not possible"),
    ("init", "the charging software starts and is not operational yet"),
    ("auth_rejected", "an authorization was just refused"),
    ("auth_accepted", "an authorization was just granted"),
    ("auth_pending", "an authorization is being decided, or an EV waits for one"),
    ("ventilation_1", "charging, and the EV asked for ventilation (state D)"),
    ("charge_1", "charging"),
    ("updating", "new firmware is being fetched or installed"),
    ("deactivated", "the port is out of service (inoperative)"),
    ("ventilation_request", "the EV asks for power and ventilation (state D) and does not get it yet"),
    ("charge_request", "the EV asks for power (state C) and does not get it yet"),
    ("connected", "an EV is plugged in"),
    ("reserved", "the port is reserved"),
    ("ready", "the station is operational"),
)

CONDITIONS: Final[tuple[LedCondition, ...]] = tuple(
    LedCondition(name, priority, meaning) for priority, (name, meaning) in enumerate(_ORDER, start=1)
)
"""The fifteen conditions, highest priority first."""

CONDITION_NAMES: Final[tuple[str, ...]] = tuple(condition.name for condition in CONDITIONS)

MODES: Final[dict[str, LedMode]] = {
    mode.name: mode
    for mode in (
        LedMode("solid", 0, 0, "always on"),
        LedMode("blink_slow", 1000, 1000, "1 s on, 1 s off"),
        LedMode("blink_fast", 100, 100, "100 ms on, 100 ms off"),
    )
}

COLORS: Final[dict[str, tuple[bool, bool, bool]]] = {
    "black": (False, False, False),
    "white": (True, True, True),
    "red": (True, False, False),
    "green": (False, True, False),
    "blue": (False, False, True),
    "cyan": (False, True, True),
    "yellow": (True, True, False),
    "magenta": (True, False, True),
}
"""Colours as (red, green, blue), in the order of ``gpios``; with fewer GPIOs the colours they lack are
dark."""

DURATION_UNIT_MS: Final = 100
"""Unit of ``duration``: the guide writes "1/100 ms", which no LED could show; a tenth of a second is
meant."""

DEFAULT_GPIOS: Final = (84,)
"""Digital output 1, the status LED."""


def _behavior(condition: str, mode: str) -> dict[str, JsonValue]:
    # White lights one LED on any of the three channels.
    return {"condition": condition, "mode": mode, "color": "white", "duration": 0}


SHIPPED_LEDS: Final[list[JsonValue]] = [
    {
        "gpios": list(DEFAULT_GPIOS),
        "behaviors": [
            _behavior("ready", "solid"),
            _behavior("charge_1", "blink_slow"),
            _behavior("ventilation_1", "blink_slow"),
            _behavior("error", "blink_fast"),
            _behavior("failure", "blink_fast"),
        ],
    }
]
"""``leds`` as shipped: on when ready, 1 s on and off while charging, 100 ms on and off with an error."""
