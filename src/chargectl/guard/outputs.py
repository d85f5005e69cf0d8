"""The outputs that can do harm, at their safe levels: contactor first, then lock motors, then the pilot.

A line's level is set through its ``direction`` file: ``low`` and ``high`` make it an output at that level of
the wire in one step, whatever it was before and whatever ``active_low`` says.
"""

import os
import time

import libc
import pins
from report import error, name_of, note

_GPIO = "/sys/class/gpio"
_PWM = "/sys/class/pwm"
_STEADY_MS = 2
"""The pilot's source stays at steady +12 V this long before it leaves the line: two periods, so that it is
not cut in a negative half wave."""


class Outputs:
    """All of them. Nothing raises: each is tried whatever happens to the others."""

    def __init__(self):
        self._lines = [Line(number, name, high) for number, name, high in pins.SAFE]
        self._pilot = Line(pins.PILOT_INVERT[0], "pilot line", pins.PILOT_INVERT[1])

    def make_safe(self, again=False):
        """Put all outputs to their safe levels; return whether that worked for every one.

        ``again``: they were put there before; the pilot's source needs no second steady phase.
        """
        well = True
        for line in self._lines:
            well = line.make_safe() and well
        if not again:
            _steady_pilot()
        return self._pilot.make_safe() and well

    @property
    def lost(self):
        """Name of a line that obeyed once and does not any more, "" if there is none."""
        for line in self._lines:
            if line.lost:
                return line.name
        return ""


class Line:
    """One GPIO line and its safe level."""

    def __init__(self, number, name, high):
        self._number = number
        self.name = name
        self._safe = b"high" if high else b"low"
        self._path = f"{_GPIO}/gpio{number}/direction"
        self._fd = -1
        self._failed = False
        self._obeyed = False

    @property
    def lost(self):
        """Whether the line obeyed once and does not any more."""
        return self._obeyed and self._failed

    def make_safe(self):
        """Put the line to its safe level; return whether that worked."""
        try:
            if self._fd < 0 or not self._write():
                self._open()
                if not self._write():
                    raise OSError(os.errno())
        except OSError as problem:
            if not self._failed:
                error(f"{self.name}: {self._path}: {name_of(problem)}: it cannot be put to its safe level")
            self._failed = True
            return False
        if self._failed:
            note(f"{self.name}: works again")
        self._failed = False
        self._obeyed = True
        return True

    def _open(self):
        # A board exports its lines while it boots; a line that is missing all the same is asked for.
        if libc.is_missing(self._path):
            export = libc.open_write(f"{_GPIO}/export")
            try:
                libc.write(export, str(self._number).encode())
            finally:
                libc.close(export)
        self._fd = libc.open_write(self._path)

    def _write(self):
        try:
            libc.rewrite(self._fd, self._safe)
        except OSError:
            # The line was exported anew since: the file of the old export is dead.
            libc.close(self._fd)
            self._fd = -1
            return False
        return True


def _steady_pilot():
    """Let the pilot's source stand at +12 V. Where that does not work, the line is cut off all the same."""
    try:
        for chip in os.listdir(_PWM):
            if libc.link_name(f"{_PWM}/{chip}/device") == pins.PILOT_PWM[0]:
                duty = libc.open_write(f"{_PWM}/{chip}/pwm{pins.PILOT_PWM[1]}/duty_cycle")
                try:
                    libc.write(duty, str(pins.PILOT_PWM[2]).encode())
                finally:
                    libc.close(duty)
                time.sleep_ms(_STEADY_MS)
    except OSError:
        pass
