"""Rules of several message sets: bounds of pre-charge and of the charge loop, and what ends the loop."""

from __future__ import annotations

from typing import Any, Final

from v2g.common.values import number_or_none
from v2g.secc.facts import EvFact
from v2g.secc.session import POWER_PILOT, Session

PATIENCE_MS: Final = 30_000
"""Longest pre-charge. That the voltages meet is for the EV to judge, which gives up after 7 s
(V2G_EVCC_PreCharge_Timeout, ISO 15118-2:2014 table 109, DIN SPEC 70121 clause 9.6) or 10 s (ISO 15118-20);
some take longer. Beyond this bound of our own nobody is there who means it, and voltage does not stay on a
cable for nothing."""
MOST_CURRENT_A: Final = 2.0
"""Pre-charge current is limited to 2 A (IEC 61851-23, Annex CC)."""
STOP_PATIENCE_MS: Final = 10_000
"""After an error that has switched the power off the EV has so long, beyond the notification's own delay, to
end its charge loop in an orderly way. Our own bound."""
WISH_PATIENCE_MS: Final = 60_000
"""How long an EV may go on, beyond the notification's own delay, after the station has asked it to stop: as
long as between two messages at most. Our own bound; who does not stop by then is switched off."""
CABLE_CHECK: Final = "cable check"
PRE_CHARGE: Final = "pre-charge"
CHARGE_LOOP: Final = "charge loop"
ERROR_IN_LOOP: Final = "error in the loop"
"""Keys of what has been going on for a while (:meth:`~v2g.secc.session.Session.ongoing_ms`)."""
_WISH: Final = "stop in the loop"


def tell_maxima(session: Session, current: Any, power: Any, voltage: Any) -> None:
    """Tell an EV's largest current, power and voltage; those that are absent (None) stay what they were."""
    limits = {
        "current_a": number_or_none(current),
        "power_w": number_or_none(power),
        "voltage_v": number_or_none(voltage),
    }
    said = {name: value for name, value in limits.items() if value is not None}
    known = session.known(EvFact.DC_MAXIMUM_LIMITS) or dict.fromkeys(limits)
    if said:
        session.told(EvFact.DC_MAXIMUM_LIMITS, known | said)


def unready(session: Session) -> str:
    """Why an EV cannot be supplied now: its control pilot, or a plug that is not locked; empty if it can."""
    station = session.station
    if station.pilot not in POWER_PILOT:
        return f"control pilot state {station.pilot}"
    return "" if station.connector_locked else "the plug is not locked"


def loop_patience_is_over(session: Session) -> bool:
    """Whether an EV stays in its charge loop for too long after it was asked to stop, or after an error has
    switched the power off."""
    delay_ms = 1000 * session.setup.notification_max_delay_s
    over = False
    for what, holds, patience_ms in (
        (ERROR_IN_LOOP, session.error is not None, STOP_PATIENCE_MS),
        (_WISH, session.station.stop, WISH_PATIENCE_MS),
    ):
        if holds:
            over = session.ongoing_ms(what) >= patience_ms + delay_ms or over
        else:
            session.finished(what)
    return over


def loop_is_off(session: Session) -> str:
    """Why the charge loop cannot go on; empty: it can. After an error the EV may still stop by itself."""
    station = session.station
    if not station.connector_locked:
        return "the plug is not locked"
    if loop_patience_is_over(session):
        return "the EV does not stop"
    if session.error is not None:
        return ""
    if not session.contactor:
        return "power was switched off after an error"
    return "the output's relays have opened" if station.contactor_closed is False else ""
