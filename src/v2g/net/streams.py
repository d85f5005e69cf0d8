"""TCP and TLS connections of a session: the station's listener and the car's connection.

Whoever uses a connection is a ``Receiver``; it gets bytes as they come, without a queue or task in between,
and writes with its ``Stream``. A listener serves one connection at a time: while one lives, others are reset.
"""

from __future__ import annotations

import asyncio
import errno
import os
import secrets
import socket
import struct
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, Protocol

from v2g.net.interfaces import NetworkError, interface_index, usable_link_local

if TYPE_CHECKING:
    import ssl

    from v2g.net.tls_layer import TlsLayer

FIRST_PORT: Final = 49152
LAST_PORT: Final = 65535
"""Dynamic ports: one of these is announced (ISO 15118-2:2014 [V2G2-084], RFC 6335)."""
CONNECT_TIMEOUT_S: Final = 10.0
FIRST_BYTE_TIMEOUT_S: Final = 5.0
"""From a connection on: by when a car has sent something. One that has not would keep the next one out. Its
first request is ready when it connects, and all of the set-up has 18 s at a station
(V2G_SECC_CommunicationSetup_Timeout, ISO 15118-2:2014)."""
_RETRY_S: Final = 0.1
_OTHER_ENDS_S: Final = 0.1
"""How long a connection waits for the end of the one before it, before it is refused."""
_CLOSE_TIMEOUT_S: Final = 2.0
"""How long the other side may take what was still to be sent, before a closed connection is cut off."""
_RESET: Final = struct.pack("ii", 1, 0)

Judge = Callable[["ssl.SSLObject"], list[str]]
"""What is wrong with the other side of a TLS connection; nothing if it may go on. See
``v2g.security.tls``."""


class _Transport(Protocol):
    """TCP's transport, or TLS on it."""

    def write(self, data: bytes) -> None: ...

    def close(self) -> None: ...

    def abort(self) -> None: ...

    def is_closing(self) -> bool: ...

    def get_extra_info(self, name: str, default: Any = None) -> Any: ...


class Receiver(Protocol):
    """Who uses a connection."""

    def connection_made(self, stream: Stream) -> None:
        """It stands, TLS included."""

    def data_received(self, data: bytes) -> None:
        """Bytes have come, cut anywhere."""

    def connection_lost(self, reason: str) -> None:
        """It has ended; ``reason`` is empty if the other side or ``close`` ended it in order."""


class Stream:
    """A connection.

    Attributes:
        own, peer: this side's and the other's address and port, as ``[fe80::1]:50000``.
        security: ``TCP``, or TLS's version and cipher suite.
        tls_version: such as ``TLSv1.3``; None without TLS.
        peer_certificate: the other side's TLS certificate (DER), if it has shown one.
    """

    __slots__ = ("_reason", "_transport", "own", "peer", "peer_certificate", "security", "tls_version")

    def __init__(self, transport: _Transport) -> None:
        self._transport = transport
        self._reason = ""
        self.own = shown(transport.get_extra_info("sockname"))
        self.peer = shown(transport.get_extra_info("peername"))
        tls: ssl.SSLObject | None = transport.get_extra_info("ssl_object")
        self.tls_version = None if tls is None else tls.version()
        self.peer_certificate = None if tls is None else tls.getpeercert(binary_form=True)
        cipher = None if tls is None else tls.cipher()
        self.security = "TCP" if cipher is None else f"{self.tls_version} {cipher[0]}"

    def write(self, data: bytes) -> None:
        """Send; what comes after the end is dropped."""
        if not self._transport.is_closing():
            self._transport.write(data)

    def close(self) -> None:
        """End it once all is sent; who does not take it in time is cut off."""
        if not self._transport.is_closing():
            self._transport.close()
            asyncio.get_running_loop().call_later(_CLOSE_TIMEOUT_S, self._transport.abort)

    def abort(self, reason: str = "aborted") -> None:
        """End it at once, dropping what is unsent; ``reason`` is what the receiver then hears."""
        self._reason = self._reason or reason
        self._transport.abort()

    def closing(self) -> bool:
        """Whether it has ended or is about to."""
        return self._transport.is_closing()

    def why(self) -> str:
        """The reason that ``abort`` was given."""
        return self._reason


