"""PowerDelivery: power on before the charge loop, off after it, and off for a renegotiation.

An answer that says OK to Start of AC means that the contactor is closed; one to Stop, that it is open."""

from __future__ import annotations

from typing import Any, Final

from v2g.common.terms import Phase
from v2g.secc.direct import CABLE_CHECK, CHARGE_LOOP, ERROR_IN_LOOP, PRE_CHARGE, unready
from v2g.secc.effects import Milestone
from v2g.secc.facts import EvFact
from v2g.secc.iso2.schedules import fault, offered, profile
from v2g.secc.iso2.status import evse_status, takes_dc
from v2g.secc.protocol import Exchange, Reply, Wait
from v2g.secc.session import Session
from v2g.secc.shared.status import hear_power_delivery
from v2gexi import iso2

CONTACTOR_CLOSE_MS: Final = 3_000
"""The contactor closes within this time of state C or D (ISO 15118-2:2014 [V2G2-860]). With the 1.5 s for
state C or D it is the response's V2G_SECC_Msg_Performance_Time of 4.5 s."""
CONTACTOR_OPEN_MS: Final = 3_000
"""The contactor opens within the same time; the response is due after 4.5 s."""
LOOPS: Final = ("WaitForChargingStatus", "WaitForCurrentDemand")
"""States of the charge loop."""
_CLOSING: Final = "contactor closes"
_ASKED: Final = "power delivery"


def answer(session: Session, request: Any) -> Reply | Wait:
    """Start after the parameters (AC) or pre-charge (DC), renegotiate in the loop, stop at any time."""
    first = _ASKED not in session.ongoing_since_ms
    if first:
        session.ongoing_ms(_ASKED)
        _hear(session, request)
    if request.ChargeProgress == "Start":
        answered = _start(session, request, first)
    elif request.ChargeProgress == "Stop":
        answered = _stop(session, first)
    else:
        answered = _renegotiate(session, first)
    if isinstance(answered, Reply):
        session.finished(_ASKED, _CLOSING)
    return answered


def _hear(session: Session, request: Any) -> None:
    session.told(EvFact.CHARGE_PROGRESS, request.ChargeProgress)
    entries = profile(request)
    if entries:
        session.told(EvFact.CHARGING_PROFILE, {"tuple_id": request.SAScheduleTupleID, "entries": entries})
    parameter = request.EVPowerDeliveryParameter
    if isinstance(parameter, iso2.DC_EVPowerDeliveryParameterType):
        hear_power_delivery(session, parameter)


# ---------------------------------------------------------------------- Start


def _start(session: Session, request: Any, first: bool) -> Reply | Wait:
    if first:
        session.checkpoint(600)
        refusal = _refusal(session, request)
        if refusal:
            return Reply(response(session, refusal), "")
        session.agreed["schedule"] = request.SAScheduleTupleID
        session.phase(Phase.CHARGE)
        session.reached(Milestone.V2G_SETUP_FINISHED)
    answered = _start_dc(session) if takes_dc(session) else _start_ac(session)
    if isinstance(answered, Wait):
        return answered
    code, state = answered
    if state:
        session.checkpoint(605)
    return Reply(response(session, code), state)


def _refusal(session: Session, request: Any) -> iso2.responseCodeType | None:
    """What is wrong with a request to start, for itself."""
    if session.state in LOOPS:
        session.log("PowerDeliveryReq (Start) in the charge loop")
        return "FAILED"  # ISO 15118-2:2014 [V2G2-812]
    if takes_dc(session) and PRE_CHARGE not in session.ongoing_since_ms:
        session.log("PowerDeliveryReq (Start) before pre-charge")
        return "FAILED_SequenceError"
    wanted = request.SAScheduleTupleID
    schedule = next((each for each in offered(session) if each.tuple_id == wanted), None)
    if schedule is None:
        session.log(f"schedule {wanted} was not offered")
        return "FAILED_TariffSelectionInvalid"
    wrong = fault(profile(request), schedule)
    if wrong:
        session.log(wrong)
        return "FAILED_ChargingProfileInvalid"
    return None


def _hindrance(session: Session) -> str:
    """What keeps the station from supplying at all; empty: nothing."""
    station = session.station
    if session.error is not None:
        return session.error.value
    if station.rcd_tripped and not takes_dc(session):
        return "the residual current device has tripped"
    return "the station is to stop" if station.stop else ""


