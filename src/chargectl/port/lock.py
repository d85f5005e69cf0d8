"""The plug lock: driving, judging its position switch, failures and their recovery (guide 3.3.4.2-6, 15.13).

A drive waits for the motor's capacitor, runs for the lock type's drive time and is judged after a settling
time. A drive that fails, or a position that changes by itself, is a failure. Recovery follows the guide: back
to the last valid position, then to the wanted one; three rounds, then again every 30 s, for a plug that
cannot be drawn strands its driver.

Driving open, in recovery too, waits for ``may_unlock``: the caller knows whether current may flow.
"""

from __future__ import annotations

from enum import Enum, unique
from typing import Final

from chargectl.declarations import errors
from chargectl.declarations.types import ErrorRow, LockFeedback, LockType
from chargectl.port.effects import LockMotion
from chargectl.port.events import LockPosition
from chargectl.port.timing import LOCK_CAPACITOR_MS, LOCK_RETRY_MS, LOCK_SETTLE_MS, LOCK_UNEXPECTED_MS

RECOVERY_ROUNDS: Final = 3


def position_for_voltage(lock: LockType, sense_mv: int) -> LockPosition:
    """Return where a lock of type ``lock`` is, by the sense voltage (mV at the converter)."""
    if lock.feedback is LockFeedback.NONE:
        return LockPosition.UNKNOWN
    if lock.unlocked_mv[0] <= sense_mv <= lock.unlocked_mv[1]:
        return LockPosition.UNLOCKED
    if lock.locked_mv[0] <= sense_mv <= lock.locked_mv[1]:
        return LockPosition.LOCKED
    return LockPosition.MOVING


@unique
class _Phase(Enum):
    IDLE = "idle"
    CAPACITOR = "waiting for the capacitor"
    DRIVING = "driving"
    SETTLING = "settling"


_MOTION: Final = {LockPosition.LOCKED: LockMotion.LOCK, LockPosition.UNLOCKED: LockMotion.UNLOCK}
_OPPOSITE: Final = {
    LockPosition.LOCKED: LockPosition.UNLOCKED,
    LockPosition.UNLOCKED: LockPosition.LOCKED,
}


