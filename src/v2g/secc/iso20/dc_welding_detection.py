"""DC_WeldingDetection: the EV opens its contactors one by one and watches the voltage at the inlet."""

from __future__ import annotations

from typing import Any, Final

from v2g.common.amounts import volts
from v2g.secc.iso20.terms import header
from v2g.secc.protocol import Exchange, Reply
from v2g.secc.session import Session
from v2gexi import iso20_common as common
from v2gexi import iso20_dc as dc

_DETECTION: Final = "welding detection"


def answer(session: Session, request: Any) -> Reply:
    """The present voltage, for as long as the EV may be at it (V2G_EVCC_Ongoing_Timeout)."""
    session.checkpoint(850)
    if session.ongoing_ms(_DETECTION) >= session.protocol.times.evcc_ongoing_ms:
        session.log("welding detection does not end")
        return Reply(response(session, "FAILED"), "")
    session.checkpoint(855)
    if request.EVProcessing != "Finished":
        return Reply(response(session, "OK"), "WaitForWeldingDetection")
    session.finished(_DETECTION)
    return Reply(response(session, "OK"), "WaitForSessionStop")


def response(session: Session, code: common.responseCodeType) -> Any:
    """The response with a code."""
    return dc.DC_WeldingDetectionResType(
        Header=header(session),
        ResponseCode=code,
        EVSEPresentVoltage=volts(session.station.present_voltage_v),
    )


EXCHANGE: Final = Exchange(
    request=dc.DC_WeldingDetectionReqType,
    name="DC_WeldingDetectionReq",
    answer=answer,
    refuse=response,
    leads_to=("WaitForWeldingDetection", "WaitForSessionStop", ""),
    codes=("OK", "FAILED"),
    meaning="the EV checks that its contactors open",
)
