"""WeldingDetection: the EV opens its contactors one by one and watches the voltage at the inlet.

Whether they are welded is for the EV to say."""

from __future__ import annotations

from typing import Any

from v2g.common.values import physical
from v2g.secc.protocol import Exchange, Reply
from v2g.secc.session import Session
from v2g.secc.shared.status import dc_status, hear_status


def welding_detection(module: Any) -> Exchange:
    """The exchange over a message set."""

    def response(session: Session, code: str) -> Any:
        return module.WeldingDetectionResType(
            ResponseCode=code,
            DC_EVSEStatus=dc_status(session, module, "EVSE_NotReady"),
            EVSEPresentVoltage=physical(module, "V", session.station.present_voltage_v),
        )

    def answer(session: Session, request: Any) -> Reply:
        session.checkpoint(850)
        hear_status(session, request.DC_EVStatus)
        session.checkpoint(855)
        return Reply(response(session, "OK"), "WaitForWeldingDetection")

    return Exchange(
        request=module.WeldingDetectionReqType,
        name="WeldingDetectionReq",
        answer=answer,
        refuse=response,
        leads_to=("WaitForWeldingDetection",),
        codes=("OK",),
        meaning="the EV checks that its contactors open",
    )
