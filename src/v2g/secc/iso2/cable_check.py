"""CableCheck: the station checks the cable's isolation under voltage, repeated until it has."""

from __future__ import annotations

from typing import Any, Final

from v2g.secc.direct import unready
from v2g.secc.iso2.status import dc_status, hear_status
from v2g.secc.protocol import Exchange, Reply, Wait
from v2g.secc.session import Session
from v2gexi import iso2

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
        # ISO 15118-2:2014 [V2G2-917], [V2G2-918]: V2G_SECC_CPState_Detection_Timeout
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
    code: iso2.responseCodeType,
    processing: iso2.EVSEProcessingType = "Finished",
    status: iso2.DC_EVSEStatusCodeType = "EVSE_NotReady",
) -> Any:
    """The response with a code."""
    return iso2.CableCheckResType(
        ResponseCode=code, DC_EVSEStatus=dc_status(session, status), EVSEProcessing=processing
    )


EXCHANGE: Final = Exchange(
    request=iso2.CableCheckReqType,
    name="CableCheckReq",
    answer=answer,
    refuse=response,
    leads_to=("WaitForCableCheck", "WaitForPreCharge", ""),
    codes=("OK", "FAILED"),
    meaning="repeated until the station has checked the cable's isolation",
)
