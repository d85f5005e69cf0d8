"""From the plug to the charge loop: ``v2g pev`` at ``v2g evse``, behind simulated modems and at once."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import Final

from tests.v2g.netns import modem_wire
from tests.v2g.peers.outside import ours

AT_ONCE: Final = {
    "evse": ("cable_check_s=0", "contactor_s=0", "ramp_v_per_s=1000000", "ramp_a_per_s=1000000"),
    "pev": ("lock_s=0", "contactor_s=0", "loop_s=0.2"),
}
"""Settings with which nothing that is made up takes time."""
_TIME: Final = re.compile(r"([A-Za-z][A-Za-z -]*): (\d+) ms")
SESSION_S: Final = 60.0


def plugged_in(protocol: str) -> dict[str, float]:
    """Milliseconds of a session's phases until the charge loop, as the car's log tells them, SLAC included.

    Raises:
        RuntimeError: the session failed.
    """
    with tempfile.TemporaryDirectory() as name, modem_wire() as wire:
        settings = {side: [part for each in AT_ONCE[side] for part in ("--set", each)] for side in AT_ONCE}
        options = ("--protocols", protocol)
        with ours(wire.evse, Path(name), "evse", *options, "--once", *settings["evse"]) as charger:
            charger.wait_for("the modem has the key")
            with ours(wire.ev, Path(name), "pev", *options, *settings["pev"]) as car:
                if car.wait_end(SESSION_S) != 0:
                    raise RuntimeError(car.log)
                log = car.log
    return {phase.strip(): float(ms) for phase, ms in _TIME.findall(log[log.index("Timing statistics") :])}
