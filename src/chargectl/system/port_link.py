"""The connection between the port and the daemon of high-level charging: lines of JSON over a local socket.

No broker is in it. Only root, the daemon's user and the port's own may connect: the socket's group and mode
keep others out, and the kernel tells who it is. One connection counts at a time, the newest: a daemon that
was started again takes the place of one that hangs.
"""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import json
import logging
import math
import os
import pwd
import socket
import struct
from pathlib import Path
from typing import Final, TypeVar

from chargectl.declarations.port_link import RENEW_MS, PortStatus, PortTrouble, SessionWish

log = logging.getLogger(__name__)

SOCKET: Final = Path("/run/chargectl/portd/session.sock")
"""Where portd listens with charging_type highlevel."""
DAEMON_USER: Final = "chargectl-iso15118d"
MAXIMUM_LINE: Final = 1024
_UNSENT: Final = 16 * 1024
_CREDENTIALS: Final = struct.Struct("3i")
_STATES: Final = ("A", "B", "C", "D", "E", "F")
_MOST_ROUTINES: Final = 1_000_000
_MOST_AMPERE: Final = 1_000.0

_Line = TypeVar("_Line", SessionWish, PortStatus)


class PortLinkError(ValueError):
    """A line that is none; the text says what is wrong and what is allowed."""


def encode(value: SessionWish | PortStatus) -> bytes:
    """A line."""
    fields = {
        name: entry.value if isinstance(entry, PortTrouble) else entry
        for name, entry in ((each.name, getattr(value, each.name)) for each in dataclasses.fields(value))
    }
    return json.dumps(fields, separators=(",", ":"), allow_nan=False).encode("ascii") + b"\n"


def decode(kind: type[_Line], line: bytes) -> _Line:
    """What a line says.

    Raises:
        PortLinkError: it is no such line.
    """
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        raise PortLinkError(f"{kind.__name__}: no JSON: {line[:40]!r}") from None
    names = [each.name for each in dataclasses.fields(kind)]
    if not isinstance(found, dict) or sorted(found) != sorted(names):
        raise PortLinkError(f"{kind.__name__}: an object with exactly {', '.join(names)} is allowed")
    for name, value in found.items():
        allowed = _wrong(name, value)
        if allowed:
            raise PortLinkError(f"{kind.__name__}: {name} is {str(value)[:40]!r}; allowed is {allowed}")
    if "trouble" in found:
        found["trouble"] = PortTrouble(found["trouble"])
    return kind(**found)


def _wrong(name: str, value: object) -> str:
    """What is allowed for a field, if its value is not."""
    match name:
        case "pilot":
            return "" if value in _STATES else "one of A to F"
        case "trouble":
            known = [each.value for each in PortTrouble]
            return "" if value in known else "one of " + ", ".join(map(repr, known))
        case "phases":
            return "" if type(value) is int and value in (1, 3) else "1 or 3"
        case "error_routines":
            fits = type(value) is int and 0 <= value <= _MOST_ROUTINES
            return "" if fits else f"an integer from 0 to {_MOST_ROUTINES}"
        case "offered_a":
            number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
            fits = number and 0 <= float(str(value)) <= _MOST_AMPERE
            return "" if fits else f"a number from 0 to {_MOST_AMPERE:g}"
        case "contactor_closed":
            return "" if value is None or isinstance(value, bool) else "true, false or null"
        case _:
            return "" if isinstance(value, bool) else "true or false"


class Lines:
    """Cuts bytes into lines."""

    def __init__(self) -> None:
        self._waiting = b""

    def feed(self, data: bytes) -> list[bytes]:
        """The lines that are complete now.

        Raises:
            PortLinkError: a line is longer than any that is allowed.
        """
        *lines, self._waiting = (self._waiting + data).split(b"\n")
        if max(map(len, (*lines, self._waiting))) > MAXIMUM_LINE:
            raise PortLinkError(f"a line has at most {MAXIMUM_LINE} bytes")
        return lines


class PortLinkServer:
    """portd's end. Nothing in it waits: :meth:`exchange` is called once in each control cycle.

    Raises OSError when the socket cannot be made.
    """

    def __init__(self, path: Path = SOCKET, user: str = DAEMON_USER) -> None:
        self._path = path
        self._users = _allowed_users(user)
        self._listener = _listen(path)
        self._peer: socket.socket | None = None
        self._lines = Lines()
        self._unsent = b""
        self._told: PortStatus | None = None
        self._told_ms = 0

    def exchange(self, status: PortStatus, now_ms: int) -> list[SessionWish | None]:
        """Tell the status when it is news or due, and return what was wished since, the newest last.

        None in the list: the daemon has gone, or another one has taken its place.
        """
        wishes: list[SessionWish | None] = []
        if self._accept():
            wishes.append(None)
        if self._peer is None:
            return wishes
        try:
            wishes += self._receive(self._peer)
            self._tell(self._peer, status, now_ms)
        except (OSError, PortLinkError) as error:
            log.warning("high-level charging: connection ended: %s", error)
            self._drop()
            wishes.append(None)
        return wishes

    def close(self) -> None:
        """Send everybody away."""
        self._drop()
        self._listener.close()
        with contextlib.suppress(OSError):
            self._path.unlink()

    def _accept(self) -> bool:
        try:
            peer, _ = self._listener.accept()
            who = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
        except OSError as error:
            if error.errno not in (errno.EAGAIN, errno.EINTR, errno.ECONNABORTED):
                log.warning("%s: not accepted: %s", self._path, error.strerror)
            return False
        process, user, _ = _CREDENTIALS.unpack(who)
        if user not in self._users:
            log.warning("%s: process %d of user %d is not allowed here", self._path, process, user)
            peer.close()
            return False
        peer.setblocking(False)
        self._drop()
        self._peer = peer
        log.info("high-level charging: process %d is connected", process)
        return True

    def _receive(self, peer: socket.socket) -> list[SessionWish | None]:
        try:
            data = peer.recv(16 * MAXIMUM_LINE)
        except (BlockingIOError, InterruptedError):
            return []
        if not data:
            raise ConnectionResetError("the daemon has closed it")
        return [decode(SessionWish, line) for line in self._lines.feed(data)]

    def _tell(self, peer: socket.socket, status: PortStatus, now_ms: int) -> None:
        if status != self._told or now_ms - self._told_ms >= RENEW_MS:
            self._told, self._told_ms = status, now_ms
            self._unsent += encode(status)
        if not self._unsent:
            return
        with contextlib.suppress(BlockingIOError, InterruptedError):
            self._unsent = self._unsent[peer.send(self._unsent) :]
        if len(self._unsent) > _UNSENT:
            raise TimeoutError("the daemon reads nothing")

    def _drop(self) -> None:
        if self._peer is not None:
            self._peer.close()
        self._peer = self._told = None
        self._lines = Lines()
        self._unsent = b""


def _allowed_users(name: str) -> frozenset[int]:
    users = {0, os.getuid()}
    with contextlib.suppress(KeyError):
        users.add(pwd.getpwnam(name).pw_uid)
    return frozenset(users)


def _listen(path: Path) -> socket.socket:
    """A socket for its owner and its group, which is the folder's where that gives its group on (setgid)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # portd's own lock says that no other one runs: what lies there is left over.
    with contextlib.suppress(FileNotFoundError):
        path.unlink()
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    try:
        old = os.umask(0o117)
        try:
            listener.bind(str(path))
        finally:
            os.umask(old)
        listener.listen(4)
        listener.setblocking(False)
    except OSError:
        listener.close()
        raise
    return listener
