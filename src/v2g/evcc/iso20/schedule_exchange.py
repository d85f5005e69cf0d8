"""ScheduleExchange: the EV's needs and the charger's schedules; again in the charge loop, with power on."""

from __future__ import annotations

from typing import Any, Final

from v2g.common.terms import Phase
from v2g.evcc.facts import ChargerFact
from v2g.evcc.iso20.needs import departure_s, energy, states_of_charge, tell_needs
from v2g.evcc.iso20.schedule import select
from v2g.evcc.iso20.terms import chosen, header, terms
from v2g.evcc.protocol import Go, Move, Step, Stop
from v2g.evcc.session import Session
from v2gexi import iso20_common as common
from v2gexi import v2gtp

FEWEST_POINTS: Final = 12
MOST_POINTS: Final = 1024
"""MaximumSupportingPoints is within these."""
EXCHANGE_PACE_MS: Final = 250
"""In the charge loop this much time goes by between two requests."""


def _ask(session: Session) -> Any:
    points = min(max(session.setup.most_schedules, FEWEST_POINTS), MOST_POINTS)
    needs = energy(session)
    if chosen(session).dynamic:
        return common.ScheduleExchangeReqType(
            Header=header(session),
            MaximumSupportingPoints=points,
            Dynamic_SEReqControlMode=common.Dynamic_SEReqControlModeType(
                DepartureTime=departure_s(session), **states_of_charge(session), **needs
            ),
        )
    return common.ScheduleExchangeReqType(
        Header=header(session),
        MaximumSupportingPoints=points,
        Scheduled_SEReqControlMode=common.Scheduled_SEReqControlModeType(
            DepartureTime=session.vehicle.departure_s, **needs
        ),
    )


def _finished(session: Session, response: Any) -> bool:
    """Take over what was agreed; whether it is all that is needed."""
    dynamic = response.Dynamic_SEResControlMode
    scheduled = response.Scheduled_SEResControlMode
    session.told(ChargerFact.SCHEDULES, dynamic if dynamic is not None else scheduled)
    if chosen(session).dynamic:
        tell_needs(session, dynamic)
        return True
    return select(session, scheduled)


def _take(session: Session, response: Any) -> Move:
    if response.EVSEProcessing != "Finished":
        return Go("ScheduleExchange")
    if response.GoToPause:
        session.pausing = True
        return Stop("the charger asks to pause", True)
    if not _finished(session, response):
        return Stop("the charger gave no schedule")
    return Go("CableCheck" if session.setup.dc else "PowerDeliveryStart")


def _take_again(session: Session, response: Any) -> Move:
    agreed = terms(session)
    if response.ResponseCode.startswith("WARNING"):
        return keep_schedule(session, response.ResponseCode)
    if response.EVSEProcessing != "Finished":
        if agreed.exchange_by_ms is None or session.now_ms >= agreed.exchange_by_ms:
            return keep_schedule(session, "not finished in time (V2G_EVCC_Ongoing_Timeout)")
        agreed.exchange_next_ms = session.now_ms + EXCHANGE_PACE_MS
        return Go("ChargeLoop")
    if not _finished(session, response):
        return keep_schedule(session, "the charger gave no schedule")
    agreed.exchange_by_ms = None
    return Go("NewPowerProfile")


def keep_schedule(session: Session, why: str) -> Move:
    """A renegotiation has failed: what was agreed before goes on."""
    session.log(f"schedules stay as they were: {why}")
    session.renegotiating = False
    terms(session).exchange_by_ms = None
    return Go("ChargeLoop")


def _step(after: str) -> Step:
    return Step(
        name="ScheduleExchange",
        request="ScheduleExchangeReq",
        responses=(common.ScheduleExchangeResType,),
        ask=_ask,
        take=_take,
        leads_to=(after, "SessionStop", ""),
        meaning="Repeated until the charger has made its schedules, or has taken note of the EV's needs.",
        phase=Phase.PARAMETER,
        limit="evcc_ongoing_ms",
    )


AC_STEP: Final = _step("PowerDeliveryStart")
DC_STEP: Final = _step("CableCheck")
AGAIN: Final = Step(
    name="ScheduleExchangeInLoop",
    request="ScheduleExchangeReq",
    responses=(common.ScheduleExchangeResType,),
    ask=_ask,
    take=_take_again,
    leads_to=("ChargeLoop", "NewPowerProfile", "RampDown", ""),
    meaning="New schedules, with power on; while they are being made, the charge loop goes on.",
    phase=Phase.CHARGE,
    pilot="C",
    power=True,
    stop="RampDown",
    payload_type=v2gtp.PayloadType.SCHEDULE_RENEGOTIATION,
)
