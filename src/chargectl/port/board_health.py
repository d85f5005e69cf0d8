"""Which sources of the board fail, and whether that is to be believed yet."""

from __future__ import annotations

from chargectl.port.timing import BOARD_FAULT_CLEAR_MS, BOARD_FAULT_CONFIRM_MS


class BoardHealth:
    """A fault counts once it has lasted; it is over once everything has worked again for a while."""

    __slots__ = ("_failing", "_good_since", "failed")

    def __init__(self) -> None:
        self._failing: dict[str, int] = {}
        self._good_since: int | None = None
        self.failed = False

    @property
    def sources(self) -> tuple[str, ...]:
        """The sources that fail now."""
        return tuple(self._failing)

    def fault(self, source: str, active: bool, now_ms: int) -> None:
        """Take that ``source`` fails or works again."""
        if active:
            self._failing.setdefault(source, now_ms)
            self._good_since = None
        elif self._failing.pop(source, None) is not None and not self._failing:
            self._good_since = now_ms

    def step(self, now_ms: int) -> None:
        """Let time pass."""
        if self._failing:
            if now_ms >= min(self._failing.values()) + BOARD_FAULT_CONFIRM_MS:
                self.failed = True
        elif self.failed and self._good_since is not None:
            if now_ms >= self._good_since + BOARD_FAULT_CLEAR_MS:
                self.failed = False

    def deadline(self, now_ms: int) -> int | None:
        """Return when time alone changes something next (ms)."""
        if self._failing and not self.failed:
            return min(self._failing.values()) + BOARD_FAULT_CONFIRM_MS
        if self.failed and self._good_since is not None:
            return self._good_since + BOARD_FAULT_CLEAR_MS
        return None
