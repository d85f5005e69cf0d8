"""The simulated world's lines on the emulated SoC's pins: outputs followed, inputs driven."""

from __future__ import annotations

from typing import Final

from chargectl.sim.lines import CLAIMED_BY_DRIVERS, Line
from chargectl.sim.world import World
from tools.plant.qtest import LINES_PER_BANK, QTest

_PEAK_RESETS: Final = (Line.CP_POSITIVE_RESET, Line.CP_NEGATIVE_RESET)
_RESET_BANK: Final = Line.CP_POSITIVE_RESET // LINES_PER_BANK
"""Their pulses last 1.5 ms: too short for polling, so QEMU reports each change of their bank."""
_SETTLED_US: Final = 2_000
"""After a reset the detectors need a period of the pilot; portd waits as long before it reads."""


class Pins:
    """Joins one world with one running QEMU."""

    def __init__(self, qtest: QTest, world: World) -> None:
        self._qtest = qtest
        self.world = world
        self._driven: dict[int, bool] = {}
        self._released_us = -_SETTLED_US
        qtest.on_output = self._heard
        qtest.intercept(_RESET_BANK)

    def follow_outputs(self) -> None:
        """Bring what the SoC drives into the world; polled, for all that stays for some milliseconds."""
        for bank in sorted({line // LINES_PER_BANK for line in Line}):
            levels, directions = self._qtest.outputs(bank)
            for line in Line:
                if line // LINES_PER_BANK != bank or line in CLAIMED_BY_DRIVERS:
                    continue
                bit = 1 << line % LINES_PER_BANK
                output, level = bool(directions & bit), bool(levels & bit)
                pin = self.world.pins[line]
                if pin.output != output:
                    self.world.set_direction(line, output=output, level=level)
                elif output and pin.level != level and line not in _PEAK_RESETS:
                    self.world.write(line, level)

    def drive_inputs(self) -> None:
        """Put the world's levels on the SoC's input lines, where they have changed."""
        for line in Line:
            if self.world.pins[line].output or line in CLAIMED_BY_DRIVERS:
                self._driven.pop(line, None)
                continue
            level = self.world.gpio(line)
            if self._driven.get(line) != level:
                self._driven[line] = level
                self._qtest.drive(line, level)

    def settle_peaks(self) -> None:
        """Before a peak is read: all pulses are in, and the detectors have seen the pilot since the last.

        The emulated CPU and this process do not run in step; on the board the 2 ms have passed by then."""
        missing_us = self._released_us + _SETTLED_US - self.world.now_us
        if missing_us > 0:
            self.world.follow(self.world.now_us + missing_us)

    def _heard(self, gpio: int, level: bool) -> None:
        if gpio in _PEAK_RESETS and self.world.pins[gpio].level != level:
            self.world.write(gpio, level)
            if not level:
                self._released_us = self.world.now_us
