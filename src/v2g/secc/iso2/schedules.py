"""Schedules as ISO 15118-2 writes them, and whether an EV's charging profile keeps to one."""

from __future__ import annotations

from typing import Any, Final

from v2g.common.terms import EnergyMode
from v2g.common.values import number
from v2g.secc.iso2.status import watts
from v2g.secc.schedule import DAY_S, Schedule, steady
from v2g.secc.session import Session
from v2gexi import iso2

MOST_TUPLES: Final = 3
"""SAScheduleTuple elements in a list (the schema of ISO 15118-2:2014)."""
MOST_PERIODS: Final = 1024
"""PMaxScheduleEntry elements in a schedule (the same)."""
_LATEST_S: Final = 16_777_214
_TOLERANCE: Final = 0.001
"""An EV that repeats our own numbers with another power of ten rounds them."""
_OFFERED: Final = "schedules"


def offered(session: Session) -> tuple[Schedule, ...]:
    """The schedules that the EV was given last."""
    schedules: tuple[Schedule, ...] = session.agreed.get(_OFFERED, ())
    return schedules


def schedule_list(session: Session, most: int | None) -> Any:
    """The ``SAScheduleList`` to offer, with so many schedules as the EV takes, and one at least."""
    schedules = session.station.schedules or (steady(_limit_w(session)),)
    schedules = schedules[: max(1, min(MOST_TUPLES if most is None else most, MOST_TUPLES))]
    session.agreed[_OFFERED] = schedules
    return iso2.SAScheduleListType(
        SAScheduleTuple=[
            iso2.SAScheduleTupleType(
                SAScheduleTupleID=schedule.tuple_id,
                PMaxSchedule=iso2.PMaxScheduleType(PMaxScheduleEntry=_entries(schedule)),
            )
            for schedule in schedules
        ]
    )


def _limit_w(session: Session) -> float:
    if session.mode is not None and session.mode.dc:
        return session.station.dc.maximum_power_w
    limits = session.station.ac
    if session.mode is EnergyMode.AC_SINGLE_PHASE:
        return limits.nominal_voltage_v * limits.maximum_current_a
    return limits.maximum_power_w


def _entries(schedule: Schedule) -> list[Any]:
    periods = schedule.periods[:MOST_PERIODS]
    last = len(periods) - 1
    return [
        iso2.PMaxScheduleEntryType(
            TimeInterval=iso2.RelativeTimeIntervalType(
                start=min(period.start_s, _LATEST_S),
                duration=min(max(schedule.duration_s - period.start_s, 0), DAY_S) if index == last else None,
            ),
            PMax=watts(period.maximum_power_w),
        )
        for index, period in enumerate(periods)
    ]


def profile(request: Any) -> list[tuple[int, float, int | None]]:
    """An EV's ``ChargingProfile`` as (start in seconds, power in watts, phases); empty if it tells none."""
    if request.ChargingProfile is None:
        return []
    return [
        (
            entry.ChargingProfileEntryStart,
            number(entry.ChargingProfileEntryMaxPower),
            entry.ChargingProfileEntryMaxNumberOfPhasesInUse,
        )
        for entry in request.ChargingProfile.ProfileEntry
    ]


def fault(entries: list[tuple[int, float, int | None]], schedule: Schedule) -> str:
    """Why a charging profile does not keep to a schedule (ISO 15118-2:2014 [V2G2-478]); empty if it does.

    What an EV plans beyond the end of the schedule binds nobody."""
    for index, (start, power, _) in enumerate(entries):
        after = entries[index + 1][0] if index + 1 < len(entries) else None
        if after is not None and after <= start:
            return "the starts of the charging profile's entries do not rise"
        for place, period in enumerate(schedule.periods):
            following = place + 1
            end = (
                schedule.periods[following].start_s
                if following < len(schedule.periods)
                else schedule.duration_s
            )
            meets = start < end and (after is None or after > period.start_s)
            if meets and power > period.maximum_power_w * (1 + _TOLERANCE) + 1:
                most = f"{period.maximum_power_w:.0f} W are offered"
                return f"the charging profile plans {power:.0f} W where {most}"
    return ""
