"""What updated has to know of the running system: which boot, which slot, and whether it is a way back."""

from __future__ import annotations

import logging
from pathlib import Path

from chargectl.system.boots import BootHistory, boot_id, running_slot
from chargectl.update.history import find_rollback
from chargectl.update.record import System

log = logging.getLogger("updated")


def running_system(boots: Path) -> System:
    """The running system; ``boots`` is the file with the history of boots.

    A rollback counts in the first boot after it only. What cannot be found out is left empty.
    """
    history = BootHistory(boots).read()
    rollback = find_rollback(history)
    try:
        system = System(boot_id(), running_slot())
    except OSError as error:
        # A sandbox may hide the kernel's files; the newest boot on record is this one.
        log.warning("the kernel does not tell of this boot: %s", error)
        system = System(history[-1].boot_id, history[-1].slot) if history else System("")
    if rollback is None or not rollback.just_now:
        return system
    log.warning("rollback: %s", rollback.sentence)
    return System(system.boot_id, system.slot, rollback.sentence)
