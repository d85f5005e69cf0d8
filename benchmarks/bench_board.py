"""The emulated board by its own clock: start, memory, update, watchdog."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime

from benchmarks.figure import Figure
from tests.target import board as boards
from tests.target.bundles import Workshop
from tests.target.installing import install
from tests.target.test_guard import ALL_SAFE, charging, freeze, hang, reset
from tools.board import build

SETTLE_S = 60.0
"""Wall time after the boot was accepted until the system is called idle."""
RTC_EDGE = (
    "rtc=/sys/class/rtc/rtc0/since_epoch; read first <$rtc; "
    "while read second <$rtc; [ $second = $first ]; do :; done; read up rest </proc/uptime; echo $second $up"
)
"""The time of the board's clock chip in the moment in which a second of it begins, and the uptime then."""


def figures() -> Iterator[Figure]:
    """Boot a new board, look at it, update it, freeze its port daemon."""
    folder = build.RUN / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    slot = build.slot("1.0", folder / "1.0.ext4")
    bundle = Workshop(folder / "bundles").bundle("2.0")
    power_on = datetime.now(UTC).replace(microsecond=0)
    clock = power_on.strftime("%Y-%m-%dT%H:%M:%S")
    board = boards.start("bench", build.image(slot, folder / "factory.img"), clock)
    try:
        board.boots("A")
        yield from _start(board, power_on.timestamp())
        time.sleep(SETTLE_S)
        yield from _memory(board)
        before = board.uptime()
        _, fetched = install(board, bundle)
        yield Figure("update by HTTP: until installed", board.uptime() - before, "s")
        yield Figure("update by HTTP: fetched", fetched / bundle.stat().st_size, "x", "the bundle's size")
        yield from _guard(board)
    finally:
        boards.stop(board)


def kernel_start(edge: str, power_on: float) -> float:
    """Seconds from power-on to the start of the kernel, of what RTC_EDGE prints.

    The chip shows ``power_on`` when the power comes and runs by the same clock as the processor, so its
    seconds begin whole seconds after that; the kernel's own count begins only with the kernel.
    """
    second, uptime = edge.split()
    return int(second) - power_on - float(uptime)


def _start(board: boards.Board, power_on: float) -> Iterator[Figure]:
    before = kernel_start(board.console.ok(RTC_EDGE), power_on)
    yield Figure("power-on until the kernel starts (U-Boot)", before, "s")
    for name, unit in (("port ready", "chargectl-portd"), ("health good", "chargectl-mark-good")):
        at = board.console.ok(f"systemctl show -P ActiveEnterTimestampMonotonic {unit}")
        yield Figure(f"power-on until {name}", before + int(at) / 1e6, "s")


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
    frozen = freeze(board)
    yield Figure("port daemon frozen: until the contactor's pin is low", frozen.opened - frozen.at, "s")
    yield Figure("port daemon frozen: until every output is safe", frozen.safe - frozen.at, "s")
    _, last, _ = reset(board)
    yield Figure("port daemon frozen: until the watchdog resets the board", last - frozen.at, "s")
    # Nothing opens the contactor now but the reset, which makes an input of every pin.
    board.accepted()
    charging(board)
    at = hang(board)
    _, last, levels = reset(board)
    assert levels != ALL_SAFE
    yield Figure("guard frozen too: until the watchdog's reset makes every output safe", last - at, "s")
