"""Keeps a process in memory: a page that has to be read from a busy eMMC would stop the control loop."""

from __future__ import annotations

import logging
import os

log = logging.getLogger(__name__)

_MCL_CURRENT, _MCL_FUTURE, _MCL_ONFAULT = 1, 2, 4
"""sys/mman.h. On fault: pages stay once used and are not read ahead; a thread's stack would cost 8 MB."""


def stay_in_memory() -> bool:
    """Keep every page that has been or will be used; returns whether that is so. Needs LimitMEMLOCK=."""
    import ctypes  # by the daemons that need it only

    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mlockall(_MCL_CURRENT | _MCL_FUTURE | _MCL_ONFAULT) == 0:
        return True
    log.warning("memory cannot be locked: %s; is LimitMEMLOCK= set?", os.strerror(ctypes.get_errno()))
    return False
