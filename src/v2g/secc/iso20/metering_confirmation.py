"""MeteringConfirmation: the EV signs a reading that it was sent."""

from __future__ import annotations

from typing import Any, Final

from v2g.secc.facts import EvFact
from v2g.secc.iso20.notification import LOOP
from v2g.secc.iso20.terms import header, terms
from v2g.secc.protocol import Exchange, Reply
from v2g.secc.session import Session
from v2gexi import iso20_common as common


def answer(session: Session, request: Any) -> Reply:
    """OK for the last reading with the signature of the contract's key."""
    reason = _reason(session, request.SignedMeteringData)
    if reason:
        session.log(f"MeteringConfirmationReq: {reason}")
        return Reply(response(session, "FAILED_MeteringSignatureNotValid"), "")
    data = request.SignedMeteringData
    session.told(
        EvFact.RECEIPT,
        {"meter_id": data.MeterInfo.MeterID, "reading_wh": data.MeterInfo.ChargedEnergyReadingWh},
    )
    terms(session).metered = None
    return Reply(response(session, "OK"), LOOP)


def _reason(session: Session, data: Any) -> str:
    """Why a confirmation does not hold; empty: it does."""
    agreed, trust = terms(session), session.station.trust
    if trust is None or not agreed.leaf:
        return "the session has no contract"
    if data.SessionID != session.session_id:
        return "the confirmed reading is of another session"
    if agreed.metered is None or data.MeterInfo != agreed.metered:
        return "the confirmed reading is not the one that was sent"
    return trust.verify(session.header.Signature, [data], agreed.leaf)


def response(session: Session, code: common.responseCodeType) -> Any:
    """The response with a code."""
    return common.MeteringConfirmationResType(Header=header(session), ResponseCode=code)


EXCHANGE: Final = Exchange(
    request=common.MeteringConfirmationReqType,
    name="MeteringConfirmationReq",
    answer=answer,
    refuse=response,
    leads_to=("ChargeLoop", ""),
    codes=("OK", "FAILED_MeteringSignatureNotValid"),
    meaning="the EV signs the reading that it was sent last",
)
