"""Serves lines over a unix socket: many clients, none of which can hold up or harm the others."""

from __future__ import annotations

import contextlib
import logging
import os
import selectors
import socket
from collections.abc import Callable
from pathlib import Path

from chargectl.config.protocol import MAXIMUM_LINE, refusal

log = logging.getLogger(__name__)

MAXIMUM_CLIENTS = 16
"""Command line, OCPP client and web interface at once, with room to spare; the rest waits in the backlog."""
BACKLOG = 64
IDLE_S = 30.0
"""A client that says nothing and reads nothing for so long is sent away."""
MAXIMUM_UNSENT = 512 * 1024
"""Answers that a client does not fetch; the longest single one has some 20 KiB."""
_CHUNK = 16 * 1024


class _Client:
    __slots__ = ("closing", "connection", "last_s", "received", "unsent")

    def __init__(self, connection: socket.socket, now_s: float) -> None:
        self.connection = connection
        self.received = bytearray()
        self.unsent = bytearray()
        self.closing = False
        self.last_s = now_s


class LineServer:
    """Listens on ``path`` (mode 0660) and answers each line with ``handle(line)``, one line at a time.

    It registers with ``selector``; the data of each entry is a callable to run with the events. Raises
    OSError when the socket cannot be made, FileExistsError when another process listens there.
    """

    def __init__(
        self,
        path: Path,
        handle: Callable[[bytes], bytes],
        selector: selectors.BaseSelector,
        monotonic: Callable[[], float],
    ) -> None:
        self._path = path
        self._handle = handle
        self._selector = selector
        self._monotonic = monotonic
        self._clients: dict[int, _Client] = {}
        self._listener = _listen(path)
        self._inode = os.stat(path).st_ino
        self._accepting = False
        self._accept_more()

    def close(self) -> None:
        """Send everybody away and remove the socket, unless another process has put its own there."""
        for client in list(self._clients.values()):
            self._drop(client)
        if self._accepting:
            self._selector.unregister(self._listener)
        self._listener.close()
        with contextlib.suppress(OSError):
            if os.stat(self._path).st_ino == self._inode:
                os.unlink(self._path)

    def tidy(self) -> None:
        """Send away who has been idle for too long; to be called every few seconds."""
        now = self._monotonic()
        for client in list(self._clients.values()):
            if now - client.last_s > IDLE_S:
                self._drop(client)

    def _accept_more(self) -> None:
        wanted = len(self._clients) < MAXIMUM_CLIENTS
        if wanted and not self._accepting:
            self._selector.register(self._listener, selectors.EVENT_READ, self._accept)
        elif not wanted and self._accepting:
            self._selector.unregister(self._listener)
        self._accepting = wanted

    def _accept(self, _events: int) -> None:
        try:
            connection, _ = self._listener.accept()
        except OSError as error:
            log.warning("%s: a client could not be accepted: %s", self._path, error.strerror)
            return
        connection.setblocking(False)
        client = _Client(connection, self._monotonic())
        self._clients[connection.fileno()] = client
        self._selector.register(connection, selectors.EVENT_READ, lambda events: self._serve(client, events))
        self._accept_more()

    def _serve(self, client: _Client, events: int) -> None:
        try:
            if events & selectors.EVENT_READ and not self._read(client):
                return
            self._send(client)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            log.debug("%s: client lost: %s", self._path, error.strerror)
            self._drop(client)

    def _read(self, client: _Client) -> bool:
        """Take what has arrived; False when the client is gone."""
        data = client.connection.recv(_CHUNK)
        if not data:
            # Whoever closes in mid-line has not finished the request: it is not carried out.
            if client.unsent and not client.closing:
                client.closing = True
                return True
            self._drop(client)
            return False
        client.last_s = self._monotonic()
        if client.closing:
            return True
        client.received += data
        while not client.closing and (end := client.received.find(b"\n")) >= 0:
            line = bytes(client.received[:end])
            del client.received[: end + 1]
            if line.strip():
                client.unsent += self._handle(line)
            client.closing = len(client.unsent) > MAXIMUM_UNSENT
        if len(client.received) > MAXIMUM_LINE:
            client.received.clear()
            client.unsent += refusal(f"a request has at most {MAXIMUM_LINE // 1024} KiB")
            client.closing = True
        return True

    def _send(self, client: _Client) -> None:
        if client.unsent:
            now = self._monotonic()
            with contextlib.suppress(BlockingIOError):
                sent = client.connection.send(client.unsent)
                del client.unsent[:sent]
                client.last_s = now
        if client.closing and not client.unsent:
            self._drop(client)
            return
        # Who does not fetch the answers is not read either, so that nothing piles up.
        wanted = selectors.EVENT_WRITE if client.unsent else selectors.EVENT_READ
        entry = self._selector.get_key(client.connection)
        if entry.events != wanted:
            self._selector.modify(client.connection, wanted, entry.data)

    def _drop(self, client: _Client) -> None:
        if self._clients.pop(client.connection.fileno(), None) is None:
            return
        self._selector.unregister(client.connection)
        client.connection.close()
        self._accept_more()


def _listen(path: Path) -> socket.socket:
    path.parent.mkdir(parents=True, exist_ok=True)
    _remove_stale(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    try:
        old = os.umask(0o117)
        try:
            listener.bind(str(path))
        finally:
            os.umask(old)
        listener.listen(BACKLOG)
        listener.setblocking(False)
    except OSError:
        listener.close()
        raise
    return listener


def _remove_stale(path: Path) -> None:
    """Remove a socket that nobody listens on any more."""
    if not path.is_socket():
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink(missing_ok=True)
            return
        except FileNotFoundError:
            return
    raise FileExistsError(f"another configd listens on {path}")
