"""The plugged cable: its limit and the three proximity errors (guide 3.3.4.34-36)."""

from __future__ import annotations

from chargectl.declarations import errors
from chargectl.declarations.types import ErrorRow
from chargectl.pilot.proximity import Cable, rating_a
from chargectl.port.timing import PROXIMITY_MATING_MS, PROXIMITY_STABLE_MS


class PluggedCable:
    """Believes proximity readings that stay, and keeps the lower limit once a cable changed while
    charging.
    """

    __slots__ = (
        "_charged",
        "_connected_since",
        "_phases",
        "_seen",
        "_seen_since",
        "cable",
        "error",
        "limit_a",
    )

    def __init__(self, phases: int, now_ms: int) -> None:
        self._phases = phases
        self._seen: Cable | None = None
        self._seen_since = now_ms
        self._connected_since: int | None = None
        self._charged = False
        self.cable = Cable.NONE
        self.limit_a: int | None = None
        self.error: ErrorRow | None = None

    def seen(self, cable: Cable, now_ms: int) -> None:
        """Take one reading."""
        if cable is not self._seen:
            self._seen, self._seen_since = cable, now_ms

    def connected(self, connected: bool, now_ms: int) -> None:
        """Take whether an EV is connected; unplugging ends every proximity error."""
        if not connected:
            self._connected_since = None
            self._charged = False
            self.error = None
            self.limit_a = rating_a(self.cable, self._phases)
        elif self._connected_since is None:
            self._connected_since = now_ms

    def step(self, now_ms: int, charging: bool) -> None:
        """Let time pass; ``charging`` says that the contactor is on."""
        # A plug that was energized is not mating any more: a pause of the EV raises no limit.
        self._charged = self._charged or charging
        changed = (
            self._seen is not None
            and self._seen is not self.cable
            and now_ms >= self._seen_since + PROXIMITY_STABLE_MS
        )
        if changed and self._seen is not None:
            self.cable = self._seen
            self._believe(now_ms)
        if self._connected_since is None:
            return
        if self.error is None and now_ms >= self._connected_since + PROXIMITY_MATING_MS:
            if self.cable is Cable.NONE:
                self.error = errors.PROXIMITY_NO_CABLE
            elif self.cable is Cable.INVALID:
                self.error = errors.PROXIMITY_INVALID

    def _believe(self, now_ms: int) -> None:
        charged = self._charged
        rating = rating_a(self.cable, self._phases)
        if self._connected_since is None:
            self.limit_a = rating
        elif self.error in (errors.PROXIMITY_NO_CABLE, errors.PROXIMITY_INVALID):
            # A contact that comes back is no reason to trust it again before the plug was drawn.
            return
        elif rating is None:
            if charged:
                self.error = (
                    errors.PROXIMITY_NO_CABLE if self.cable is Cable.NONE else errors.PROXIMITY_INVALID
                )
        elif charged and self.limit_a is not None:
            self.error = errors.PROXIMITY_CHANGED
            self.limit_a = min(self.limit_a, rating)
        elif self.error is None:
            # Contacts may still be mating when the EV shows up. Later a resistance changes by damage only.
            mating = now_ms < self._connected_since + PROXIMITY_MATING_MS + PROXIMITY_STABLE_MS
            self.limit_a = rating if mating or self.limit_a is None else min(self.limit_a, rating)

    def deadline(self, now_ms: int) -> int | None:
        """Return when time alone changes something next (ms)."""
        times = []
        if self._seen is not None and self._seen is not self.cable:
            times.append(self._seen_since + PROXIMITY_STABLE_MS)
        if self._connected_since is not None and self.error is None:
            times.append(self._connected_since + PROXIMITY_MATING_MS)
        return min((time for time in times if time > now_ms), default=None)
