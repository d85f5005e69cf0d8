"""WeldingDetection: the EV opens its contactors one by one and watches the voltage at the inlet."""

from __future__ import annotations

from typing import Any, Final

from v2g.secc.din.status import evse_status, hear_status, volts
from v2g.secc.protocol import Exchange, Reply
from v2g.secc.session import Session
from v2gexi import din


def answer(session: Session, request: Any) -> Reply:
    """The present voltage."""
    session.checkpoint(850)
    hear_status(session, request.DC_EVStatus)
    session.checkpoint(855)
    return Reply(response(session, "OK"), "WaitForWeldingDetection")


def response(session: Session, code: din.responseCodeType) -> Any:
    """The response with a code."""
    return din.WeldingDetectionResType(
        ResponseCode=code,
        DC_EVSEStatus=evse_status(session, "EVSE_NotReady"),
        EVSEPresentVoltage=volts(session.station.present_voltage_v),
    )


EXCHANGE: Final = Exchange(
    request=din.WeldingDetectionReqType,
    name="WeldingDetectionReq",
    answer=answer,
    refuse=response,
    leads_to=("WaitForWeldingDetection",),
    codes=("OK",),
    meaning="the EV checks that its contactors open",
)
