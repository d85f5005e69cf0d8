"""PreCharge: the output's voltage comes close to the battery's before the EV closes its contactors."""

from __future__ import annotations

from typing import Any, Final

from v2g.common.values import number
from v2g.secc.din.status import evse_status, hear_status, volts
from v2g.secc.direct import MOST_CURRENT_A, PATIENCE_MS
from v2g.secc.protocol import Exchange, Reply
from v2g.secc.session import Session
from v2gexi import din

_CHARGE: Final = "pre-charge"


def answer(session: Session, request: Any) -> Reply:
    """Follow the EV's voltage and tell the present one."""
    session.checkpoint(570)
    hear_status(session, request.DC_EVStatus)
    if session.error is not None or not session.contactor:
        return Reply(response(session, "FAILED"), "")
    if session.ongoing_ms(_CHARGE) >= PATIENCE_MS:
        session.log("pre-charge does not end")
        return Reply(response(session, "FAILED"), "")
    session.want_dc(
        number(request.EVTargetVoltage), min(max(number(request.EVTargetCurrent), 0.0), MOST_CURRENT_A)
    )
    session.checkpoint(575)
    return Reply(response(session, "OK"), "WaitForPreCharge")


def response(session: Session, code: din.responseCodeType) -> Any:
    """The response with a code."""
    return din.PreChargeResType(
        ResponseCode=code,
        DC_EVSEStatus=evse_status(session),
        EVSEPresentVoltage=volts(session.station.present_voltage_v),
    )


EXCHANGE: Final = Exchange(
    request=din.PreChargeReqType,
    name="PreChargeReq",
    answer=answer,
    refuse=response,
    leads_to=("WaitForPreCharge", ""),
    codes=("OK", "FAILED"),
    meaning="repeated until the output's voltage is close to the battery's",
)
