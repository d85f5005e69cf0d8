"""The two clocks: one that only moves forward, for control, and the time of day, for people."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What a daemon needs to know about time; a test supplies its own."""

    def monotonic_ms(self) -> int:
        """Milliseconds since an arbitrary moment; never steps, whatever happens to the time of day."""
        ...

    def utc_now(self) -> datetime:
        """The time of day, aware, in UTC. May step by any amount in either direction."""
        ...


class SystemClock:
    """The clocks of the operating system."""

    def monotonic_ms(self) -> int:
        """CLOCK_MONOTONIC in milliseconds."""
        return time.monotonic_ns() // 1_000_000

    def utc_now(self) -> datetime:
        """CLOCK_REALTIME in UTC."""
        return datetime.now(UTC)


def rfc3339(moment: datetime) -> str:
    """A time as RFC 3339 text in UTC with milliseconds: ``2023-06-23T06:54:55.123Z``.

    Raises ValueError for a time without a time zone: nobody could tell when it was.
    """
    if moment.tzinfo is None:
        raise ValueError(f"{moment.isoformat()}: a time needs a time zone")
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def rfc3339_now(clock: Clock) -> str:
    """The time of day as RFC 3339 text."""
    return rfc3339(clock.utc_now())
