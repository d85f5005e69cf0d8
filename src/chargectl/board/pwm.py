"""PWM channels through sysfs, found by the name of their device.

python-periphery finds, sets up and checks the channel. Two things of it are not used: its attribute writes
open and close a file each time (three system calls and several objects where the control loop needs one),
and its ``close`` unexports the channel, which would stop the control pilot or the input threshold when a
program ends. So duty cycle and enable are kept open here, and ``close`` leaves the channel as it is.
"""

from __future__ import annotations

import errno
import os
from typing import Final

from periphery import PWM

from chargectl.board.errors import BoardError
from chargectl.board.profile import PwmChannel
from chargectl.board.sysfs import Sleep, export, list_names, open_file, settle

_ROOT: Final = "/sys/class/pwm"
_MISSING: Final = "is the PWM driver loaded, and is this the right board profile?"
_CHIP: Final = "pwmchip"


class _KeptPwm(PWM):
    """A channel that outlives this object."""

    def close(self) -> None:
        """Keep the channel exported and running."""


def find_chip(device: str, source: str) -> int:
    """Return the number of the PWM chip whose parent device is called ``device``. Raises BoardError.

    Numbers follow the order in which drivers were probed; only the device's name is stable.
    """
    for name in list_names(_ROOT, source, _MISSING):
        if name.startswith(_CHIP) and os.path.basename(os.path.realpath(f"{_ROOT}/{name}/device")) == device:
            return int(name.removeprefix(_CHIP))
    raise BoardError(source, f"{_ROOT}/*/device -> {device}", errno.ENODEV, missing=_MISSING)


class PwmOutput:
    """One PWM channel with a fixed period."""

    __slots__ = ("_channel", "_directory", "_duty_fd", "_enable_fd", "source")

    def __init__(self, channel: PwmChannel, source: str) -> None:
        self._channel = channel
        self.source = source
        self._directory = ""
        self._duty_fd = -1
        self._enable_fd = -1

    @property
    def is_open(self) -> bool:
        """Whether the channel works as far as is known."""
        return self._duty_fd >= 0

    @property
    def period_ns(self) -> int:
        """The period in ns."""
        return self._channel.period_ns

    def open(self, sleep: Sleep | None = None) -> None:
        """Find and export the channel and set its period; a running one keeps running. Raises BoardError."""
        self.close()
        chip = find_chip(self._channel.device, self.source)
        chip_directory = f"{_ROOT}/{_CHIP}{chip}"
        self._directory = f"{chip_directory}/pwm{self._channel.channel}"
        fresh = export(chip_directory, self._channel.channel, self._directory, self.source, _MISSING)
        settle(lambda: self._attach(chip), fresh, sleep)

    def close(self) -> None:
        """Close the files; the channel stays as it is."""
        for fd in (self._duty_fd, self._enable_fd):
            if fd >= 0:
                os.close(fd)
        self._duty_fd = self._enable_fd = -1

    def set_duty_ns(self, duty_ns: int) -> None:
        """Set the high time in ns (0..period). Raises BoardError."""
        if self._duty_fd < 0:
            self.open()
        self._write(self._duty_fd, b"%d" % duty_ns, "duty_cycle")

    def enable(self, on: bool) -> None:
        """Start or stop the channel. Raises BoardError."""
        if self._enable_fd < 0:
            self.open()
        self._write(self._enable_fd, b"1" if on else b"0", "enable")

    def _attach(self, chip: int) -> None:
        try:
            self._set_up(_KeptPwm(chip, self._channel.channel))
        except (OSError, ValueError) as error:
            problem = error if isinstance(error, OSError) else OSError(str(error))
            raise BoardError.of(self.source, self._directory, problem, _MISSING) from None
        except LookupError:
            raise BoardError(self.source, self._directory, errno.ENODEV, missing=_MISSING) from None
        self._enable_fd = open_file(f"{self._directory}/enable", os.O_WRONLY, self.source, _MISSING)
        try:
            self._duty_fd = open_file(f"{self._directory}/duty_cycle", os.O_WRONLY, self.source, _MISSING)
        except BoardError:
            self.close()
            raise

    def _set_up(self, pwm: PWM) -> None:
        # The kernel refuses everything while the period is 0, a period below the high time, and another
        # polarity while the channel runs.
        if pwm.period_ns != self._channel.period_ns:
            if pwm.duty_cycle_ns > self._channel.period_ns:
                pwm.duty_cycle_ns = 0
            pwm.period_ns = self._channel.period_ns
        if pwm.polarity != "normal":
            pwm.disable()
            pwm.polarity = "normal"

    def _write(self, fd: int, content: bytes, name: str) -> None:
        try:
            os.pwrite(fd, content, 0)
        except OSError as error:
            self.close()
            raise BoardError.of(self.source, f"{self._directory}/{name}", error, _MISSING) from None
