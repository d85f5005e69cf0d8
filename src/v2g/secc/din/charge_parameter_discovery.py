"""ChargeParameterDiscovery: both sides tell their limits."""

from __future__ import annotations

from typing import Any, Final

from v2g.common.terms import EnergyMode
from v2g.common.values import negative, number, number_or_none
from v2g.secc.din.service_discovery import energy_type
from v2g.secc.din.status import amperes, evse_status, hear_status, volts, watts
from v2g.secc.facts import EvFact
from v2g.secc.protocol import Exchange, Reply
from v2g.secc.schedule import steady
from v2g.secc.session import Session
from v2gexi import din

_MOST_PMAX: Final = 32767
"""PMax of DIN SPEC 70121 is a 16-bit number of watts; an EV takes the power limit of the DC parameters."""


def answer(session: Session, request: Any) -> Reply:
    """Ongoing until the station's parameters are there."""
    session.checkpoint(540)
    parameters = request.EVChargeParameter
    wanted = request.EVRequestedEnergyTransferType
    if wanted != energy_type(session):
        return Reply(response(session, "FAILED_WrongEnergyTransferType", "Finished"), "")
    if not isinstance(parameters, din.DC_EVChargeParameterType):
        return Reply(response(session, "FAILED_WrongChargeParameter", "Finished"), "")
    wrong = _wrong(session, parameters)
    if wrong:
        session.log(wrong)
        return Reply(response(session, "FAILED_WrongChargeParameter", "Finished"), "")
    session.mode = next((mode for mode in EnergyMode if mode.value == wanted), EnergyMode.DC_EXTENDED)
    session.told(EvFact.REQUESTED_ENERGY_MODE, wanted)
    _hear(session, parameters)
    session.checkpoint(545)
    if session.error is not None:
        return Reply(response(session, "FAILED", "Finished"), "")
    if not session.station.parameters_ready:
        if session.ongoing_ms("parameters") >= session.protocol.times.secc_ongoing_ms:
            session.log("the station's parameters do not come in time")
            return Reply(response(session, "FAILED", "Finished"), "")
        return Reply(response(session, "OK", "Ongoing"), "WaitForChargeParameterDiscovery")
    session.phase(None)
    return Reply(response(session, "OK", "Finished"), "WaitForCableCheck")


def _wrong(session: Session, parameters: Any) -> str:
    """What is wrong with an EV's parameters, empty if nothing is."""
    limits = (
        parameters.EVMaximumCurrentLimit,
        parameters.EVMaximumPowerLimit,
        parameters.EVMaximumVoltageLimit,
    )
    if negative(*limits, parameters.EVEnergyCapacity):
        return "a DC charge parameter is below zero"
    if number(parameters.EVMaximumVoltageLimit) < session.station.dc.minimum_voltage_v:
        return "EVMaximumVoltageLimit is below the lowest voltage of this station"
    return ""


def _hear(session: Session, parameters: Any) -> None:
    hear_status(session, parameters.DC_EVStatus)
    session.told(
        EvFact.DC_MAXIMUM_LIMITS,
        {
            "current_a": number(parameters.EVMaximumCurrentLimit),
            "power_w": number_or_none(parameters.EVMaximumPowerLimit),
            "voltage_v": number(parameters.EVMaximumVoltageLimit),
        },
    )
    session.told(EvFact.DC_ENERGY_CAPACITY_WH, number_or_none(parameters.EVEnergyCapacity))
    session.told(EvFact.DC_ENERGY_REQUEST_WH, number_or_none(parameters.EVEnergyRequest))
    session.told(EvFact.DC_FULL_SOC, parameters.FullSOC)
    session.told(EvFact.DC_BULK_SOC, parameters.BulkSOC)


def response(
    session: Session, code: din.responseCodeType, processing: din.EVSEProcessingType = "Finished"
) -> Any:
    """The response with a code; schedules and limits are mandatory in every one."""
    limits = session.station.dc
    ready = processing == "Finished"
    return din.ChargeParameterDiscoveryResType(
        ResponseCode=code,
        EVSEProcessing=processing,
        SASchedules=_schedules(session),
        EVSEChargeParameter=din.DC_EVSEChargeParameterType(
            DC_EVSEStatus=evse_status(session, "EVSE_Ready" if ready else "EVSE_NotReady"),
            EVSEMaximumCurrentLimit=amperes(limits.maximum_current_a),
            EVSEMaximumPowerLimit=watts(limits.maximum_power_w),
            EVSEMaximumVoltageLimit=volts(limits.maximum_voltage_v),
            EVSEMinimumCurrentLimit=amperes(limits.minimum_current_a),
            EVSEMinimumVoltageLimit=volts(limits.minimum_voltage_v),
            EVSECurrentRegulationTolerance=amperes(limits.regulation_tolerance_a),
            EVSEPeakCurrentRipple=amperes(limits.current_ripple_a),
        ),
    )


def _schedules(session: Session) -> Any:
    schedules = session.station.schedules or (steady(session.station.dc.maximum_power_w),)
    return din.SAScheduleListType(
        SAScheduleTuple=[
            din.SAScheduleTupleType(
                SAScheduleTupleID=schedule.tuple_id,
                PMaxSchedule=din.PMaxScheduleType(
                    PMaxScheduleID=schedule.tuple_id,
                    PMaxScheduleEntry=[
                        din.PMaxScheduleEntryType(
                            TimeInterval=_interval(schedule, index),
                            PMax=min(round(period.maximum_power_w), _MOST_PMAX),
                        )
                        for index, period in enumerate(schedule.periods)
                    ],
                ),
            )
            for schedule in schedules
        ]
    )


def _interval(schedule: Any, index: int) -> Any:
    start = schedule.periods[index].start_s
    last = index == len(schedule.periods) - 1
    return din.RelativeTimeIntervalType(start=start, duration=schedule.duration_s - start if last else None)


EXCHANGE: Final = Exchange(
    request=din.ChargeParameterDiscoveryReqType,
    name="ChargeParameterDiscoveryReq",
    answer=answer,
    refuse=response,
    leads_to=("WaitForChargeParameterDiscovery", "WaitForCableCheck", ""),
    codes=("OK", "FAILED", "FAILED_WrongEnergyTransferType", "FAILED_WrongChargeParameter"),
    meaning="both sides tell their limits; repeated until the station's are there",
)
