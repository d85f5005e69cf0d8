"""PowerDelivery: the power is to be there, or to end."""

from __future__ import annotations

from typing import Any, Final

from v2g.common.terms import Phase
from v2g.evcc.protocol import Go, Move, Step, Stop
from v2g.evcc.session import Session
from v2g.evcc.shared.status import ev_status, judge
from v2gexi import din

_MOST_POWER: Final = 32_767
"""ChargingProfileEntryMaxPower and PMax are 16-bit numbers, in watts."""


def _request(session: Session, ready: bool) -> Any:
    battery = session.vehicle.battery
    return din.PowerDeliveryReqType(
        ReadyToChargeState=ready,
        ChargingProfile=_profile(session) if ready else None,
        EVPowerDeliveryParameter=din.DC_EVPowerDeliveryParameterType(
            DC_EVStatus=ev_status(session, din),
            BulkChargingComplete=battery.bulk_full,
            ChargingComplete=battery.full,
        ),
    )


def _profile(session: Session) -> Any:
    """The charger's first schedule, bounded by what the battery takes; None without a schedule.

    Chargers in the field write a power of nothing, or one above 32,767 W that has become negative: then only
    the battery's bound counts."""
    schedule = session.agreed.get("schedule")
    if schedule is None:
        return None
    most = min(int(session.vehicle.battery.maximum_power_w), _MOST_POWER)
    entries = [
        din.ProfileEntryType(
            ChargingProfileEntryStart=entry.TimeInterval.start,
            ChargingProfileEntryMaxPower=min(entry.PMax, most) if entry.PMax > 0 else most,
        )
        for entry in schedule.PMaxSchedule.PMaxScheduleEntry
        if isinstance(entry.TimeInterval, din.RelativeTimeIntervalType)
    ]
    if not entries:
        return None
    return din.ChargingProfileType(SAScheduleTupleID=schedule.SAScheduleTupleID, ProfileEntry=entries)


def _ask_start(session: Session) -> Any:
    return session.close_contactors() or _request(session, True)


def _take_start(session: Session, response: Any) -> Move:
    return judge(session, response.EVSEStatus) or Go("CurrentDemand")


def _ask_stop(session: Session) -> Any:
    return _request(session, False)


def _take_stop(session: Session, response: Any) -> Move:
    move = judge(session, response.EVSEStatus)
    if move is not None and not isinstance(move, Stop):
        return move
    return Go("WeldingDetection")


START: Final = Step(
    name="PowerDeliveryStart",
    request="PowerDeliveryReq",
    responses=(din.PowerDeliveryResType,),
    ask=_ask_start,
    take=_take_start,
    leads_to=("CurrentDemand", "PowerDeliveryStop", ""),
    meaning="The contactors are closed, then the charger is told to start.",
    phase=Phase.CHARGE,
    pilot="C",
    power=True,
    locked=True,
    stop="PowerDeliveryStop",
    sent=600,
)
STOP: Final = Step(
    name="PowerDeliveryStop",
    request="PowerDeliveryReq",
    responses=(din.PowerDeliveryResType,),
    ask=_ask_stop,
    take=_take_stop,
    leads_to=("WeldingDetection", ""),
    meaning="The charger is told to stop; after its answer the contactors open.",
    phase=Phase.CHARGE,
    pilot="C",
    power=True,
    stop="",
    sent=800,
    taken=806,
)
