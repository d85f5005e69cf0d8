"""Emergency: from the edge on the input to the relay's pin, on the simulated board's own clock.

Includes the simulation's file system, through which every read and write of a pin goes.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator

from benchmarks.figure import Figure
from benchmarks.station import station, wait_for

ROUNDS = 15
BUDGET_MS = 100.0
"""What IEC 61851-1 leaves for switching off after the pilot's own fastest transitions."""


def _latency_ms(history: list[dict[str, object]]) -> float:
    """Time from the newest press to the relay's release after it."""
    pressed = [event for event in history if event["name"] == "emergency" and event["value"]]
    press_ms = float(str(pressed[-1]["at_ms"]))
    released = [
        float(str(event["at_ms"]))
        for event in history
        if event["name"] == "relay_1" and not event["value"] and float(str(event["at_ms"])) >= press_ms
    ]
    return released[0] - press_ms


def figures() -> Iterator[Figure]:
    """Press the emergency switch while a car charges, again and again."""
    latencies: list[float] = []
    with station() as running:
        for _ in range(ROUNDS):
            running.charge()
            running.board.do("press_emergency")
            wait_for(lambda: running.board.fact("contactor_1") is False, "the contactor opens")
            latencies.append(_latency_ms(running.board.history()))
            running.board.do("release_emergency")
            wait_for(lambda: running.board.fact("lock") == "unlocked", "the plug is free")
            running.board.do("unplug")
            # Nobody plugs in again so fast that the port does not see the plug gone.
            unplugged = running.board.now_ms()
            wait_for(lambda since=unplugged: running.board.now_ms() > since + 500, "half a second")  # type: ignore[misc]
    p50, worst = statistics.median(latencies), max(latencies)
    yield Figure("edge to relay, p50", p50, "ms")
    yield Figure(f"edge to relay, worst of {ROUNDS}", worst, "ms")
    yield Figure("worst / budget", worst / BUDGET_MS, "x", "100 ms")
