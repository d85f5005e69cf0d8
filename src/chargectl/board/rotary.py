"""The rotary coded switch SW2 (guide 4.2.2): its position, and what the position means."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from chargectl.board.errors import BoardError
from chargectl.board.gpio import InputLine
from chargectl.board.profile import BoardProfile
from chargectl.board.sysfs import Sleep
from chargectl.declarations.rotary import ROTARY_TABLE

_SOURCE: Final = "rotary_switch"
_READINGS: Final = 3
_BETWEEN_READINGS_S: Final = 0.01
"""Contacts that bounce or hang loose between two positions show different codes within some 10 ms."""


@dataclass(frozen=True, slots=True)
class GridLimit:
    """What a position stands for: the count of phases (1 or 3) and the current limit in ampere per phase."""

    phase_count: int
    current_limit_a: int


def grid_limit(position: int | None, override: Sequence[tuple[int, int] | None] = ()) -> GridLimit:
    """Return the meaning of a position (0..15).

    ``override`` holds the (phase count, current limit in ampere) of rotaryencd.json by position; what it does
    not name keeps the guide's meaning (Table 16). None is a switch that cannot be read or stands between two
    positions: the least that any position allows.
    """
    table = list(ROTARY_TABLE)
    for index, entry in enumerate(override[: len(table)]):
        if entry is not None:
            table[index] = entry
    if position is None:
        return GridLimit(min(phases for phases, _ in table), min(limit for _, limit in table))
    return GridLimit(*table[position])


def read_position(profile: BoardProfile, sleep: Sleep) -> int:
    """Read the switch once and return its position (0..15).

    The switch may be turned only without power, so one reading at start is all there is. Raises BoardError
    when a line cannot be read, or when repeated readings differ because the switch stands between two
    positions.
    """
    lines = [InputLine(pin.number, _SOURCE) for pin in profile.rotary_bits]
    try:
        for line in lines:
            line.open(sleep)
        first = _code(profile, lines)
        for _ in range(_READINGS - 1):
            sleep(_BETWEEN_READINGS_S)
            if _code(profile, lines) != first:
                problem = "unstable: the switch stands between two positions; turn it without power"
                raise BoardError(_SOURCE, "SW2", None, problem=problem)
        return first
    finally:
        for line in lines:
            line.close()


def _code(profile: BoardProfile, lines: Sequence[InputLine]) -> int:
    code = 0
    for bit, (pin, line) in enumerate(zip(profile.rotary_bits, lines, strict=True)):
        if line.read() is not pin.active_low:
            code |= 1 << bit
    return code
