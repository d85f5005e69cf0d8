"""What the bootloader will do next, from its environment: the order of the slots and the tries left for each.

Only read here. RAUC alone changes it, so that there is one place where the rules are.
"""

from __future__ import annotations

import logging
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

log = logging.getLogger(__name__)

ANSWER_S: Final = 10.0
"""fw_printenv reads 16 KiB of the eMMC; longer than this it hangs."""


@dataclass(frozen=True, slots=True)
class Bootloader:
    """``order``: boot names (A, B), the preferred one first; a slot that is not in it is disabled. ``left``:
    the tries left for each; a slot without a readable number is missing."""

    order: tuple[str, ...]
    left: Mapping[str, int]

    @property
    def tries_left(self) -> int:
        """How often a slot would still be started before the counters begin anew."""
        return sum(self.left.get(name, 0) for name in self.order)


def read_bootloader(command: str = "fw_printenv") -> Bootloader | None:
    """Read the environment with U-Boot's own tool; None, and a line in the log, when that is not possible."""
    try:
        done = subprocess.run(
            [command],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=ANSWER_S,
            check=False,
            text=True,
            errors="replace",
        )
    except subprocess.TimeoutExpired:
        log.warning("bootloader's environment: %s did not end within %g s", command, ANSWER_S)
        return None
    except OSError as error:
        log.warning("bootloader's environment: %s: %s", command, error.strerror)
        return None
    variables = dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)
    order = tuple(variables.get("BOOT_ORDER", "").split())
    if done.returncode != 0 or not order:
        said = done.stderr.strip().rpartition("\n")[2] or "BOOT_ORDER is missing"
        log.warning("bootloader's environment: %s: %s", command, said)
        return None
    left = {name: _number(variables.get(f"BOOT_{name}_LEFT", "")) for name in order}
    return Bootloader(order, {name: number for name, number in left.items() if number is not None})


def _number(text: str) -> int | None:
    """U-Boot counts in hexadecimal."""
    try:
        return int(text, 16)
    except ValueError:
        return None
