"""A simulated board as a running thing: its world, its tree, its file system, and what time it is for it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from chargectl.declarations.locks import by_name
from chargectl.sim.options import Options
from chargectl.sim.sysfs.fuse import FuseServer
from chargectl.sim.sysfs.tree import SysfsTree
from chargectl.sim.world import Event, World


class Host:
    """The board behind one mounted file system.

    In real time the world follows the clock, ``speed`` times as fast, and is brought to the present before
    every access. In virtual time (``speed`` None) it stands still until :meth:`advance`.
    """

    def __init__(self, descriptor: int, options: Options, speed: float | None) -> None:
        self.speed = speed
        self.on_event: Callable[[Event], None] = lambda event: None
        self._start_ns = time.monotonic_ns()
        self.world = build(options)
        self.files = FuseServer(descriptor, SysfsTree(self.world), self.catch_up)
        self._listen()

    def catch_up(self) -> None:
        """Bring the world to the present (real time only)."""
        if self.speed is not None:
            self.world.follow(self._now_us(self.speed))

    def seconds_to_next(self) -> float | None:
        """Seconds until the world changes by itself; None when it does not, or in virtual time."""
        due_us = self.world.next_us
        if self.speed is None or due_us is None:
            return None
        return max((due_us - self._now_us(self.speed)) / 1e6 / self.speed, 0.0)

    def advance(self, milliseconds: float) -> None:
        """Let virtual time pass; raises ValueError in real time or for a negative time."""
        if self.speed is not None:
            raise ValueError("advance: the board runs in real time (start it with --virtual-time)")
        if milliseconds < 0:
            raise ValueError(f"advance by {milliseconds} ms: 0 or more is allowed")
        self.world.advance(milliseconds)

    def reset(self, options: dict[str, Any]) -> None:
        """Start over with another board: nothing exported, nothing plugged in, time zero.

        Raises ValueError for options that do not exist; the old board stays then."""
        world = build(Options.from_json(options))
        self._start_ns = time.monotonic_ns()
        self.world = world
        self.files.replace(SysfsTree(world))
        self._listen()

    def _listen(self) -> None:
        self.world.on_event = self._heard

    def _heard(self, event: Event) -> None:
        self.on_event(event)

    def _now_us(self, speed: float) -> int:
        return round((time.monotonic_ns() - self._start_ns) / 1000 * speed)


def build(options: Options) -> World:
    """A world with these options; raises ValueError for a lock type that is not declared."""
    if options.lock is None:
        return World(options, None)
    lock = by_name(options.lock)
    if lock is None:
        raise ValueError(f"option lock = {options.lock!r}: no such lock type is declared")
    return World(options, lock)
