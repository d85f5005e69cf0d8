"""What the responses of every DC charge loop say of the charger's output."""

from __future__ import annotations

from typing import Any

from v2g.common.values import number
from v2g.evcc.facts import ChargerFact
from v2g.evcc.session import Session


def tell_present(session: Session, response: Any) -> None:
    """Tell voltage and current, and which of the charger's limits keep them from what was asked for."""
    session.told(ChargerFact.PRESENT_VOLTAGE_V, number(response.EVSEPresentVoltage))
    session.told(ChargerFact.PRESENT_CURRENT_A, number(response.EVSEPresentCurrent))
    bounds = {
        "current": response.EVSECurrentLimitAchieved,
        "voltage": response.EVSEVoltageLimitAchieved,
        "power": response.EVSEPowerLimitAchieved,
    }
    session.told(ChargerFact.LIMIT_ACHIEVED, tuple(name for name, bound in bounds.items() if bound))