class PlugLock:
    """Brings the lock to the wanted position and keeps watch over it."""

    __slots__ = (
        "_capacitor",
        "_confirmed",
        "_driver_fault",
        "_fault_line",
        "_goal",
        "_lock",
        "_lost",
        "_phase",
        "_retry_at",
        "_rounds",
        "_since",
        "_unexpected_since",
        "failure",
        "position",
        "target",
    )

    def __init__(self, lock: LockType) -> None:
        self._lock = lock
        self._phase = _Phase.IDLE
        self._since = 0
        self._goal = LockPosition.UNLOCKED
        self._rounds = 0
        self._retry_at: int | None = None
        self._confirmed = False
        self._unexpected_since: int | None = None
        self._capacitor = False
        self._lost = False
        self._driver_fault = False
        self._fault_line = False
        self.position: LockPosition | None = None
        self.target = LockPosition.UNLOCKED
        self.failure: ErrorRow | None = None

    @property
    def _blind(self) -> bool:
        """Whether driving has to be trusted: there is no position switch, or it cannot be read any more."""
        return self._lock.feedback is LockFeedback.NONE or self._lost

    @property
    def locked(self) -> bool:
        """Whether the plug is held: the target is "locked", it was reached, and it still reads so."""
        return self._reached(LockPosition.LOCKED)

    @property
    def held(self) -> bool:
        """Like :attr:`locked`, but a bounce of the position switch does not count yet."""
        return self._confirmed and self.target is LockPosition.LOCKED

    @property
    def unlocked(self) -> bool:
        """Whether the plug is free: the target is "unlocked", it was reached, and it still reads so."""
        return self._reached(LockPosition.UNLOCKED)

    def _reached(self, position: LockPosition) -> bool:
        return (
            self._confirmed
            and self.target is position
            and self._phase is _Phase.IDLE
            and (self._blind or self.position is position)
        )

    @property
    def motion(self) -> LockMotion:
        """What the motor is to do now."""
        return _MOTION[self._goal] if self._phase is _Phase.DRIVING else LockMotion.OFF

    def sense(self, position: LockPosition | None) -> None:
        """Take the position switch's verdict; None while it cannot be read."""
        self._lost = position is None
        self.position = position

    def capacitor(self, charged: bool) -> None:
        """Take whether the motor's capacitor is charged."""
        self._capacitor = charged

    def driver_fault(self, active: bool) -> None:
        """Take the motor driver's fault line; a fault while driving fails the drive."""
        self._fault_line = active
        self._driver_fault = self._driver_fault or active

    def aim(self, target: LockPosition) -> None:
        """Want the lock at ``target`` (locked or unlocked)."""
        if target is self.target:
            return
        self.target = target
        self._confirmed = False
        self._rounds = 0
        self._retry_at = None
        self._unexpected_since = None
        if self._phase is _Phase.CAPACITOR:
            self._phase = _Phase.IDLE

    def step(self, now_ms: int, may_unlock: bool) -> None:
        """Let time pass; ``may_unlock`` says that no current can flow."""
        if self._phase is _Phase.DRIVING:
            if now_ms >= self._since + self._lock.drive_ms or (
                self._goal is LockPosition.UNLOCKED and not may_unlock
            ):
                self._phase, self._since = _Phase.SETTLING, now_ms
        elif self._phase is _Phase.SETTLING:
            if now_ms >= self._since + LOCK_SETTLE_MS:
                self._judge(now_ms, may_unlock)
        elif self._phase is _Phase.CAPACITOR:
            self._wait_for_capacitor(now_ms, may_unlock)
        else:
            self._watch(now_ms, may_unlock)

    def _watch(self, now_ms: int, may_unlock: bool) -> None:
        if self._blind and self._confirmed:
            return
        if self.position is None and not self._lost:
            return
        if self.position is self.target:
            # Reached, by the drive or by a hand on the emergency release.
            self._confirmed = True
            self._unexpected_since = None
            self._retry_at = None
            self._rounds = 0
            self.failure = None
        elif self._confirmed:
            if self._unexpected_since is None:
                self._unexpected_since = now_ms
            elif now_ms >= self._unexpected_since + LOCK_UNEXPECTED_MS:
                self._confirmed = False
                self._unexpected_since = None
                self._fail(
                    errors.LOCK_UNEXPECTED_OPEN
                    if self.target is LockPosition.LOCKED
                    else errors.LOCK_UNEXPECTED_CLOSE,
                    now_ms,
                    may_unlock,
                )
        elif self._retry_at is None:
            self._drive(self.target, now_ms, may_unlock)
        elif now_ms >= self._retry_at:
            self._rounds = RECOVERY_ROUNDS - 1
            self._retry_at = None
            self._drive(_OPPOSITE[self.target], now_ms, may_unlock)

    def _drive(self, goal: LockPosition, now_ms: int, may_unlock: bool) -> None:
        self._goal = goal
        self._phase, self._since = _Phase.CAPACITOR, now_ms
        self._wait_for_capacitor(now_ms, may_unlock)

    def _wait_for_capacitor(self, now_ms: int, may_unlock: bool) -> None:
        if self._goal is LockPosition.UNLOCKED and not may_unlock:
            self._since = now_ms
        elif self._capacitor:
            self._phase, self._since = _Phase.DRIVING, now_ms
            self._driver_fault = self._fault_line
        elif now_ms >= self._since + LOCK_CAPACITOR_MS:
            self.failure = errors.LOCK_CAPACITOR

    def _judge(self, now_ms: int, may_unlock: bool) -> None:
        self._phase = _Phase.IDLE
        good = not self._driver_fault if self._blind else self.position is self._goal
        if self._goal is not self.target:
            # The way back is done, well or not; now the way there (the target may have changed meanwhile).
            self._drive(self.target, now_ms, may_unlock)
        elif good:
            self._confirmed = True
            self._rounds = 0
            self.failure = None
        else:
            self._fail(
                errors.LOCK_CANNOT_LOCK if self.target is LockPosition.LOCKED else errors.LOCK_CANNOT_UNLOCK,
                now_ms,
                may_unlock,
            )

    def _fail(self, failure: ErrorRow, now_ms: int, may_unlock: bool) -> None:
        self.failure = failure
        if self._rounds >= RECOVERY_ROUNDS:
            self._retry_at = now_ms + LOCK_RETRY_MS
            return
        self._rounds += 1
        self._drive(_OPPOSITE[self.target], now_ms, may_unlock)

    def deadline(self) -> int | None:
        """Return when time alone changes something next (ms)."""
        if self._phase is _Phase.DRIVING:
            return self._since + self._lock.drive_ms
        if self._phase is _Phase.SETTLING:
            return self._since + LOCK_SETTLE_MS
        if self._phase is _Phase.CAPACITOR:
            return None if self.failure is errors.LOCK_CAPACITOR else self._since + LOCK_CAPACITOR_MS
        if self._unexpected_since is not None:
            return self._unexpected_since + LOCK_UNEXPECTED_MS
        return self._retry_at
