"""The three LEDs on the board (guide 4.1). The station's status LED is a digital output, not one of them.

Blinking is left to the kernel's triggers: it goes on while the program is busy or gone.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from enum import Enum, unique
from typing import Final

from periphery import LED

from chargectl.board.errors import BoardError
from chargectl.board.profile import LedNames
from chargectl.board.sysfs import write_text

_ROOT: Final = "/sys/class/leds"
_MISSING: Final = "is the LED driver loaded, and is this the right board profile?"


@unique
class GreenLed(Enum):
    """LED1: the state of the system."""

    BOOTING = "blinking"
    OPERATIONAL = "on"


@unique
class RedLed(Enum):
    """LED3: whether the operating system runs."""

    BOOTING = "blinking"
    RUNNING = "heartbeat"
    """The kernel's rhythm, faster with the load."""


@unique
class YellowLed(Enum):
    """LED2: firmware update from a USB stick."""

    SEARCHING = "on"
    """A stick is being searched for update images."""
    UPDATING = "blinking, 250 ms on, 250 ms off"
    OFF = "off"
    """Nothing to update, or finished."""


_BOOTING_BLINK_MS: Final = 500
_UPDATING_BLINK_MS: Final = 250


class BoardLeds:
    """The LEDs by colour. Each call raises BoardError when the LED is missing or refuses."""

    __slots__ = ("_names",)

    def __init__(self, names: LedNames) -> None:
        self._names = names

    def green(self, mode: GreenLed) -> None:
        """Show whether the board boots or is operational."""
        if mode is GreenLed.BOOTING:
            self._blink(self._names.green, "green_led", _BOOTING_BLINK_MS)
        else:
            self._steady(self._names.green, "green_led", True)

    def yellow(self, mode: YellowLed) -> None:
        """Show how far an update is."""
        if mode is YellowLed.UPDATING:
            self._blink(self._names.yellow, "yellow_led", _UPDATING_BLINK_MS)
        else:
            self._steady(self._names.yellow, "yellow_led", mode is YellowLed.SEARCHING)

    def red(self, mode: RedLed) -> None:
        """Show that the board boots, or let the kernel's heartbeat show the load."""
        if mode is RedLed.BOOTING:
            self._blink(self._names.red, "red_led", _BOOTING_BLINK_MS)
        else:
            path = self._find(self._names.red, "red_led")
            write_text(f"{path}/trigger", "heartbeat", "red_led", _MISSING)

    def _find(self, names: Sequence[str], source: str) -> str:
        for name in names:
            path = f"{_ROOT}/{name}"
            if os.path.isdir(path):
                return path
        raise BoardError(source, f"{_ROOT}/{names[0]}", errno.ENOENT, missing=_MISSING)

    def _blink(self, names: Sequence[str], source: str, half_period_ms: int) -> None:
        path = self._find(names, source)
        write_text(f"{path}/trigger", "timer", source, _MISSING)
        for delay in ("delay_on", "delay_off"):
            write_text(f"{path}/{delay}", str(half_period_ms), source, _MISSING)

    def _steady(self, names: Sequence[str], source: str, on: bool) -> None:
        path = self._find(names, source)
        write_text(f"{path}/trigger", "none", source, _MISSING)
        try:
            with LED(os.path.basename(path)) as led:
                led.write(on)
        except OSError as error:
            raise BoardError.of(source, path, error, _MISSING) from None
        except LookupError:
            raise BoardError(source, path, errno.ENODEV, missing=_MISSING) from None
