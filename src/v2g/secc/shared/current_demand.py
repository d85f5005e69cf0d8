"""CurrentDemand: the charge loop of DC.

Each message set's response has fields of its own besides :func:`measured`."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from v2g.common.values import number, number_or_none, physical
from v2g.secc.direct import CHARGE_LOOP, loop_is_off
from v2g.secc.effects import Milestone
from v2g.secc.facts import EvFact
from v2g.secc.session import Session
from v2g.secc.shared.status import dc_status, hear_limits, hear_status


class Target(NamedTuple):
    """What an EV asks for."""

    voltage_v: float
    current_a: float


NO_TARGET: Final = Target(0.0, 0.0)
"""Of a response that refuses."""


def follow(session: Session, request: Any) -> Target | None:
    """Follow the EV's target within the limits; None: the loop cannot go on."""
    if CHARGE_LOOP not in session.ongoing_since_ms:
        session.checkpoint(700)
        session.reached(Milestone.CURRENT_DEMAND_STARTED)
        session.ongoing_ms(CHARGE_LOOP)
    hear_status(session, request.DC_EVStatus)
    target = Target(number(request.EVTargetVoltage), number(request.EVTargetCurrent))
    session.told(EvFact.DC_TARGET, target._asdict())
    _hear(session, request)
    off = loop_is_off(session)
    if off:
        session.log(off)
        return None
    session.want_dc(target.voltage_v, 0.0 if session.stop_wanted else max(target.current_a, 0.0))
    return target


def _hear(session: Session, request: Any) -> None:
    session.told(EvFact.DC_BULK_COMPLETE, request.BulkChargingComplete)
    session.told(EvFact.DC_CHARGING_COMPLETE, request.ChargingComplete)
    full, bulk = request.RemainingTimeToFullSoC, request.RemainingTimeToBulkSoC
    if full is not None or bulk is not None:
        session.told(
            EvFact.DC_REMAINING_TIME, {"full_s": number_or_none(full), "bulk_s": number_or_none(bulk)}
        )
    hear_limits(session, request)


def measured(session: Session, module: Any, target: Target) -> dict[str, Any]:
    """What a response says of the output; flags say which limit keeps it from the target."""
    station, limits = session.station, session.station.dc
    return {
        "DC_EVSEStatus": dc_status(session, module),
        "EVSEPresentVoltage": physical(module, "V", station.present_voltage_v),
        "EVSEPresentCurrent": physical(module, "A", station.present_current_a),
        "EVSECurrentLimitAchieved": target.current_a >= limits.maximum_current_a,
        "EVSEVoltageLimitAchieved": target.voltage_v >= limits.maximum_voltage_v,
        "EVSEPowerLimitAchieved": station.present_voltage_v * target.current_a >= limits.maximum_power_w,
        "EVSEMaximumVoltageLimit": physical(module, "V", limits.maximum_voltage_v),
        "EVSEMaximumCurrentLimit": physical(module, "A", limits.maximum_current_a),
        "EVSEMaximumPowerLimit": physical(module, "W", limits.maximum_power_w),
    }
