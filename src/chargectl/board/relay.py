"""A mains relay with the sense input of the load behind it (guide 7.7)."""

from __future__ import annotations

from chargectl.board.gpio import InputLine, OutputLine
from chargectl.board.profile import RelayPins


class Relay:
    """Relay ``index`` (1 or 2). Opening its lines opens the relay.

    The sense input tells the level alone: whether a high level means a closed contactor depends on the
    configured kind of contact (``feedback_type``).
    """

    __slots__ = ("_active", "line", "sense_line")

    def __init__(self, pins: RelayPins, index: int) -> None:
        self._active = not pins.enable.active_low
        self.line = OutputLine(pins.enable.number, f"relay{index}_output", safe=pins.enable.active_low)
        self.sense_line = InputLine(pins.sense.number, f"relay{index}_sense")

    def set(self, on: bool) -> None:
        """Close or open the relay. Raises BoardError."""
        self.line.write(self._active if on else not self._active)
