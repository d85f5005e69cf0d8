"""The timers of high-level charging beside those of the V2G session itself, in milliseconds."""

from __future__ import annotations

from typing import Final

INIT_PARAMETERS_MS: Final = 3_000
"""After "started" of the initialisation phase its parameters may come for so long; then those of the
configuration hold (guide 15.22). Until all of them have come, or this time is over, the pilot does not go to
5 %: no EV is faster than they are.
"""
