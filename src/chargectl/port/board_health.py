"""Which sources of the board fail, and whether that is to be believed yet."""

from __future__ import annotations

from dataclasses import dataclass

from chargectl.port.timing import BOARD_FAULT_CLEAR_MS, BOARD_FAULT_CONFIRM_MS


@dataclass(slots=True)
class _Source:
    """A source that fails now or did a moment ago."""

    since: int
    """When it last began to fail, or to work."""
    failing: bool = True
    failed_ms: int = 0
    """How long it has failed before ``since``: one good reading in between makes nothing good."""


class BoardHealth:
    """A fault counts once it has lasted; it is over once everything has worked again for a while."""

    __slots__ = ("_sources", "failed")

    def __init__(self) -> None:
        self._sources: dict[str, _Source] = {}
        self.failed = False

    @property
    def sources(self) -> tuple[str, ...]:
        """The sources that fail, or failed a moment ago."""
        return tuple(self._sources)

    def fault(self, source: str, active: bool, now_ms: int) -> None:
        """Take that ``source`` fails or works again."""
        known = self._sources.get(source)
        if known is None:
            if active:
                self._sources[source] = _Source(now_ms)
        elif active is not known.failing:
            if known.failing:
                known.failed_ms += now_ms - known.since
            known.failing, known.since = active, now_ms

    def step(self, now_ms: int) -> None:
        """Let time pass."""
        if not self._sources:
            return
        for name, source in list(self._sources.items()):
            due = self._due(source)
            if due is not None and now_ms >= due:
                if source.failing:
                    self.failed = True
                else:
                    del self._sources[name]
        if not self._sources:
            self.failed = False

    def _due(self, source: _Source) -> int | None:
        if not source.failing:
            return source.since + BOARD_FAULT_CLEAR_MS
        if self.failed:
            return None
        return source.since + BOARD_FAULT_CONFIRM_MS - source.failed_ms

    def deadline(self, now_ms: int) -> int | None:
        """Return when time alone changes something next (ms)."""
        times = [self._due(source) for source in self._sources.values()]
        return min((time for time in times if time is not None and time > now_ms), default=None)
