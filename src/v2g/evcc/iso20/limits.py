"""Limits of both sides: the EV's as they are told, and the charger's as they come."""

from __future__ import annotations

from typing import Any, Final

from v2g.common.amounts import amperes, phases, volts, watts
from v2g.common.values import number_or_none
from v2g.evcc.facts import ChargerFact
from v2g.evcc.session import Session
from v2g.evcc.vehicle import Battery, OnBoardCharger

_TOLD: Final = (
    ("EVSEMaximumVoltage", ChargerFact.MAXIMUM_VOLTAGE_V),
    ("EVSEMaximumChargeCurrent", ChargerFact.MAXIMUM_CURRENT_A),
    ("EVSEMinimumVoltage", ChargerFact.MINIMUM_VOLTAGE_V),
    ("EVSEMinimumChargeCurrent", ChargerFact.MINIMUM_CURRENT_A),
    ("EVSEMaximumDischargeCurrent", ChargerFact.MAXIMUM_DISCHARGE_CURRENT_A),
    ("EVSENominalFrequency", ChargerFact.FREQUENCY_HZ),
)
_TOLD_BY_PHASE: Final = (
    ("EVSEMaximumChargePower", ChargerFact.MAXIMUM_POWER_W),
    ("EVSEMinimumChargePower", ChargerFact.MINIMUM_POWER_W),
    ("EVSEMaximumDischargePower", ChargerFact.MAXIMUM_DISCHARGE_POWER_W),
)


def tell_limits(session: Session, mode: Any) -> None:
    """Tell the limits that a response carries; those that it leaves out stay as they were."""
    for name, fact in _TOLD:
        session.told(fact, number_or_none(getattr(mode, name, None)))
    for name, fact in _TOLD_BY_PHASE:
        if hasattr(mode, name):
            session.told(fact, phases(mode, name))


def dc_charge(battery: Battery) -> dict[str, Any]:
    """The EV's limits of charging that all DC requests have; no minimum is above its maximum."""
    return {
        "EVMaximumChargePower": watts(battery.maximum_power_w),
        "EVMinimumChargePower": watts(min(battery.minimum_power_w, battery.maximum_power_w)),
        "EVMaximumChargeCurrent": amperes(battery.maximum_current_a),
        "EVMaximumVoltage": volts(battery.maximum_voltage_v),
        "EVMinimumVoltage": volts(min(battery.minimum_voltage_v, battery.maximum_voltage_v)),
    }


def dc_discharge(battery: Battery) -> dict[str, Any]:
    """The same for energy that flows back."""
    return {
        "EVMaximumDischargePower": watts(battery.discharge_power_w),
        "EVMinimumDischargePower": watts(min(battery.minimum_discharge_power_w, battery.discharge_power_w)),
        "EVMaximumDischargeCurrent": amperes(battery.discharge_current_a),
    }


def ac_charge(charger: OnBoardCharger) -> dict[str, Any]:
    """The EV's limits of charging with AC, over all phases."""
    return {
        "EVMaximumChargePower": watts(charger.maximum_power_w),
        "EVMinimumChargePower": watts(min(charger.minimum_power_w, charger.maximum_power_w)),
    }


def ac_discharge(charger: OnBoardCharger) -> dict[str, Any]:
    """The same for energy that flows back."""
    return {
        "EVMaximumDischargePower": watts(charger.discharge_power_w),
        "EVMinimumDischargePower": watts(0.0),
    }
