"""DC_PreCharge: the output's voltage comes close to the battery's before the EV closes its contactors."""

from __future__ import annotations

from typing import Any, Final

from v2g.common.amounts import volts
from v2g.common.values import number
from v2g.secc.direct import MOST_CURRENT_A, PATIENCE_MS, PRE_CHARGE
from v2g.secc.facts import EvFact
from v2g.secc.iso20.terms import header
from v2g.secc.protocol import Exchange, Reply
from v2g.secc.session import Session
from v2gexi import iso20_common as common
from v2gexi import iso20_dc as dc


def answer(session: Session, request: Any) -> Reply:
    """Follow the EV's voltage and tell the present one."""
    session.checkpoint(570)
    session.told(EvFact.PRESENT_VOLTAGE_V, number(request.EVPresentVoltage))
    if session.stop_wanted or not session.contactor:
        session.log("the station is not to charge" if session.stop_wanted else "power is off")
        return Reply(response(session, "FAILED"), "")
    if session.ongoing_ms(PRE_CHARGE) >= PATIENCE_MS:
        session.log("pre-charge does not end")
        return Reply(response(session, "FAILED"), "")
    session.want_dc(number(request.EVTargetVoltage), MOST_CURRENT_A)
    session.checkpoint(575)
    return Reply(response(session, "OK"), "WaitForPowerDelivery")


def response(session: Session, code: common.responseCodeType) -> Any:
    """The response with a code."""
    return dc.DC_PreChargeResType(
        Header=header(session),
        ResponseCode=code,
        EVSEPresentVoltage=volts(session.station.present_voltage_v),
    )


EXCHANGE: Final = Exchange(
    request=dc.DC_PreChargeReqType,
    name="DC_PreChargeReq",
    answer=answer,
    refuse=response,
    leads_to=("WaitForPowerDelivery", ""),
    codes=("OK", "FAILED"),
    meaning="repeated until the output's voltage is close to the battery's",
)
