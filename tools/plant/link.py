"""FUSE requests of the emulated board's kernel, brought here over TCP and taken apart into packets.

On the board `plant-relay` copies bytes between /dev/fuse and a connection; this is the other end. Each
message of the FUSE protocol begins with its length, so the stream needs no framing of its own.
"""

from __future__ import annotations

import socket
import struct
from typing import Final

from chargectl.sim.sysfs import wire

GREETING: Final = b"chargectl plant relay 1\n"
_LENGTH: Final = struct.Struct("<I")
_CONNECT_TIMEOUT_S: Final = 2.0


class LinkLostError(ConnectionError):
    """The board has reset, or its relay has ended."""


def connect(port: int) -> socket.socket | None:
    """A connection to the relay, greeted; None while the board does not answer yet.

    QEMU accepts the connection whether or not the board listens, so only the greeting counts."""
    try:
        link = socket.create_connection(("127.0.0.1", port), timeout=_CONNECT_TIMEOUT_S)
    except OSError:
        return None
    try:
        greeting = b""
        while len(greeting) < len(GREETING):
            data = link.recv(len(GREETING) - len(greeting))
            if not data:
                break
            greeting += data
        if greeting == GREETING:
            link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            link.settimeout(None)
            return link
    except OSError:
        pass
    link.close()
    return None


class Link:
    """Copies requests into a packet socket, whose other end serves as /dev/fuse, and answers back."""

    def __init__(self, link: socket.socket) -> None:
        self.stream = link
        self.packets, served = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        for end in (self.packets, served):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 * wire.READ_BUFFER)
        served.setblocking(False)
        self.descriptor = served.detach()
        self._received = b""

    def requests(self) -> None:
        """Pass on what the board asks; raises LinkLostError."""
        try:
            data = self.stream.recv(wire.READ_BUFFER)
        except OSError as error:
            raise LinkLostError(str(error)) from error
        if not data:
            raise LinkLostError("the board has closed the connection")
        self._received += data
        while len(self._received) >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(self._received)
            if len(self._received) < length:
                break
            self.packets.send(self._received[:length])
            self._received = self._received[length:]

    def answers(self) -> None:
        """Pass on what is answered; raises LinkLostError."""
        try:
            self.stream.sendall(self.packets.recv(wire.READ_BUFFER))
        except OSError as error:
            raise LinkLostError(str(error)) from error

    def close(self) -> None:
        """End the connection."""
        self.stream.close()
        self.packets.close()
