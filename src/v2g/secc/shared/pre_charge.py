"""PreCharge: the output's voltage comes close to the battery's before the EV closes its contactors."""

from __future__ import annotations

from typing import Any

from v2g.common.values import number, physical
from v2g.secc.direct import MOST_CURRENT_A, PATIENCE_MS, PRE_CHARGE
from v2g.secc.protocol import Exchange, Reply
from v2g.secc.session import Session
from v2g.secc.shared.status import dc_status, hear_status


def pre_charge(module: Any) -> Exchange:
    """The exchange over a message set."""

    def response(session: Session, code: str) -> Any:
        return module.PreChargeResType(
            ResponseCode=code,
            DC_EVSEStatus=dc_status(session, module),
            EVSEPresentVoltage=physical(module, "V", session.station.present_voltage_v),
        )

    def answer(session: Session, request: Any) -> Reply:
        session.checkpoint(570)
        hear_status(session, request.DC_EVStatus)
        if session.error is not None or not session.contactor:
            return Reply(response(session, "FAILED"), "")
        if session.ongoing_ms(PRE_CHARGE) >= PATIENCE_MS:
            session.log("pre-charge does not end")
            return Reply(response(session, "FAILED"), "")
        current = min(max(number(request.EVTargetCurrent), 0.0), MOST_CURRENT_A)
        session.want_dc(number(request.EVTargetVoltage), current)
        session.checkpoint(575)
        return Reply(response(session, "OK"), "WaitForPreCharge")

    return Exchange(
        request=module.PreChargeReqType,
        name="PreChargeReq",
        answer=answer,
        refuse=response,
        leads_to=("WaitForPreCharge", ""),
        codes=("OK", "FAILED"),
        meaning="repeated until the output's voltage is close to the battery's",
    )
