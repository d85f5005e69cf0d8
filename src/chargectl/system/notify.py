"""Messages to systemd: ready, alive, status, stopping (sd_notify(3), without its library).

Without systemd (no NOTIFY_SOCKET) every method does nothing. None of them raises or waits: a service
manager that does not listen must not stop a charger.
"""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Mapping

log = logging.getLogger(__name__)

_STATUS_CHARACTERS = 200


class Notifier:
    """Speaks to the service manager named by ``environ``.

    ``watchdog_interval_s`` is how often ``watchdog`` is to be called: half of WatchdogSec=, as
    sd_watchdog_enabled(3) recommends. None when the manager expects nothing, or expects it from another
    process (WATCHDOG_PID).
    """

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        self.watchdog_interval_s = _watchdog_interval_s(environ)
        self._address = _address(environ.get("NOTIFY_SOCKET", ""))
        self._failed = False

    def ready(self) -> bool:
        """The service is up (READY=1). Like the others: returns whether the message was sent."""
        return self._send("READY=1")

    def watchdog(self) -> bool:
        """The service does its work (WATCHDOG=1)."""
        return self._send("WATCHDOG=1")

    def status(self, text: str) -> bool:
        """One line for ``systemctl status``; further lines and an excess over 200 characters are cut off."""
        return self._send("STATUS=" + text.partition("\n")[0][:_STATUS_CHARACTERS])

    def stopping(self) -> bool:
        """The service shuts down (STOPPING=1)."""
        return self._send("STOPPING=1")

    def _send(self, message: str) -> bool:
        if self._address is None:
            return False
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock:
                # A full queue (a manager that hangs) must not stop the control loop.
                sock.setblocking(False)
                sock.sendto(message.encode("utf-8", "replace"), self._address)
        except (OSError, ValueError) as error:
            if not self._failed:
                log.warning("service manager: %s was not sent: %s", message.partition("=")[0], error)
            self._failed = True
            return False
        self._failed = False
        return True


def _address(text: str) -> str | None:
    """The socket's address: a path, or a name in the abstract namespace (``@``); no other kind is spoken."""
    if text.startswith("@") and len(text) > 1:
        return "\0" + text[1:]
    return text if text.startswith("/") else None


def _watchdog_interval_s(environ: Mapping[str, str]) -> float | None:
    usec, pid = environ.get("WATCHDOG_USEC", ""), environ.get("WATCHDOG_PID", "")
    if not (usec.isascii() and usec.isdigit()) or int(usec) == 0 or (pid and pid != str(os.getpid())):
        return None
    return int(usec) / 2_000_000
