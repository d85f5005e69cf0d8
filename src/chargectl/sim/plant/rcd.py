"""A residual current monitor with a test input, after the two devices that the guide names (15.15.4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class RcdKind:
    """How a monitor answers its test input; times in ms.

    ``holds``: it stays tripped while the input is active, and recovers ``normal_ms`` after it falls. Else an
    impulse of at least ``impulse_ms`` starts a test that runs by itself: tripped from ``trip_ms`` until
    ``normal_ms``, both after the impulse's rise.
    """

    name: str
    holds: bool
    trip_ms: int
    normal_ms: int
    impulse_ms: int = 0


RCD_KINDS: Final = {
    kind.name: kind
    for kind in (
        RcdKind("western-automation-rcm14-01", holds=True, trip_ms=500, normal_ms=250),
        RcdKind("bender-rcd-121", holds=False, trip_ms=500, normal_ms=1500, impulse_ms=40),
    )
}


class Rcd:
    """The monitor: tripped by residual current, by its test input, or because it is broken."""

    def __init__(self, kind: RcdKind) -> None:
        self.now_us = 0
        self.kind = kind
        self.residual = False
        """Residual current flows (latched by whoever sets it)."""
        self.test_dead = False
        """The test input does nothing."""
        self.stuck_tripped = False
        """Once tripped by a test it never recovers; only a reset helps."""
        self._test_input = False
        self._risen_us = 0
        self._tested = False
        self._trips_us: int | None = None
        self._recovers_us: int | None = None

    @property
    def next_us(self) -> int | None:
        """When the feedback changes by itself, or None."""
        return min((due for due in (self._trips_us, self._recovers_us) if due is not None), default=None)

    @property
    def tripped(self) -> bool:
        """The feedback reports a residual current."""
        return self.residual or self._tested

    @property
    def testing(self) -> bool:
        """Level of the test input (True is active)."""
        return self._test_input

    def set_test_input(self, active: bool) -> None:
        """Drive the test input."""
        if active == self._test_input:
            return
        self._test_input = active
        if active:
            self._rise()
        else:
            self._fall()

    def reset(self) -> None:
        """Put the monitor back to normal by hand."""
        self.residual = self._tested = False
        self._trips_us = self._recovers_us = None

    def advance(self, to_us: int) -> None:
        """Trip or recover as due until a moment."""
        while (due := self.next_us) is not None and due <= to_us:
            if due == self._trips_us:
                self._trips_us, self._tested = None, True
            else:
                self._recovers_us = None
                self._tested = self._tested and self.stuck_tripped
        self.now_us = to_us

    def _rise(self) -> None:
        self._risen_us = self.now_us
        if self.test_dead:
            return
        if self.kind.holds:
            self._recovers_us = None
            self._trips_us = self.now_us + self.kind.trip_ms * 1000

    def _fall(self) -> None:
        if self.test_dead:
            return
        if self.kind.holds:
            self._trips_us = None
            self._recovers_us = self.now_us + self.kind.normal_ms * 1000
        elif self.now_us - self._risen_us >= self.kind.impulse_ms * 1000:
            self._trips_us = max(self._risen_us + self.kind.trip_ms * 1000, self.now_us)
            self._recovers_us = max(self._risen_us + self.kind.normal_ms * 1000, self._trips_us + 1)
