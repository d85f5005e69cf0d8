"""A private mosquitto: its own port, its own configuration file, nothing kept after it ends."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Self

START_TIMEOUT_S = 10.0
MAXIMUM_PACKET_BYTES = 256 * 1024
"""Larger than any declared payload; the broker disconnects who sends more."""

_ATTEMPTS = 5
_RUNNING = re.compile(rb"mosquitto version \S+ running")
_CONFIGURATION = """\
listener {port} 127.0.0.1
allow_anonymous true
persistence false
sys_interval 0
set_tcp_nodelay true
log_dest stderr
log_type error
log_type warning
log_type notice
log_type information
"""


class BrokerError(RuntimeError):
    """The broker did not start; the text says why."""


class PrivateBroker:
    """One mosquitto process on 127.0.0.1.

    ``directory`` takes ``mosquitto.conf`` and ``mosquitto.log``. ``port`` 0 chooses a free one, which stays
    the same over ``stop`` and ``start``. ``maximum_packet_bytes`` 0 lifts the limit. Usable as a context
    manager.
    """

    def __init__(
        self, directory: Path, port: int = 0, maximum_packet_bytes: int = MAXIMUM_PACKET_BYTES
    ) -> None:
        self._directory = directory
        self._maximum_packet_bytes = maximum_packet_bytes
        self._process: subprocess.Popen[bytes] | None = None
        self._chosen = port != 0
        self.port = port

    @property
    def pid(self) -> int | None:
        """Process id while it runs."""
        return self._process.pid if self._process else None

    def start(self) -> int:
        """Start it and wait until it accepts connections; returns the port. Raises BrokerError."""
        program = shutil.which("mosquitto") or shutil.which(
            "mosquitto", path="/usr/local/sbin:/usr/sbin:/sbin"
        )
        if program is None:
            raise BrokerError("mosquitto is not installed: install the package mosquitto (Debian, Ubuntu)")
        if self._process is not None:
            raise BrokerError(f"the broker on port {self.port} runs already")
        self._directory.mkdir(parents=True, exist_ok=True)
        for _ in range(_ATTEMPTS):
            if not self._chosen:
                self.port = _free_port()
            if self._launch(program):
                self._chosen = True
                return self.port
            if self._chosen:
                break
        log = (self._directory / "mosquitto.log").read_text("utf-8", "replace").strip()
        raise BrokerError(
            f"mosquitto did not start on port {self.port}: {log.rpartition(chr(10))[2] or 'no message'}"
        )

    def stop(self) -> None:
        """End it orderly: clients are told."""
        self._end(kill=False)

    def kill(self) -> None:
        """End it at once, as a crash would."""
        self._end(kill=True)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _launch(self, program: str) -> bool:
        """Run it once; False when it ended, as it does when another process took the port meanwhile."""
        file = self._directory / "mosquitto.conf"
        text = _CONFIGURATION.format(port=self.port)
        if self._maximum_packet_bytes:
            text += f"max_packet_size {self._maximum_packet_bytes}\n"
        file.write_text(text, "utf-8")
        with (self._directory / "mosquitto.log").open("wb") as log:
            # In a process group of its own: Ctrl-C is for the one who started it, who then stops it last.
            process = subprocess.Popen(
                [program, "-c", str(file)], stdin=subprocess.DEVNULL, stdout=log, stderr=log, process_group=0
            )
        deadline = time.monotonic() + START_TIMEOUT_S
        while process.poll() is None and time.monotonic() < deadline:
            # A connection that is accepted would prove nothing: another process may have the port.
            if _RUNNING.search((self._directory / "mosquitto.log").read_bytes()):
                self._process = process
                return True
            time.sleep(0.005)
        process.kill()
        process.wait()
        return False

    def _end(self, *, kill: bool) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if kill:
            process.kill()
        else:
            process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
