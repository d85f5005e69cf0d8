"""The charge loop, and standby: it goes on without power until either side wants power again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from v2g.common.terms import Phase
from v2g.evcc.facts import ChargerFact
from v2g.evcc.iso20.notification import follow
from v2g.evcc.iso20.terms import terms
from v2g.evcc.protocol import Go, Move, Step
from v2g.evcc.session import Session


def _follow_in_loop(session: Session, response: Any) -> Move:
    """What follows from a response of the charge loop, where the EV may want a standby."""
    move = follow(session, response)
    agreed, wanted = terms(session), session.vehicle.standby
    if not wanted:
        agreed.standby_refused = False
    elif move == Go("ChargeLoop") and not agreed.standby_refused and agreed.exchange_by_ms is None:
        return Go("PowerDeliveryStandby")
    return move


def charge_loop(
    kind: str,
    response: type,
    ask: Callable[[Session], Any],
    tell: Callable[[Session, Any], None],
    pace_ms: int,
    meaning: str,
) -> Step:
    """The step with power; ``tell`` tells what a response says of the output."""

    def take(session: Session, answer: Any) -> Move:
        tell(session, answer)
        return _follow_in_loop(session, answer)

    return Step(
        name="ChargeLoop",
        request=f"{kind}_ChargeLoopReq",
        responses=(response,),
        ask=ask,
        take=take,
        leads_to=(
            "RampDown",
            "ScheduleRenegotiation",
            "ScheduleExchangeInLoop",
            "MeteringConfirmation",
            "PowerDeliveryStandby",
            "",
        ),
        meaning=meaning,
        phase=Phase.CHARGE,
        pilot="C",
        power=True,
        locked=True,
        stop="RampDown",
        pause=True,
        renegotiate="ScheduleRenegotiation",
        pace_ms=pace_ms,
        sent=700,
        again=710,
    )


def standby(
    kind: str, response: type, request: Callable[[Session, bool], Any], tell: Callable[[Session, Any], None]
) -> Step:
    """The step; ``request`` makes one without power, ``tell`` tells what a response says of the output."""

    def take(session: Session, answer: Any) -> Move:
        tell(session, answer)
        move = follow(session, answer)
        if move != Go("ChargeLoop"):
            return move
        if session.known(ChargerFact.NOTIFICATION) == "ExitStandby":
            session.log("the charger asks to end the standby")
            session.vehicle.standby = False
        return Go("Standby") if session.vehicle.standby else Go("NewPowerProfile")

    return Step(
        name="Standby",
        request=f"{kind}_ChargeLoopReq",
        responses=(response,),
        ask=lambda session: request(session, False),
        take=take,
        leads_to=("NewPowerProfile", "MeteringConfirmation", "RampDown", ""),
        meaning="The charge loop goes on without power, until the EV or the charger wants power again.",
        phase=Phase.CHARGE,
        pilot="C",
        power=True,
        locked=True,
        stop="RampDown",
        pause=True,
    )
