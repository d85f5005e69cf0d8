"""Control loop: what a cycle costs, against its period of 20 ms.

The board is in memory and answers at once, so this is the cost of the program alone: translating inputs, the
port machine, LEDs, heartbeat and watchdog.
"""

from __future__ import annotations

import logging
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.figure import Figure
from chargectl.board.port_board import Inputs, Urgent
from chargectl.bus.payload import Value
from chargectl.daemons.port_loop import PERIOD_MS, ControlLoop
from chargectl.declarations.leds import DEFAULT_GPIOS
from chargectl.declarations.types import Topic
from chargectl.hmi.status_led import Behaviour, Indicator, StatusLed
from chargectl.port.effects import LockMotion
from chargectl.port.machine import Port
from chargectl.port.settings import PortSettings, RcdSettings
from chargectl.system.clock import SystemClock
from chargectl.system.heartbeat import Heartbeat
from chargectl.system.notify import Notifier

CYCLES = 20_000


class MemoryBoard:
    """A board whose inputs are what was put there."""

    def __init__(self) -> None:
        self.inputs = Inputs(
            emergency=False,
            rcd_healthy=True,
            relay1_sense=False,
            relay2_sense=False,
            lock_fault=False,
            pilot=(12_000, 12_000),
            proximity_mv=3_300,
            lock_mv=3_100,
            capacitor_mv=12_000,
            key_switch=None,
            faults=(),
        )

    def sample(self) -> Inputs:
        """Return the inputs."""
        return self.inputs

    def wait_urgent(self, timeout_s: float) -> bool:
        """Do not wait."""
        return False

    def read_urgent(self) -> Urgent:
        """Return the urgent inputs."""
        return Urgent(self.inputs.emergency, self.inputs.rcd_healthy, ())

    def set_duty(self, percent: float) -> None:
        """Take no notice."""

    def pilot_off(self) -> None:
        """Take no notice."""

    def set_relay(self, index: int, on: bool) -> None:
        """Have the contactor follow at once."""
        if index == 1:
            self.inputs.relay1_sense = on

    def drive_lock(self, motion: LockMotion) -> None:
        """Take no notice."""

    def set_rcd_test(self, active: bool) -> None:
        """Have the RCD follow at once."""
        self.inputs.rcd_healthy = not active

    def set_output(self, gpio: int, high: bool) -> None:
        """Take no notice."""


class CountingBus:
    """Counts what would be published."""

    def __init__(self) -> None:
        self.count = 0

    def publish(self, topic: Topic, value: Value, *, again: bool = False) -> bool:
        """Count one message."""
        self.count += 1
        return True


def figures() -> Iterator[Figure]:
    """Measure the idle cycle, and one in which the pilot, the lock and the contactor change."""
    logging.disable(logging.CRITICAL)
    with tempfile.TemporaryDirectory() as folder:
        board = MemoryBoard()
        clock = SystemClock()
        settings = PortSettings(evse_limit_a=32, rcd=RcdSettings(enable=True), emergency_enable=True)
        led = StatusLed(DEFAULT_GPIOS, (Behaviour("ready", "solid", "white"),))
        loop = ControlLoop(
            Port(settings, clock.monotonic_ms()),
            board,
            bus=CountingBus(),
            receive=list,
            clock=clock,
            notifier=Notifier({}),
            heartbeat=Heartbeat(Path(folder) / "heartbeat"),
            indicator=Indicator([led]),
        )
        loop.start()
        loop.cycle()
        started = time.perf_counter()
        for _ in range(CYCLES):
            loop.cycle()
        idle_us = (time.perf_counter() - started) / CYCLES * 1e6
        yield Figure("idle cycle", idle_us, "us")
        yield Figure("idle cycle / period", idle_us / (PERIOD_MS * 1000), "x", "the period of 20 ms")

        started = time.perf_counter()
        for number in range(CYCLES // 10):
            board.inputs.pilot = (9_000, 9_000) if number % 8 < 4 else (12_000, 12_000)
            board.inputs.emergency = number % 2 == 0
            loop.cycle()
        busy_us = (time.perf_counter() - started) / (CYCLES // 10) * 1e6
        yield Figure("cycle with events", busy_us, "us")
        yield Figure("cycle with events / idle", busy_us / idle_us, "x", "the idle cycle")
