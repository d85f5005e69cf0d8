"""The emulated board by its own clock, from the start of its kernel: start, memory, update, guard."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

from benchmarks.figure import Figure
from tests.target import board as boards
from tests.target.bundles import Workshop
from tests.target.test_guard import charging, freeze, reset
from tests.target.test_update import install
from tools.board import build

SETTLE_S = 60.0
"""Wall time after the boot was accepted until the system is called idle."""


def figures() -> Iterator[Figure]:
    """Boot a new board, look at it, update it, freeze its port daemon."""
    folder = build.RUN / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    slot = build.slot("1.0", folder / "1.0.ext4")
    bundle = Workshop(folder / "bundles").bundle("2.0")
    board = boards.start("bench", build.image(slot, folder / "factory.img"))
    try:
        board.boots("A")
        yield from _start(board)
        time.sleep(SETTLE_S)
        yield from _memory(board)
        before = board.uptime()
        _, fetched = install(board, bundle)
        yield Figure("update by HTTP: until installed", board.uptime() - before, "s")
        yield Figure("update by HTTP: fetched", fetched / bundle.stat().st_size, "x", "the bundle's size")
        yield from _guard(board)
    finally:
        boards.stop(board)


def _start(board: boards.Board) -> Iterator[Figure]:
    for name, unit in (("port ready", "chargectl-portd"), ("health good", "chargectl-mark-good")):
        at = board.console.ok(f"systemctl show -P ActiveEnterTimestampMonotonic {unit}")
        yield Figure(name, int(at) / 1e6, "s")


def _memory(board: boards.Board) -> Iterator[Figure]:
    text = board.console.ok("cat /proc/meminfo")
    kib = {name: int(value) for name, value in re.findall(r"(\w+):\s+(\d+) kB", text)}
    used = kib["MemTotal"] - kib["MemAvailable"]
    yield Figure("memory of the whole system, idle", used / 1024, "MiB")
    units = "chargectl-configd chargectl-portd chargectl-updated chargectl-guard"
    own = sum(int(word) for word in board.console.ok(f"systemctl show -P MemoryCurrent {units}").split())
    yield Figure("memory of the four daemons", own / 1024 / used, "x", "the whole system's")


def _guard(board: boards.Board) -> Iterator[Figure]:
    charging(board)
    at, opened = freeze(board)
    yield Figure("port daemon frozen: until the contactor's pin is low", opened - at, "s")
    _, last = reset(board)
    yield Figure("port daemon frozen: until the watchdog resets the board", last - at, "s")
