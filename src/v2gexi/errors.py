"""What can go wrong with a payload or a message."""

from __future__ import annotations


class DecodeError(ValueError):
    """A payload that is no message of its set.

    Attributes:
        offset: bit of the payload up to which it could be read.
        path: the element or attribute it was at, names joined by points.
        reason: what is wrong there.
    """

    def __init__(self, reason: str, path: str = "", offset: int = 0) -> None:
        super().__init__(reason, path, offset)
        self.reason = reason
        self.path = path
        self.offset = offset

    def __str__(self) -> str:
        place = f"{self.path}: " if self.path else ""
        return f"{place}{self.reason} (bit {self.offset})"


class EncodeError(ValueError):
    """A message that its schema does not allow.

    Attributes:
        path: the element or attribute, names joined by points.
        reason: what is wrong there.
    """

    def __init__(self, reason: str, path: str = "") -> None:
        super().__init__(reason, path)
        self.reason = reason
        self.path = path

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}" if self.path else self.reason
