"""Repeated warnings, one line at a time."""

from __future__ import annotations

WINDOW_MS = 10_000


class WarningLimiter:
    """Lets one warning of a kind through in ``window_ms`` and counts the others."""

    def __init__(self, window_ms: int = WINDOW_MS) -> None:
        self._window_ms = window_ms
        self._kinds: dict[str, tuple[int, int]] = {}

    def count(self, kind: str, now_ms: int) -> int:
        """Note a warning. Returns 0 to keep silent, else how many (this one included) the line stands for."""
        last = self._kinds.get(kind)
        if last is not None and now_ms - last[0] < self._window_ms:
            self._kinds[kind] = (last[0], last[1] + 1)
            return 0
        self._kinds[kind] = (now_ms, 0)
        return 1 + (last[1] if last else 0)
