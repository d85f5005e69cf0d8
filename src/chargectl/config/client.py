"""Asks configd over its socket."""

from __future__ import annotations

import json
import socket
import time
from pathlib import Path

from chargectl.config.protocol import encode
from chargectl.declarations.types import JsonValue

SOCKET = Path("/run/chargectl/configd.sock")
"""Where configd listens."""
TIMEOUT_S = 10.0
"""configd answers within a second; a slow flash may make it wait for the disk."""

_RETRY_S = 0.02


class NotRunningError(OSError):
    """No configd listens on the socket."""


def ask(
    request: dict[str, JsonValue], path: Path = SOCKET, timeout_s: float = TIMEOUT_S
) -> dict[str, JsonValue]:
    """Send one request (see `chargectl.config.protocol`) and return the reply.

    Raises `NotRunningError` when nobody listens, PermissionError for a user who may not ask, and OSError
    when the connection breaks or no answer comes in time.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC) as connection:
        connection.settimeout(timeout_s)
        _connect(connection, path, time.monotonic() + timeout_s)
        connection.sendall(encode(request))
        with connection.makefile("rb") as lines:
            line = lines.readline()
    try:
        reply = json.loads(line)
    except ValueError:
        raise OSError(f"configd at {path} closed the connection without an answer") from None
    if not isinstance(reply, dict):
        raise OSError(f"configd at {path} gave no valid answer")
    return reply


def _connect(connection: socket.socket, path: Path, give_up_s: float) -> None:
    while True:
        try:
            connection.connect(str(path))
            return
        except (FileNotFoundError, ConnectionRefusedError) as error:
            raise NotRunningError(error.errno, f"configd is not running (nobody listens on {path})") from None
        except BlockingIOError:
            # So many clients are waiting that the kernel takes no more; unlike TCP it does not wait itself.
            if time.monotonic() >= give_up_s:
                raise TimeoutError(f"configd at {path} is too busy") from None
            time.sleep(_RETRY_S)
