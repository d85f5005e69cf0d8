"""Effects that every core of this distribution has: checkpoints reached and lines for the log.

The shell that runs a core writes both out with its own time stamps. Neither ever holds a secret.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A step of a charging session was reached; its meaning is that of ``number`` in the checkpoint table."""

    number: int
    text: str = ""


@dataclass(frozen=True, slots=True)
class Log:
    """A line for people who watch."""

    text: str
