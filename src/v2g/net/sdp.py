"""SDP on an interface: the station's answering socket and the car's asking one."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable, Iterable
from typing import Final, cast

from v2g.net.interfaces import NetworkError, interface_index
from v2g.sdp import SdpEffect, SdpFailed, SdpFound, SdpRequester, SdpResponder, SdpResponse, SendSdp
from v2gexi.v2gtp import SDP_PORT

ALL_NODES: Final = "ff02::1"
"""Where cars ask (ISO 15118-2:2014, "SECC Discovery Protocol")."""

Watch = Callable[[SdpEffect], None]
"""Called with each checkpoint and log line."""

Datagrams = Callable[[str, str, bytes, bool], None]
"""Called with each datagram: source, destination (both as "[address]:port", "::" being this host's own
address), content, and whether it was sent."""


class SdpServer:
    """Answers a car's requests on one interface until it is closed."""

    def __init__(self, transport: asyncio.DatagramTransport) -> None:
        self._transport = transport

    @property
    def port(self) -> int:
        """The UDP port."""
        return int(self._transport.get_extra_info("sockname")[1])

    def close(self) -> None:
        """Answer no more."""
        self._transport.close()


async def serve(
    interface: str,
    responder: SdpResponder,
    watch: Watch,
    *,
    port: int = SDP_PORT,
    datagrams: Datagrams | None = None,
) -> SdpServer:
    """Answer requests on ``interface``. ``port`` 0 takes a free one; ``datagrams`` is told of all that pass,
    for recordings.

    Raises:
        NetworkError: there is no such interface, or the port is taken there.
    """
    handle = _socket(interface)
    try:
        # Without SO_REUSEADDR: with it a second process could take the port too, and the requests with it.
        handle.bind(("::", port))
        group = socket.inet_pton(socket.AF_INET6, ALL_NODES) + struct.pack("@I", interface_index(interface))
        handle.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, group)
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: _Answering(responder, watch, datagrams), sock=handle
        )
    except OSError as error:
        handle.close()
        raise NetworkError(f"SDP on {interface}, port {port}: {error.strerror or error}") from None
    return SdpServer(transport)


async def discover(
    interface: str,
    requester: SdpRequester,
    watch: Watch,
    *,
    port: int = SDP_PORT,
    group: str = ALL_NODES,
    datagrams: Datagrams | None = None,
) -> SdpResponse:
    """Ask on ``interface`` until a usable station answers. Cancelling it stops asking. ``datagrams`` is told
    of all that pass, for recordings.

    Raises:
        NetworkError: no station has answered, or the interface cannot be used.
    """
    scope = interface_index(interface)
    handle = _socket(interface)
    try:
        handle.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, scope)
        handle.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 1)
        handle.bind(("::", 0))
        loop = asyncio.get_running_loop()
        asking = _Asking(requester, watch, (group, port, 0, scope), loop.create_future(), datagrams)
        transport, _ = await loop.create_datagram_endpoint(lambda: asking, sock=handle)
    except OSError as error:
        handle.close()
        raise NetworkError(f"SDP on {interface}: {error.strerror or error}") from None
    try:
        return await asking.station
    finally:
        asking.stop()
        transport.close()


def _socket(interface: str) -> socket.socket:
    interface_index(interface)
    handle = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    try:
        handle.setblocking(False)
        handle.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        # Several stations of one host each hear the cars on their own cable alone.
        handle.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, interface.encode() + b"\0")
    except OSError as error:
        handle.close()
        raise NetworkError(f"SDP on {interface}: {error.strerror or error}") from None
    return handle


class _Answering(asyncio.DatagramProtocol):
    def __init__(self, responder: SdpResponder, watch: Watch, datagrams: Datagrams | None = None) -> None:
        self._responder = responder
        self._watch = watch
        self._datagrams = datagrams
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Python 3.11's datagram transport is none by its class.
        self._transport = cast("asyncio.DatagramTransport", transport)

    @property
    def _port(self) -> int:
        return 0 if self._transport is None else int(self._transport.get_extra_info("sockname")[1])

    def datagram_received(self, data: bytes, addr: tuple[str | int, ...]) -> None:
        if self._datagrams is not None:
            self._datagrams(_shown(addr), _shown((ALL_NODES, self._port)), data, False)
        for effect in self._responder.received(data, _shown(addr)):
            if isinstance(effect, SendSdp):
                if self._transport is not None:
                    self._transport.sendto(effect.frame, addr)
                if self._datagrams is not None:
                    self._datagrams(_shown(("::", self._port)), _shown(addr), effect.frame, True)
            else:
                self._watch(effect)

    def error_received(self, exc: Exception) -> None:
        """The car is gone: it asks again if it is not."""


class _Asking(asyncio.DatagramProtocol):
    def __init__(
        self,
        requester: SdpRequester,
        watch: Watch,
        group: tuple[str, int, int, int],
        station: asyncio.Future[SdpResponse],
        datagrams: Datagrams | None = None,
    ) -> None:
        self.station = station
        self._requester = requester
        self._watch = watch
        self._group = group
        self._datagrams = datagrams
        self._transport: asyncio.DatagramTransport | None = None
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Python 3.11's datagram transport is none by its class.
        self._transport = cast("asyncio.DatagramTransport", transport)
        self._carry_out(self._requester.start(_now_ms()))

    def datagram_received(self, data: bytes, addr: tuple[str | int, ...]) -> None:
        if self._datagrams is not None:
            self._datagrams(_shown(addr), self._own(), data, False)
        self._carry_out(self._requester.received(data, _shown(addr)))

    def error_received(self, exc: Exception) -> None:
        """A request could not be sent, as before the cable is plugged in: the next one may be."""

    def _own(self) -> str:
        port = 0 if self._transport is None else int(self._transport.get_extra_info("sockname")[1])
        return _shown(("::", port))

    def stop(self) -> None:
        """Ask no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _tick(self) -> None:
        self._carry_out(self._requester.tick(_now_ms()))

    def _carry_out(self, effects: Iterable[SdpEffect]) -> None:
        for effect in effects:
            if isinstance(effect, SendSdp):
                if self._transport is not None:
                    self._transport.sendto(effect.frame, self._group)
                if self._datagrams is not None:
                    self._datagrams(self._own(), _shown(self._group), effect.frame, True)
            elif isinstance(effect, SdpFound):
                if not self.station.done():
                    self.station.set_result(effect.station)
            elif isinstance(effect, SdpFailed):
                if not self.station.done():
                    self.station.set_exception(NetworkError(effect.reason))
            else:
                self._watch(effect)
        self.stop()
        deadline = self._requester.deadline()
        if deadline is not None:
            self._timer = asyncio.get_running_loop().call_later(
                max(0, deadline - _now_ms()) / 1000, self._tick
            )


def _now_ms() -> int:
    # Rounded up, so that a timer that fires on time is not too early for the core.
    return -int(-asyncio.get_running_loop().time() * 1000 // 1)


def _shown(address: tuple[str | int, ...]) -> str:
    host = str(address[0]).partition("%")[0]
    return f"[{host}]:{address[1]}"
