"""Events as lines while they come: what is repeated is counted, not written."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from v2g.capture.events import Event, Layer
from v2g.capture.timeline import SHOWN_OF_RUN, SOUNDS, Timeline, is_aside, units_of

FOLD_NS: Final = 10_000_000_000
"""Repetitions are told of at least this often."""


class LiveText:
    """Writes events in the form of a timeline.

    Args:
        timeline: gives the lines.
        everything: fold nothing.
    """

    def __init__(self, timeline: Timeline, *, everything: bool = False) -> None:
        self._timeline = timeline
        self._everything = everything
        self._key: object = None
        self._count = 0
        self._kinds: set[str] = set()
        self._held: list[Event] = []

    def take(self, event: Event) -> Iterator[str]:
        """The lines that an event makes necessary; none if it repeats what was shown."""
        if self._everything:
            yield from self._timeline.event(event)
            return
        if event.time is not None:
            yield from self.tick(event.time)
        if is_aside(event):
            if self._held and not event.findings:
                self._held.append(event)
            else:
                yield from self._timeline.event(event)
            return
        key = _key(event)
        if key != self._key:
            yield from self.flush()
            self._key, self._count, self._kinds = key, 0, set()
        self._count += 1
        shown = SHOWN_OF_RUN * (2 if event.is_request or event.is_response else 1)
        kinds = {finding.kind for finding in event.findings}
        if self._count <= shown:
            self._kinds |= kinds
            yield from self._timeline.event(event)
        elif kinds - self._kinds:
            self._kinds |= kinds
            yield from self._folded(self._held)
            self._held = []
            yield from self._timeline.event(event)
        else:
            self._held.append(event)

    def flush(self) -> Iterator[str]:
        """Write what was held back: a count, and the last of it in full."""
        units = list(units_of(self._held))
        self._held = []
        # What stands aside behind the last one is written behind it.
        last = next((at for at in range(len(units) - 1, -1, -1) if not is_aside(units[at][0])), 0)
        yield from self._timeline.count(units[:last])
        for unit in units[last:]:
            for event in unit:
                yield from self._timeline.event(event)

    def deadline(self) -> int | None:
        """When :meth:`tick` has to be called (nanoseconds since 1970)."""
        first = self._held[0].time if self._held else None
        return None if first is None else first + FOLD_NS

    def tick(self, now_ns: int) -> Iterator[str]:
        """Tell of the repetitions when it is time to."""
        deadline = self.deadline()
        if deadline is not None and now_ns >= deadline:
            yield from self.flush()

    def _folded(self, held: list[Event]) -> Iterator[str]:
        yield from self._timeline.count(list(units_of(held)))


def _key(event: Event) -> object:
    """What makes events repetitions of each other."""
    if event.name in SOUNDS:
        return SOUNDS
    if event.layer is Layer.V2G:
        return (event.base, event.connection)
    return event.name
