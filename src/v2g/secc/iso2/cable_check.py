"""CableCheck: the station checks the cable's isolation under voltage, repeated until it has."""

from __future__ import annotations

from typing import Any, Final

from v2g.secc.cable_check import judge
from v2g.secc.iso2.status import dc_status, hear_status
from v2g.secc.protocol import Exchange, Reply, Wait
from v2g.secc.session import Session
from v2gexi import iso2


def answer(session: Session, request: Any) -> Reply | Wait:
    """See :func:`v2g.secc.cable_check.judge`."""
    hear_status(session, request.DC_EVStatus)
    verdict = judge(session)
    if isinstance(verdict, Wait):
        return verdict
    return Reply(response(session, verdict.code, verdict.processing, verdict.status), verdict.state)


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
