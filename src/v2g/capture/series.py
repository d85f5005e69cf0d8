"""Voltage, current and state of charge over time: what CSV files and plots are made of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from v2g.capture.events import Event
from v2g.capture.splitting import Session

COLUMNS: Final = (
    "EVSEPresentVoltage",
    "EVSEPresentCurrent",
    "EVTargetVoltage",
    "EVTargetCurrent",
    "SoC",
    "EVSEMaximumVoltageLimit",
    "EVSEMaximumCurrentLimit",
    "EVSEMaximumPowerLimit",
    "EVMaximumVoltageLimit",
    "EVMaximumCurrentLimit",
    "EVMaximumPowerLimit",
)
"""Values of a row, in volts, amperes, watts and per cent."""
_SAME: Final = {
    "EVSEMaximumVoltage": "EVSEMaximumVoltageLimit",
    "EVSEMaximumChargeCurrent": "EVSEMaximumCurrentLimit",
    "EVSEMaximumChargePower": "EVSEMaximumPowerLimit",
    "EVMaximumVoltage": "EVMaximumVoltageLimit",
    "EVMaximumChargeCurrent": "EVMaximumCurrentLimit",
    "EVMaximumChargePower": "EVMaximumPowerLimit",
}
"""What ISO 15118-20 calls the same."""
_PRESENT: Final = ("EVSEPresentVoltage", "EVSEPresentCurrent")
_TARGETS: Final = ("EVTargetVoltage", "EVTargetCurrent")


@dataclass(frozen=True, slots=True)
class Point:
    """What a pair of messages said, when the response came.

    Attributes:
        time: nanoseconds since 1970.
        session: number of the session.
        message: name of the pair, without Req and Res.
        values: by the names of :data:`COLUMNS`; what was not said is absent. State of charge and limits are
            those that were said last.
    """

    time: int
    session: int
    message: str
    values: dict[str, float] = field(default_factory=dict)


def points_of(session: Session) -> list[Point]:
    """A point for every response that tells the present voltage or current."""
    return list(_points(session))


def _points(session: Session) -> Iterator[Point]:
    lasting: dict[str, float] = {}
    request: dict[str, float] = {}
    for event in session.messages:
        said = _numbers(event)
        lasting |= {name: value for name, value in said.items() if name not in (*_PRESENT, *_TARGETS)}
        if event.is_request:
            request = said
        elif event.time is not None and any(name in said for name in _PRESENT):
            pair = {name: value for name, value in request.items() if name in _TARGETS}
            present = {name: value for name, value in said.items() if name in _PRESENT}
            yield Point(event.time, session.number, event.base, lasting | pair | present)


def _numbers(event: Event) -> dict[str, float]:
    found = {}
    for name in event.values:
        column = _SAME.get(name, name)
        number = event.number(name)
        if column in COLUMNS and number is not None:
            found[column] = number
    return found
