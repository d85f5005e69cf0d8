"""V2GTP frames out of the bytes of a connection."""

from __future__ import annotations

from typing import Final

from v2gexi import v2gtp

MOST_PAYLOAD: Final = 1 << 16
"""Longest V2GTP payload that is taken: the longest message of the standards, a certificate installation with
all its chains, stays below 64 KiB, and the board has little memory."""


class Frames:
    """Collects bytes until frames are whole."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def __len__(self) -> int:
        """Bytes that wait."""
        return len(self._buffer)

    @property
    def too_many(self) -> bool:
        """Whether more wait than one frame may have."""
        return len(self._buffer) > MOST_PAYLOAD + v2gtp.HEADER_SIZE

    def clear(self) -> None:
        """Forget what was not whole."""
        self._buffer.clear()

    def add(self, data: bytes) -> None:
        """Bytes have come in."""
        self._buffer += data

    def next(self) -> v2gtp.Frame | None:
        """The next whole frame; None: more bytes have to come.

        Raises:
            v2gtp.FrameError: the bytes begin no frame, or one that is too long.
        """
        if len(self._buffer) < v2gtp.HEADER_SIZE:
            return None
        payload_type, length = v2gtp.header(bytes(self._buffer[: v2gtp.HEADER_SIZE]))
        if length > MOST_PAYLOAD:
            raise v2gtp.FrameError(f"a payload of {length} bytes is above {MOST_PAYLOAD}", 0)
        end = v2gtp.HEADER_SIZE + length
        if len(self._buffer) < end:
            return None
        payload = bytes(self._buffer[v2gtp.HEADER_SIZE : end])
        del self._buffer[:end]
        return v2gtp.Frame(payload_type, payload)
