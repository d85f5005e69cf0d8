"""Talk to a simulated board through its control socket."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections import deque
from types import TracebackType
from typing import Any, Self


class SimError(RuntimeError):
    """The board refused a request, or does not answer; the message is its own."""


class SimClient:
    """One connection to a board, for any thread. Calls block until it has answered (``timeout_s`` at most).

    Raises SimError when the board refuses or is not there."""

    def __init__(self, path: str, *, timeout_s: float = 10.0) -> None:
        self._path = path
        self._received = b""
        self._lock = threading.Lock()
        self.events: deque[dict[str, Any]] = deque()
        """Events that arrived after :meth:`subscribe`: at_ms, name, value."""
        self._link = socket.socket(socket.AF_UNIX)
        self._link.settimeout(timeout_s)
        try:
            self._link.connect(path)
        except OSError as error:
            self._link.close()
            raise SimError(f"simulated board at {path}: {error.strerror}: is it running?") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the connection; the board goes on."""
        self._link.close()

    def fileno(self) -> int:
        """The descriptor, for a selector that waits for events."""
        return self._link.fileno()

    def do(self, action: str, **arguments: Any) -> None:
        """Perform an action."""
        self.request({"do": action, "with": arguments})

    def fault(self, name: str) -> None:
        """Inject a fault by name."""
        self.request({"fault": name})

    def clear(self, name: str | None = None) -> None:
        """Remove a fault, or all of them."""
        self.request({"clear": name})

    def state(self) -> dict[str, Any]:
        """The whole state report (see :mod:`chargectl.sim.report`)."""
        result: dict[str, Any] = self.request({"get": "state"})
        return result

    def fact(self, name: str) -> Any:
        """One fact of the state report."""
        return self.state()["facts"][name]

    def hazards(self) -> list[str]:
        """What has happened that no firmware may let happen."""
        return [hazard["what"] for hazard in self.state()["safety"]["hazards"]]

    def history(self) -> list[dict[str, Any]]:
        """All events since the board started: at_ms, name, value."""
        result: list[dict[str, Any]] = self.request({"get": "events"})
        return result

    def gpio(self, number: int) -> bool:
        """Level of a line."""
        return bool(self.request({"gpio": number})["level"])

    def is_output(self, number: int) -> bool:
        """Whether a line is driven by the SoC."""
        return bool(self.request({"gpio": number})["output"])

    def now_ms(self) -> float:
        """The board's time."""
        return float(self.request({"get": "now"}))

    def advance(self, milliseconds: float) -> None:
        """Let virtual time pass; edges on the way have been signalled when this returns."""
        self.request({"advance": milliseconds})

    def reset(self, **options: Any) -> None:
        """A new board; see :class:`chargectl.sim.options.Options`."""
        self.request({"reset": options})

    def subscribe(self) -> None:
        """Receive events from now on."""
        self.request({"subscribe": True})

    def quit(self) -> None:
        """End the board."""
        self.request({"quit": True})

    def request(self, request: dict[str, Any]) -> Any:
        """Send any request; returns its result."""
        try:
            with self._lock:
                message = self._exchange(request)
        except OSError as error:
            raise SimError(f"simulated board at {self._path}: {error}") from None
        if not message["ok"]:
            raise SimError(message["error"])
        return message["result"]

    def wait_event(self, timeout_s: float) -> dict[str, Any] | None:
        """The next event, or None when none comes in time (real time)."""
        deadline = time.monotonic() + timeout_s
        before = self._link.gettimeout()
        try:
            while not self.events:
                left = deadline - time.monotonic()
                if left <= 0:
                    return None
                self._link.settimeout(left)
                try:
                    self.events.append(self._line()["event"])
                except TimeoutError:
                    return None
        finally:
            self._link.settimeout(before)
        return self.events.popleft()

    def _exchange(self, request: dict[str, Any]) -> dict[str, Any]:
        self._link.sendall(json.dumps(request).encode() + b"\n")
        while "event" in (message := self._line()):
            self.events.append(message["event"])
        return message

    def _line(self) -> dict[str, Any]:
        while b"\n" not in self._received:
            data = self._link.recv(65536)
            if not data:
                raise SimError(f"simulated board at {self._path}: it has ended")
            self._received += data
        line, self._received = self._received.split(b"\n", 1)
        message: dict[str, Any] = json.loads(line)
        return message
