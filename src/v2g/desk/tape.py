"""Records the desk's own session: packets of SLAC as they are, datagrams and messages in packets made for
them."""

from __future__ import annotations

import contextlib
import ipaddress
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from v2g.capture.envelope import CAR_ADDRESS, STATION_ADDRESS, End
from v2g.capture.pcapng import PcapngWriter
from v2g.capture.record import Recorder
from v2g.common.session_effects import MessageSeen
from v2g.net.interfaces import InterfaceError, link_local, mac_address
from v2gexi import v2gtp
from v2gexi.packets import Endpoint


class Tape:
    """A recording that a session is written to while it lasts.

    Args:
        path: the pcapng file; one that is there is continued.
        interface: its name.
        car: whether this side is the car.

    Raises:
        OSError: the file cannot be written.
    """

    def __init__(self, path: Path, interface: str, *, car: bool) -> None:
        self._recorder = Recorder(PcapngWriter(path), interface, time.time_ns)
        self._interface = interface
        self._car = car
        self._connection: int | None = None
        self._path = path
        self._full = False
        self.failed: Callable[[str], None] = lambda reason: None
        """Called with the reason when the file cannot be written any more; the session goes on without."""

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            # Half a block is in the file: what came behind it could not be read.
            self._full = True
            self.failed(f"{self._path}: {error.strerror}; nothing more is recorded")

    def frame(self, data: bytes, sent: bool) -> None:
        """A HomePlug frame."""
        if self._full:
            return
        with self._writing():
            self._recorder.frame(data, sent)

    def opened(self, own: str, peer: str, encrypted: bool) -> None:
        """A connection came about, between "[address]:port" and another."""
        self.closed(by_car=not self._car)
        if self._full:
            return
        ends = (self._own(own), self._peer(peer))
        car, station = ends if self._car else ends[::-1]
        with self._writing():
            self._connection = self._recorder.opened(car, station, encrypted)

    def datagram(self, source: str, destination: str, data: bytes, sent: bool) -> None:
        """A datagram of SDP, between "[address]:port" and another; "::" is this side's own address."""
        ends = (
            (self._own(source), self._peer(destination))
            if sent
            else (self._peer(source), self._own(destination))
        )
        if self._full:
            return
        with self._writing():
            self._recorder.datagram(*ends, data, sent)

    def take(self, effect: Any) -> None:
        """Record a message that a core has sent or got."""
        if self._full or not isinstance(effect, MessageSeen) or self._connection is None:
            return
        frame = v2gtp.pack(effect.payload, effect.payload_type)
        with self._writing():
            self._recorder.message(self._connection, effect.request, frame, effect.request == self._car)

    def closed(self, *, by_car: bool) -> None:
        """The connection ended."""
        connection, self._connection = self._connection, None
        if connection is not None and not self._full:
            with self._writing():
                self._recorder.closed(connection, by_car)

    def _own(self, shown: str) -> End:
        """This side; its addresses are the interface's, as long as there is one."""
        endpoint = _endpoint(shown)
        if endpoint.address.startswith("ff"):
            return End(_group_mac(endpoint.address), endpoint)
        hardware = b""
        try:
            hardware = mac_address(self._interface)
            address = link_local(self._interface) if endpoint.address == "::" else None
            endpoint = endpoint if address is None else Endpoint(address.address, endpoint.port)
        except InterfaceError:
            pass
        return End(hardware if any(hardware) else _unknown_mac(self._car), endpoint)

    def _peer(self, shown: str) -> End:
        """The other side; its Ethernet address is in its IPv6 address, or not known."""
        endpoint = _endpoint(shown)
        if endpoint.address.startswith("ff"):
            return End(_group_mac(endpoint.address), endpoint)
        number = ipaddress.IPv6Address(endpoint.address).packed[8:]
        # RFC 4291, appendix A: the two bytes in the middle, and one bit that is turned around.
        if number[3:5] == b"\xff\xfe":
            return End(bytes((number[0] ^ 2,)) + number[1:3] + number[5:], endpoint)
        return End(_unknown_mac(not self._car), endpoint)


def _unknown_mac(car: bool) -> bytes:
    return CAR_ADDRESS if car else STATION_ADDRESS


def _group_mac(address: str) -> bytes:
    """Where Ethernet sends what is for a group (RFC 2464, 7)."""
    return b"\x33\x33" + ipaddress.IPv6Address(address).packed[12:]


def _endpoint(shown: str) -> Endpoint:
    address, _, port = shown.rpartition(":")
    return Endpoint(address.strip("[]").partition("%")[0] or "::", int(port or 0))
