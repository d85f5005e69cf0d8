"""What the port and the daemon of high-level charging tell each other: one value for each direction.

They are levels, not events: each line of the connection carries all of it, so that a line lost or repeated
changes nothing. The defaults are the safe values, which hold while nobody speaks.
``chargectl.system.port_link`` carries them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, unique
from typing import Final

RENEW_MS: Final = 500
"""So often each side says what holds, also when nothing has changed."""
LEASE_MS: Final = 2_000
"""What a side said counts so long; four lines are missing then. Who hangs loses what was wished for."""


@unique
class PortTrouble(Enum):
    """What keeps the port from supplying power, the most serious one."""

    NONE = ""
    CONTACTOR = "contactor"
    EMERGENCY = "emergency"
    RCD = "rcd"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class SessionWish:
    """What a V2G session wants of the port.

    Attributes:
        link_ready: the modem holds the key of a network and takes SLAC messages: 5 % duty makes sense.
        power: the session wants the contactor closed; the port judges for itself whether it may.
        active: an EV talks: the pilot stays at 5 % also while no current is on offer.
        authorized: the session's own result of the authorization (counts with user_authentication mqtt).
        error_routines: how often no EV was heard; each one passes the pilot through state E.
    """

    link_ready: bool = False
    power: bool = False
    active: bool = False
    authorized: bool = False
    error_routines: int = 0


@dataclass(frozen=True, slots=True)
class PortStatus:
    """What the port knows that a V2G session has to.

    Attributes:
        pilot: state of the control pilot, "A" to "F".
        connected: an EV is there.
        contactor_closed: as its feedback says; None while it cannot be read.
        locked: the plug is held, or the cable is fixed.
        ready: the contactor would close now if the session wanted it and the EV were in state C.
        authorized: a user may charge.
        stop: a session that runs is to end in an orderly way.
        offered_a: current for the EV per phase, 0 below 6 A.
        phases: 1 or 3.
        rcd_tripped: the residual current device has tripped.
        trouble: why there is no power.
    """

    pilot: str = "F"
    connected: bool = False
    contactor_closed: bool | None = None
    locked: bool = False
    ready: bool = False
    authorized: bool = False
    stop: bool = False
    offered_a: float = 0.0
    phases: int = 3
    rcd_tripped: bool = False
    trouble: PortTrouble = PortTrouble.NONE
