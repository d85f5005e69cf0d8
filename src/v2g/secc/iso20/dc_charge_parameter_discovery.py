"""DC_ChargeParameterDiscovery: both sides tell their limits (MCS too)."""

from __future__ import annotations

from typing import Any, Final

from v2g.common.amounts import amperes, volts, watts
from v2g.common.terms import Phase
from v2g.common.values import number
from v2g.secc.facts import EvFact
from v2g.secc.iso20.ac_charge_parameter_discovery import in_order
from v2g.secc.iso20.terms import header, terms
from v2g.secc.protocol import Exchange, Reply
from v2g.secc.session import Session
from v2gexi import iso20_common as common
from v2gexi import iso20_dc as dc


def answer(session: Session, request: Any) -> Reply:
    """The parameters have to be of the selected service, in order, and to meet the station's voltages."""
    session.checkpoint(540)
    session.phase(Phase.PARAMETER)
    mode = request.DC_CPDReqEnergyTransferMode
    both_ways = isinstance(mode, dc.BPT_DC_CPDReqEnergyTransferModeType)
    limits = {
        "current_a": number(mode.EVMaximumChargeCurrent),
        "power_w": number(mode.EVMaximumChargePower),
        "voltage_v": number(mode.EVMaximumVoltage),
    }
    ranges = [
        (number(mode.EVMinimumChargePower), limits["power_w"]),
        (number(mode.EVMinimumChargeCurrent), limits["current_a"]),
        (number(mode.EVMinimumVoltage), limits["voltage_v"]),
    ]
    if both_ways:
        ranges.append((number(mode.EVMinimumDischargePower), number(mode.EVMaximumDischargePower)))
        ranges.append((number(mode.EVMinimumDischargeCurrent), number(mode.EVMaximumDischargeCurrent)))
    station = session.station.dc
    meet = (
        limits["voltage_v"] >= station.minimum_voltage_v
        and number(mode.EVMinimumVoltage) <= station.maximum_voltage_v
    )
    if both_ways != terms(session).bidirectional or not meet or not all(in_order(*pair) for pair in ranges):
        return Reply(response(session, "FAILED_WrongChargeParameter"), "")
    session.told(EvFact.DC_MAXIMUM_LIMITS, limits)
    session.told(EvFact.TARGET_SOC, mode.TargetSOC)
    session.checkpoint(545)
    return Reply(response(session, "OK"), "WaitForScheduleExchange")


def response(session: Session, code: common.responseCodeType) -> Any:
    """The response with a code."""
    limits = session.station.dc
    values = {
        "EVSEMaximumChargePower": watts(limits.maximum_power_w),
        "EVSEMinimumChargePower": watts(limits.minimum_power_w),
        "EVSEMaximumChargeCurrent": amperes(limits.maximum_current_a),
        "EVSEMinimumChargeCurrent": amperes(limits.minimum_current_a),
        "EVSEMaximumVoltage": volts(limits.maximum_voltage_v),
        "EVSEMinimumVoltage": volts(limits.minimum_voltage_v),
    }
    mode: Any = dc.DC_CPDResEnergyTransferModeType
    if terms(session).bidirectional:
        mode = dc.BPT_DC_CPDResEnergyTransferModeType
        values["EVSEMaximumDischargePower"] = watts(limits.discharge_power_w)
        values["EVSEMinimumDischargePower"] = watts(0.0)
        values["EVSEMaximumDischargeCurrent"] = amperes(limits.discharge_current_a)
        values["EVSEMinimumDischargeCurrent"] = amperes(0.0)
    return dc.DC_ChargeParameterDiscoveryResType(
        Header=header(session), ResponseCode=code, DC_CPDResEnergyTransferMode=mode(**values)
    )


EXCHANGE: Final = Exchange(
    request=dc.DC_ChargeParameterDiscoveryReqType,
    name="DC_ChargeParameterDiscoveryReq",
    answer=answer,
    refuse=response,
    leads_to=("WaitForScheduleExchange", ""),
    codes=("OK", "FAILED_WrongChargeParameter"),
    meaning="both sides tell their DC limits",
)
