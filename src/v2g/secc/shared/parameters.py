"""The DC parameters of both sides in ChargeParameterDiscovery."""

from __future__ import annotations

from typing import Any

from v2g.common.values import negative, number, number_or_none, physical
from v2g.secc.facts import EvFact
from v2g.secc.session import Session
from v2g.secc.shared.status import dc_status, hear_limits, hear_status


def hear_parameters(session: Session, parameters: Any) -> str:
    """Tell an EV's ``DC_EVChargeParameter``; what is wrong with it, empty if nothing is."""
    hear_status(session, parameters.DC_EVStatus)
    limits = (
        parameters.EVMaximumCurrentLimit,
        parameters.EVMaximumPowerLimit,
        parameters.EVMaximumVoltageLimit,
    )
    if negative(*limits, parameters.EVEnergyCapacity):
        return "a DC charge parameter is below zero"
    if number(parameters.EVMaximumVoltageLimit) < session.station.dc.minimum_voltage_v:
        return "EVMaximumVoltageLimit is below the lowest voltage of this station"
    hear_limits(session, parameters)
    session.told(EvFact.DC_ENERGY_CAPACITY_WH, number_or_none(parameters.EVEnergyCapacity))
    session.told(EvFact.DC_ENERGY_REQUEST_WH, number_or_none(parameters.EVEnergyRequest))
    session.told(EvFact.DC_FULL_SOC, parameters.FullSOC)
    session.told(EvFact.DC_BULK_SOC, parameters.BulkSOC)
    return ""


def limits(session: Session, module: Any, processing: str) -> Any:
    """The ``DC_EVSEChargeParameter`` of a response."""
    dc = session.station.dc
    status = "EVSE_Ready" if processing == "Finished" else "EVSE_NotReady"
    return module.DC_EVSEChargeParameterType(
        DC_EVSEStatus=dc_status(session, module, status),
        EVSEMaximumCurrentLimit=physical(module, "A", dc.maximum_current_a),
        EVSEMaximumPowerLimit=physical(module, "W", dc.maximum_power_w),
        EVSEMaximumVoltageLimit=physical(module, "V", dc.maximum_voltage_v),
        EVSEMinimumCurrentLimit=physical(module, "A", dc.minimum_current_a),
        EVSEMinimumVoltageLimit=physical(module, "V", dc.minimum_voltage_v),
        EVSECurrentRegulationTolerance=physical(module, "A", dc.regulation_tolerance_a),
        EVSEPeakCurrentRipple=physical(module, "A", dc.current_ripple_a),
    )
