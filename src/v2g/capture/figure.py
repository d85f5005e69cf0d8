"""The plot of a recording as shapes: voltage, current and state of charge over time, like a scope shows them.

Where the shapes go, :mod:`v2g.capture.svg` and :mod:`v2g.capture.png` know. Lengths are pixels, y grows
downwards.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from v2g.capture.places import Phase
from v2g.capture.reading import Recording
from v2g.capture.series import Point, points_of
from v2g.capture.splitting import Session

WIDTH: Final = 1200
HEIGHT: Final = 750
_LEFT, _RIGHT, _TOP, _BOTTOM, _GAP = 70, 20, 92, 48, 18
_NS: Final = 1_000_000_000
FONT_SIZE: Final = 13
_LABEL_ROWS: Final = 4
"""Rows of names of phases above the diagrams; what finds no room in one goes to the next."""


@dataclass(frozen=True, slots=True)
class Curve:
    """One line of a panel: a column of :data:`v2g.capture.series.COLUMNS`."""

    column: str
    label: str
    colour: str
    dashed: bool = False


@dataclass(frozen=True, slots=True)
class Panel:
    """A diagram with an axis of its own: its unit, its share of the height, its curves, and the least
    range."""

    unit: str
    share: float
    curves: tuple[Curve, ...]
    least: float


PANELS: Final = (
    Panel(
        "V",
        0.45,
        (
            Curve("EVTargetVoltage", "target voltage", "#8a8a8a", dashed=True),
            Curve("EVSEPresentVoltage", "present voltage", "#1f5fbf"),
        ),
        10,
    ),
    Panel(
        "A",
        0.35,
        (
            Curve("EVTargetCurrent", "target current", "#8a8a8a", dashed=True),
            Curve("EVSEPresentCurrent", "present current", "#c23b22"),
        ),
        1,
    ),
    Panel("%", 0.20, (Curve("SoC", "state of charge", "#2e7d32"),), 100),
)
_PHASE_COLOURS: Final = {
    Phase.SLAC: "#efe7f6",
    Phase.DISCOVERY: "#e7eef6",
    Phase.CONNECTION: "#e2f0ee",
    Phase.TLS: "#e2f0ee",
    Phase.HANDSHAKE: "#eef3df",
    Phase.SET_UP: "#f6f3e1",
    Phase.AUTHORIZATION: "#f8e9dc",
    Phase.PARAMETERS: "#f6e3e6",
    Phase.CABLE_CHECK: "#fdf0c4",
    Phase.PRE_CHARGE: "#fbdcc0",
    Phase.POWER_ON: "#e0ead0",
    Phase.CHARGING: "#dff0df",
    Phase.STOP: "#e8e8e8",
}
_INK, _GRID = "#303030", "#d8d8d8"


@dataclass(frozen=True, slots=True)
class Rect:
    """A filled rectangle."""

    x: float
    y: float
    width: float
    height: float
    colour: str
    title: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """A line through points. ``name``: of which column and session it is a curve."""

    points: tuple[tuple[float, float], ...]
    colour: str
    width: float = 1.0
    dashed: bool = False
    name: str = ""


@dataclass(frozen=True, slots=True)
class Text:
    """A text; ``anchor`` says which part of it is at x: start, middle or end. y is the base line."""

    x: float
    y: float
    text: str
    anchor: str = "start"
    colour: str = _INK
    size: int = FONT_SIZE


Shape = Rect | Line | Text


@dataclass(frozen=True, slots=True)
class Axis:
    """Numbers to pixels: ``pixel = offset + factor * number``."""

    low: float
    high: float
    offset: float
    factor: float

    @classmethod
    def of(cls, low: float, high: float, first: float, last: float) -> Axis:
        """The axis on which ``low`` is at the pixel ``first`` and ``high`` at ``last``."""
        factor = (last - first) / (high - low)
        return cls(low, high, first - low * factor, factor)

    def at(self, number: float) -> float:
        """The pixel of a number."""
        return self.offset + self.factor * number


@dataclass(slots=True)
class Figure:
    """Shapes, in the order in which they are drawn; and the axes, for those who read numbers back."""

    width: int
    height: int
    shapes: list[Shape] = field(default_factory=list)
    time_axis: Axis | None = None
    axes: dict[str, Axis] = field(default_factory=dict)
    """Of the panels, by unit."""


def ticks(low: float, high: float, most: int = 8) -> list[float]:
    """Round numbers between two, at most so many: steps of 1, 2 or 5 times a power of ten."""
    span = high - low
    power = 10.0 ** math.floor(math.log10(span / most))
    step = next(power * factor for factor in (1, 2, 5, 10) if span / (power * factor) <= most)
    first = math.ceil(low / step - 1e-9)
    return [number * step for number in range(first, math.floor(high / step + 1e-9) + 1)]


def draw(recording: Recording, sessions: list[Session], title: str) -> Figure:
    """The plot of some sessions. Time counts from the first packet of the recording.

    Raises:
        ValueError: no message tells a voltage or current.
    """
    points = {session.number: points_of(session) for session in sessions}
    if not any(points.values()):
        raise ValueError("no message tells a voltage or current: there is nothing to plot")
    first = recording.first or 0

    def seconds(time: int) -> float:
        return (time - first) / _NS

    figure = Figure(WIDTH, HEIGHT)
    low, high = _span(sessions, points, seconds)
    figure.time_axis = Axis.of(low, high, _LEFT, WIDTH - _RIGHT)
    figure.shapes.append(Rect(0, 0, WIDTH, HEIGHT, "#ffffff"))
    figure.shapes += _phases(figure.time_axis, sessions, seconds)
    figure.shapes.append(Text(_LEFT, 20, title, size=FONT_SIZE + 2))
    room = HEIGHT - _TOP - _BOTTOM - _GAP * (len(PANELS) - 1)
    top: float = _TOP
    for panel in PANELS:
        bottom = top + room * panel.share
        _panel(figure, panel, points, seconds, top, bottom)
        top = bottom + _GAP
    _time_labels(figure)
    return figure


def _span(
    sessions: list[Session], points: dict[int, list[Point]], seconds: Callable[[int], float]
) -> tuple[float, float]:
    """From the first phase that is plotted to the last point: the messages, not the minutes of SLAC before
    them."""
    times = [seconds(point.time) for each in points.values() for point in each]
    for session in sessions:
        if points[session.number]:
            times += [
                seconds(moment)
                for each in session.phases
                if each.phase not in (Phase.SLAC, Phase.DISCOVERY)
                for moment in (each.start, each.end)
            ]
    low, high = min(times), max(times)
    return (low, high) if high - low > 0.001 else (low - 0.5, low + 0.5)


def _phases(axis: Axis, sessions: list[Session], seconds: Callable[[int], float]) -> Iterator[Shape]:
    """Coloured bands with their names, where there is room for them."""
    labels_end = [-math.inf] * _LABEL_ROWS
    for session in sessions:
        for each in session.phases:
            start = max(axis.low, seconds(each.start))
            end = min(axis.high, seconds(each.end))
            if end < start:
                continue
            x, width = axis.at(start), max(1.0, axis.at(end) - axis.at(start))
            colour = _PHASE_COLOURS[each.phase]
            title = f"{each.phase}: {each.duration_ms} ms"
            yield Rect(x, _TOP, width, HEIGHT - _TOP - _BOTTOM, colour, title)
            room = 0.58 * (FONT_SIZE - 2) * len(each.phase)
            for row, taken in enumerate(labels_end):
                if x >= taken:
                    labels_end[row] = x + room + 6
                    yield Line(((x, _TOP - 14.0 * row - 4), (x, _TOP)), "#a0a0a0")
                    yield Text(x + 2, _TOP - 5 - 14 * row, str(each.phase), size=FONT_SIZE - 2)
                    break


def _panel(
    figure: Figure,
    panel: Panel,
    points: dict[int, list[Point]],
    seconds: Callable[[int], float],
    top: float,
    bottom: float,
) -> None:
    assert figure.time_axis is not None
    time = figure.time_axis
    columns = [curve.column for curve in panel.curves]
    numbers = [
        point.values[column]
        for each in points.values()
        for point in each
        for column in columns
        if column in point.values
    ]
    low, high = min(0.0, *numbers, 0.0), max(panel.least, *numbers, panel.least)
    if panel.unit != "%":
        high += (high - low) * 0.05
    axis = Axis.of(low, high, bottom, top)
    figure.axes[panel.unit] = axis
    left, right = _LEFT, WIDTH - _RIGHT
    for tick in ticks(low, high, 6 if panel.share > 0.3 else 4):
        y = axis.at(tick)
        figure.shapes.append(Line(((left, y), (right, y)), _GRID))
        figure.shapes.append(Text(left - 6, y + 4, f"{tick:g}", "end"))
    for tick in ticks(time.low, time.high, 12):
        figure.shapes.append(Line(((time.at(tick), top), (time.at(tick), bottom)), _GRID))
    corners = ((left, top), (right, top), (right, bottom), (left, bottom), (left, top))
    figure.shapes.append(Line(corners, _INK))
    figure.shapes.append(Text(12, (top + bottom) / 2, panel.unit, size=FONT_SIZE + 2))
    x = float(left + 8)
    for curve in panel.curves:
        for number, each in points.items():
            line = tuple(
                (time.at(seconds(point.time)), axis.at(point.values[curve.column]))
                for point in each
                if curve.column in point.values
            )
            if line:
                name = f"{curve.column} session {number}"
                figure.shapes.append(Line(line, curve.colour, 1.6, curve.dashed, name))
        if any(curve.column in point.values for each in points.values() for point in each):
            figure.shapes.append(Line(((x, top + 12), (x + 22, top + 12)), curve.colour, 1.6, curve.dashed))
            figure.shapes.append(Text(x + 27, top + 16, curve.label))
            x += 45 + 7.5 * len(curve.label)


def _time_labels(figure: Figure) -> None:
    assert figure.time_axis is not None
    bottom = HEIGHT - _BOTTOM
    for tick in ticks(figure.time_axis.low, figure.time_axis.high, 12):
        figure.shapes.append(Text(figure.time_axis.at(tick), bottom + 18, f"{tick:g}", "middle"))
    figure.shapes.append(Text(WIDTH - _RIGHT, bottom + 38, "seconds since the first packet", "end"))
