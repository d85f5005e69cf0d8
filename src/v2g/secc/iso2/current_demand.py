"""CurrentDemand: the charge loop of DC."""

from __future__ import annotations

from typing import Any, Final

from v2g.common.values import number, number_or_none
from v2g.secc.direct import loop_is_off
from v2g.secc.effects import Milestone
from v2g.secc.facts import EvFact
from v2g.secc.iso2.status import (
    amperes,
    dc_status,
    hear_limits,
    hear_status,
    meter_info,
    receipt_required,
    volts,
    watts,
)
from v2g.secc.protocol import Exchange, Reply
from v2g.secc.session import Session
from v2gexi import iso2

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
    receipt = receipt_required(session)
    found = response(session, "OK", voltage, current)
    found.ReceiptRequired = receipt
    if receipt:
        session.agreed["meter"] = found.MeterInfo
    return Reply(found, "WaitForMeteringReceipt" if receipt else "WaitForCurrentDemand")


def _hear(session: Session, request: Any) -> None:
    session.told(EvFact.DC_BULK_COMPLETE, request.BulkChargingComplete)
    session.told(EvFact.DC_CHARGING_COMPLETE, request.ChargingComplete)
    full, bulk = request.RemainingTimeToFullSoC, request.RemainingTimeToBulkSoC
    if full is not None or bulk is not None:
        session.told(
            EvFact.DC_REMAINING_TIME, {"full_s": number_or_none(full), "bulk_s": number_or_none(bulk)}
        )
    hear_limits(session, request)


def response(
    session: Session, code: iso2.responseCodeType, voltage: float = 0.0, current: float = 0.0
) -> Any:
    """The response with a code; flags say which limit keeps the output from ``voltage`` and ``current``."""
    station, limits = session.station, session.station.dc
    return iso2.CurrentDemandResType(
        ResponseCode=code,
        DC_EVSEStatus=dc_status(session),
        EVSEPresentVoltage=volts(station.present_voltage_v),
        EVSEPresentCurrent=amperes(station.present_current_a),
        EVSECurrentLimitAchieved=current >= limits.maximum_current_a,
        EVSEVoltageLimitAchieved=voltage >= limits.maximum_voltage_v,
        EVSEPowerLimitAchieved=station.present_voltage_v * current >= limits.maximum_power_w,
        EVSEMaximumVoltageLimit=volts(limits.maximum_voltage_v),
        EVSEMaximumCurrentLimit=amperes(limits.maximum_current_a),
        EVSEMaximumPowerLimit=watts(limits.maximum_power_w),
        EVSEID=session.setup.evse_id,
        SAScheduleTupleID=session.agreed.get("schedule", 1),
        MeterInfo=meter_info(station.meter),
        ReceiptRequired=False,
    )


EXCHANGE: Final = Exchange(
    request=iso2.CurrentDemandReqType,
    name="CurrentDemandReq",
    answer=answer,
    refuse=response,
    leads_to=("WaitForCurrentDemand", "WaitForMeteringReceipt", ""),
    codes=("OK", "FAILED"),
    meaning="the charge loop of DC: the EV tells the current that it wants, the station what it measures",
)
