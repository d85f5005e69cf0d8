"""A contactor behind one of the board's relays, with its auxiliary (sense) contact."""

from __future__ import annotations

from enum import Enum, unique
from typing import Final

PICK_UP_US: Final = 25_000
DROP_OUT_US: Final = 20_000
SENSE_DELAY_US: Final = 10_000
"""The sense input follows mains half waves; the board's debounce for it is 10 ms."""


@unique
class Feedback(Enum):
    """How the auxiliary contact is wired (configuration key feedback_type)."""

    NORMALLY_OPEN = "no"
    NORMALLY_CLOSED = "nc"
    NONE = "none"


@unique
class Fault(Enum):
    """How the main contacts may fail."""

    WELDED = "welded"
    """The main contacts are closed whatever the coil does."""
    STUCK_OPEN = "stuck open"
    """The main contacts stay open whatever the coil does."""


class Contactor:
    """Main contacts that follow the coil after a delay, and a sense contact that follows them.

    The sense contact is mechanically linked to the main contacts, so it tells the truth about a welded one.
    """

    def __init__(self, feedback: Feedback = Feedback.NORMALLY_OPEN) -> None:
        self.now_us = 0
        self.feedback = feedback
        self.coil = False
        self.fault: Fault | None = None
        self.closed = False
        self.closings = 0
        """How often the main contacts have closed (wear)."""
        self._moves_us: int | None = None
        self._sensed = False
        self._senses_us: int | None = None

    @property
    def next_us(self) -> int | None:
        """When a contact moves, or None."""
        return min((due for due in (self._moves_us, self._senses_us) if due is not None), default=None)

    @property
    def sense(self) -> bool:
        """Level of the sense line: True while the auxiliary contact connects it to neutral."""
        if self.feedback is Feedback.NONE:
            return False
        return self._sensed == (self.feedback is Feedback.NORMALLY_OPEN)

    def set_coil(self, on: bool) -> None:
        """Switch the coil; the contacts follow after their delay."""
        if on != self.coil:
            self.coil = on
            self._moves_us = self.now_us + (PICK_UP_US if on else DROP_OUT_US)

    def set_fault(self, fault: Fault | None) -> None:
        """Weld, block or free the contacts; a freed contactor follows its coil again."""
        self.fault = fault
        self._moves_us = self.now_us + (PICK_UP_US if self.coil else DROP_OUT_US)

    def advance(self, to_us: int) -> None:
        """Move the contacts that are due until a moment."""
        if self._moves_us is not None and self._moves_us <= to_us:
            self.now_us, self._moves_us = self._moves_us, None
            self._move()
        if self._senses_us is not None and self._senses_us <= to_us:
            self._sensed, self._senses_us = self.closed, None
        self.now_us = to_us

    def _move(self) -> None:
        closed = self.fault is Fault.WELDED or (self.coil and self.fault is not Fault.STUCK_OPEN)
        if closed != self.closed:
            self.closed = closed
            self.closings += closed
            self._senses_us = self.now_us + SENSE_DELAY_US
