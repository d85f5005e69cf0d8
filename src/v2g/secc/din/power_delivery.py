"""PowerDelivery: power on before the charge loop, off after it."""

from __future__ import annotations

from typing import Any, Final

from v2g.common.terms import Phase
from v2g.secc.direct import CABLE_CHECK, PRE_CHARGE, unready
from v2g.secc.effects import Milestone
from v2g.secc.facts import EvFact
from v2g.secc.protocol import Exchange, Reply, Wait
from v2g.secc.session import Session
from v2g.secc.shared.status import dc_status, hear_power_delivery
from v2gexi import din

CONTACTOR_OPEN_MS: Final = 1_400
"""PowerDelivery(stop) is answered when the output is confirmed off, at the latest after this; its response is
due after 1.5 s."""


def answer(session: Session, request: Any) -> Reply | Wait:
    """Start after pre-charge, stop at any time."""
    parameter = request.EVPowerDeliveryParameter
    if isinstance(parameter, din.DC_EVPowerDeliveryParameterType):
        hear_power_delivery(session, parameter)
    return _start(session) if request.ReadyToChargeState else _stop(session)


def _start(session: Session) -> Reply:
    session.checkpoint(600)
    session.told(EvFact.CHARGE_PROGRESS, "Start")
    if session.state != "WaitForPreCharge" or PRE_CHARGE not in session.ongoing_since_ms:
        session.log("PowerDeliveryReq with ReadyToChargeState before pre-charge")
        return Reply(response(session, "FAILED_SequenceError"), "")
    session.reached(Milestone.V2G_SETUP_FINISHED)
    hindrance = _hindrance(session)
    if hindrance:
        session.log(f"no power: {hindrance}")
        return Reply(response(session, "FAILED_PowerDeliveryNotApplied"), "")
    session.finished(PRE_CHARGE, CABLE_CHECK)
    session.phase(Phase.CHARGE)
    session.checkpoint(605)
    return Reply(response(session, "OK"), "WaitForCurrentDemand")


def _hindrance(session: Session) -> str:
    """What keeps the station from supplying; empty: nothing. The EV has to end what is to stop anyway."""
    if session.error is not None:
        return session.error.value
    if session.station.stop:
        return "the station is to stop"
    if not session.contactor:
        return unready(session) or "the output is off"
    return "the output's relays are open" if session.station.contactor_closed is False else unready(session)


def _stop(session: Session) -> Reply | Wait:
    if session.first:
        session.checkpoint(800)
        session.told(EvFact.CHARGE_PROGRESS, "Stop")
        session.reached(Milestone.V2G_SETUP_FINISHED)
        if session.state == "WaitForCurrentDemand":
            session.reached(Milestone.CURRENT_DEMAND_FINISHED)
        session.want_contactor(False)
    if session.station.contactor_closed and session.waited_ms < CONTACTOR_OPEN_MS:
        return Wait(CONTACTOR_OPEN_MS)
    if session.station.contactor_closed:
        session.log("the output does not go off")
        return Reply(response(session, "FAILED", "EVSE_Malfunction"), "")
    session.checkpoint(805)
    return Reply(response(session, "OK", "EVSE_NotReady"), "WaitForWeldingDetection")


def response(
    session: Session, code: din.responseCodeType, status: din.DC_EVSEStatusCodeType = "EVSE_Ready"
) -> Any:
    """The response with a code."""
    return din.PowerDeliveryResType(ResponseCode=code, EVSEStatus=dc_status(session, din, status))


EXCHANGE: Final = Exchange(
    request=din.PowerDeliveryReqType,
    name="PowerDeliveryReq",
    answer=answer,
    refuse=response,
    leads_to=("WaitForCurrentDemand", "WaitForWeldingDetection", ""),
    codes=("OK", "FAILED", "FAILED_SequenceError", "FAILED_PowerDeliveryNotApplied"),
    meaning="the EV has closed its contactors, or is about to open them",
)
