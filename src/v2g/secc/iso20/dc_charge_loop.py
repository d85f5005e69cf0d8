"""DC_ChargeLoop: the EV tells its target (scheduled) or limits (dynamic), the station what it measures."""

from __future__ import annotations

from typing import Any, Final

from v2g.common.amounts import amperes, volts, watts
from v2g.common.values import number
from v2g.secc.direct import tell_maxima
from v2g.secc.facts import EvFact
from v2g.secc.iso20.notification import (
    LOOP,
    enter,
    evse_status,
    go_on,
    hear_display,
    meter_info,
    silence_ms,
)
from v2g.secc.iso20.schedule_exchange import hear_needs
from v2g.secc.iso20.terms import header, terms
from v2g.secc.protocol import Exchange, Reply
from v2g.secc.session import Session
from v2gexi import iso20_common as common
from v2gexi import iso20_dc as dc

_REQUESTS: Final[dict[tuple[bool, bool], Any]] = {
    (False, False): dc.Scheduled_DC_CLReqControlModeType,
    (False, True): dc.BPT_Scheduled_DC_CLReqControlModeType,
    (True, False): dc.Dynamic_DC_CLReqControlModeType,
    (True, True): dc.BPT_Dynamic_DC_CLReqControlModeType,
}
"""Control mode of the request, by dynamic and bidirectional; the class itself, not a derived one."""
_RESPONSES: Final[dict[tuple[bool, bool], Any]] = {
    (False, False): dc.Scheduled_DC_CLResControlModeType,
    (False, True): dc.BPT_Scheduled_DC_CLResControlModeType,
    (True, False): dc.Dynamic_DC_CLResControlModeType,
    (True, True): dc.BPT_Dynamic_DC_CLResControlModeType,
}


def answer(session: Session, request: Any) -> Reply:
    """Follow the EV's target, or the station's own within the EV's limits."""
    agreed = terms(session)
    mode: Any = request.CLReqControlMode
    if type(mode) is not _REQUESTS[agreed.dynamic, agreed.bidirectional]:
        session.log(f"DC_ChargeLoopReq with {type(mode).__name__.removesuffix('Type')}")
        return Reply(response(session, "FAILED"), "")
    enter(session)
    present_v = number(request.EVPresentVoltage)
    session.told(EvFact.PRESENT_VOLTAGE_V, present_v)
    hear_display(session, request.DisplayParameters)
    hear_needs(session, mode)
    tell_maxima(session, mode.EVMaximumChargeCurrent, mode.EVMaximumChargePower, mode.EVMaximumVoltage)
    if not go_on(session):
        return Reply(response(session, "FAILED"), "")
    if agreed.dynamic:
        session.told(EvFact.DEPARTURE_TIME_S, mode.DepartureTime)
        voltage, current = _own_target(session, mode, present_v)
    else:
        voltage, current = number(mode.EVTargetVoltage), number(mode.EVTargetCurrent)
        session.told(EvFact.DC_TARGET, {"voltage_v": voltage, "current_a": current})
    if session.contactor:
        least = None if agreed.bidirectional else 0.0
        wanted = current if least is None else max(current, least)
        session.want_dc(voltage, 0.0 if agreed.terminate else wanted)
    return Reply(
        response(session, "OK", request.MeterInfoRequested, (voltage, current)),
        LOOP,
        within_ms=silence_ms(session),
    )


def _own_target(session: Session, mode: Any, present_v: float) -> tuple[float, float]:
    """Dynamic mode: the station's wish within the limits of both sides."""
    station, limits = session.station, session.station.dc
    voltage = min(number(mode.EVMaximumVoltage), limits.maximum_voltage_v)
    at_v = max(present_v or station.present_voltage_v or voltage, 1.0)
    wish = limits.maximum_power_w if station.dc_target_power_w is None else station.dc_target_power_w
    power = min(wish, limits.maximum_power_w, number(mode.EVMaximumChargePower))
    current = min(power / at_v, number(mode.EVMaximumChargeCurrent), limits.maximum_current_a)
    if current >= 0.0:
        return voltage, current
    if not terms(session).bidirectional:
        return voltage, 0.0
    most = min(
        abs(number(mode.EVMaximumDischargePower)) / at_v,
        limits.discharge_power_w / at_v,
        abs(number(mode.EVMaximumDischargeCurrent)),
        limits.discharge_current_a,
    )
    return voltage, max(current, -most)


def response(
    session: Session,
    code: common.responseCodeType,
    meter: bool = False,
    target: tuple[float, float] = (0.0, 0.0),
) -> Any:
    """The response with a code; the flags say which limit keeps the output from the target."""
    station, limits, agreed = session.station, session.station.dc, terms(session)
    voltage, current = target
    info = meter_info(session, meter)
    return dc.DC_ChargeLoopResType(
        Header=header(session),
        ResponseCode=code,
        EVSEStatus=evse_status(session),
        MeterInfo=info,
        EVSEPresentCurrent=amperes(station.present_current_a),
        EVSEPresentVoltage=volts(station.present_voltage_v),
        EVSEPowerLimitAchieved=station.present_voltage_v * current >= limits.maximum_power_w,
        EVSECurrentLimitAchieved=current >= limits.maximum_current_a,
        EVSEVoltageLimitAchieved=voltage >= limits.maximum_voltage_v,
        CLResControlMode=_RESPONSES[agreed.dynamic, agreed.bidirectional](**_limits(session)),
    )


def _limits(session: Session) -> dict[str, Any]:
    """The station's limits as they are now, and what it knows of the mobility needs."""
    station, limits, agreed = session.station, session.station.dc, terms(session)
    values: dict[str, Any] = {
        "EVSEMaximumChargePower": watts(limits.maximum_power_w),
        "EVSEMinimumChargePower": watts(limits.minimum_power_w),
        "EVSEMaximumChargeCurrent": amperes(limits.maximum_current_a),
        "EVSEMaximumVoltage": volts(limits.maximum_voltage_v),
    }
    if agreed.bidirectional:
        values["EVSEMaximumDischargePower"] = watts(limits.discharge_power_w)
        values["EVSEMinimumDischargePower"] = watts(0.0)
        values["EVSEMaximumDischargeCurrent"] = amperes(limits.discharge_current_a)
        values["EVSEMinimumVoltage"] = volts(limits.minimum_voltage_v)
    if agreed.dynamic and agreed.by_secc:
        values["DepartureTime"] = station.departure_s
        values["MinimumSOC"] = station.minimum_soc
        values["TargetSOC"] = station.target_soc
    return values


EXCHANGE: Final = Exchange(
    request=dc.DC_ChargeLoopReqType,
    name="DC_ChargeLoopReq",
    answer=answer,
    refuse=response,
    leads_to=("ChargeLoop", ""),
    codes=("OK", "FAILED"),
    meaning="the charge loop: the EV tells its target or its limits, the station what it measures",
)
