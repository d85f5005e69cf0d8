"""Key paths as the user guide writes them: ``ports[0]/rcd_monitor/enable``."""

from __future__ import annotations

import re
from collections.abc import Iterable

Segment = str | int
"""A member's name, or the index of an array's element."""

ANY_INDEX = -1
"""Stands for ``[]``, any element, in a declared path."""
ANY_NAME = "*"
"""Any member's name in a declared path."""

_PART = re.compile(r"([^\[\]/]+)((?:\[[0-9]*\])*)")


def parse_path(path: str) -> tuple[Segment, ...]:
    """The segments of a path; ``[]`` becomes `ANY_INDEX`. Raises ValueError for a malformed one."""
    segments: list[Segment] = []
    for part in path.split("/"):
        match = _PART.fullmatch(part)
        if match is None:
            raise ValueError(f"'{path}' is no key path; one looks like ports[0]/meter/enable")
        segments.append(match[1])
        for index in re.findall(r"\[([0-9]*)\]", match[2]):
            segments.append(int(index[:6]) if index else ANY_INDEX)
    return tuple(segments)


def join(path: str, segment: Segment) -> str:
    """The path of a member or element below ``path``."""
    if isinstance(segment, int):
        return path + ("[]" if segment == ANY_INDEX else f"[{segment}]")
    return f"{path}/{segment}" if path else segment


def format_path(segments: Iterable[Segment]) -> str:
    """The opposite of `parse_path`."""
    text = ""
    for segment in segments:
        text = join(text, segment)
    return text
