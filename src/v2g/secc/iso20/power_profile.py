"""Whether the power that an EV plans keeps to what it was offered."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from v2g.common.amounts import phases
from v2g.common.values import number
from v2g.secc.facts import EvFact
from v2g.secc.iso20.terms import terms
from v2g.secc.session import Session
from v2gexi import iso20_common as common


def check(session: Session, profile: Any) -> common.responseCodeType:
    """The code for an ``EVPowerProfile``, OK among them, and the schedule that it selects.

    In scheduled mode a profile with a schedule on offer is mandatory; in dynamic mode it is a forecast.
    """
    agreed = terms(session)
    if profile is None:
        return "OK" if agreed.dynamic else "FAILED_EVPowerProfileInvalid"
    scheduled = profile.Scheduled_EVPPTControlMode
    entries = [
        (entry.Duration, phases(entry, "Power") or 0.0)
        for entry in profile.EVPowerProfileEntries.EVPowerProfileEntry
    ]
    if agreed.dynamic:
        if scheduled is not None:
            return "FAILED_EVPowerProfileInvalid"
        session.told(EvFact.CHARGING_PROFILE, {"tuple_id": None, "entries": entries})
        return "OK"
    if scheduled is None:
        return "FAILED_EVPowerProfileInvalid"
    tuple_id = scheduled.SelectedScheduleTupleID
    offer = next((each for each in agreed.tuples if each.ScheduleTupleID == tuple_id), None)
    if offer is None:
        return "FAILED_ScheduleSelectionInvalid"
    later = max(profile.TimeAnchor - agreed.anchor_s, 0)
    if not _within(entries, offer, later):
        return "FAILED_EVPowerProfileInvalid"
    agreed.tuple_id = tuple_id
    session.told(EvFact.CHARGING_PROFILE, {"tuple_id": tuple_id, "entries": entries})
    acceptance = scheduled.PowerToleranceAcceptance
    if acceptance == "PowerToleranceConfirmed":
        return "OK_PowerToleranceConfirmed"
    return "OK" if acceptance is None else "WARNING_PowerToleranceNotConfirmed"


def _within(entries: list[tuple[int, float]], offer: Any, later_s: int) -> bool:
    """Whether all powers are within the offered ones; a profile may be longer than the schedule."""
    charging = list(_periods(offer.ChargingSchedule))
    discharging = list(_periods(offer.DischargingSchedule)) if offer.DischargingSchedule else []
    at = later_s
    for duration, power in entries:
        allowed = charging if power >= 0 else discharging
        if not allowed or any(
            abs(power) > most for start, end, most in allowed if start < at + duration and at < end
        ):
            return False
        at += duration
    return True


def _periods(schedule: Any) -> Iterator[tuple[int, int, float]]:
    """Beginning, end and power of the periods of a schedule."""
    at = 0
    for entry in schedule.PowerSchedule.PowerScheduleEntries.PowerScheduleEntry:
        yield at, at + entry.Duration, number(entry.Power)
        at += entry.Duration
