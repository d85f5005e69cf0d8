"""Talk to systemd, which supervises this program: sd_notify(3), and whether PID 1 still answers."""

import os
import select
import socket
import struct

import libc
from report import name_of, warning

ASK_MS = 5_000
"""How often PID 1 is asked."""

_ALIVE_MS = 1_000
"""How often it is told that this program works; WatchdogSec= has to be longer than twice that."""


class Manager:
    """The service manager at ``address`` (NOTIFY_SOCKET). Nothing waits and nothing raises.

    PID 1 is asked with the barrier of sd_notify(3): it is sent the end of a pipe and closes that when it has
    worked through its messages. Who does not get that far hangs.
    """

    def __init__(self, address, now_ms):
        name = b"\0" + address[1:].encode() if address[:1] == "@" else address.encode() + b"\0"
        self._address = struct.pack("H", socket.AF_UNIX) + name
        self._socket = None
        self._failed = False
        self._status = None
        self._alive_ms = now_ms - _ALIVE_MS
        self._ask_ms = now_ms
        self._asked_ms = None
        self._answer = -1
        self._poll = select.poll()

    def ready(self):
        """This program does its work."""
        self._send("READY=1")

    def alive(self, now_ms):
        """To be called with every step."""
        if now_ms - self._alive_ms >= _ALIVE_MS:
            self._alive_ms = now_ms
            self._send("WATCHDOG=1")

    def status(self, text):
        """What ``systemctl status`` shows."""
        if text != self._status:
            self._status = text
            self._send("STATUS=" + text)

    def stopping(self):
        """This program ends."""
        self._send("STOPPING=1")

    def silent_ms(self, now_ms):
        """Ask PID 1 when it is time to; return for how long it has owed an answer, 0 if it owes none."""
        if self._answer >= 0 and self._poll.poll(0):
            # The other end is closed: answered.
            self._forget_answer()
            self._asked_ms = None
        if self._answer < 0 and now_ms >= self._ask_ms:
            self._ask_ms = now_ms + ASK_MS
            if self._asked_ms is None:
                self._asked_ms = now_ms
            self._ask()
        return 0 if self._asked_ms is None else now_ms - self._asked_ms

    def _ask(self):
        try:
            ours, theirs = libc.pipe()
        except OSError as problem:
            self._fail(problem)
            return
        try:
            libc.send_with_fd(self._connected().fileno(), b"BARRIER=1", theirs)
        except OSError as problem:
            libc.close(ours)
            self._fail(problem)
        else:
            self._answer = ours
            self._poll.register(ours, select.POLLIN)
        finally:
            libc.close(theirs)

    def _forget_answer(self):
        self._poll.unregister(self._answer)
        libc.close(self._answer)
        self._answer = -1

    def _send(self, message):
        try:
            self._connected().send(message.encode())
        except OSError as problem:
            self._fail(problem)
        else:
            self._failed = False

    def _connected(self):
        if self._socket is None:
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            # A full queue (a manager that hangs) must not stop this program.
            self._socket.setblocking(False)
            self._socket.connect(self._address)
        return self._socket

    def _fail(self, problem):
        if not self._failed:
            warning(f"service manager: {name_of(problem)}: it does not take messages")
        self._failed = True
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def address():
    """The service manager's address, "" when this program was not started by one."""
    return os.getenv("NOTIFY_SOCKET", "")
