"""DC_CableCheck: the station checks the isolation of the cable under voltage, repeated until it has."""

from __future__ import annotations

from typing import Any, Final

from v2g.secc.direct import CABLE_CHECK
from v2g.secc.iso20.terms import header
from v2g.secc.protocol import Exchange, Reply, Wait
from v2g.secc.session import Session
from v2gexi import iso20_common as common
from v2gexi import iso20_dc as dc


def answer(session: Session, request: Any) -> Reply | Wait:
    """Finished when the station says so; the EV has to be in state C or D."""
    station, times = session.station, session.protocol.times
    if session.stop_wanted:
        session.log("the station is not to charge")
        return Reply(response(session, "FAILED"), "")
    if station.pilot not in "CD":
        longest = session.protocol.messages["DC_CableCheckReq"].performance_ms
        if session.waited_ms < longest:
            return Wait(longest)
        session.log(f"DC_CableCheckReq in control pilot state {station.pilot}")
        return Reply(response(session, "FAILED"), "")
    if CABLE_CHECK not in session.ongoing_since_ms:
        session.checkpoint(560)
        session.check_cable()
        session.checkpoint(561)
    elif not session.contactor:
        session.log("power went off during the cable check")
        return Reply(response(session, "FAILED"), "")
    elapsed = session.ongoing_ms(CABLE_CHECK)
    if station.cable_check:
        session.checkpoint(565)
        return Reply(response(session, "OK"), "WaitForPreCharge")
    if station.cable_check is False or elapsed >= times.secc_cable_check_ms:
        session.log("cable check failed" if station.cable_check is False else "cable check takes too long")
        return Reply(response(session, "FAILED"), "")
    return Reply(response(session, "OK", "Ongoing"), "WaitForCableCheck")


def response(
    session: Session, code: common.responseCodeType, processing: common.processingType = "Finished"
) -> Any:
    """The response with a code."""
    return dc.DC_CableCheckResType(Header=header(session), ResponseCode=code, EVSEProcessing=processing)


EXCHANGE: Final = Exchange(
    request=dc.DC_CableCheckReqType,
    name="DC_CableCheckReq",
    answer=answer,
    refuse=response,
    leads_to=("WaitForCableCheck", "WaitForPreCharge", ""),
    codes=("OK", "FAILED"),
    meaning="repeated until the station has checked the cable's isolation",
)
