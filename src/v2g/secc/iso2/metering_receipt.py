"""MeteringReceipt: the EV signs the meter's reading (contracts only)."""

from __future__ import annotations

from typing import Any, Final

from v2g.secc.facts import EvFact
from v2g.secc.iso2.status import evse_status, takes_dc
from v2g.secc.protocol import Exchange, Reply
from v2g.secc.session import Session
from v2gexi import iso2


def answer(session: Session, request: Any) -> Reply:
    """OK for the reading that was sent last, signed with the contract's key."""
    wrong = _fault(session, request)
    if wrong:
        session.log(f"MeteringReceiptReq: {wrong}")
        return Reply(response(session, "FAILED_MeteringSignatureNotValid"), "")
    info = request.MeterInfo
    session.told(
        EvFact.RECEIPT,
        {"meter_id": info.MeterID, "reading_wh": info.MeterReading, "unix_s": info.TMeter},
    )
    return Reply(
        response(session, "OK"), "WaitForCurrentDemand" if takes_dc(session) else "WaitForChargingStatus"
    )


def _fault(session: Session, request: Any) -> str:
    trust, signature = session.station.trust, session.header.Signature
    if request.SessionID != session.session_id:
        return "another session's id"
    if request.MeterInfo != session.agreed.get("meter"):
        return "not the reading that was sent"
    if trust is None or signature is None or request.Id is None:
        return "no signature"
    return trust.verify(signature, (request,), session.agreed["chain"][0])


def response(session: Session, code: iso2.responseCodeType) -> Any:
    """The response with a code."""
    return iso2.MeteringReceiptResType(ResponseCode=code, EVSEStatus=evse_status(session))


EXCHANGE: Final = Exchange(
    request=iso2.MeteringReceiptReqType,
    name="MeteringReceiptReq",
    answer=answer,
    refuse=response,
    leads_to=("WaitForChargingStatus", "WaitForCurrentDemand", ""),
    codes=("OK", "FAILED_MeteringSignatureNotValid"),
    meaning="the EV signs the meter reading that it was sent",
)
