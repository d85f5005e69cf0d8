"""A lock motor behind an H-bridge driver (guide 7.6: M+ = IN1 and not IN2, M- = IN2 and not IN1)."""

from __future__ import annotations

from chargectl.board.errors import BoardError
from chargectl.board.gpio import InputLine, OutputLine
from chargectl.board.profile import MotorPins
from chargectl.port.effects import LockMotion


class LockMotor:
    """The motor's two inputs and its fault output. M+ locks, M- unlocks, both inactive is off."""

    __slots__ = ("_fault", "_fault_level", "in1", "in2")

    def __init__(self, pins: MotorPins, source: str, fault_source: str) -> None:
        self.in1 = OutputLine(pins.in1.number, source, safe=pins.in1.active_low)
        self.in2 = OutputLine(pins.in2.number, source, safe=pins.in2.active_low)
        self._fault = InputLine(pins.fault.number, fault_source)
        self._fault_level = not pins.fault.active_low

    @property
    def fault_line(self) -> InputLine:
        """The line of the fault output."""
        return self._fault

    def drive(self, motion: LockMotion) -> None:
        """Drive the motor until told otherwise, or stop it. Raises BoardError; then both inputs were put off.

        The input that has to be inactive is written first: both active would brake with full current.
        """
        if motion is LockMotion.OFF:
            self._off()
            return
        active, idle = (self.in1, self.in2) if motion is LockMotion.LOCK else (self.in2, self.in1)
        try:
            idle.write(idle.safe)
            active.write(not active.safe)
        except BoardError:
            self._off()
            raise

    def fault(self) -> bool:
        """Whether the driver reports overcurrent, overtemperature or undervoltage. Raises BoardError."""
        return self._fault.read() is self._fault_level

    def _off(self) -> None:
        try:
            self.in1.write(self.in1.safe)
        finally:
            self.in2.write(self.in2.safe)
