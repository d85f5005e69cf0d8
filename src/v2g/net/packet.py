"""Ethernet frames of one EtherType on one interface (AF_PACKET), for asyncio.

Nothing is decided here: every frame that others sent is received, every frame is sent as it is. It needs the
right to open raw sockets (root, or CAP_NET_RAW).
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
import struct
import sys
from types import TracebackType
from typing import Final, Self

from v2g.homeplug.frame import ETHERTYPE
from v2g.net.interfaces import (
    InterfaceDownError,
    InterfaceError,
    NoSuchInterfaceError,
    interface_index,
    is_up,
    mac_address,
    mtu,
)

EVERY_ETHERTYPE: Final = 0x0003
"""ETH_P_ALL: a socket that takes every frame."""
_PACKET_OUTGOING: Final = 4
_SOL_PACKET: Final = 263
_PACKET_ADD_MEMBERSHIP, _PACKET_STATISTICS = 1, 6
_MEMBERSHIP: Final = struct.Struct("iHH8s")
_PACKET_MR_PROMISC: Final = 1
"""Options of packet sockets (Linux, packet(7))."""
_SO_RCVBUFFORCE: Final = 33
_OBSERVER_QUEUE_BYTES: Final = 8 << 20
_LARGEST_PACKET: Final = 65535 + 40
"""An own host hands large TCP segments to its interface in one, with IPv6's header."""
_HEADER_BYTES: Final = 14
FRAMES_A_TURN: Final = 8
"""Frames taken one after the other before the event loop's turn comes: asyncio hands on at once what is
there, and a flood would else keep timers and TCP waiting for as long as it lasts. A SLAC frame costs some
0.3 ms on a PC, and many times that on a charger's processor."""
_GONE = (errno.ENETDOWN, errno.ENXIO, errno.ENODEV)


class PacketSocket:
    """A raw socket on one interface. A context manager; :meth:`close` may be called twice."""

    __slots__ = ("_mtu", "_room", "_socket", "_turn", "ethertype", "index", "interface", "mac")

    def __init__(self, interface: str, ethertype: int = ETHERTYPE) -> None:
        """
        Args:
            interface: its name.
            ethertype: the only one that is received; :data:`EVERY_ETHERTYPE` for all.

        Raises:
            NoSuchInterfaceError: there is none of that name.
            InterfaceDownError: it is switched off.
            InterfaceError: raw sockets are not allowed here.
        """
        self.interface = interface
        self.ethertype = ethertype
        self.index = interface_index(interface)
        """The interface's number when the socket was opened."""
        self.mac = mac_address(interface)
        """The interface's Ethernet address then, six bytes."""
        self._mtu = mtu(interface)
        self._room = _HEADER_BYTES + self._mtu
        self._turn = 0
        if not is_up(interface):
            raise InterfaceDownError(interface)
        try:
            # Protocol 0 receives nothing until the interface is known: no frame of another one slips in.
            self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_NONBLOCK, 0)
        except PermissionError:
            reason = "raw sockets need root or the capability CAP_NET_RAW"
            raise InterfaceError(interface, reason) from None
        try:
            self._socket.bind((interface, ethertype))
        except OSError as error:
            self._socket.close()
            raise self._explained(error) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def mtu(self) -> int:
        """The interface's MTU when the socket was opened: bytes behind the Ethernet header."""
        return self._mtu

    def observe(self) -> None:
        """Take every frame that passes, whomever it is addressed to, for :meth:`overhear`.

        Raises:
            InterfaceError: the interface does not do it, or is gone.
        """
        request = _MEMBERSHIP.pack(self.index, _PACKET_MR_PROMISC, 0, b"")
        try:
            self._socket.setsockopt(_SOL_PACKET, _PACKET_ADD_MEMBERSHIP, request)
        except OSError as error:
            raise self._explained(error) from None
        with contextlib.suppress(OSError):  # a shorter queue does as well on a quiet line
            self._socket.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _OBSERVER_QUEUE_BYTES)
        self._room = max(self._room, _HEADER_BYTES + _LARGEST_PACKET)

    async def overhear(self) -> tuple[bytes, bool]:
        """The next frame, and whether this host itself sent it.

        Raises:
            NoSuchInterfaceError: the interface is gone.
            InterfaceDownError: it was switched off.
        """
        self._turn += 1
        if self._turn >= FRAMES_A_TURN:
            self._turn = 0
            # Before a frame is taken: who is cancelled here has lost none.
            await asyncio.sleep(0)
        loop = asyncio.get_running_loop()
        try:
            data, address = await loop.sock_recvfrom(self._socket, self._room)
        except OSError as error:
            raise self._explained(error) from None
        return data, address[2] == _PACKET_OUTGOING

    def lost(self) -> int:
        """How many frames this host was too slow for since the last question."""
        answer = self._socket.getsockopt(_SOL_PACKET, _PACKET_STATISTICS, 8)
        return int.from_bytes(answer[4:8], sys.byteorder)

    async def receive(self) -> bytes:
        """The next frame that another station, or another program's modem, sent. What this interface's own
        host sent is left out.

        Raises:
            NoSuchInterfaceError: the interface is gone.
            InterfaceDownError: it was switched off.
        """
        while True:
            data, own = await self.overhear()
            if not own:
                return data

    def send(self, frame: bytes) -> None:
        """Send a frame, Ethernet header included.

        Raises:
            NoSuchInterfaceError: the interface is gone.
            InterfaceDownError: it was switched off.
            InterfaceError: the frame is too long, or the interface's queue is full.
        """
        room = _HEADER_BYTES + self._mtu
        if len(frame) > room:
            raise InterfaceError(self.interface, f"a frame of {len(frame)} bytes; {room} have room")
        try:
            self._socket.send(frame)
        except OSError as error:
            raise self._explained(error) from None

    def close(self) -> None:
        """Give the socket back. A task in :meth:`receive` must have been cancelled before."""
        self._socket.close()

    def _explained(self, error: OSError) -> InterfaceError:
        if error.errno in _GONE:
            try:
                if interface_index(self.interface) == self.index:
                    return InterfaceDownError(self.interface)
            except NoSuchInterfaceError:
                pass
            return NoSuchInterfaceError(self.interface, "the interface is gone")
        if error.errno in (errno.ENOBUFS, errno.EAGAIN):
            return InterfaceError(self.interface, "its queue is full")
        return InterfaceError(self.interface, error.strerror or str(error))
