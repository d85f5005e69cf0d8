"""An LED of the kernel's LED class with its triggers none, default-on, timer and heartbeat."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

TRIGGERS: Final = ("none", "timer", "heartbeat", "default-on")
MAX_BRIGHTNESS: Final = 255
BLINK_MS: Final = 500
"""The kernel's default for both halves of the timer trigger."""


@dataclass(slots=True)
class Led:
    """State of one LED. Writing brightness 0 removes the trigger, as the kernel does."""

    brightness: int = 0
    trigger: str = "none"
    delay_on_ms: int = 0
    delay_off_ms: int = 0
    since_us: int = 0

    def set_brightness(self, value: int) -> None:
        """Set the brightness, at most 255."""
        self.brightness = min(value, MAX_BRIGHTNESS)
        if self.brightness == 0:
            self.trigger = "none"

    def set_trigger(self, name: str, now_us: int) -> None:
        """Raises ValueError for a trigger the kernel does not know."""
        if name not in TRIGGERS:
            raise ValueError(f"LED trigger {name!r}: one of {', '.join(TRIGGERS)} is allowed")
        if name == "timer" and self.trigger != "timer":
            self.delay_on_ms = self.delay_off_ms = BLINK_MS
        self.trigger = name
        self.since_us = now_us
        self.brightness = 0 if name == "none" else MAX_BRIGHTNESS

    def lit(self, now_us: int) -> bool:
        """Whether it shines at this moment."""
        elapsed_ms = (now_us - self.since_us) // 1000
        if self.trigger == "timer":
            period = self.delay_on_ms + self.delay_off_ms
            return self.delay_on_ms > 0 and (self.delay_off_ms == 0 or elapsed_ms % period < self.delay_on_ms)
        if self.trigger == "heartbeat":
            beat = elapsed_ms % 1260
            return beat < 70 or 280 <= beat < 350
        return self.brightness > 0
