"""The guard: a port daemon that stands still costs the car its power at once, and the board a reset."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest

from chargectl.guard.pins import PILOT_INVERT, PILOT_PWM, SAFE
from tests.target.board import BOOT_S, Board, charges, safe

PROMISE_S = 2.0
"""From portd's standstill to the open contactor, by the board's own clock."""
RESET_S = 20.0
"""Until the watchdog has bitten, likewise: the guard's patience of 5 s, and the watchdog's last second."""
HARDWARE_RESET_S = 15.0
"""Until then when nobody opens the contactor: what the watchdog was given last, 10 s, and some."""
LINES = (*SAFE, (PILOT_INVERT[0], "pilot line", PILOT_INVERT[1]))
"""Number, name and safe level of every line of the board that has one; relay 1 first."""
RELAY_1 = f"/sys/class/gpio/gpio{LINES[0][0]}/value"
ALL_SAFE = "".join(str(int(high)) for _, _, high in LINES)

LEVELS = (
    f"levels() {{ all=; for line in {' '.join(str(number) for number, _, _ in LINES)}; "
    "do read level </sys/class/gpio/gpio$line/value; all=$all$level; done; }"
)
"""A shell function: the levels of all lines, one digit each, in ``all``."""
COUNT = "while :; do levels; read now rest </proc/uptime; echo up $now $all; sleep 0.2; done"
"""Says the time and the levels until the board is gone."""
FREEZE = (
    "read at rest </proc/uptime; kill -STOP $portd; "
    f"while levels; [ ${{all%{'?' * (len(LINES) - 1)}}} = 1 ]; do :; done; read open rest </proc/uptime; "
    f"while levels; read duty <$pwm/duty_cycle; [ $all$duty != {ALL_SAFE}{PILOT_PWM[2]} ]; do :; done; "
    "read safe rest </proc/uptime; echo frozen at=$at open=$open safe=$safe; " + COUNT
)
"""Stops portd; says when relay 1 fell and when the last output was safe, then counts."""
HANG = (
    "systemctl service-watchdogs no; read at rest </proc/uptime; kill -STOP $portd $guard; "
    "echo hung at=$at; " + COUNT
)
"""Stops portd and the guard, and systemd's watching over both: the hardware watchdog alone is left."""
PREPARE = (
    LEVELS,
    "portd=$(systemctl show -P MainPID chargectl-portd) guard=$(systemctl show -P MainPID chargectl-guard)",
    f"for chip in /sys/class/pwm/*; do case $(readlink $chip/device) in *{PILOT_PWM[0]}) break; esac; done",
    f"pwm=$chip/pwm{PILOT_PWM[1]}; test -e $pwm/duty_cycle",
)
"""What these need in the shell."""


@dataclass(frozen=True)
class Frozen:
    """The board's uptime when portd stood still, when relay 1 was open, and when every output was safe."""

    at: float
    opened: float
    safe: float


def charging(board: Board) -> None:
    """A car is plugged in and draws current."""
    with board.plant() as plant:
        plant.do("plug")
    board.until(charges, "the car charges")


def _say(board: Board, command: str) -> None:
    for words in PREPARE:
        board.console.ok(words)
    board.console.send(command + "\r")


def freeze(board: Board) -> Frozen:
    """Stop portd, and wait until the guard has put every output to its safe level."""
    board.note("portd is stopped")
    _say(board, FREEZE)
    seen = board.console.expect(r"frozen at=([\d.]+) open=([\d.]+) safe=([\d.]+)", 60)
    return Frozen(float(seen[1]), float(seen[2]), float(seen[3]))


def hang(board: Board) -> float:
    """Stop portd and the guard; the board's uptime then."""
    board.note("portd and the guard are stopped")
    _say(board, HANG)
    return float(board.console.expect(r"hung at=([\d.]+)", 60)[1])


def reset(board: Board) -> tuple[re.Match[str], float, str]:
    """Wait for the reset: what the boot loader says; the last uptime before it, and the levels of all lines.

    Whatever they were, the reset itself has to have made every line an input again.
    """
    tried = board.booting(120)
    last = re.findall(rf"up ([\d.]+) ([01]{{{len(LINES)}}})", board.console.before)[-1]
    with board.plant() as plant:
        driven = [
            name for number, name, high in LINES if plant.is_output(number) and plant.gpio(number) != high
        ]
    assert not driven, f"still driven after the reset: {driven}"
    return tried, float(last[0]), last[1]


def test_a_car_charges(board: Board) -> None:
    board.needs_emulator()
    board.boots("A")
    charging(board)
    assert board.console.ok(f"cat {RELAY_1}") == "1"


@pytest.mark.spec(307)
def test_a_frozen_port_daemon_loses_the_contactor_within_2_s_and_the_board_is_reset(board: Board) -> None:
    board.needs_emulator()
    frozen = freeze(board)
    board.note(f"contactor's pin low after {frozen.opened - frozen.at:.2f} s")
    board.note(f"every output safe after {frozen.safe - frozen.at:.2f} s")
    assert frozen.opened - frozen.at <= PROMISE_S
    board.until(safe, "the car has no power")

    tried, last, levels = reset(board)
    assert tried["slot"] == "A"
    assert levels == ALL_SAFE, "nothing came back before the reset"
    board.note(f"reset after {last - frozen.at:.1f} s")
    assert last - frozen.at <= RESET_S


@pytest.mark.spec(307)
def test_after_the_reset_the_car_charges_again(board: Board) -> None:
    board.needs_emulator()
    board.accepted(BOOT_S)
    charging(board)


def test_with_the_guard_frozen_too_the_watchdog_alone_takes_the_power_off(board: Board) -> None:
    board.needs_emulator()
    at = hang(board)
    _, last, levels = reset(board)
    assert levels[0] == "1", "nobody but the reset has opened the contactor"
    board.note(f"reset after {last - at:.1f} s")
    assert last - at <= HARDWARE_RESET_S
    board.until(safe, "the car has no power")
