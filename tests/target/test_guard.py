"""The guard: a charging port that stands still costs the board a reset."""

from __future__ import annotations

import time

import pytest

from tests.target.board import Board

RESET_S = 180.0


@pytest.mark.spec(307)
def test_a_frozen_port_daemon_costs_the_board_a_reset(board: Board) -> None:
    board.needs_emulator()
    board.boots("A")
    pid = board.console.ok("systemctl show -p MainPID --value chargectl-portd")
    uptime = float(board.console.ok("cut -d' ' -f1 /proc/uptime"))
    board.note(f"portd stopped at {uptime} s")
    start = time.monotonic()
    board.console.ok(f"kill -STOP {pid}")
    board.booting(RESET_S)
    board.note(f"reset after {time.monotonic() - start:.1f} s")
    board.accepted()
