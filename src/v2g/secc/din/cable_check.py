"""CableCheck: the station checks the isolation of the cable under voltage, repeated until it has."""

from __future__ import annotations

from typing import Any, Final

from v2g.secc.cable_check import judge
from v2g.secc.din.status import evse_status, hear_status
from v2g.secc.protocol import Exchange, Reply, Wait
from v2g.secc.session import Session
from v2gexi import din


def answer(session: Session, request: Any) -> Reply | Wait:
    """See :func:`v2g.secc.cable_check.judge`."""
    hear_status(session, request.DC_EVStatus)
    verdict = judge(session)
    if isinstance(verdict, Wait):
        return verdict
    return Reply(response(session, verdict.code, verdict.processing, verdict.status), verdict.state)


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
