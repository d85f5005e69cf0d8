"""``/sys/class/gpio``: export, direction, value, edge and active_low, with the kernel's rules.

Source: Documentation/admin-guide/gpio/sysfs.rst and the behaviour of drivers/gpio/gpiolib-sysfs.c.
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from chargectl.sim.lines import CLAIMED_BY_DRIVERS, LINE_COUNT
from chargectl.sim.sysfs.nodes import Folder, Signal, SysfsError, invalid, to_int, to_unsigned, word
from chargectl.sim.world import World

BANK_LABELS: Final = ("209c000.gpio", "20a0000.gpio", "20a4000.gpio", "20a8000.gpio", "20ac000.gpio")
EDGES: Final = ("none", "rising", "falling", "both")


@dataclass(slots=True)
class Exported:
    """What userspace has set up for one exported line."""

    active_low: bool = False
    edge: str = "none"
    signal: Signal = field(default_factory=Signal)


class GpioClass:
    """The class folder; ``on_level`` must hear every change of an input line."""

    def __init__(self, world: World, root: Folder) -> None:
        self._world = world
        self._exported: dict[int, Exported] = {}
        self._folder = root.folder("class/gpio")
        self._folder.file("export", write=self._export)
        self._folder.file("unexport", write=self._unexport)
        for bank, label in enumerate(BANK_LABELS):
            chip = self._folder.folder(f"gpiochip{32 * bank}")
            chip.text("base", str(32 * bank))
            chip.text("label", label)
            chip.text("ngpio", "32")

    def on_level(self, number: int, level: bool) -> None:
        """Raise the edge event of a line whose physical level has changed."""
        line = self._exported.get(number)
        if line is None or self._world.pins[number].output:
            return
        rising = level != line.active_low
        if line.edge in ("both", "rising" if rising else "falling"):
            line.signal.notify()

    def _export(self, text: str) -> None:
        number = to_int(text)
        if not 0 <= number < LINE_COUNT:
            raise invalid()
        if number in self._exported or number in CLAIMED_BY_DRIVERS:
            raise SysfsError(errno.EBUSY)
        line = self._exported[number] = Exported()
        folder = Folder(device=f"gpio/{number}")
        folder.file(
            "direction", self._reader(self._direction, number), self._writer(self._set_direction, number)
        )
        folder.file(
            "value",
            self._reader(self._value, number),
            self._writer(self._set_value, number),
            signal=line.signal,
        )
        folder.file("edge", self._reader(self._edge, number), self._writer(self._set_edge, number))
        folder.file(
            "active_low", self._reader(self._active_low, number), self._writer(self._set_active_low, number)
        )
        folder.link("device", f"../gpiochip{number // 32 * 32}")
        folder.link("subsystem", "../../gpio")
        self._folder.add(f"gpio{number}", folder)

    def _unexport(self, text: str) -> None:
        number = to_int(text)
        if self._exported.pop(number, None) is None:
            raise invalid()
        self._folder.remove(f"gpio{number}")

    def _reader(self, function: Callable[[int], str], number: int) -> Callable[[], str]:
        return lambda: function(number) + "\n"

    def _writer(self, function: Callable[[int, str], None], number: int) -> Callable[[str], None]:
        return lambda text: function(number, text)

    def _direction(self, number: int) -> str:
        return "out" if self._world.pins[number].output else "in"

    def _set_direction(self, number: int, text: str) -> None:
        match word(text):
            case "in":
                self._world.set_direction(number, output=False)
            case "out" | "low" | "high" if self._exported[number].edge != "none":
                raise SysfsError(errno.EIO)
            case "out" | "low":
                self._world.set_direction(number, output=True, level=False)
            case "high":
                self._world.set_direction(number, output=True, level=True)
            case _:
                raise invalid()

    def _value(self, number: int) -> str:
        return str(int(self._world.gpio(number) != self._exported[number].active_low))

    def _set_value(self, number: int, text: str) -> None:
        if not self._world.pins[number].output:
            raise SysfsError(errno.EPERM)
        self._world.write(number, (to_int(text) != 0) != self._exported[number].active_low)

    def _edge(self, number: int) -> str:
        return self._exported[number].edge

    def _set_edge(self, number: int, text: str) -> None:
        edge = word(text)
        if edge not in EDGES:
            raise invalid()
        if edge != "none" and self._world.pins[number].output:
            raise SysfsError(errno.EIO)
        self._exported[number].edge = edge

    def _active_low(self, number: int) -> str:
        return str(int(self._exported[number].active_low))

    def _set_active_low(self, number: int, text: str) -> None:
        self._exported[number].active_low = to_unsigned(text) != 0
