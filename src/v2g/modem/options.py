"""What a simulated modem and a simulated power line can be told to be."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, unique

from v2g.homeplug.pib import SlacMode
from v2g.homeplug.slac import GROUPS

JOIN_MS = 100
"""Time from a key until a station takes part in its network. Real modems take 1 to 10 s; a desk session need
not wait for it."""
BOOT_MS = 200
"""Time for which a modem that starts again is deaf. Real ones take some seconds."""
BUTTON_MS = 120_000
"""A modem whose button was pressed looks for another one this long (open-plc-utils, plctool)."""
USUAL_ATTENUATION = 12
"""dB between two modems on one cable, on average over the groups."""
_TILT = 4


@unique
class Profiles(Enum):
    """What a charger's modem tells its host of each sound."""

    GROUPS = "groups"
    """CM_ATTEN_PROFILE.IND with 58 groups, as a QCA7000 does."""
    EMPTY = "empty"
    """CM_ATTEN_PROFILE.IND without groups, as an AR7420 does."""
    VENDOR = "vendor"
    """The vendor's VS_ATTEN_CHAR.IND first, then CM_ATTEN_PROFILE.IND, both with groups."""
    NONE = "none"
    """Nothing."""


@dataclass(frozen=True, slots=True)
class ModemOptions:
    """A modem. ``reject_keys`` and ``lose_keys`` count the first CM_SET_KEY.REQ that are answered with
    "refused", and after those the next ones that are not answered at all; neither changes the key. ``dead``:
    it never does anything."""

    role: SlacMode = SlacMode.EVSE
    profiles: Profiles = Profiles.GROUPS
    reject_keys: int = 0
    lose_keys: int = 0
    dead: bool = False
    join_ms: int = JOIN_MS
    boot_ms: int = BOOT_MS
    version: str = "MAC-QCA7000-1.2.5.3207-00-20180927-SIM"


@dataclass(frozen=True, slots=True)
class LineOptions:
    """What happens to frames between modems. ``loss`` and ``duplicate``: parts of 1; ``delay_ms``: for every
    frame; ``jitter_ms``: up to so much more, so frames may overtake each other."""

    loss: float = 0.0
    duplicate: float = 0.0
    delay_ms: int = 0
    jitter_ms: int = 0


def sloping(decibel: int) -> bytes:
    """The attenuation of 58 groups with a given average (dB), a little less at low frequencies, as on a
    cable."""
    half = _TILT // 2
    return bytes(min(max(decibel - half + round(_TILT * at / (GROUPS - 1)), 0), 255) for at in range(GROUPS))
