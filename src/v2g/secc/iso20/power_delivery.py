"""PowerDelivery: power on before the charge loop, off after it, and new profiles in between."""

from __future__ import annotations

from typing import Any, Final

from v2g.common.terms import Phase
from v2g.secc.direct import CABLE_CHECK, PRE_CHARGE
from v2g.secc.effects import Milestone
from v2g.secc.facts import EvFact
from v2g.secc.iso20.notification import LOOP, evse_status
from v2g.secc.iso20.power_profile import check
from v2g.secc.iso20.terms import alternating, header, terms
from v2g.secc.protocol import Exchange, Reply, Wait
from v2g.secc.session import Session
from v2gexi import iso20_common as common

_PLANNING: Final = "EV power profile"


def answer(session: Session, request: Any) -> Reply | Wait:
    """What the EV is about to do."""
    progress = request.ChargeProgress
    session.told(EvFact.CHARGE_PROGRESS, progress)
    if progress == "Stop":
        return _stop(session)
    if progress == "Standby":
        return Reply(response(session, "WARNING_StandbyNotAllowed"), session.state)
    if request.EVProcessing != "Finished":
        return _plans(session)
    session.finished(_PLANNING)
    if progress == "ScheduleRenegotiation":
        return _renegotiate(session, request)
    return _start(session, request)


def _plans(session: Session) -> Reply:
    """The EV is still making its profile."""
    if session.ongoing_ms(_PLANNING) >= session.protocol.times.evcc_ongoing_ms:
        session.log("the EV's power profile takes too long")
        return Reply(response(session, "FAILED_PowerDeliveryNotApplied"), "")
    return Reply(response(session, "OK"), session.state)


def _renegotiate(session: Session, request: Any) -> Reply:
    """A new profile in the charge loop, or the announcement of new schedules."""
    if session.state != LOOP:
        return Reply(response(session, "FAILED_ScheduleRenegotiation"), "")
    code: common.responseCodeType = "OK"
    if request.EVPowerProfile is not None:
        code = check(session, request.EVPowerProfile)
        if code.startswith("FAILED"):
            return Reply(response(session, code), "")
    session.station.renegotiate = False
    session.reached(Milestone.RENEGOTIATION)
    return Reply(response(session, code), LOOP)


def _start(session: Session, request: Any) -> Reply | Wait:
    if session.state not in ("WaitForPowerDelivery", LOOP):
        session.log("PowerDeliveryReq with ChargeProgress Start before pre-charge")
        return Reply(response(session, "FAILED_SequenceError"), "")
    if session.first:
        session.checkpoint(600)
        session.reached(Milestone.V2G_SETUP_FINISHED)
    code = check(session, request.EVPowerProfile)
    if code.startswith("FAILED"):
        return Reply(response(session, code), "")
    if session.state == LOOP:
        return Reply(response(session, code), LOOP)
    refused = _supply(session)
    if refused is not None:
        return refused
    session.finished(PRE_CHARGE, CABLE_CHECK)
    session.phase(Phase.CHARGE)
    session.checkpoint(605)
    return Reply(response(session, code), LOOP)


def _supply(session: Session) -> Reply | Wait | None:
    """Close the AC contactor; None when it, or the DC output's relays, are closed."""
    station = session.station
    longest = session.protocol.messages["PowerDeliveryReq"].performance_ms
    if session.stop_wanted or station.rcd_tripped:
        session.log("the station is not to charge")
        return Reply(response(session, "FAILED_PowerDeliveryNotApplied"), "")
    if alternating(session) and not session.contactor:
        if station.contactor_closed:
            session.log("the contactor is closed before it is to close")
            return Reply(response(session, "FAILED_ContactorError"), "")
        if station.pilot in "CD":
            session.want_contactor(True)
    if not session.contactor:
        if alternating(session) and session.waited_ms < longest:
            return Wait(longest)
        session.log(f"no power in control pilot state {station.pilot}")
        return Reply(response(session, "FAILED_PowerDeliveryNotApplied"), "")
    # A DC output has been on since the cable check; that nobody confirms it says nothing there.
    closed = station.contactor_closed
    if not closed and (alternating(session) or closed is False):
        if session.waited_ms < longest:
            return Wait(longest)
        session.log("the contactor does not close")
        return Reply(response(session, "FAILED_ContactorError"), "")
    return None


def _stop(session: Session) -> Reply | Wait:
    if session.first:
        session.checkpoint(800)
        session.reached(Milestone.V2G_SETUP_FINISHED)
        if session.state == LOOP:
            session.reached(Milestone.CURRENT_DEMAND_FINISHED)
        session.want_contactor(False)
    if session.station.contactor_closed:
        longest = session.protocol.messages["PowerDeliveryReq"].performance_ms
        if session.waited_ms < longest:
            return Wait(longest)
        session.log("the contactor does not open")
        return Reply(response(session, "FAILED_ContactorError"), "")
    terms(session).terminate = False
    session.finished(PRE_CHARGE, CABLE_CHECK, LOOP, _PLANNING)
    session.checkpoint(805)
    state = "WaitForSessionStop" if alternating(session) else "WaitForWeldingDetection"
    return Reply(response(session, "OK"), state)


def response(session: Session, code: common.responseCodeType) -> Any:
    """The response with a code."""
    return common.PowerDeliveryResType(
        Header=header(session), ResponseCode=code, EVSEStatus=evse_status(session)
    )


EXCHANGE: Final = Exchange(
    request=common.PowerDeliveryReqType,
    name="PowerDeliveryReq",
    answer=answer,
    refuse=response,
    leads_to=(
        "WaitForCableCheck",
        "WaitForPreCharge",
        "WaitForPowerDelivery",
        "ChargeLoop",
        "WaitForWeldingDetection",
        "WaitForSessionStop",
        "",
    ),
    codes=(
        "OK",
        "OK_PowerToleranceConfirmed",
        "WARNING_PowerToleranceNotConfirmed",
        "WARNING_StandbyNotAllowed",
        "FAILED_ContactorError",
        "FAILED_EVPowerProfileInvalid",
        "FAILED_PowerDeliveryNotApplied",
        "FAILED_ScheduleRenegotiation",
        "FAILED_ScheduleSelectionInvalid",
        "FAILED_SequenceError",
    ),
    meaning="the EV wants power on or off, or has new plans",
)
