"""QEMU's machine protocol (QMP), as far as the board needs it. Source: QEMU, docs/interop/qmp-spec.rst."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

ANSWER_S = 60.0
"""A snapshot of the board's memory is the slowest command: seconds, on a busy machine many."""


class QmpError(RuntimeError):
    """QEMU refused a command, or is gone."""


class Qmp:
    """A client of ``-qmp unix:PATH,server=on,wait=off``; one at a time.

    Raises:
        OSError: nobody listens at the path.
    """

    def __init__(self, path: Path) -> None:
        self.events: list[dict[str, Any]] = []
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(ANSWER_S)
        try:
            self._socket.connect(str(path))
        except OSError:
            self._socket.close()
            raise
        self._file = self._socket.makefile("rw")
        self._read()  # the greeting
        self.command("qmp_capabilities")

    def _read(self) -> dict[str, Any]:
        line = self._file.readline()
        if not line:
            raise QmpError("QEMU has ended")
        message: dict[str, Any] = json.loads(line)
        return message

    def command(self, name: str, **arguments: object) -> Any:
        """Run a command and return what it returns; events that come meanwhile go to ``events``.

        Raises:
            QmpError: QEMU refused it or ended.
        """
        try:
            self._file.write(json.dumps({"execute": name, "arguments": arguments}) + "\n")
            self._file.flush()
            while True:
                message = self._read()
                if "event" in message:
                    self.events.append(message)
                elif "error" in message:
                    raise QmpError(f"{name}: {message['error']['desc']}")
                else:
                    return message["return"]
        except OSError as error:
            raise QmpError(f"{name}: {error}") from error

    def monitor(self, line: str) -> str:
        """A line of the human monitor; what it prints.

        Raises:
            QmpError: the monitor printed an error; it has no other way to tell one.
        """
        answer: str = self.command("human-monitor-command", **{"command-line": line})
        if answer.startswith("Error"):
            raise QmpError(answer.strip())
        return answer

    def close(self) -> None:
        """End the connection."""
        self._file.close()
        self._socket.close()
