"""TLS on a TCP connection, between its transport and who uses it.

asyncio's own layer ends a handshake that fails without telling the other side why; this one sends the
alert, so that a car's log says what a station's does. It keeps no queue: bytes go through as they come.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Callable
from typing import Any, Final

from v2g.net.interfaces import NetworkError
from v2g.net.streams import FIRST_BYTE_TIMEOUT_S
from v2g.security.client_hello import HelloReader
from v2g.security.tls import explain

HANDSHAKE_TIMEOUT_S: Final = 10.0
"""For a handshake. The car's own limit, V2G_EVCC_CommunicationSetup_Timeout, is 20 s for all of the
set-up."""
_READ_SIZE: Final = 1 << 16

Judge = Callable[[ssl.SSLObject], list[str]]
"""What is wrong with the other side once the handshake is done; nothing if it may go on."""


class TlsLayer(asyncio.Protocol):
    """A protocol for the TCP transport, and a transport for the protocol above.

    Attributes:
        ready: is done when the protocol above has the connection, or has the NetworkError why not.
    """

    def __init__(
        self, context: ssl.SSLContext, above: asyncio.Protocol, *, server: bool, judge: Judge | None = None
    ) -> None:
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._context = context
        self._newest: ssl.SSLContext | None = getattr(context, "newest", None) if server else None
        self._hello = HelloReader()
        self._heard = False
        self._tls: ssl.SSLObject | None = None
        self._server = server
        self._above = above
        self._judge = judge
        self._transport: asyncio.Transport | None = None
        self._established = False
        self._error: NetworkError | None = None
        self._timer: asyncio.TimerHandle | None = None
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    # What the TCP transport calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """TCP stands: shake hands."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        # The car speaks first.
        limit = min(FIRST_BYTE_TIMEOUT_S, HANDSHAKE_TIMEOUT_S) if self._server else HANDSHAKE_TIMEOUT_S
        self._timer = asyncio.get_running_loop().call_later(limit, self._late)
        if self._newest is None:
            self._begin(self._context)

    def data_received(self, data: bytes) -> None:
        """Bytes of TLS have come."""
        if not self._heard:
            self._heard = True
            if self._server and self._timer is not None:
                self._timer.cancel()
                self._timer = asyncio.get_running_loop().call_later(HANDSHAKE_TIMEOUT_S, self._late)
        if self._tls is None:
            newest = self._hello.feed(data)
            if newest is None:
                return
            assert self._newest is not None
            data = self._hello.data()
            self._begin(self._newest if newest else self._context)
        self._incoming.write(data)
        if not self._established:
            self._shake_hands()
        if self._established:
            self._read()

    def eof_received(self) -> None:
        """The other side sends no more: TCP closes."""
        self._fail("the other side has closed the connection")

    def connection_lost(self, exc: Exception | None) -> None:
        """TCP has ended."""
        self._fail("the connection was lost" if exc is None else str(exc))
        if self._established:
            self._above.connection_lost(self._error or exc)

    # What the protocol above calls

    def write(self, data: bytes) -> None:
        """Send."""
        assert self._tls is not None
        try:
            self._tls.write(data)
        except ssl.SSLError as error:
            self._broken(error)
        self._flush()

    def close(self) -> None:
        """Say goodbye, and end TCP once all is sent. The other side's goodbye is not waited for."""
        if self._tls is not None and self._established and not self.is_closing():
            with contextlib.suppress(ssl.SSLError):  # the other side has not said goodbye yet, or never will
                self._tls.unwrap()
            self._flush()
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """End TCP at once."""
        if self._transport is not None:
            self._transport.abort()

    def is_closing(self) -> bool:
        """Whether it has ended or is about to."""
        return self._transport is None or self._transport.is_closing()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """As transports have it; ``ssl_object`` is the TLS connection."""
        if name == "ssl_object":
            return self._tls
        return default if self._transport is None else self._transport.get_extra_info(name, default)

    def _begin(self, context: ssl.SSLContext) -> None:
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=self._server)
        if not self._server:
            self._shake_hands()

    def _shake_hands(self) -> None:
        assert self._tls is not None
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            self._flush()
            return
        except ssl.SSLError as error:
            self._flush()  # the alert
            self._fail(explain(error))
            self.close()
            return
        self._flush()
        problems = [] if self._judge is None else self._judge(self._tls)
        if problems:
            self._fail("; ".join(problems))
            self.close()
            return
        self._stop_timer()
        self._established = True
        self._above.connection_made(self)  # type: ignore[arg-type]
        if not self.ready.done():
            self.ready.set_result(None)

    def _read(self) -> None:
        assert self._tls is not None
        try:
            while not self.is_closing():
                data = self._tls.read(_READ_SIZE)
                if data:
                    self._above.data_received(data)
                else:
                    self.close()  # the other side has said goodbye
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError as error:
            self._broken(error)
        self._flush()

    def _broken(self, error: ssl.SSLError) -> None:
        self._error = NetworkError(explain(error))
        self._flush()
        if self._transport is not None:
            self._transport.close()

    def _flush(self) -> None:
        data = self._outgoing.read()
        if data and self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def _fail(self, reason: str) -> None:
        """The handshake has failed, unless it has ended before."""
        self._stop_timer()
        if not self._established and not self.ready.done():
            self.ready.set_exception(NetworkError(reason))

    def _late(self) -> None:
        self._fail("no answer")
        self.abort()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
