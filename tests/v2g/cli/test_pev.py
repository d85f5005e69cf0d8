"""``v2g pev``: its session and its end."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

from v2g.cli import pev


def test_a_session_may_begin_after_the_user_has_stopped_it():
    # Ctrl-C comes between the charger's answer to SDP and the agreement on a protocol.
    async def stopped_early() -> None:
        car: Any = SimpleNamespace(ended=asyncio.Event(), began=None)
        stopped = asyncio.Event()
        stopped.set()
        shell: Any = None
        await pev._session(car, shell, stopped)
        car.began()

    asyncio.run(stopped_early())