def _start_dc(session: Session) -> tuple[iso2.responseCodeType, str]:
    hindrance = _hindrance(session) or unready(session) or ("" if session.contactor else "the output is off")
    if hindrance:
        session.log(f"no power: {hindrance}")
        return "FAILED_PowerDeliveryNotApplied", ""
    if session.station.contactor_closed is False:
        session.log("the output's relays are open")
        return "FAILED_ContactorError", ""
    return "OK", "WaitForCurrentDemand"


def _start_ac(session: Session) -> tuple[iso2.responseCodeType, str] | Wait:
    station = session.station
    begun = _CLOSING in session.ongoing_since_ms
    patience = session.protocol.times.cp_state_ms
    hindrance = _hindrance(session)
    if not hindrance:
        hindrance = unready(session)
        if hindrance and not begun and session.waited_ms < patience:
            return Wait(patience)  # V2G_SECC_CPState_Detection_Timeout
    if hindrance:
        session.log(f"no power: {hindrance}")
        return "FAILED_PowerDeliveryNotApplied", ""
    if not begun:
        if station.contactor_closed:
            session.log("the contactor is closed before it is to close")
            return "FAILED_ContactorError", ""
        session.want_contactor(True)
    elapsed = session.ongoing_ms(_CLOSING)
    if station.contactor_closed:
        return "OK", "WaitForChargingStatus"
    if elapsed < CONTACTOR_CLOSE_MS:
        return Wait(session.waited_ms + CONTACTOR_CLOSE_MS - elapsed)
    session.log("the contactor does not close")
    return "FAILED_ContactorError", ""


# ---------------------------------------------------------------------- Stop and Renegotiate


def _stop(session: Session, first: bool) -> Reply | Wait:
    if first:
        session.checkpoint(800)
        session.reached(Milestone.V2G_SETUP_FINISHED)
        _power_off(session)
    unopened = _unopened(session)
    if unopened is not None:
        return unopened
    session.phase(None)
    session.checkpoint(805)
    state = "WaitForWeldingDetection" if takes_dc(session) else "WaitForSessionStop"
    return Reply(response(session, "OK", "EVSE_NotReady"), state)


def _renegotiate(session: Session, first: bool) -> Reply | Wait:
    station = session.station
    if first:
        if session.state not in LOOPS:
            session.log("PowerDeliveryReq (Renegotiate) outside the charge loop")
            return Reply(response(session, "FAILED"), "")  # ISO 15118-2:2014 [V2G2-812]
        _power_off(session)
        # Limits and schedules are given anew; whoever gives them waits for the milestone.
        station.renegotiate = False
        station.parameters_ready = False
        station.schedules = ()
        session.reached(Milestone.RENEGOTIATION)
    unopened = _unopened(session)
    if unopened is not None:
        return unopened
    session.phase(Phase.PARAMETER)
    return Reply(response(session, "OK", "EVSE_NotReady"), "WaitForChargeParameterDiscovery")


def _power_off(session: Session) -> None:
    if session.state == "WaitForCurrentDemand":
        session.reached(Milestone.CURRENT_DEMAND_FINISHED)
    session.finished(PRE_CHARGE, CABLE_CHECK, CHARGE_LOOP, ERROR_IN_LOOP)
    session.want_contactor(False)


def _unopened(session: Session) -> Reply | Wait | None:
    """What is to be done about a contactor that is still closed; None: it is open, or nobody knows."""
    if not session.station.contactor_closed:
        return None
    if session.waited_ms < CONTACTOR_OPEN_MS:
        return Wait(CONTACTOR_OPEN_MS)
    session.log("the contactor does not open")
    return Reply(response(session, "FAILED_ContactorError", "EVSE_Malfunction"), "")


def response(
    session: Session, code: iso2.responseCodeType, status: iso2.DC_EVSEStatusCodeType = "EVSE_Ready"
) -> Any:
    """The response with a code."""
    return iso2.PowerDeliveryResType(ResponseCode=code, EVSEStatus=evse_status(session, status))


EXCHANGE: Final = Exchange(
    request=iso2.PowerDeliveryReqType,
    name="PowerDeliveryReq",
    answer=answer,
    refuse=response,
    leads_to=(
        "WaitForChargingStatus",
        "WaitForCurrentDemand",
        "WaitForChargeParameterDiscovery",
        "WaitForWeldingDetection",
        "WaitForSessionStop",
        "",
    ),
    codes=(
        "OK",
        "FAILED",
        "FAILED_SequenceError",
        "FAILED_TariffSelectionInvalid",
        "FAILED_ChargingProfileInvalid",
        "FAILED_PowerDeliveryNotApplied",
        "FAILED_ContactorError",
    ),
    meaning="power on, power off, or a renegotiation",
)
