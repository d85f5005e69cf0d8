"""ChargingStatus: the charge loop of AC."""

from __future__ import annotations

from typing import Any, Final

from v2g.secc.direct import loop_patience_is_over
from v2g.secc.iso2.status import ac_status, amperes, loop_reply, meter_info
from v2g.secc.protocol import Exchange, Reply
from v2g.secc.session import Session
from v2gexi import iso2


def answer(session: Session, request: Any) -> Reply:
    """The largest current, the meter, and what the station wishes."""
    station = session.station
    off = _why_off(session)
    if off:
        session.log(off)
        return Reply(response(session, "FAILED"), "")
    if station.rcd_tripped:
        session.want_contactor(False)
    return loop_reply(session, response(session, "OK"), "WaitForChargingStatus")


def _why_off(session: Session) -> str:
    """Why the loop cannot go on; empty: it can. After an error the EV gets the chance to stop by itself."""
    station = session.station
    if not station.connector_locked:
        return "the plug is not locked"
    if loop_patience_is_over(session):
        return "the EV does not stop"
    if session.error is not None or station.rcd_tripped:
        return ""
    if not session.contactor:
        return "power was switched off after an error"
    return "the contactor has opened" if station.contactor_closed is False else ""


def response(session: Session, code: iso2.responseCodeType) -> Any:
    """The response with a code. ``ReceiptRequired`` is always said (ISO 15118-2:2014 [V2G2-691])."""
    station = session.station
    return iso2.ChargingStatusResType(
        ResponseCode=code,
        EVSEID=session.setup.evse_id,
        SAScheduleTupleID=session.agreed.get("schedule", 1),
        EVSEMaxCurrent=amperes(station.ac.maximum_current_a),
        MeterInfo=meter_info(station.meter),
        ReceiptRequired=False,
        AC_EVSEStatus=ac_status(session),
    )


EXCHANGE: Final = Exchange(
    request=iso2.ChargingStatusReqType,
    name="ChargingStatusReq",
    answer=answer,
    refuse=response,
    leads_to=("WaitForChargingStatus", "WaitForMeteringReceipt", ""),
    codes=("OK", "FAILED"),
    meaning="the charge loop of AC: the station tells its limit, its meter, and what it wishes",
)
