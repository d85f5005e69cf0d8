"""CableCheck: the station checks the isolation of the cable under voltage, repeated until it has."""

from __future__ import annotations

from typing import Any, Final

from v2g.secc.din.status import evse_status, hear_status
from v2g.secc.direct import unready
from v2g.secc.protocol import Exchange, Reply, Wait
from v2g.secc.session import Session
from v2gexi import din

_CHECK: Final = "cable check"


def answer(session: Session, request: Any) -> Reply | Wait:
    """Finished when the station says so; the EV has to be in state C or D, and the plug locked."""
    station, times = session.station, session.protocol.times
    hear_status(session, request.DC_EVStatus)
    if session.error is not None:
        return Reply(response(session, "FAILED"), "")
    begun = _CHECK in session.ongoing_since_ms
    why = unready(session)
    if why:
        if not begun and session.waited_ms < times.cp_state_ms:
            return Wait(times.cp_state_ms)
        session.log(f"CableCheckReq: {why}")
        return Reply(response(session, "FAILED"), "")
    if begun and not session.contactor:
        session.log("power was switched off during the cable check")
        return Reply(response(session, "FAILED"), "")
    if not begun:
        session.checkpoint(560)
        session.check_cable()
        session.checkpoint(561)
    elapsed = session.ongoing_ms(_CHECK)
    if station.cable_check:
        session.checkpoint(565)
        return Reply(response(session, "OK", "Finished", "EVSE_Ready"), "WaitForPreCharge")
    if station.cable_check is False or elapsed >= times.secc_cable_check_ms:
        session.log("cable check failed" if station.cable_check is False else "cable check takes too long")
        return Reply(response(session, "FAILED"), "")
    return Reply(response(session, "OK", "Ongoing", "EVSE_IsolationMonitoringActive"), "WaitForCableCheck")


def response(
    session: Session,
    code: din.responseCodeType,
    processing: din.EVSEProcessingType = "Finished",
    status: din.DC_EVSEStatusCodeType = "EVSE_NotReady",
) -> Any:
    """The response with a code."""
    return din.CableCheckResType(
        ResponseCode=code, DC_EVSEStatus=evse_status(session, status), EVSEProcessing=processing
    )


EXCHANGE: Final = Exchange(
    request=din.CableCheckReqType,
    name="CableCheckReq",
    answer=answer,
    refuse=response,
    leads_to=("WaitForCableCheck", "WaitForPreCharge", ""),
    codes=("OK", "FAILED"),
    meaning="repeated until the station has checked the cable's isolation",
)
