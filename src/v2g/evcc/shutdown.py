"""The order in which an EV opens its power path, whatever ended the session.

    ask for no current, pilot to B -> no current flows -> contactors open -> they are confirmed open -> unlock

The pilot comes first: where no message gets through any more, it is what makes the charger switch off.
Waiting for the current and for the contactors' answer is bounded; a lock that cannot be opened safely stays
locked.
"""

from __future__ import annotations

from typing import Final

from v2g.evcc.effects import LockConnector
from v2g.evcc.session import NO_CURRENT_A, SAFE_VOLTAGE_V, Session

CURRENT_OFF_MS: Final = 2_000
"""This long after the pilot went to B a charger has switched off. Our own bound: after it the contactors open
even if current seems to flow, because nothing is left that could make it end."""
CONTACTORS_OPEN_MS: Final = 1_000
"""Contactors that are not confirmed open by then count as stuck. Our own bound."""


class Shutdown:
    """One opening of the power path.

    Args:
        session: whose path; wants contactors open and the pilot in B.
        now_ms: when it begins.
        answered: the charger still answers: what it last said about its current is true.
    """

    def __init__(self, session: Session, now_ms: int, *, answered: bool) -> None:
        self._session = session
        self._answered = answered
        self._current_by: int | None = now_ms + CURRENT_OFF_MS
        self._contactors_by: int | None = None
        self._drew = session.draws
        session.draw(0.0)

    def advance(self, now_ms: int) -> bool:
        """Do what is due; whether the path is open, or given up."""
        session = self._session
        if self._current_by is not None:
            flows = self._flows()
            if flows is not False and now_ms < self._current_by:
                return False
            if flows:
                session.log(f"current still flows {CURRENT_OFF_MS} ms after it was to end")
            self._current_by = None
            if session.contactors:
                session.want_contactors(False)
                self._contactors_by = now_ms + CONTACTORS_OPEN_MS
        if self._contactors_by is not None:
            opened = session.vehicle.contactors_closed is False and session.closing_confirmed
            if not opened and now_ms < self._contactors_by:
                return False
            self._contactors_by = None
            if session.vehicle.contactors_closed is not False:
                session.log(f"contactors not confirmed open within {CONTACTORS_OPEN_MS} ms")
                session.ok = session.ok and session.vehicle.contactors_closed is None
        return True

    def deadline(self) -> int | None:
        """When :meth:`advance` is wanted."""
        return self._current_by if self._current_by is not None else self._contactors_by

    def _flows(self) -> bool | None:
        """Whether current flows; None: nobody can tell."""
        session = self._session
        if not session.contactors:
            return False
        current = session.vehicle.present_current_a
        if current is None and session.setup.dc and (self._answered or not session.asked_a):
            current = session.current_a or 0.0
        if current is None and not session.setup.dc and not self._drew:
            current = 0.0
        return None if current is None else abs(current) >= NO_CURRENT_A


def release(session: Session) -> bool:
    """Unlock the connector if it was locked and that is safe; False: it has to stay locked for now."""
    if not session.lock_wanted:
        return True
    if not may_unlock(session):
        return False
    session.lock_wanted = False
    session.tell(LockConnector(False))
    return True


def may_unlock(session: Session) -> bool:
    """Whether the plug may be released: contactors confirmed open, and no dangerous voltage measured."""
    vehicle = session.vehicle
    closed = vehicle.contactors_closed
    if closed or (closed is None and session.ever_closed):
        return False
    return vehicle.inlet_voltage_v is None or abs(vehicle.inlet_voltage_v) < SAFE_VOLTAGE_V
