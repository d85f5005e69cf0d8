"""ChargeParameterDiscovery: limits of both sides, and the station's schedules.

Repeated until the station's parameters are there; after a renegotiation the session comes back to here."""

from __future__ import annotations

from typing import Any, Final

from v2g.common.values import negative, number
from v2g.secc.facts import EvFact
from v2g.secc.iso2.schedules import schedule_list
from v2g.secc.iso2.status import (
    ac_status,
    amperes,
    offered_modes,
    takes_dc,
    volts,
)
from v2g.secc.protocol import Exchange, Reply
from v2g.secc.session import Session
from v2g.secc.shared.parameters import hear_parameters, limits
from v2gexi import iso2

_ONGOING: Final = "parameters"


def answer(session: Session, request: Any) -> Reply:
    """Ongoing until the station's parameters are there."""
    session.checkpoint(540)
    wanted, parameters = request.RequestedEnergyTransferMode, request.EVChargeParameter
    mode = offered_modes(session).get(wanted)
    if mode is None:
        session.log(f"energy transfer mode {wanted} is not on offer")
        return Reply(response(session, "FAILED_WrongEnergyTransferMode"), "")
    session.mode = mode
    session.told(EvFact.REQUESTED_ENERGY_MODE, wanted)
    wrong = _hear_dc(session, parameters) if mode.dc else _hear_ac(session, parameters)
    if wrong:
        session.log(wrong)
        return Reply(response(session, "FAILED_WrongChargeParameter"), "")
    session.told(EvFact.DEPARTURE_TIME_S, parameters.DepartureTime)
    session.told(EvFact.MAX_SCHEDULE_TUPLES, request.MaxEntriesSAScheduleTuple)
    if session.error is not None:
        return Reply(response(session, "FAILED"), "")
    session.checkpoint(545)
    if session.station.parameters_ready:
        return _finished(session, request)
    if session.ongoing_ms(_ONGOING) >= session.protocol.times.secc_ongoing_ms:
        session.log("the station's parameters do not come in time")
        return Reply(response(session, "FAILED"), "")
    return Reply(response(session, "OK", "Ongoing"), "WaitForChargeParameterDiscovery")


def _finished(session: Session, request: Any) -> Reply:
    session.finished(_ONGOING)
    # The parameter phase is these messages alone; from its end on the plug has to stay locked.
    session.phase(None)
    found = response(session, "OK")
    found.SASchedules = schedule_list(session, request.MaxEntriesSAScheduleTuple)
    return Reply(found, "WaitForCableCheck" if takes_dc(session) else "WaitForPowerDelivery")


def _hear_ac(session: Session, parameters: Any) -> str:
    """Tell an EV's AC parameters; what is wrong with them, empty if nothing is."""
    if not isinstance(parameters, iso2.AC_EVChargeParameterType):
        return "no AC charge parameters with an AC energy transfer mode"
    values = parameters.EAmount, parameters.EVMaxVoltage, parameters.EVMaxCurrent, parameters.EVMinCurrent
    if negative(*values):
        return "an AC charge parameter is below zero"
    if number(parameters.EVMinCurrent) > number(parameters.EVMaxCurrent):
        return "EVMinCurrent is above EVMaxCurrent"
    session.told(EvFact.AC_ENERGY_WH, number(parameters.EAmount))
    session.told(EvFact.AC_MAX_VOLTAGE_V, number(parameters.EVMaxVoltage))
    session.told(EvFact.AC_MAX_CURRENT_A, number(parameters.EVMaxCurrent))
    session.told(EvFact.AC_MIN_CURRENT_A, number(parameters.EVMinCurrent))
    return ""


def _hear_dc(session: Session, parameters: Any) -> str:
    """The same for DC."""
    if not isinstance(parameters, iso2.DC_EVChargeParameterType):
        return "no DC charge parameters with a DC energy transfer mode"
    return hear_parameters(session, parameters)


def response(
    session: Session, code: iso2.responseCodeType, processing: iso2.EVSEProcessingType = "Finished"
) -> Any:
    """The response with a code, still without schedules."""
    return iso2.ChargeParameterDiscoveryResType(
        ResponseCode=code,
        EVSEProcessing=processing,
        EVSEChargeParameter=limits(session, iso2, processing) if takes_dc(session) else _ac_limits(session),
    )


def _ac_limits(session: Session) -> Any:
    ac = session.station.ac
    return iso2.AC_EVSEChargeParameterType(
        AC_EVSEStatus=ac_status(session),
        EVSENominalVoltage=volts(ac.nominal_voltage_v),
        EVSEMaxCurrent=amperes(ac.maximum_current_a),
    )


EXCHANGE: Final = Exchange(
    request=iso2.ChargeParameterDiscoveryReqType,
    name="ChargeParameterDiscoveryReq",
    answer=answer,
    refuse=response,
    leads_to=("WaitForChargeParameterDiscovery", "WaitForPowerDelivery", "WaitForCableCheck", ""),
    codes=("OK", "FAILED", "FAILED_WrongEnergyTransferMode", "FAILED_WrongChargeParameter"),
    meaning="both sides tell their limits; repeated until the station's limits and schedules are there",
)
