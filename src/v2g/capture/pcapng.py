"""Writes pcapng files: sections, interfaces, and packets with comments.

Every block is handed to the system with one write, so a crash loses at most the packet that is being written.
Source: "PCAP Next Generation (pcapng) Capture File Format", IETF draft of the opsawg working group.
"""

from __future__ import annotations

import errno
import os
import struct
from pathlib import Path
from typing import Final

ETHERNET: Final = 1
_SECTION, _INTERFACE, _PACKET = 0x0A0D0D0A, 1, 6
_BYTE_ORDER: Final = 0x1A2B3C4D
_COMMENT, _APPLICATION = 1, 4
_IF_NAME, _IF_RESOLUTION = 2, 9
_FLAGS: Final = 2
_INBOUND, _OUTBOUND = 1, 2
_MAGIC: Final = struct.Struct("<I")
NANOSECONDS: Final = 9
"""Power of ten of the time stamps' unit, without its sign."""
MOST_COMMENT_BYTES: Final = 4096
"""Longer comments are cut: an option's length has 16 bits, and nobody reads more beside a packet."""


class PcapngWriter:
    """A file that grows by a block at a time.

    A file that exists is continued by a new section: what it held stays. ``full`` says that the limit was
    reached; packets that come then are dropped and counted.

    Args:
        path: the file.
        application: what writes it.
        most_bytes: the file does not grow above this; None: without limit.

    Raises:
        OSError: the file cannot be opened or written, or is there and no pcapng file.
    """

    def __init__(self, path: Path, application: str = "v2g", most_bytes: int | None = None) -> None:
        if path.is_file() and path.stat().st_size:
            with path.open("rb") as there:
                begin = there.read(_MAGIC.size)
            if begin[:4] != _MAGIC.pack(_SECTION):
                raise OSError(
                    errno.EEXIST, "is there already and is no pcapng file: nothing is appended", path
                )
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._most = most_bytes
        self._size = os.fstat(self._file).st_size
        self._interfaces = 0
        self.full = False
        self.dropped = 0
        body = struct.pack("<IHHq", _BYTE_ORDER, 1, 0, -1) + _options((_APPLICATION, application.encode()))
        self._write(_block(_SECTION, body))

    def interface(self, name: str, link_type: int = ETHERNET) -> int:
        """Describe an interface; its number in this section.

        Raises:
            OSError: the file cannot be written.
        """
        options = _options((_IF_NAME, name.encode()), (_IF_RESOLUTION, bytes((NANOSECONDS,))))
        self._write(_block(_INTERFACE, struct.pack("<HHI", link_type, 0, 0) + options))
        self._interfaces += 1
        return self._interfaces - 1

    def packet(
        self, interface: int, time_ns: int, data: bytes, comment: str = "", outbound: bool | None = None
    ) -> bool:
        """Write a packet; whether there was room for it.

        Args:
            interface: a number that :meth:`interface` gave.
            time_ns: nanoseconds since 1970.
            data: the packet, from the link layer's header on.
            comment: what programs show beside it.
            outbound: whether this host sent it; None: not known.

        Raises:
            OSError: the file cannot be written.
        """
        head = struct.pack("<IIIII", interface, time_ns >> 32, time_ns & 0xFFFFFFFF, len(data), len(data))
        options = []
        if comment:
            text = comment.encode()[:MOST_COMMENT_BYTES].decode("utf-8", "ignore")
            options.append((_COMMENT, text.encode()))
        if outbound is not None:
            options.append((_FLAGS, struct.pack("<I", _OUTBOUND if outbound else _INBOUND)))
        return self._write(_block(_PACKET, head + _padded(data) + _options(*options)))

    def close(self) -> None:
        """Close the file; nothing can be written any more."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _write(self, block: bytes) -> bool:
        if self._most is not None and self._size + len(block) > self._most:
            self.full = True
        if self.full:
            self.dropped += 1
            return False
        written = os.write(self._file, block)
        while written < len(block):  # signals may cut a write short
            written += os.write(self._file, block[written:])
        self._size += len(block)
        return True


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)


def _options(*options: tuple[int, bytes]) -> bytes:
    if not options:
        return b""
    parts = [struct.pack("<HH", code, len(value)) + _padded(value) for code, value in options]
    return b"".join(parts) + bytes(4)


def _block(kind: int, body: bytes) -> bytes:
    length = struct.pack("<I", len(body) + 12)
    return struct.pack("<I", kind) + length + body + length
