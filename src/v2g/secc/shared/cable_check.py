"""CableCheck: the station checks the cable's isolation under voltage, repeated until it has."""

from __future__ import annotations

from typing import Any, Final, Literal, NamedTuple

from v2g.secc.direct import CABLE_CHECK, unready
from v2g.secc.protocol import Exchange, Reply, Wait
from v2g.secc.session import Session
from v2g.secc.shared.status import dc_status, hear_status


class Verdict(NamedTuple):
    """What the response says, and the state that follows; empty: the end."""

    code: Literal["OK", "FAILED"]
    processing: Literal["Finished", "Ongoing"]
    status: Literal["EVSE_Ready", "EVSE_NotReady", "EVSE_IsolationMonitoringActive"]
    state: str


_PASSED: Final = Verdict("OK", "Finished", "EVSE_Ready", "WaitForPreCharge")
_CHECKING: Final = Verdict("OK", "Ongoing", "EVSE_IsolationMonitoringActive", "WaitForCableCheck")
_FAILED: Final = Verdict("FAILED", "Finished", "EVSE_NotReady", "")


def _judge(session: Session) -> Verdict | Wait:
    """Finished when the station says so; the EV has to be in state C or D, and the plug locked."""
    station, times = session.station, session.protocol.times
    if session.error is not None:
        return _FAILED
    begun = CABLE_CHECK in session.ongoing_since_ms
    why = unready(session)
    if why:
        # ISO 15118-2:2014 [V2G2-917], [V2G2-918]: V2G_SECC_CPState_Detection_Timeout
        if not begun and session.waited_ms < times.cp_state_ms:
            return Wait(times.cp_state_ms)
        session.log(f"CableCheckReq: {why}")
        return _FAILED
    if begun and not session.contactor:
        session.log("power was switched off during the cable check")
        return _FAILED
    if not begun:
        session.checkpoint(560)
        session.check_cable()
        session.checkpoint(561)
    elapsed = session.ongoing_ms(CABLE_CHECK)
    if station.cable_check:
        session.checkpoint(565)
        return _PASSED
    if station.cable_check is False or elapsed >= times.secc_cable_check_ms:
        session.log("cable check failed" if station.cable_check is False else "cable check takes too long")
        return _FAILED
    return _CHECKING


def cable_check(module: Any) -> Exchange:
    """The exchange over a message set."""

    def response(
        session: Session, code: str, processing: str = "Finished", status: str = "EVSE_NotReady"
    ) -> Any:
        return module.CableCheckResType(
            ResponseCode=code, DC_EVSEStatus=dc_status(session, module, status), EVSEProcessing=processing
        )

    def answer(session: Session, request: Any) -> Reply | Wait:
        hear_status(session, request.DC_EVStatus)
        verdict = _judge(session)
        if isinstance(verdict, Wait):
            return verdict
        return Reply(response(session, verdict.code, verdict.processing, verdict.status), verdict.state)

    return Exchange(
        request=module.CableCheckReqType,
        name="CableCheckReq",
        answer=answer,
        refuse=response,
        leads_to=("WaitForCableCheck", "WaitForPreCharge", ""),
        codes=("OK", "FAILED"),
        meaning="repeated until the station has checked the cable's isolation",
    )
