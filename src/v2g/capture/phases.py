"""How long the phases of a session took."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from v2g.capture.events import Event, Layer
from v2g.capture.places import Phase
from v2g.common.timing_statistics import Milestone, TimingStatistics

MS = 1_000_000
"""Nanoseconds in a millisecond."""


@dataclass(frozen=True, slots=True)
class PhaseTime:
    """A phase: from its first event to its last one (nanoseconds since 1970), and how many there were."""

    phase: Phase
    start: int
    end: int
    events: int

    @property
    def duration_ms(self) -> int:
        """From the first event to the last one, rounded."""
        return round((self.end - self.start) / MS)


def phase_times(events: list[Event]) -> list[PhaseTime]:
    """The phases that some events of one session belong to, in the order in which they began.

    What is repeated (a charge loop after a renegotiation) counts as one, from its first to its last event."""
    spans: dict[str, list[int]] = {}
    for event in events:
        if event.phase and event.time is not None:
            span = spans.setdefault(event.phase, [event.time, event.time, 0])
            span[1] = max(span[1], event.time)
            span[2] += 1
    found = [PhaseTime(Phase(name), *span) for name, span in spans.items()]
    return sorted(found, key=lambda each: each.start)


_MILESTONES: Final = {
    "CM_SLAC_PARM.REQ": Milestone.SLAC_STARTED,
    "CM_SLAC_MATCH.CNF": Milestone.MATCHED,
    "SECCDiscoveryRes": Milestone.DISCOVERED,
    "ACK": Milestone.CONNECTED,
    "supportedAppProtocolRes": Milestone.PROTOCOL_AGREED,
    "SessionSetupRes": Milestone.SESSION_SET_UP,
    "CableCheckReq": Milestone.CABLE_CHECK_ASKED,
    "DC_CableCheckReq": Milestone.CABLE_CHECK_ASKED,
    "PreChargeReq": Milestone.PRE_CHARGE_ASKED,
    "DC_PreChargeReq": Milestone.PRE_CHARGE_ASKED,
}
_FINISHED: Final = {
    "ContractAuthenticationRes": Milestone.AUTHORIZED,
    "AuthorizationRes": Milestone.AUTHORIZED,
    "ChargeParameterDiscoveryRes": Milestone.PARAMETERS_AGREED,
    "DC_ChargeParameterDiscoveryRes": Milestone.PARAMETERS_AGREED,
    "AC_ChargeParameterDiscoveryRes": Milestone.PARAMETERS_AGREED,
    "CableCheckRes": Milestone.CABLE_CHECK_FINISHED,
    "DC_CableCheckRes": Milestone.CABLE_CHECK_FINISHED,
}
"""Milestones that are reached when the station is not "Ongoing" any more."""


def statistics_of(events: list[Event]) -> TimingStatistics:
    """The timing statistics of a recorded session, as far as the line shows it: what a station's control
    pilot or power supply did is not in a capture."""
    statistics = TimingStatistics()
    for event in events:
        milestone = _milestone(event)
        if milestone is not None and event.time is not None:
            statistics.mark(milestone, round(event.time / MS))
            if milestone is Milestone.CHARGE_LOOP:
                break
    return statistics


def _milestone(event: Event) -> Milestone | None:
    if event.name in _FINISHED:
        ok = event.text("ResponseCode").startswith("OK")
        return None if event.text("EVSEProcessing").startswith("Ongoing") or not ok else _FINISHED[event.name]
    if event.base == "PowerDelivery" and event.phase == Phase.POWER_ON and event.layer is Layer.V2G:
        return Milestone.POWER_DELIVERY_ASKED if event.is_request else Milestone.POWER_DELIVERED
    if event.phase == Phase.CHARGING and event.is_request:
        return Milestone.CHARGE_LOOP
    return _MILESTONES.get(event.name)
