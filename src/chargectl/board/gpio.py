"""GPIO lines through sysfs: levels as they are on the wire (True is high).

Whether a signal is active low is the business of the board profile; the kernel's own inversion
(``active_low``) is switched off, because another program may have left it on.

python-periphery opens the line and sets its direction. The value is then read and written on its descriptor
with one ``pread``/``pwrite``, half the system calls of its own ``read``/``write``.
"""

from __future__ import annotations

import contextlib
import os
from typing import Final

from periphery import SysfsGPIO

from chargectl.board.errors import BoardError
from chargectl.board.sysfs import CONTENT, Sleep, export, read_text, settle, write_text

_ROOT: Final = "/sys/class/gpio"
_MISSING: Final = "does the kernel have CONFIG_GPIO_SYSFS, and is this the right board profile?"
_ZERO: Final = ord("0")
_ONE: Final = ord("1")


class _Line:
    """One exported line and its open value file."""

    __slots__ = ("_directory", "_gpio", "_path", "fd", "generation", "number", "source")

    def __init__(self, number: int, source: str) -> None:
        self.number = number
        self.source = source
        self.fd = -1
        """Descriptor of the value file; -1 while the line does not work."""
        self.generation = 0
        """Counts openings, so that a reused descriptor number is told from the old one."""
        self._gpio: SysfsGPIO | None = None
        self._directory = f"{_ROOT}/gpio{number}"
        self._path = f"{self._directory}/value"

    def close(self) -> None:
        """Close the value file; the line stays exported, at its level."""
        gpio, self._gpio, self.fd = self._gpio, None, -1
        if gpio is not None:
            # The descriptor is gone either way; there is nothing left to do about an error.
            with contextlib.suppress(OSError):
                gpio.close()

    def _open(self, direction: str, sleep: Sleep | None) -> None:
        self.close()
        fresh = export(_ROOT, self.number, self._directory, self.source, _MISSING)
        settle(lambda: self._attach(direction), fresh, sleep)

    def _attach(self, direction: str) -> None:
        self._clear_edge()
        try:
            gpio = SysfsGPIO(self.number, direction)
        except OSError as error:
            raise BoardError.of(self.source, self._directory, error, _MISSING) from None
        inversion = f"{self._directory}/active_low"
        if read_text(inversion, self.source, _MISSING) != "0":
            write_text(inversion, "0", self.source, _MISSING)
        self._prepare()
        self._gpio = gpio
        self.fd = gpio.fd
        self.generation += 1

    def _clear_edge(self) -> None:
        """Let go of an edge that somebody set: the kernel refuses to make such a line an output."""
        edge = f"{self._directory}/edge"
        # Lines without an interrupt have no such file.
        if os.path.exists(edge) and read_text(edge, self.source, _MISSING) != "none":
            write_text(edge, "none", self.source, _MISSING)

    def _prepare(self) -> None:
        """Set what the line needs besides its direction."""

    def _fail(self, error: OSError) -> BoardError:
        self.close()
        return BoardError.of(self.source, self._path, error, _MISSING)


class InputLine(_Line):
    """An input; with ``edges`` it wakes who polls its descriptor for priority events on every edge."""

    __slots__ = ("_edges",)

    def __init__(self, number: int, source: str, *, edges: bool = False) -> None:
        super().__init__(number, source)
        self._edges = edges

    def open(self, sleep: Sleep | None = None) -> None:
        """Export the line and make it an input. Raises BoardError."""
        self._open("in", sleep)

    def read(self) -> bool:
        """Return the level. Raises BoardError; the next read then tries to open the line anew."""
        if self.fd < 0:
            self.open()
        try:
            content = os.pread(self.fd, 2, 0)
        except OSError as error:
            raise self._fail(error) from None
        digit = content[0] if content else 0
        if digit == _ONE:
            return True
        if digit == _ZERO:
            return False
        self.close()
        raise BoardError(self.source, self._path, None, problem=CONTENT)

    def _prepare(self) -> None:
        if self._edges:
            write_text(f"{self._directory}/edge", "both", self.source, _MISSING)


class OutputLine(_Line):
    """An output that takes its safe level in the very step that makes it an output."""

    __slots__ = ("_safe",)

    def __init__(self, number: int, source: str, *, safe: bool) -> None:
        super().__init__(number, source)
        self._safe = safe

    @property
    def safe(self) -> bool:
        """The level that does no harm."""
        return self._safe

    def open(self, sleep: Sleep | None = None) -> None:
        """Export the line and make it an output at its safe level. Raises BoardError."""
        self._open("high" if self._safe else "low", sleep)

    def write(self, level: bool) -> None:
        """Set the level. Raises BoardError.

        The safe level is tried a second time over a freshly opened line. The other level is not: opening
        passes through the safe level, and a contactor must not be dropped and closed again unasked.
        """
        if self.fd < 0:
            self.open()
        try:
            os.pwrite(self.fd, b"1" if level else b"0", 0)
        except OSError as error:
            failure = self._fail(error)
            if level is not self._safe:
                raise failure from None
            self.open()
