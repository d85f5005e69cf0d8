"""Current limits of basic AC charging (guide 15.16): the least of all that are active.

Currents are in ampere per phase; -1 means "no limit". A result below 6 A cannot be expressed on the control
pilot and counts as 0.
"""

from __future__ import annotations

from typing import Final

from chargectl.port.settings import PortSettings

NO_LIMIT: Final = -1
MAXIMUM_NAMES: Final = 5
"""So many customer limits are kept; a sixth name is ignored (guide 15.16.1)."""
MINIMUM_A: Final = 6.0


class CurrentLimits:
    """Holds every limit and computes the offer."""

    __slots__ = ("_dynamic", "_failsafe_over", "_heard_ms", "_settings", "_station", "cable_a")

    def __init__(self, settings: PortSettings) -> None:
        self._settings = settings
        self._station: float = NO_LIMIT
        self._dynamic: dict[str, float] = {}
        self._heard_ms: dict[str, int] = {}
        self._failsafe_over = False
        self.cable_a: int | None = None if settings.pluggable else settings.fixed_cable_limit_a
        """Rating of the cable; None while none is known."""

    def set_station(self, ampere: float) -> None:
        """Take the limit of OCPP smart charging."""
        self._station = ampere
        self._failsafe_over = True

    def set_dynamic(self, name: str, ampere: float, now_ms: int) -> bool:
        """Take a customer's limit; return False when its name is one too many."""
        if name not in self._dynamic and len(self._dynamic) >= MAXIMUM_NAMES:
            return False
        self._dynamic[name] = ampere
        self._heard_ms[name] = now_ms
        self._failsafe_over = True
        return True

    def _maximum_age_ms(self) -> int:
        return self._settings.dynamic_limit_maximum_age_s * 1000

    def _dynamic_value(self, name: str, now_ms: int) -> float:
        age = self._maximum_age_ms()
        if age and now_ms - self._heard_ms[name] >= age:
            # Nobody vouches for the installation any more. Without a failsafe value the only safe one is 0.
            return max(self._settings.failsafe_limit_a, 0)
        return self._dynamic[name]

    def silent(self, now_ms: int) -> tuple[str, ...]:
        """Return the names whose publisher fell silent."""
        age = self._maximum_age_ms()
        return tuple(name for name, heard in self._heard_ms.items() if age and now_ms - heard >= age)

    def deadline(self, now_ms: int) -> int | None:
        """Return when the next dynamic limit grows too old (ms), if any does."""
        age = self._maximum_age_ms()
        if not age:
            return None
        return min((heard + age for heard in self._heard_ms.values() if heard + age > now_ms), default=None)

    def physical_a(self) -> int:
        """Return the installation's limit: grid, station wiring and cable, whatever anybody asks for."""
        limits = [self._settings.grid_limit_a, self._settings.evse_limit_a]
        if self.cable_a is not None:
            limits.append(self.cable_a)
        return int(_least(limits))

    def offered_a(self, now_ms: int) -> float:
        """Return the current to offer: the least of all limits, 0 when that is below 6 A."""
        limits: list[float] = [self.physical_a(), self._station]
        limits.extend(self._dynamic_value(name, now_ms) for name in self._dynamic)
        if not self._failsafe_over:
            limits.append(self._settings.failsafe_limit_a)
        least = _least(limits)
        return least if least >= MINIMUM_A else 0.0


def _least(limits: list[float] | list[int]) -> float:
    return min((limit for limit in limits if limit != NO_LIMIT), default=0)
