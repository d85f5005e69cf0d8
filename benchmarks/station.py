"""A whole station to measure: broker, simulated board with a car, and daemons, each a process of its own."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from chargectl.sim.broker import PrivateBroker
from chargectl.sim.client import SimClient, SimError

WAIT_S = 20.0

CUSTOMER = """{ "ports": [ {
  "evse_current_limit": 32,
  "emergency_alarm": { "enable": true },
  "rcd_monitor": { "enable": true }
} ] }
"""


class NotReadyError(RuntimeError):
    """What was waited for did not come."""


def wait_for(condition: Callable[[], bool], what: str) -> None:
    """Wait until ``condition`` holds; raises NotReadyError after WAIT_S seconds."""
    deadline = time.monotonic() + WAIT_S
    while not condition():
        if time.monotonic() > deadline:
            raise NotReadyError(f"{what}: not within {WAIT_S:g} s")
        time.sleep(0.02)


@dataclass
class Station:
    """A running station."""

    board: SimClient
    mqtt_port: int

    def charge(self) -> None:
        """Plug the car in and wait until it charges."""
        self.board.do("plug")
        wait_for(lambda: self.board.fact("current_a") > 0, "the car charges")


def configuration(folder: Path) -> list[str]:
    """Write a configuration into ``folder``; return the options that make a daemon use it."""
    (folder / "customer.json").write_text(CUSTOMER, encoding="utf-8")
    for name in ("leds.json", "rotaryencd.json"):
        (folder / name).write_text("{}\n", encoding="utf-8")
    return ["--config-dir", str(folder), "--backup-dir", str(folder)]


def portd_command(folder: Path, mqtt_port: int) -> list[str]:
    """The command line of a portd whose files are all in ``folder``."""
    return [
        sys.executable,
        "-m",
        "chargectl.daemons.portd",
        *configuration(folder),
        "--mqtt-port",
        str(mqtt_port),
        "--heartbeat",
        str(folder / "heartbeat"),
    ]


@contextmanager
def board(folder: Path, command: list[str]) -> Iterator[SimClient]:
    """A simulated board in real time with ``command`` running in it."""
    socket = folder / "board.sock"
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "chargectl.sim", "serve", "--socket", str(socket), "--", *command],
            stdout=log,
            stderr=log,
        )
        try:
            client: SimClient | None = None
            while client is None:
                try:
                    client = SimClient(str(socket))
                except SimError:
                    if process.poll() is not None:
                        raise NotReadyError((folder / "log").read_text()) from None
                    time.sleep(0.02)
            with client:
                yield client
        finally:
            process.terminate()
            process.wait()


@contextmanager
def station() -> Iterator[Station]:
    """A station that is up, with no car plugged in."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with PrivateBroker(folder) as broker, board(folder, portd_command(folder, broker.port)) as client:
            wait_for((folder / "heartbeat").exists, "portd runs its loop")
            # The first test of the RCD and the guard time of the contactor after a start.
            started = client.now_ms()
            wait_for(lambda: client.now_ms() > started + 7_000, "the start-up is over")
            yield Station(client, broker.port)
