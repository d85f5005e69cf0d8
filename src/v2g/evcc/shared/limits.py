"""Charge parameters of DC: the EV's limits as they are told, and the charger's as they come."""

from __future__ import annotations

from typing import Any

from v2g.common.values import number_or_none, physical
from v2g.evcc.facts import ChargerFact
from v2g.evcc.protocol import Move, Stop
from v2g.evcc.session import SAFE_VOLTAGE_V, Session
from v2g.evcc.shared.status import ev_status, judge
from v2g.evcc.vehicle import EvError

_DC_LIMITS = (
    ("EVSEMaximumVoltageLimit", ChargerFact.MAXIMUM_VOLTAGE_V),
    ("EVSEMaximumCurrentLimit", ChargerFact.MAXIMUM_CURRENT_A),
    ("EVSEMaximumPowerLimit", ChargerFact.MAXIMUM_POWER_W),
    ("EVSEMinimumVoltageLimit", ChargerFact.MINIMUM_VOLTAGE_V),
    ("EVSEMinimumCurrentLimit", ChargerFact.MINIMUM_CURRENT_A),
    ("EVSECurrentRegulationTolerance", ChargerFact.REGULATION_TOLERANCE_A),
    ("EVSEPeakCurrentRipple", ChargerFact.CURRENT_RIPPLE_A),
    ("EVSEEnergyToBeDelivered", ChargerFact.ENERGY_TO_BE_DELIVERED_WH),
)


def tell_limits(session: Session, message: Any) -> None:
    """Tell the limits that a charge parameter or a CurrentDemandRes carries."""
    for name, fact in _DC_LIMITS:
        session.told(fact, number_or_none(getattr(message, name, None)))


def dc_charge_parameter(session: Session, module: Any, **more: Any) -> Any:
    """The ``DC_EVChargeParameter`` of a request."""
    battery = session.vehicle.battery
    capacity, wanted = battery.capacity_wh, battery.energy_request_wh
    return module.DC_EVChargeParameterType(
        DC_EVStatus=ev_status(session, module),
        EVMaximumCurrentLimit=physical(module, "A", battery.maximum_current_a),
        EVMaximumPowerLimit=physical(module, "W", battery.maximum_power_w),
        EVMaximumVoltageLimit=physical(module, "V", battery.maximum_voltage_v),
        EVEnergyCapacity=None if capacity is None else physical(module, "Wh", capacity),
        EVEnergyRequest=None if wanted is None else physical(module, "Wh", wanted),
        FullSOC=battery.full_soc_percent,
        BulkSOC=battery.bulk_soc_percent,
        **more,
    )


def judge_dc_parameter(session: Session, parameter: Any) -> Move | None:
    """What follows from a ``DC_EVSEChargeParameter``; None: charging can go on."""
    tell_limits(session, parameter)
    if move := judge(session, parameter.DC_EVSEStatus):
        return move
    most = number_or_none(parameter.EVSEMaximumVoltageLimit)
    # Less than any charger gives is said by those that do not know their limits: pre-charge will tell.
    if most is not None and SAFE_VOLTAGE_V <= most < session.vehicle.battery.voltage_v:
        return Stop(f"{EvError.INCOMPATIBLE.value}: the charger gives at most {most:g} V")
    return None
