"""The guard: a port daemon that stands still costs the car its power at once, and the board a reset."""

from __future__ import annotations

import re
import time

import pytest

from tests.target.board import BOOT_S, Board

PROMISE_S = 2.0
"""From portd's standstill to the open contactor, by the board's own clock."""
RESET_S = 20.0
"""Until the watchdog has bitten, likewise: the guard's patience of 5 s, and the watchdog's last second."""
CHARGE_S = 120.0
RELAY_1 = "/sys/class/gpio/gpio76/value"

FREEZE = (
    "read at rest </proc/uptime; kill -STOP {pid}; "
    "while read level <{relay} && [ $level = 1 ]; do :; done; read open rest </proc/uptime; "
    "echo open at=$at open=$open; while :; do read now rest </proc/uptime; echo up $now; sleep 0.2; done"
)
"""Stops portd; says when the contactor's pin fell, and then the time until the board is gone."""


def charging(board: Board) -> None:
    """A car is plugged in and draws current."""
    with board.plant() as plant:
        plant.do("plug")
        deadline = time.monotonic() + CHARGE_S
        while not plant.state()["car"]["current_a"]:
            assert time.monotonic() < deadline, f"the car does not charge: {plant.state()}"
            time.sleep(0.5)
        assert plant.state()["contactors"][0]["closed"]


def freeze(board: Board) -> tuple[float, float]:
    """Stop portd; the board's uptime when it stood still, and when the contactor's pin was low."""
    pid = board.console.ok("systemctl show -p MainPID --value chargectl-portd")
    board.note("portd is stopped")
    board.console.send(FREEZE.format(pid=pid, relay=RELAY_1) + "\r")
    seen = board.console.expect(r"open at=([\d.]+) open=([\d.]+)", 60)
    return float(seen[1]), float(seen[2])


def reset(board: Board) -> tuple[re.Match[str], float]:
    """Wait for the reset after :func:`freeze`: what the boot loader says, and the last uptime before."""
    tried = board.booting(120)
    return tried, float(re.findall(r"up ([\d.]+)", board.console.before)[-1])


def test_a_car_charges(board: Board) -> None:
    board.needs_emulator()
    board.boots("A")
    charging(board)
    assert board.console.ok(f"cat {RELAY_1}") == "1"


@pytest.mark.spec(307)
def test_a_frozen_port_daemon_loses_the_contactor_within_2_s_and_the_board_is_reset(board: Board) -> None:
    board.needs_emulator()
    at, opened = freeze(board)
    board.note(f"contactor's pin low after {opened - at:.2f} s")
    assert opened - at <= PROMISE_S
    with board.plant() as plant:
        assert not plant.state()["contactors"][0]["closed"]
        assert not plant.state()["car"]["current_a"]

    tried, last = reset(board)
    assert tried["slot"] == "A"
    board.note(f"reset after {last - at:.1f} s")
    assert last - at <= RESET_S


@pytest.mark.spec(307)
def test_after_the_reset_the_car_charges_again(board: Board) -> None:
    board.needs_emulator()
    board.accepted(BOOT_S)
    charging(board)
