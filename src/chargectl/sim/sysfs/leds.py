"""``/sys/class/leds``: brightness and triggers."""

from __future__ import annotations

from collections.abc import Callable

from chargectl.sim.plant.leds import MAX_BRIGHTNESS, TRIGGERS, Led
from chargectl.sim.sysfs.nodes import Folder, invalid, to_unsigned, word
from chargectl.sim.world import World


class LedDevice:
    """One LED; the files of the timer trigger exist only while it is selected."""

    def __init__(self, world: World, root: Folder, name: str) -> None:
        self._world = world
        self._led: Led = world.leds[name]
        self._folder = root.folder(f"class/leds/{name}", f"led/{name}")
        self._folder.text("max_brightness", str(MAX_BRIGHTNESS))
        self._folder.file("brightness", lambda: f"{self._led.brightness}\n", self._set_brightness)
        self._folder.file("trigger", self._trigger, self._set_trigger)

    def _set_brightness(self, text: str) -> None:
        self._led.set_brightness(to_unsigned(text))
        self._show_delays()

    def _trigger(self) -> str:
        return " ".join(f"[{name}]" if name == self._led.trigger else name for name in TRIGGERS) + "\n"

    def _set_trigger(self, text: str) -> None:
        if word(text) not in TRIGGERS:
            raise invalid()
        self._led.set_trigger(word(text), self._world.now_us)
        self._show_delays()

    def _show_delays(self) -> None:
        shown = "delay_on" in self._folder.children
        if self._led.trigger == "timer" and not shown:
            self._folder.file("delay_on", lambda: f"{self._led.delay_on_ms}\n", self._delay("delay_on_ms"))
            self._folder.file("delay_off", lambda: f"{self._led.delay_off_ms}\n", self._delay("delay_off_ms"))
        elif self._led.trigger != "timer" and shown:
            self._folder.remove("delay_on")
            self._folder.remove("delay_off")

    def _delay(self, name: str) -> Callable[[str], None]:
        def write(text: str) -> None:
            setattr(self._led, name, to_unsigned(text))
            self._led.since_us = self._world.now_us

        return write
