"""The end of a charge loop: no power is asked for or taken any more, until none flows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from v2g.common.terms import Phase
from v2g.evcc.iso20.notification import hear
from v2g.evcc.iso20.terms import terms
from v2g.evcc.protocol import Go, Move, Step
from v2g.evcc.session import NO_CURRENT_A, Session

RAMP_DOWN_MS: Final = 5_000
"""No current is to be left this long after none was asked for; after that the charger is told to stop all the
same. Our own bound."""
DRAW_OFF_MS: Final = 1_000
"""An on-board charger whose current is not measured takes none any more after this time. Our own bound."""


def ramp_down(
    kind: str, response: type, request: Callable[[Session, bool], Any], tell: Callable[[Session, Any], None]
) -> Step:
    """The step; ``request`` makes one without power, ``tell`` tells what a response says of the output."""

    def ask(session: Session) -> Any:
        agreed = terms(session)
        if agreed.ramp_ms is None:
            agreed.ramp_ms = session.now_ms
        return leave(session) if _off(session, agreed.ramp_ms) else request(session, False)

    def take(session: Session, answer: Any) -> Move:
        hear(session, answer)
        tell(session, answer)
        return Go("RampDown")

    def leave(session: Session) -> Move:
        terms(session).ramp_ms = None
        return Go("PowerDeliveryStop")

    return Step(
        name="RampDown",
        request=f"{kind}_ChargeLoopReq",
        responses=(response,),
        ask=ask,
        take=take,
        leads_to=("PowerDeliveryStop", ""),
        meaning="The charge loop goes on without power, until no current flows.",
        phase=Phase.CHARGE,
        pilot="C",
        power=True,
        stop="",
        pace_ms=100,
    )


def _off(session: Session, since_ms: int) -> bool:
    """Whether no current flows, or nothing more can be done about it."""
    if session.asked_a or session.draws:
        return False
    elapsed = session.now_ms - since_ms
    if session.setup.dc:
        current = session.current_a or 0.0
    elif session.vehicle.present_current_a is None:
        return not session.contactors or elapsed >= DRAW_OFF_MS
    else:
        current = session.vehicle.present_current_a
    if abs(current) < NO_CURRENT_A:
        return True
    if elapsed >= RAMP_DOWN_MS:
        session.log(f"{current:g} A still flow after {RAMP_DOWN_MS} ms")
        return True
    return False
