"""ServiceDetail: the parameter sets of a service, and which of them fits the EV best."""

from __future__ import annotations

from typing import Any, Final

from v2g.common.energy_services import BY_EVCC, BY_SECC, DYNAMIC, NAMES, SCHEDULED, UNIFIED
from v2g.common.terms import Phase
from v2g.common.values import number
from v2g.evcc.facts import ChargerFact
from v2g.evcc.iso20.terms import Choice, choose, header, terms
from v2g.evcc.protocol import Go, Move, Step, Stop
from v2g.evcc.session import Session
from v2g.evcc.vehicle import EvError, Setup
from v2gexi import iso20_common as common

_VALUES: Final = ("boolValue", "byteValue", "shortValue", "intValue", "finiteString")


def values(parameter_set: Any) -> dict[str, bool | int | float | str | None]:
    """The parameters of a set, by name."""
    return {parameter.Name: _value(parameter) for parameter in parameter_set.Parameter}


def _value(parameter: Any) -> bool | int | float | str | None:
    if parameter.rationalNumber is not None:
        return number(parameter.rationalNumber)
    return next((value for name in _VALUES if (value := getattr(parameter, name)) is not None), None)


def rank(setup: Setup, parameters: dict[str, Any]) -> int | None:
    """How well a parameter set fits an EV, 0 best; None: not at all.

    The control mode that the EV prefers comes first, then who decides about departure and target."""
    control, needs = parameters.get("ControlMode"), parameters.get("MobilityNeedsMode", BY_EVCC)
    if control not in (SCHEDULED, DYNAMIC) or needs not in (BY_EVCC, BY_SECC):
        return None
    if needs == BY_SECC and not setup.mobility_needs_by_secc:
        return None
    if parameters.get("BPTChannel", UNIFIED) != UNIFIED:
        return None
    unlike = (control == DYNAMIC) is not setup.dynamic_mode
    return 2 * unlike + ((needs == BY_SECC) is not setup.mobility_needs_by_secc)


def _ask(session: Session) -> Any:
    service, _ = terms(session).candidates[0]
    return common.ServiceDetailReqType(Header=header(session), ServiceID=service)


def _take(session: Session, response: Any) -> Move:
    agreed, setup = terms(session), session.setup
    service, mode = agreed.candidates[0]
    if response.ServiceID != service:
        session.log(f"the charger tells of service {response.ServiceID}, not of {service}")
    best: tuple[int, Any, dict[str, Any]] | None = None
    for parameter_set in response.ServiceParameterList.ParameterSet:
        parameters = values(parameter_set)
        fit = rank(setup, parameters)
        if fit is not None and (best is None or fit < best[0]):
            best = fit, parameter_set, parameters
    if best is None or response.ServiceID != service:
        session.log(f"no parameter set of service {NAMES[service]} fits")
        agreed.candidates = agreed.candidates[1:]
        if not agreed.candidates:
            return Stop(f"{EvError.INCOMPATIBLE.value}: no service has parameters that fit")
        return Go("ServiceDetail")
    _, parameter_set, parameters = best
    choice = Choice(
        service,
        parameter_set.ParameterSetID,
        mode,
        dynamic=parameters["ControlMode"] == DYNAMIC,
        by_secc=parameters.get("MobilityNeedsMode") == BY_SECC,
    )
    if choice.dynamic is not setup.dynamic_mode:
        session.log("the charger does not offer the control mode that the EV prefers")
    choose(session, choice)
    voltage = parameters.get("EVSENominalVoltage")
    if isinstance(voltage, int | float) and voltage > 0:
        session.told(ChargerFact.NOMINAL_VOLTAGE_V, float(voltage))
    return Go("ServiceSelection")


STEP: Final = Step(
    name="ServiceDetail",
    request="ServiceDetailReq",
    responses=(common.ServiceDetailResType,),
    ask=_ask,
    take=_take,
    leads_to=("ServiceSelection", "SessionStop", ""),
    meaning="Parameter sets of the services that fit, one after the other, until a set fits.",
    phase=Phase.PARAMETER,
    pace_ms=0,
)
