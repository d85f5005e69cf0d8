"""Attenuation: averaging what a charger's modem heard, and judging what chargers tell a car."""

from __future__ import annotations

from enum import Enum, unique

from v2g.homeplug.slac import GROUPS
from v2g.slac import timing

PLAUSIBLE_DB = 9
"""What is told for a modem that delivers no profile (AR7420). Cars ignore zeros, and take what looks like
a short cable."""
PLAUSIBLE_PROFILE = bytes((PLAUSIBLE_DB,)) * GROUPS


class ProfileSum:
    """The sum of a session's profiles."""

    __slots__ = ("_sums", "count")

    def __init__(self) -> None:
        self._sums = [0] * GROUPS
        self.count = 0

    def add(self, profile: bytes) -> bool:
        """Take one sound's profile in; False for one that has another number of groups."""
        if len(profile) != GROUPS:
            return False
        self._sums = [total + value for total, value in zip(self._sums, profile, strict=True)]
        self.count += 1
        return True

    def average(self, correction_db: int = 0) -> bytes:
        """The average of each group, rounded, less a correction for the charger's own coupling; within 0
        to 255 dB."""
        count = self.count or 1
        return bytes(
            min(max((2 * total + count) // (2 * count) - correction_db, 0), 255) for total in self._sums
        )


@unique
class Found(Enum):
    """A car's judgement about a charger, by the attenuation that it reports."""

    FOUND = "EVSE_FOUND"
    POTENTIALLY = "EVSE_POTENTIALLY_FOUND"
    NOT_FOUND = "EVSE_NOT_FOUND"


def judge(
    average_db: float,
    direct_db: float = timing.C_EV_MATCH_SIGNALATTN_DIRECT_DB,
    indirect_db: float = timing.C_EV_MATCH_SIGNALATTN_INDIRECT_DB,
) -> Found:
    """The judgement about an average attenuation in dB."""
    if average_db <= direct_db:
        return Found.FOUND
    return Found.POTENTIALLY if average_db <= indirect_db else Found.NOT_FOUND


def mean_db(profile: bytes, correction_db: float = 0.0) -> float:
    """The average over a profile's groups, less a correction for the car's own coupling and power."""
    return sum(profile) / len(profile) - correction_db
