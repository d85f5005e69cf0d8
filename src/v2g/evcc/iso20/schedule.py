"""Schedules: the one that the EV takes, what it allows now, and the power profile that is made of it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

from v2g.common.amounts import phases, watts
from v2g.common.values import number, rational
from v2g.evcc.iso20.needs import departure_s
from v2g.evcc.iso20.terms import chosen, terms
from v2g.evcc.session import Session
from v2gexi import iso20_common as common

_SUFFIXES: Final = ("_L2", "_L3")
MOST_ENTRIES: Final = 1024
"""Entries of a power schedule and of a profile; no more are taken of a charger's."""


def select(session: Session, control: Any) -> bool:
    """Take the first of a charger's schedules; whether there is one.

    How far its time is on is told by the charger's own clock, which anchors the schedule."""
    agreed = terms(session)
    if control is None or not control.ScheduleTuple:
        return False
    agreed.schedule = control.ScheduleTuple[0]
    anchor = agreed.schedule.ChargingSchedule.PowerSchedule.TimeAnchor
    agreed.schedule_s = session.header.TimeStamp - anchor
    agreed.schedule_ms = session.now_ms
    return True


def most_power_w(session: Session) -> float:
    """What the EV can take."""
    vehicle = session.vehicle
    return vehicle.battery.maximum_power_w if session.setup.dc else vehicle.charger.maximum_power_w


def allowed_w(session: Session) -> float | None:
    """Power that the schedule allows now; None without a schedule. After its end its last power holds."""
    agreed = terms(session)
    if chosen(session).dynamic or agreed.schedule is None:
        return None
    since_s = agreed.schedule_s + (session.now_ms - agreed.schedule_ms) / 1000
    power: float | None = None
    for start_s, entry in _entries(agreed.schedule):
        if power is not None and start_s > since_s:
            break
        power = phases(entry, "Power")
    return power


def _entries(schedule: Any) -> Iterator[tuple[int, Any]]:
    """Beginning and content of a schedule's periods."""
    start_s = 0
    for entry in schedule.ChargingSchedule.PowerSchedule.PowerScheduleEntries.PowerScheduleEntry:
        yield start_s, entry
        start_s += entry.Duration


def profile(session: Session) -> Any:
    """The ``EVPowerProfile``: the schedule's periods, with no more than the EV can take.

    In dynamic mode, where the charger sets the power, it is a forecast: what the EV can take meanwhile."""
    schedule, most = terms(session).schedule, most_power_w(session)
    if chosen(session).dynamic or schedule is None:
        return _forecast(session, most)
    return common.EVPowerProfileType(
        TimeAnchor=schedule.ChargingSchedule.PowerSchedule.TimeAnchor,
        Scheduled_EVPPTControlMode=common.Scheduled_EVPPTControlModeType(
            SelectedScheduleTupleID=schedule.ScheduleTupleID
        ),
        EVPowerProfileEntries=common.EVPowerProfileEntryListType(
            EVPowerProfileEntry=[
                _bounded(entry, most) for _, entry in islice(_entries(schedule), MOST_ENTRIES)
            ]
        ),
    )


def _forecast(session: Session, most: float) -> Any:
    entry = common.PowerScheduleEntryType(Duration=departure_s(session), Power=watts(most))
    return common.EVPowerProfileType(
        TimeAnchor=session.unix_s(),
        Dynamic_EVPPTControlMode=common.Dynamic_EVPPTControlModeType(),
        EVPowerProfileEntries=common.EVPowerProfileEntryListType(EVPowerProfileEntry=[entry]),
    )


def _bounded(entry: Any, most: float) -> Any:
    """A period with no more than this power over all its phases; what is negative becomes 0."""
    total = phases(entry, "Power") or 0.0
    if total <= 0.0:
        return common.PowerScheduleEntryType(Duration=entry.Duration, Power=watts(0.0))
    if total <= most:
        return entry
    parts = {
        "Power" + suffix: rational(common, number(value) * most / total, 0)
        for suffix in ("", *_SUFFIXES)
        if (value := getattr(entry, "Power" + suffix)) is not None
    }
    return common.PowerScheduleEntryType(Duration=entry.Duration, **parts)
