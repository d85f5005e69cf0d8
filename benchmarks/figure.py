"""What a benchmark reports."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One measured value.

    ``unit`` names what is counted (``us``, ``KiB``, ``messages/min``), or is ``x`` for a ratio;
    ``against`` then says what it is a ratio to, measured in the same run.
    """

    name: str
    value: float
    unit: str
    against: str = ""
