"""The charging profile: what the EV makes of the schedule that it took."""

from __future__ import annotations

from typing import Any, Final

from v2g.common.terms import EnergyMode
from v2g.common.values import number, physical
from v2g.evcc.session import Session
from v2gexi import iso2

MOST_ENTRIES: Final = 24
"""Entries that a ChargingProfile holds; what comes later in the schedule is left to a renegotiation."""


def schedule_id(session: Session) -> int:
    """The schedule that the EV took; 1 if the charger gave none."""
    return int(session.agreed.get("schedule_id", 1))


def phases(session: Session) -> int:
    """Phases that an AC session uses."""
    return 1 if session.mode is EnergyMode.AC_SINGLE_PHASE else session.vehicle.charger.phases


def _most_w(session: Session) -> float:
    """Power that the EV can take."""
    if session.setup.dc:
        return session.vehicle.battery.maximum_power_w
    charger = session.vehicle.charger
    return charger.maximum_voltage_v * charger.maximum_current_a * phases(session)


def entries(session: Session) -> list[tuple[int, float]]:
    """The schedule's (start in seconds, power in watts), bounded by what the EV can take."""
    most = _most_w(session)
    schedule = session.agreed.get("schedule")
    if schedule is None:
        return []
    return [
        (entry.TimeInterval.start, max(min(number(entry.PMax), most), 0.0))
        for entry in schedule.PMaxSchedule.PMaxScheduleEntry[:MOST_ENTRIES]
        if isinstance(entry.TimeInterval, iso2.RelativeTimeIntervalType)
    ]


def profile(session: Session) -> Any:
    """The ``ChargingProfile``; None without a schedule."""
    found = entries(session)
    if not found:
        return None
    return iso2.ChargingProfileType(
        ProfileEntry=[
            iso2.ProfileEntryType(
                ChargingProfileEntryStart=start,
                ChargingProfileEntryMaxPower=physical(iso2, "W", power),
            )
            for start, power in found
        ]
    )
