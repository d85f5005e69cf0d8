"""What the EV needs: energy, departure, states of charge."""

from __future__ import annotations

from typing import Any, Final

from v2g.common.amounts import watts
from v2g.common.values import rational
from v2g.evcc.facts import ChargerFact
from v2g.evcc.session import Session
from v2gexi import iso20_common as common

NO_DEPARTURE_S: Final = 86_400
"""Departure time that dynamic mode has to have is so far away when nobody knows it. Our own choice."""

_DECIDED: Final = (
    ("DepartureTime", ChargerFact.DEPARTURE_TIME_S),
    ("MinimumSOC", ChargerFact.MINIMUM_SOC),
    ("TargetSOC", ChargerFact.TARGET_SOC),
)


def energy(session: Session) -> dict[str, Any]:
    """Energy requests: wanted, at most, and at least needed."""
    target, most, least = _amounts(session)
    return {
        "EVTargetEnergyRequest": watts(target),
        "EVMaximumEnergyRequest": watts(max(most, target)),
        "EVMinimumEnergyRequest": watts(min(least, target)),
    }


def _amounts(session: Session) -> tuple[float, float, float]:
    vehicle = session.vehicle
    if not session.setup.dc:
        return vehicle.charger.energy_wh, vehicle.charger.energy_wh, 0.0
    battery = vehicle.battery
    capacity = battery.capacity_wh or 0.0
    target = battery.energy_request_wh
    if target is None:
        target = capacity * max((battery.full_soc_percent or 100) - battery.soc_percent, 0) / 100
    most = battery.maximum_energy_wh
    if most is None:
        most = capacity * (100 - battery.soc_percent) / 100
    return target, most, battery.minimum_energy_wh or 0.0


def departure_s(session: Session) -> int:
    """Departure time for dynamic mode."""
    departure = session.vehicle.departure_s
    return NO_DEPARTURE_S if departure is None else max(departure, 0)


def states_of_charge(session: Session) -> dict[str, Any]:
    """MinimumSOC and TargetSOC of a request in dynamic mode; nothing with AC, where no battery is told."""
    return {"TargetSOC": session.vehicle.battery.full_soc_percent} if session.setup.dc else {}


def display(session: Session) -> Any:
    """``DisplayParameters``; None with AC."""
    if not session.setup.dc:
        return None
    battery = session.vehicle.battery
    capacity = battery.capacity_wh
    return common.DisplayParametersType(
        PresentSOC=min(max(battery.soc_percent, 0), 100),
        TargetSOC=battery.full_soc_percent,
        RemainingTimeToTargetSOC=battery.full_in_s,
        ChargingComplete=battery.full,
        BatteryEnergyCapacity=None if capacity is None else rational(common, capacity, 0),
    )


def tell_needs(session: Session, mode: Any) -> None:
    """Tell what the charger decided about departure and target (mobility needs provided by the SECC)."""
    for name, fact in _DECIDED:
        session.told(fact, getattr(mode, name, None))