class _Connection(asyncio.Protocol):
    """Passes a transport's calls on to a receiver."""

    def __init__(
        self,
        receiver: Receiver,
        ended: Callable[[], None] | None = None,
        first_byte_s: float | None = None,
    ) -> None:
        self._receiver = receiver
        self._ended = ended
        self._first_byte_s = first_byte_s
        self._silent: asyncio.TimerHandle | None = None
        self._stream: Stream | None = None

    def connection_made(self, transport: Any) -> None:
        self._stream = Stream(transport)
        if self._first_byte_s is not None:
            loop = asyncio.get_running_loop()
            self._silent = loop.call_later(self._first_byte_s, self._stream.abort, "nothing was sent")
        self._receiver.connection_made(self._stream)

    def data_received(self, data: bytes) -> None:
        self._heard()
        if self._stream is not None:
            self._receiver.data_received(data)

    def pause_writing(self) -> None:
        """The other side reads nothing: messages of a session are short, and it waits for each of them."""
        if self._stream is not None:
            self._stream.abort("the other side does not read")

    def _heard(self) -> None:
        if self._silent is not None:
            self._silent.cancel()
            self._silent = None

    def connection_lost(self, exc: Exception | None) -> None:
        self._heard()
        if self._ended is not None:
            self._ended()
        if self._stream is not None:
            self._receiver.connection_lost(self._stream.why() or _reason(exc))


class Listener:
    """Accepts a car's connections, one at a time.

    Attributes:
        address: where it listens, without scope.
        port: on which port.
    """

    def __init__(
        self,
        handle: socket.socket,
        receiver: Callable[[], Receiver],
        log: Callable[[str], None],
        tls: ssl.SSLContext | None,
        judge: Judge | None,
    ) -> None:
        self.address = str(handle.getsockname()[0]).partition("%")[0]
        self.port = int(handle.getsockname()[1])
        self._handle = handle
        self._receiver = receiver
        self._log = log
        self._tls = tls
        self._judge = judge
        self._busy: str = ""
        self._waiting: tuple[socket.socket, str, asyncio.TimerHandle] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop = asyncio.get_running_loop()
        self._retry: asyncio.TimerHandle | None = None
        self._loop.add_reader(handle, self._acceptable)

    def close(self) -> None:
        """Accept no more, and end handshakes under way; a standing connection lives on."""
        if self._retry is not None:
            self._retry.cancel()
        self._refuse_waiting()
        if self._handle.fileno() >= 0:
            self._loop.remove_reader(self._handle)
            self._handle.close()
        for task in self._tasks:
            task.cancel()

    def _acceptable(self) -> None:
        try:
            handle, address = self._handle.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return  # the car has gone before it was accepted
        except OSError as error:
            # Out of descriptors or memory: the car tries again, and so does this, but not in a busy loop.
            self._log(f"TCP: a connection was not accepted: {error.strerror}")
            self._loop.remove_reader(self._handle)
            self._retry = self._loop.call_later(
                _RETRY_S, self._loop.add_reader, self._handle, self._acceptable
            )
            return
        handle.setblocking(False)
        if not self._busy:
            self._begin(handle, shown(address))
        elif self._waiting is None:
            # A car may open its next connection before the end of its last one has been noticed.
            timer = self._loop.call_later(_OTHER_ENDS_S, self._refuse_waiting)
            self._waiting = handle, shown(address), timer
        else:
            self._refuse(handle, shown(address))

    def _refuse_waiting(self) -> None:
        if self._waiting is not None:
            handle, peer, timer = self._waiting
            timer.cancel()
            self._waiting = None
            self._refuse(handle, peer)

    def _refuse(self, handle: socket.socket, peer: str) -> None:
        self._log(f"TCP: connection from {peer} refused: {self._busy} is connected")
        handle.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        handle.close()

    def _begin(self, handle: socket.socket, peer: str) -> None:
        self._busy = peer
        task = asyncio.create_task(self._serve(handle, self._busy))
        self._tasks.add(task)
        task.add_done_callback(lambda done: self._served(done, handle))

    async def _serve(self, handle: socket.socket, peer: str) -> None:
        handle.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        made = _Connection(self._receiver(), self._free, FIRST_BYTE_TIMEOUT_S)
        layer = _layer(self._tls, made, self._judge, server=True)
        try:
            await self._loop.connect_accepted_socket(lambda: layer or made, handle)
            if layer is not None:
                await layer.ready
        except asyncio.CancelledError:
            if layer is not None:
                layer.abort()
            raise
        except OSError as error:
            self._free()
            self._log(f"connection from {peer} refused: TLS: {_reason(error)}")

    def _served(self, task: asyncio.Task[None], handle: socket.socket) -> None:
        self._tasks.discard(task)
        if task.cancelled():  # perhaps before it has begun
            handle.close()
            self._free()

    def _free(self) -> None:
        self._busy = ""
        if self._waiting is not None and self._handle.fileno() >= 0:
            handle, peer, timer = self._waiting
            timer.cancel()
            self._waiting = None
            self._begin(handle, peer)


