"""ChargeParameterDiscovery: both sides tell their limits."""

from __future__ import annotations

from typing import Any, Final

from v2g.common.terms import EnergyMode
from v2g.secc.din.service_discovery import energy_type
from v2g.secc.facts import EvFact
from v2g.secc.protocol import Exchange, Reply
from v2g.secc.schedule import steady
from v2g.secc.session import Session
from v2g.secc.shared.parameters import hear_parameters, limits
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
    wrong = hear_parameters(session, parameters)
    if wrong:
        session.log(wrong)
        return Reply(response(session, "FAILED_WrongChargeParameter", "Finished"), "")
    session.mode = next((mode for mode in EnergyMode if mode.value == wanted), EnergyMode.DC_EXTENDED)
    session.told(EvFact.REQUESTED_ENERGY_MODE, wanted)
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


def response(
    session: Session, code: din.responseCodeType, processing: din.EVSEProcessingType = "Finished"
) -> Any:
    """The response with a code; schedules and limits are mandatory in every one."""
    return din.ChargeParameterDiscoveryResType(
        ResponseCode=code,
        EVSEProcessing=processing,
        SASchedules=_schedules(session),
        EVSEChargeParameter=limits(session, din, processing),
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
