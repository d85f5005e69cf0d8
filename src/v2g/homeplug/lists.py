"""Lists at the end of a management message: structures one after the other."""

from __future__ import annotations

import struct
from typing import Any

from v2g.homeplug.frame import FrameError


class Reader:
    """Takes structures off some bytes, one after the other."""

    __slots__ = ("at", "data", "name")

    def __init__(self, name: str, data: bytes) -> None:
        self.name = name
        self.data = data
        self.at = 0

    def take(self, layout: struct.Struct) -> tuple[Any, ...]:
        """The next structure.

        Raises:
            FrameError: the bytes end before it does.
        """
        if self.at + layout.size > len(self.data):
            raise FrameError(f"{self.name}: {len(self.data)} bytes end within a list", len(self.data))
        values = layout.unpack_from(self.data, self.at)
        self.at += layout.size
        return values
