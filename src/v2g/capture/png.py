"""Shapes as a PNG picture, drawn by Pillow if it is installed."""

from __future__ import annotations

import io
import math
from importlib import import_module
from typing import Any, Final

from v2g.capture.figure import Figure, Line, Rect, Text

_SCALE: Final = 2
"""Drawn twice as large and scaled down: smooth lines."""
_DASH: Final = (6.0, 4.0)


class NoPillowError(Exception):
    """Pillow is not installed; a line for people."""


def png(figure: Figure) -> bytes:
    """The picture's bytes.

    Raises:
        NoPillowError: Pillow is not installed.
    """
    try:
        image = import_module("PIL.Image")
        draw = import_module("PIL.ImageDraw")
        font_of = import_module("PIL.ImageFont").load_default
    except ImportError:
        raise NoPillowError(
            "PNG plots need Pillow: python3 -m pip install pillow, or ask for a file that ends with .svg"
        ) from None
    picture = image.new("RGB", (figure.width * _SCALE, figure.height * _SCALE), "white")
    canvas = draw.Draw(picture)
    fonts: dict[int, Any] = {}
    for shape in figure.shapes:
        match shape:
            case Rect():
                x, y = shape.x * _SCALE, shape.y * _SCALE
                ends = (x, y, x + shape.width * _SCALE - 1, y + shape.height * _SCALE - 1)
                canvas.rectangle((*ends[:2], max(x, ends[2]), max(y, ends[3])), fill=shape.colour)
            case Line():
                width = max(1, round(shape.width * _SCALE))
                for part in _dashes(shape) if shape.dashed else [list(shape.points)]:
                    scaled = [(x * _SCALE, y * _SCALE) for x, y in part]
                    canvas.line(scaled, fill=shape.colour, width=width, joint="curve")
            case Text():
                size = shape.size * _SCALE
                font = fonts.setdefault(size, font_of(size))
                anchor = {"start": "ls", "middle": "ms", "end": "rs"}[shape.anchor]
                place = (shape.x * _SCALE, shape.y * _SCALE)
                canvas.text(place, shape.text, fill=shape.colour, font=font, anchor=anchor)
    picture = picture.resize((figure.width, figure.height), image.Resampling.LANCZOS)
    target = io.BytesIO()
    picture.save(target, "PNG", optimize=True)
    return target.getvalue()


def _dashes(line: Line) -> list[list[tuple[float, float]]]:
    """The parts of a dashed line that are drawn. The pattern goes on across corners."""
    parts: list[list[tuple[float, float]]] = []
    drawing, left = True, _DASH[0]
    part = [line.points[0]]
    for (x0, y0), (x1, y1) in zip(line.points, line.points[1:], strict=False):
        length = math.hypot(x1 - x0, y1 - y0)
        at = 0.0
        while length - at > left:
            at += left
            place = (x0 + (x1 - x0) * at / length, y0 + (y1 - y0) * at / length)
            if drawing:
                parts.append([*part, place])
            part = [place]
            drawing = not drawing
            left = _DASH[0] if drawing else _DASH[1]
        left -= length - at
        part.append((x1, y1)) if drawing else None
    if drawing and len(part) > 1:
        parts.append(part)
    return parts
