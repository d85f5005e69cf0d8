"""Carries the port's effects out on the board, and keeps at it when a pin refuses."""

from __future__ import annotations

import logging
from typing import Protocol

from chargectl.board.errors import BoardError
from chargectl.port import effects

log = logging.getLogger(__name__)

PinEffect = effects.SetRelay | effects.SetPilot | effects.DriveLock | effects.SetRcdTest


class OutputBoard(Protocol):
    """The part of the board that the effects need."""

    def set_duty(self, percent: float) -> None:
        """Put the pilot's duty cycle, 0 to 100 %."""

    def pilot_off(self) -> None:
        """Put the pilot to 0 V."""

    def set_relay(self, index: int, on: bool) -> None:
        """Switch a relay."""

    def drive_lock(self, motion: effects.LockMotion) -> None:
        """Drive the plug lock's motor."""

    def set_rcd_test(self, active: bool) -> None:
        """Switch the RCD's test trigger."""


class PortOutputs:
    """Writes pins. What could not be written is tried again each cycle until it was, or is overtaken.

    The newest wish per pin is kept, not the history: a relay that could not be opened is opened, never closed
    late.
    """

    def __init__(self, board: OutputBoard) -> None:
        self._board = board
        self._pending: dict[str, PinEffect] = {}

    @property
    def stuck(self) -> bool:
        """Whether a relay that is to be off could not be switched off: nothing else may look healthy then."""
        return any(
            isinstance(effect, effects.SetRelay) and not effect.on for effect in self._pending.values()
        )

    def carry_out(self, effect: PinEffect) -> tuple[str, bool] | None:
        """Write one effect; return (source, failing) when its pin begins or ceases to fail."""
        source = _source(effect)
        try:
            self._write(effect)
        except BoardError as error:
            new = source not in self._pending
            self._pending[source] = effect
            if new:
                log.error("%s", error)
                return source, True
            return None
        if self._pending.pop(source, None) is not None:
            log.warning("%s works again", source)
            return source, False
        return None

    def retry(self) -> list[tuple[str, bool]]:
        """Try what failed once more; return the pins that work again."""
        if not self._pending:
            return []
        changes = [self.carry_out(effect) for effect in list(self._pending.values())]
        return [change for change in changes if change is not None]

    def _write(self, effect: PinEffect) -> None:
        board = self._board
        match effect:
            case effects.SetRelay(index, on):
                board.set_relay(index, on)
            case effects.SetPilot(None):
                board.pilot_off()
            case effects.SetPilot(int(duty_centi)):
                board.set_duty(duty_centi / 100)
            case effects.DriveLock(motion):
                board.drive_lock(motion)
            case effects.SetRcdTest(active):
                board.set_rcd_test(active)


def _source(effect: PinEffect) -> str:
    match effect:
        case effects.SetRelay(index, _):
            return f"relay{index}"
        case effects.SetPilot():
            return "pilot_pwm"
        case effects.DriveLock():
            return "lock_motor"
        case _:
            return "rcd_test"
