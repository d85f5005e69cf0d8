"""The cable check of DIN SPEC 70121 and ISO 15118-2: when it may begin, and what has come of it."""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

from v2g.secc.direct import unready
from v2g.secc.protocol import Wait
from v2g.secc.session import Session

_CHECK: Final = "cable check"


class Verdict(NamedTuple):
    """What the response says, and the state that follows; empty: the end."""

    code: Literal["OK", "FAILED"]
    processing: Literal["Finished", "Ongoing"]
    status: Literal["EVSE_Ready", "EVSE_NotReady", "EVSE_IsolationMonitoringActive"]
    state: str


PASSED: Final = Verdict("OK", "Finished", "EVSE_Ready", "WaitForPreCharge")
CHECKING: Final = Verdict("OK", "Ongoing", "EVSE_IsolationMonitoringActive", "WaitForCableCheck")
FAILED: Final = Verdict("FAILED", "Finished", "EVSE_NotReady", "")


def judge(session: Session) -> Verdict | Wait:
    """Finished when the station says so; the EV has to be in state C or D, and the plug locked."""
    station, times = session.station, session.protocol.times
    if session.error is not None:
        return FAILED
    begun = _CHECK in session.ongoing_since_ms
    why = unready(session)
    if why:
        # ISO 15118-2:2014 [V2G2-917], [V2G2-918]: V2G_SECC_CPState_Detection_Timeout
        if not begun and session.waited_ms < times.cp_state_ms:
            return Wait(times.cp_state_ms)
        session.log(f"CableCheckReq: {why}")
        return FAILED
    if begun and not session.contactor:
        session.log("power was switched off during the cable check")
        return FAILED
    if not begun:
        session.checkpoint(560)
        session.check_cable()
        session.checkpoint(561)
    elapsed = session.ongoing_ms(_CHECK)
    if station.cable_check:
        session.checkpoint(565)
        return PASSED
    if station.cable_check is False or elapsed >= times.secc_cable_check_ms:
        session.log("cable check failed" if station.cable_check is False else "cable check takes too long")
        return FAILED
    return CHECKING
