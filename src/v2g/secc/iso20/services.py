"""Energy services on offer, and their parameter sets (ISO 15118-20, clause 8.4.3; MCS: Amendment 1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from v2g.common.energy_services import (
    AC_BPT,
    ALTERNATING,
    BIDIRECTIONAL,
    BY_EVCC,
    BY_SECC,
    DIRECT,
    DYNAMIC,
    MCS,
    MCS_BPT,
    SCHEDULED,
    SERVICE_OF,
    UNIFIED,
)
from v2g.common.terms import EnergyMode
from v2g.secc.iso20.terms import alternating
from v2g.secc.session import Session
from v2g.secc.station import AddedService, Setup, Station
from v2gexi import iso20_common as common

_NO_PRICING: Final = 0
_PRICE_LEVELS: Final = 2
_GRID_FOLLOWING: Final = 1
_PASSIVE: Final = 2
"""How islanding is detected."""
_CONNECTOR_DC: Final = {EnergyMode.DC_CORE: 1}
"""Connector of DC: Core 1, Extended (CCS) 2."""
_SINGLE_PHASE: Final = 1
_THREE_PHASE: Final = 3
_MCS_CONNECTOR: Final = 1


@dataclass(frozen=True, slots=True)
class Choice:
    """One parameter set of an energy service, without what is the same in all of them."""

    dynamic: bool
    by_secc: bool


def offered(session: Session) -> tuple[int, ...]:
    """Energy services that the station has in this session's message set, in its order of preference."""
    return on_offer(session.setup, session.station, alternating(session))


def on_offer(setup: Setup, station: Station, ac: bool) -> tuple[int, ...]:
    """Energy services of a station, alternating or direct current.

    A bidirectional service needs a limit of discharging above 0."""
    if ac:
        fitting, back = ALTERNATING, station.ac.discharge_power_w
    else:
        fitting, back = DIRECT, station.dc.discharge_power_w
    services = (SERVICE_OF.get(mode, 0) for mode in setup.energy_modes)
    return tuple(
        dict.fromkeys(
            service
            for service in services
            if service in fitting and (back > 0.0 or service not in BIDIRECTIONAL)
        )
    )


def mode_of(session: Session, service: int) -> EnergyMode:
    """The station's energy mode behind a service on offer."""
    return next(mode for mode in session.setup.energy_modes if SERVICE_OF.get(mode) == service)


def choices(session: Session) -> dict[int, Choice]:
    """Parameter sets of every energy service, by their ids.

    The station knows mobility needs itself only in dynamic mode ([V2G20-2663])."""
    setup = session.setup
    found = []
    if setup.dynamic_mode:
        found.append(Choice(True, False))
    if setup.scheduled_mode or not setup.dynamic_mode:
        found.append(Choice(False, False))
    if setup.dynamic_mode and setup.mobility_needs_by_secc:
        found.append(Choice(True, True))
    return dict(enumerate(found, 1))


def parameter_list(session: Session, service: int) -> Any:
    """``ServiceParameterList`` of an energy service."""
    return common.ServiceParameterListType(
        ParameterSet=[
            common.ParameterSetType(
                ParameterSetID=identifier, Parameter=_parameters(session, service, choice)
            )
            for identifier, choice in choices(session).items()
        ]
    )


def added_list(service: AddedService) -> Any:
    """``ServiceParameterList`` of a value added service."""
    return common.ServiceParameterListType(
        ParameterSet=[
            common.ParameterSetType(
                ParameterSetID=identifier,
                Parameter=[_parameter(name, value) for name, value in parameters.items()],
            )
            for identifier, parameters in service.parameter_sets.items()
        ]
    )


def _parameters(session: Session, service: int, choice: Choice) -> list[common.ParameterType]:
    parameters = {"Connector": _connector(session, service)}
    parameters["ControlMode"] = DYNAMIC if choice.dynamic else SCHEDULED
    if service in ALTERNATING:
        parameters["EVSENominalVoltage"] = round(session.station.ac.nominal_voltage_v)
    parameters["MobilityNeedsMode"] = BY_SECC if choice.by_secc else BY_EVCC
    parameters["Pricing"] = _PRICE_LEVELS if session.setup.flat_price else _NO_PRICING
    if service in BIDIRECTIONAL:
        parameters["BPTChannel"] = UNIFIED
        parameters["GeneratorMode"] = _GRID_FOLLOWING
        if service == AC_BPT:
            parameters["DetectionMethodGridCodeIslanding"] = _PASSIVE
    return [_parameter(name, value) for name, value in parameters.items()]


def _parameter(name: str, value: bool | int | str) -> common.ParameterType:
    if isinstance(value, bool):
        return common.ParameterType(Name=name, boolValue=value)
    if isinstance(value, int):
        return common.ParameterType(Name=name, intValue=value)
    return common.ParameterType(Name=name, finiteString=value)


def _connector(session: Session, service: int) -> int:
    if service in ALTERNATING:
        return _SINGLE_PHASE if session.station.ac.phases == 1 else _THREE_PHASE
    if service in (MCS, MCS_BPT):
        return _MCS_CONNECTOR
    return _CONNECTOR_DC.get(mode_of(session, service), 2)
