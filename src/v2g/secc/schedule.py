"""Charging schedules as a station offers them to an EV."""

from __future__ import annotations

from dataclasses import dataclass

DAY_S = 86_400
"""A schedule that ends nowhere covers a day (ISO 15118-2 wants 24 h, or until the departure)."""


@dataclass(frozen=True, slots=True)
class Period:
    """From ``start_s`` (seconds after the schedule's beginning, the first 0) on, at most this power."""

    start_s: int
    maximum_power_w: float


@dataclass(frozen=True, slots=True)
class Schedule:
    """A schedule tuple.

    Attributes:
        tuple_id: 1 to 255.
        periods: rising, the first at 0.
        duration_s: length of the last period's end after the beginning.
    """

    tuple_id: int
    periods: tuple[Period, ...]
    duration_s: int = DAY_S


def steady(maximum_power_w: float, tuple_id: int = 1) -> Schedule:
    """A schedule with one period: this power all day."""
    return Schedule(tuple_id, (Period(0, maximum_power_w),))
