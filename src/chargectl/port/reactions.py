"""From the active errors to the one reaction that the port shows (declared in ``declarations.errors``)."""

from __future__ import annotations

from collections.abc import Iterable

from chargectl.declarations.types import ContactorDemand, Duty, ErrorRow, LockDemand, Reaction

_DUTY_RANK = (Duty.UNCHANGED, Duty.STEADY, Duty.NEGATIVE)
_CONTACTOR_RANK = (ContactorDemand.UNCHANGED, ContactorDemand.STAY_OPEN, ContactorDemand.OPEN)


def combined(active: Iterable[ErrorRow], connected: bool) -> Reaction:
    """Return the reaction to all ``active`` errors together.

    Duty and contactor take the strictest demand. The lock follows the error of the highest priority that
    demands anything of it, but those that put the pilot to 0 % come first: they hide the EV's leaving.
    """
    duty, contactor = Duty.UNCHANGED, ContactorDemand.UNCHANGED
    lock = hidden_lock = LockDemand.UNCHANGED
    for row in sorted(active, key=lambda row: row.priority):
        reaction = row.connected if connected else row.disconnected
        duty = max(duty, reaction.duty, key=_DUTY_RANK.index)
        contactor = max(contactor, reaction.contactor, key=_CONTACTOR_RANK.index)
        if lock is LockDemand.UNCHANGED:
            lock = reaction.lock
        if hidden_lock is LockDemand.UNCHANGED and reaction.duty is Duty.NEGATIVE:
            hidden_lock = reaction.lock
    return Reaction(duty, lock if hidden_lock is LockDemand.UNCHANGED else hidden_lock, contactor)
