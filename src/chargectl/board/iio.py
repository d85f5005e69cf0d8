"""Analog inputs through the kernel's industrial I/O class, found by the device's name."""

from __future__ import annotations

import errno
import os
from typing import Final

from chargectl.board.errors import BoardError
from chargectl.board.profile import AdcChannel
from chargectl.board.sysfs import CONTENT, Sleep, list_names, open_file, read_text

_ROOT: Final = "/sys/bus/iio/devices"
_MISSING: Final = "is the ADC driver loaded, and is this the right board profile?"


def find_device(name: str, source: str) -> str:
    """Return the directory of the IIO device called ``name`` (guide 7.6.2: never go by its index).

    Raises BoardError.
    """
    for entry in list_names(_ROOT, source, _MISSING):
        try:
            found = read_text(f"{_ROOT}/{entry}/name", source, _MISSING)
        except BoardError:
            # Triggers have no name file, and a device may vanish while it is looked at.
            continue
        if found == name:
            return f"{_ROOT}/{entry}"
    raise BoardError(source, f"{_ROOT}/*/name: {name}", errno.ENODEV, missing=_MISSING)


class AnalogInput:
    """One ADC channel. Its file is opened at the first reading, and anew after a failure."""

    __slots__ = ("_channel", "_fd", "_path", "source")

    def __init__(self, channel: AdcChannel, source: str) -> None:
        self._channel = channel
        self.source = source
        self._fd = -1
        self._path = ""

    def open(self, sleep: Sleep | None = None) -> None:
        """Find and open the channel. Raises BoardError. Nothing is exported, so ``sleep`` is not needed."""
        del sleep
        self.close()
        directory = find_device(self._channel.device, self.source)
        self._path = f"{directory}/in_voltage{self._channel.channel}_raw"
        self._fd = open_file(self._path, os.O_RDONLY, self.source, _MISSING)

    def close(self) -> None:
        """Close the file."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def read_mv(self) -> int:
        """Convert and return the voltage in mV. Raises BoardError, also for a reading the ADC cannot have."""
        if self._fd < 0:
            self.open()
        try:
            content = os.pread(self._fd, 16, 0)
        except OSError as error:
            self.close()
            raise BoardError.of(self.source, self._path, error, _MISSING) from None
        try:
            return self._channel.millivolts(int(content))
        except ValueError:
            self.close()
            raise BoardError(self.source, self._path, None, problem=CONTENT) from None
