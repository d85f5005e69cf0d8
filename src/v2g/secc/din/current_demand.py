"""CurrentDemand: the charge loop."""

from __future__ import annotations

from typing import Any, Final

from v2g.common.values import number, number_or_none
from v2g.secc.din.status import amperes, evse_status, hear_status, volts, watts
from v2g.secc.direct import loop_is_off
from v2g.secc.effects import Milestone
from v2g.secc.facts import EvFact
from v2g.secc.protocol import Exchange, Reply
from v2g.secc.session import Session
from v2gexi import din

_LOOP: Final = "charge loop"


def answer(session: Session, request: Any) -> Reply:
    """Follow the EV's target within the limits; tell what is measured."""
    if _LOOP not in session.ongoing_since_ms:
        session.checkpoint(700)
        session.reached(Milestone.CURRENT_DEMAND_STARTED)
    session.ongoing_ms(_LOOP)
    hear_status(session, request.DC_EVStatus)
    voltage, current = number(request.EVTargetVoltage), number(request.EVTargetCurrent)
    session.told(EvFact.DC_TARGET, {"voltage_v": voltage, "current_a": current})
    _hear(session, request)
    off = loop_is_off(session)
    if off:
        session.log(off)
        return Reply(response(session, "FAILED"), "")
    session.want_dc(voltage, 0.0 if session.stop_wanted else max(current, 0.0))
    return Reply(response(session, "OK", voltage, current), "WaitForCurrentDemand")


def _hear(session: Session, request: Any) -> None:
    session.told(EvFact.DC_BULK_COMPLETE, request.BulkChargingComplete)
    session.told(EvFact.DC_CHARGING_COMPLETE, request.ChargingComplete)
    full, bulk = request.RemainingTimeToFullSoC, request.RemainingTimeToBulkSoC
    if full is not None or bulk is not None:
        times = {"full_s": number_or_none(full), "bulk_s": number_or_none(bulk)}
        session.told(EvFact.DC_REMAINING_TIME, times)
    limits = {
        "current_a": number_or_none(request.EVMaximumCurrentLimit),
        "power_w": number_or_none(request.EVMaximumPowerLimit),
        "voltage_v": number_or_none(request.EVMaximumVoltageLimit),
    }
    if any(value is not None for value in limits.values()):
        known = session.known(EvFact.DC_MAXIMUM_LIMITS) or {}
        session.told(EvFact.DC_MAXIMUM_LIMITS, known | {k: v for k, v in limits.items() if v is not None})


def response(session: Session, code: din.responseCodeType, voltage: float = 0.0, current: float = 0.0) -> Any:
    """The response with a code; the flags say which limit keeps the output from what the EV wants."""
    station, limits = session.station, session.station.dc
    return din.CurrentDemandResType(
        ResponseCode=code,
        DC_EVSEStatus=evse_status(session),
        EVSEPresentVoltage=volts(station.present_voltage_v),
        EVSEPresentCurrent=amperes(station.present_current_a),
        EVSECurrentLimitAchieved=current >= limits.maximum_current_a,
        EVSEVoltageLimitAchieved=voltage >= limits.maximum_voltage_v,
        EVSEPowerLimitAchieved=station.present_voltage_v * current >= limits.maximum_power_w,
        EVSEMaximumVoltageLimit=volts(limits.maximum_voltage_v),
        EVSEMaximumCurrentLimit=amperes(limits.maximum_current_a),
        EVSEMaximumPowerLimit=watts(limits.maximum_power_w),
    )


EXCHANGE: Final = Exchange(
    request=din.CurrentDemandReqType,
    name="CurrentDemandReq",
    answer=answer,
    refuse=response,
    leads_to=("WaitForCurrentDemand", ""),
    codes=("OK", "FAILED"),
    meaning="the charge loop: the EV tells the current that it wants, the station what it measures",
)
