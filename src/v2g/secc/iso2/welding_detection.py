"""WeldingDetection: the EV opens its contactors and watches the voltage at the inlet."""

from __future__ import annotations

from typing import Any, Final

from v2g.secc.iso2.status import dc_status, hear_status, volts
from v2g.secc.protocol import Exchange, Reply
from v2g.secc.session import Session
from v2gexi import iso2


def answer(session: Session, request: Any) -> Reply:
    """The present voltage; whether the EV's contactors are welded is for the EV to say."""
    session.checkpoint(850)
    hear_status(session, request.DC_EVStatus)
    session.checkpoint(855)
    return Reply(response(session, "OK"), "WaitForWeldingDetection")


def response(session: Session, code: iso2.responseCodeType) -> Any:
    """The response with a code."""
    return iso2.WeldingDetectionResType(
        ResponseCode=code,
        DC_EVSEStatus=dc_status(session, "EVSE_NotReady"),
        EVSEPresentVoltage=volts(session.station.present_voltage_v),
    )


EXCHANGE: Final = Exchange(
    request=iso2.WeldingDetectionReqType,
    name="WeldingDetectionReq",
    answer=answer,
    refuse=response,
    leads_to=("WaitForWeldingDetection",),
    codes=("OK",),
    meaning="the EV checks that its contactors open",
)
