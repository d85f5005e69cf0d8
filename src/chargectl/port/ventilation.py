"""Ventilation on relay 2, and whether an EV that asks for it (state D) may charge (guide 15.19).

| enable | control  | relay 2 follows            | ``available`` comes from     |
|--------|----------|----------------------------|------------------------------|
| false  | internal | nothing, stays off         | the stack: 0                 |
| false  | external | the customer's target      | the customer; no state D     |
| true   | internal | the EV's state D           | the stack: 1                 |
| true   | external | the customer's target      | the customer                 |
"""

from __future__ import annotations

from chargectl.pilot.levels import CpState
from chargectl.port.settings import Feedback, VentilationSettings


class Ventilation:
    """Drives relay 2 where it is a fan's, and judges state D."""

    __slots__ = ("_available", "_closed", "_requested", "_settings", "target")

    def __init__(self, settings: VentilationSettings) -> None:
        self._settings = settings
        self._available = settings.enable and not settings.external
        self._requested = False
        self._closed: bool | None = None
        self.target = False

    @property
    def actual(self) -> bool:
        """The state to publish: the feedback's; without one the target's, as its confirmation (guide Table
        78).
        """
        if self._settings.feedback is Feedback.NONE:
            return self.target
        return bool(self._closed)

    def sense(self, level: bool | None) -> None:
        """Take the raw level of relay 2's sense input; None while it cannot be read."""
        if level is None:
            self._closed = None
        else:
            self._closed = level if self._settings.feedback is Feedback.NORMALLY_OPEN else not level

    @property
    def available(self) -> bool | None:
        """What the stack publishes as available; None where the customer does."""
        return None if self._settings.external else self._settings.enable

    @property
    def publishes_target(self) -> bool:
        """Whether the stack itself sets the target (guide Table 79)."""
        return self._settings.enable and not self._settings.external

    def customer_available(self, available: bool) -> None:
        """Take the customer's word; it counts with external control only."""
        if self._settings.external:
            self._available = available

    def customer_target(self, on: bool) -> None:
        """Take the customer's wish for relay 2; it counts with external control only."""
        if self._settings.external:
            self._requested = on

    def accepts_state_d(self) -> bool:
        """Whether charging with ventilation is possible now (guide Table 80).

        With external control the customer's word is what counts: the ventilation it announces may be the
        building's and need no relay of ours. So a relay that is meant to be off and is off does as well.
        """
        settings = self._settings
        if settings.always_accept_state_d:
            return True
        if not settings.enable or not self._available:
            return False
        follows = self.actual is self.target
        return follows if settings.external else follows and self.target

    def step(self, state: CpState, safe: bool) -> None:
        """Set the target; ``safe`` False demands it off (guide 15.13)."""
        if self._settings.external:
            wanted = self._requested
        else:
            wanted = self._settings.enable and state is CpState.D
        self.target = wanted and safe
