"""What both charge loops have: the charger's notifications and meter readings, and the way out."""

from __future__ import annotations

from typing import Any, Final

from v2g.common.terms import Payment
from v2g.evcc.facts import ChargerFact
from v2g.evcc.iso20.terms import terms
from v2g.evcc.protocol import Go, Move, Stop
from v2g.evcc.session import Session

METER_EVERY: Final = 10
"""Every so many requests a meter reading is asked for."""
CONFIRM_EVERY_MS: Final = 1_000
"""Readings are confirmed no more often, whatever the charger asks for. Our own bound."""


def meter_wanted(session: Session) -> bool:
    """Whether a request asks for a reading: now and then, and when one has to be confirmed."""
    return session.round % METER_EVERY == 0 or _to_confirm(session)


def _to_confirm(session: Session) -> bool:
    return bool(session.known(ChargerFact.NOTIFICATION) == "MeteringConfirmation")


def _due(session: Session) -> bool:
    last = terms(session).confirmed_ms
    return last is None or session.now_ms - last >= CONFIRM_EVERY_MS


def hear(session: Session, response: Any) -> None:
    """Tell notification and meter of a response, whatever follows from them."""
    status = response.EVSEStatus
    session.told(ChargerFact.NOTIFICATION, "None" if status is None else status.EVSENotification)
    session.told(ChargerFact.METER, response.MeterInfo)


def follow(session: Session, response: Any) -> Move:
    """What follows from a response of the charge loop; a renegotiation is taken up by the next step."""
    hear(session, response)
    code = response.ResponseCode
    if code.startswith("WARNING"):
        session.log_once(f"charge loop: {code}")
    agreed, status = terms(session), response.EVSEStatus
    match None if status is None else status.EVSENotification:
        case "Terminate":
            return Stop("the charger asks to stop", True)
        case "Pause":
            session.pausing = True
            return Stop("the charger asks to pause", True)
        case "ServiceRenegotiation" if not agreed.service_renegotiation:
            return Stop("the charger asks for another service, which it said it does not offer", True)
        case "ServiceRenegotiation":
            session.log("the charger asks to select the service anew")
            agreed.renegotiates_service = True
            return Go("RampDown")
        case "ScheduleRenegotiation":
            session.renegotiation_asked = not session.renegotiating
        case "MeteringConfirmation" if response.MeterInfo is not None and _due(session):
            if session.payment is Payment.CONTRACT:
                agreed.receipt = response.MeterInfo, response.Receipt
                return Go("MeteringConfirmation")
            session.log_once("the charger wants a confirmed reading, though no contract pays: there is none")
        case _:
            session.renegotiation_asked = False
    if agreed.exchange_by_ms is not None and session.now_ms >= agreed.exchange_next_ms:
        return Go("ScheduleExchangeInLoop")
    return Go("ChargeLoop")
