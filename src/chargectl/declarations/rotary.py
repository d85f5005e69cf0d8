"""What the positions of rotary switch SW2 mean unless rotaryencd.json says otherwise (guide 4.2.2, Table
16)."""

from __future__ import annotations

from typing import Final

_CURRENTS_A: Final = (6, 10, 13, 16, 20, 32, 40, 63)

ROTARY_TABLE: Final[tuple[tuple[int, int], ...]] = tuple(
    (phase_count, current_limit_a) for phase_count in (1, 3) for current_limit_a in _CURRENTS_A
)
"""(phase count, grid current limit in ampere per phase) of the positions 0 to 15 (F)."""
