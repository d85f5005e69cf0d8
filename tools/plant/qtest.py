"""QEMU's qtest protocol, as far as pins need it: a line a command, a line an answer, and news between them.

Source: QEMU, docs/devel/testing/qtest.rst. GPIO registers: i.MX 6UltraLite Reference Manual, chapter 28.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Final

LINES_PER_BANK: Final = 32
BANKS: Final = (0x0209_C000, 0x020A_0000, 0x020A_4000, 0x020A_8000, 0x020A_C000)
"""Base address of GPIO1 to GPIO5: the data register, and after it the direction register, 32 bit each."""
_NEWS: Final = re.compile(r"IRQ (raise|lower) (\d+)")


class QTestError(RuntimeError):
    """QEMU refused a command, or is gone."""


class QTest:
    """A client of ``-qtest unix:PATH,server=on,wait=off``. QEMU serves one client at a time.

    ``on_output`` hears, in order, each change of an output line of the bank that :meth:`intercept` chose.
    Raises OSError when nobody listens at the path.
    """

    def __init__(self, path: Path) -> None:
        self.on_output: Callable[[int, bool], None] = lambda gpio, level: None
        self._bank = 0
        self._received = b""
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(str(path))

    def fileno(self) -> int:
        """For a selector: readable means news."""
        return self._socket.fileno()

    def close(self) -> None:
        """Let another client have the pins."""
        self._socket.close()

    def outputs(self, bank: int) -> tuple[int, int]:
        """(levels, directions) of the 32 lines of a bank; a direction bit of 1 is an output."""
        answer = self._ask(f"read {BANKS[bank]:#x} 8")
        data = bytes.fromhex(answer.removeprefix("0x"))
        return int.from_bytes(data[:4], "little"), int.from_bytes(data[4:], "little")

    def write(self, address: int, value: int) -> None:
        """Write a 32-bit register, as the processor would."""
        self._ask(f"writel {address:#x} {value:#x}")

    def drive(self, gpio: int, level: bool) -> None:
        """Put a level on an input line from outside."""
        bank, line = divmod(gpio, LINES_PER_BANK)
        self._ask(f"set_irq_in /machine/soc/gpio{bank} unnamed-gpio-in {line} {int(level)}")

    def intercept(self, bank: int) -> None:
        """Report every change of a bank's output lines from now on; QEMU allows one bank."""
        self._bank = bank
        self._ask(f"irq_intercept_out /machine/soc/gpio{bank}")

    def news(self) -> None:
        """Take in what has arrived; call it when the socket is readable."""
        for line in self._lines():
            self._tell(line)

    def _ask(self, command: str) -> str:
        try:
            self._socket.sendall(command.encode() + b"\n")
        except OSError as error:
            raise QTestError(f"QEMU has closed the connection: {error}") from error
        answer: str | None = None
        while answer is None:
            for line in self._lines():
                if line.startswith("OK"):
                    answer = line[2:].strip()
                elif line.startswith(("FAIL", "ERR")):
                    raise QTestError(f"{command}: {line}")
                else:
                    self._tell(line)
        return answer

    def _lines(self) -> list[str]:
        try:
            data = self._socket.recv(65536)
        except ConnectionError:
            data = b""
        if not data:
            raise QTestError("QEMU has closed the connection")
        *lines, self._received = (self._received + data).split(b"\n")
        return [line.decode("ascii", "replace").strip() for line in lines]

    def _tell(self, line: str) -> None:
        found = _NEWS.match(line)
        if found:
            self.on_output(self._bank * LINES_PER_BANK + int(found[2]), found[1] == "raise")
