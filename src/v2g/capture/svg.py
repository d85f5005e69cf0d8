"""Shapes as an SVG document."""

from __future__ import annotations

from collections.abc import Iterator
from xml.sax.saxutils import escape, quoteattr

from v2g.capture.figure import Figure, Line, Rect, Shape, Text


def svg(figure: Figure) -> str:
    """The document's text. The curves' elements have their names as ``data-curve``, and the document tells
    the axes (``data-axis-V="offset factor"``: pixel = offset + factor · number), so that numbers can be read
    back."""
    return "\n".join(_lines(figure)) + "\n"


def _lines(figure: Figure) -> Iterator[str]:
    axes = dict(figure.axes)
    if figure.time_axis is not None:
        axes["time"] = figure.time_axis
    names = {"%": "percent"}
    told = "".join(
        f' data-axis-{names.get(unit, unit)}="{axis.offset:.9g} {axis.factor:.9g}"'
        for unit, axis in axes.items()
    )
    size = f'width="{figure.width}" height="{figure.height}" viewBox="0 0 {figure.width} {figure.height}"'
    yield '<?xml version="1.0" encoding="UTF-8"?>'
    yield f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif"{told}>'
    for shape in figure.shapes:
        yield _element(shape)
    yield "</svg>"


def _element(shape: Shape) -> str:
    match shape:
        case Rect():
            place = (
                f'x="{shape.x:.3f}" y="{shape.y:.3f}" width="{shape.width:.3f}" height="{shape.height:.3f}"'
            )
            if not shape.title:
                return f'<rect {place} fill="{shape.colour}"/>'
            return f'<rect {place} fill="{shape.colour}"><title>{escape(shape.title)}</title></rect>'
        case Line():
            points = " ".join(f"{x:.3f},{y:.3f}" for x, y in shape.points)
            name = f" data-curve={quoteattr(shape.name)}" if shape.name else ""
            dashes = ' stroke-dasharray="6 4"' if shape.dashed else ""
            return (
                f'<polyline points="{points}" fill="none" stroke="{shape.colour}" '
                f'stroke-width="{shape.width:g}"{dashes}{name}/>'
            )
        case Text():
            anchor = "" if shape.anchor == "start" else f' text-anchor="{shape.anchor}"'
            return (
                f'<text x="{shape.x:.1f}" y="{shape.y:.1f}" font-size="{shape.size}" '
                f'fill="{shape.colour}"{anchor}>{escape(shape.text)}</text>'
            )
