"""The real port daemon on the pins of the emulated processor: a car, an emergency, a residual current."""

from __future__ import annotations

import time

from chargectl.declarations import topics
from tests.target.board import PATIENCE_S, Board, charges, safe

SETTINGS = {
    "evse_current_limit": "16",
    "emergency_alarm/enable": "true",
    "emergency_alarm/polarity": "active_high",
    "rcd_monitor/enable": "true",
    "rcd_monitor/polarity": "active_high",
}


def do(board: Board, *actions: str) -> None:
    for action in actions:
        board.note(action)
        with board.plant() as plant:
            plant.do(action)


def replug(board: Board, remedy: str) -> None:
    """Take the cause away, then end the session as a driver does; the next one is begun."""
    do(board, remedy)
    board.until(lambda state: state["facts"]["lock"] == "unlocked", "the plug can be drawn")
    do(board, "unplug")
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
    board.until(charges, "the car charges")
    assert board.retained(topics.TOPIC_CHARGE_CP_STATUS.path) == "C"


def test_the_emergency_switch_opens_the_contactor(board: Board) -> None:
    do(board, "press_emergency")
    board.until(safe, "the contactor is open")
    assert board.retained(topics.TOPIC_EMERGENCY_SHUTDOWN.path) == "1"
    replug(board, "release_emergency")
    board.until(charges, "the next session charges")


def test_a_residual_current_opens_the_contactor(board: Board) -> None:
    do(board, "trip_rcd")
    board.until(safe, "the contactor is open")
    assert board.retained(topics.TOPIC_RCD_STATE_ACTUAL.path) == "0"
    replug(board, "reset_rcd")
    board.until(charges, "the next session charges")