def listen(
    interface: str,
    receiver: Callable[[], Receiver],
    log: Callable[[str], None],
    *,
    tls: ssl.SSLContext | None = None,
    judge: Judge | None = None,
    address: str | None = None,
    port: int = 0,
) -> Listener:
    """Listen on an interface's link-local address. Has to be called in a running event loop.

    Args:
        interface: its name.
        receiver: makes the receiver of a connection; called for each.
        log: gets a line for what is refused or fails.
        tls: speak TLS.
        judge: what to check once TLS stands.
        address: another address of that interface, such as ::1 of lo.
        port: 0 takes a free dynamic one.

    Raises:
        NetworkError: the interface has no such address, or the port is taken.
    """
    where = address or usable_link_local(interface).address
    handle = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
    try:
        handle.setblocking(False)
        handle.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        handle.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        _bind(handle, where, port, interface_index(interface))
        handle.listen(4)
    except OSError as error:
        handle.close()
        place = f"[{where}%{interface}]:{port or 'any'}"
        raise NetworkError(f"cannot listen on {place}: {error.strerror or error}") from None
    return Listener(handle, receiver, log, tls, judge)


def _bind(handle: socket.socket, address: str, port: int, scope: int) -> None:
    if port:
        handle.bind((address, port, 0, scope))
        return
    count = LAST_PORT - FIRST_PORT + 1
    start = secrets.randbelow(count)
    for offset in range(count):
        try:
            handle.bind((address, FIRST_PORT + (start + offset) % count, 0, scope))
            return
        except OSError as error:
            if error.errno != errno.EADDRINUSE or offset == count - 1:
                raise


async def connect(
    address: str,
    port: int,
    interface: str,
    receiver: Receiver,
    *,
    tls: ssl.SSLContext | None = None,
    judge: Judge | None = None,
) -> None:
    """Connect to a station; the receiver gets the connection.

    Raises:
        NetworkError: the station is not there, or TLS or ``judge`` refuses it.
    """
    scope = interface_index(interface)
    place = f"[{address}%{interface}]:{port}"
    loop = asyncio.get_running_loop()
    handle = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
    made = _Connection(receiver)
    layer = _layer(tls, made, judge, server=False)
    try:
        handle.setblocking(False)
        handle.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            await loop.sock_connect(handle, (address, port, 0, scope))
        await loop.create_connection(lambda: layer or made, sock=handle)
        if layer is not None:
            await layer.ready
    except BaseException as error:
        if layer is not None and not layer.is_closing():
            layer.abort()
        elif layer is None or layer.is_closing():
            handle.close()
        if not isinstance(error, OSError):
            raise
        raise NetworkError(f"no connection to {place}: {_reason(error)}") from None


def _layer(
    tls: ssl.SSLContext | None, above: _Connection, judge: Judge | None, *, server: bool
) -> TlsLayer | None:
    if tls is None:
        return None
    from v2g.net.tls_layer import TlsLayer

    return TlsLayer(tls, above, server=server, judge=judge)


def shown(address: tuple[str | int, ...] | None) -> str:
    """An address for people, without scope."""
    if not address:
        return "?"
    return f"[{str(address[0]).partition('%')[0]}]:{address[1]}"


def _reason(error: BaseException | None) -> str:
    if error is None:
        return ""
    if isinstance(error, TimeoutError) and not str(error):
        return "no answer"
    number = getattr(error, "errno", None)
    return os.strerror(number) if number else str(error)
