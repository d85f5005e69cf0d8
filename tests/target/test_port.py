"""The real port daemon on the pins of the emulated processor: a car, an emergency, a residual current."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from chargectl.declarations import topics
from tests.target.board import Board

PATIENCE_S = 120.0
"""The board needs five seconds for one of its own while it is busy."""
SETTINGS = {
    "evse_current_limit": "16",
    "emergency_alarm/enable": "true",
    "emergency_alarm/polarity": "active_high",
    "rcd_monitor/enable": "true",
    "rcd_monitor/polarity": "active_high",
}


def until(board: Board, reached: Callable[[dict[str, Any]], bool], what: str) -> None:
    """Wait for a state of the station and the car, as the pins show it."""
    deadline = time.monotonic() + PATIENCE_S
    with board.plant() as plant:
        while not reached(state := plant.state()):
            assert time.monotonic() < deadline, f"{what}: {state}"
            time.sleep(0.2)


def charges(state: dict[str, Any]) -> bool:
    return bool(state["contactors"][0]["closed"] and state["car"]["current_a"])


def safe(state: dict[str, Any]) -> bool:
    return not state["contactors"][0]["closed"] and not state["car"]["current_a"]


def do(board: Board, *actions: str) -> None:
    for action in actions:
        board.note(action)
        with board.plant() as plant:
            plant.do(action)


def replug(board: Board, remedy: str) -> None:
    """Take the cause away, then end the session as a driver does; the next one is begun."""
    do(board, remedy, "unplug")
    deadline = time.monotonic() + PATIENCE_S
    while board.retained(topics.TOPIC_CHARGE_CP_STATUS.path) != "A":
        assert time.monotonic() < deadline, "the port does not see that the car has gone"
    do(board, "plug")


def test_a_car_is_plugged_in_and_charges(board: Board) -> None:
    board.needs_emulator()
    board.up()
    pairs = " ".join(f"'ports[0]/{key}' {value}" for key, value in SETTINGS.items())
    # portd reads its settings when it starts.
    board.console.ok(f"chargectl config set {pairs} && systemctl restart chargectl-portd", 120)
    do(board, "plug")
    until(board, charges, "the car charges")
    assert board.retained(topics.TOPIC_CHARGE_CP_STATUS.path) == "C"


def test_the_emergency_switch_opens_the_contactor(board: Board) -> None:
    do(board, "press_emergency")
    until(board, safe, "the contactor is open")
    assert board.retained(topics.TOPIC_EMERGENCY_SHUTDOWN.path) == "1"
    replug(board, "release_emergency")
    until(board, charges, "the next session charges")


def test_a_residual_current_opens_the_contactor(board: Board) -> None:
    do(board, "trip_rcd")
    until(board, safe, "the contactor is open")
    assert board.retained(topics.TOPIC_RCD_STATE_ACTUAL.path) == "0"
    replug(board, "reset_rcd")
    until(board, charges, "the next session charges")
