"""Frames off the line: whose they are, and what is in them."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from v2g.homeplug.frame import BROADCAST, Frame
from v2g.homeplug.message import Message
from v2g.homeplug.slac import message_of


class Addressed(NamedTuple):
    """A message for this station."""

    message: Message
    source: bytes


def addressed(
    data: bytes, own_mac: bytes, read: Callable[[Frame], Message | None] = message_of
) -> Addressed | None:
    """The message in a frame; None if it is the own one, for others, or of no kind that ``read`` knows.

    Raises:
        FrameError: no frame, or too short for its kind. ``offset`` is the byte of the frame.
    """
    frame = Frame.parse(data)
    if frame.source == own_mac or frame.destination not in (own_mac, BROADCAST):
        return None
    message = read(frame)
    return None if message is None else Addressed(message, frame.source)
