"""SessionStop: the end, a pause, or another selection of the service in the same session."""

from __future__ import annotations

from typing import Any, Final

from v2g.common.terms import Phase
from v2g.evcc.iso20.terms import header, terms
from v2g.evcc.protocol import Done, Go, Move, Step
from v2g.evcc.session import Session
from v2gexi import iso20_common as common

_LONGEST_TEXT: Final = 160
"""Characters of EVTerminationExplanation."""


def _ask(session: Session) -> Any:
    how: Any = "Terminate"
    if session.pausing:
        how = "Pause"
    elif _anew(session):
        how = "ServiceRenegotiation"
    fault = session.stopping if not session.ok else ""
    return common.SessionStopReqType(
        Header=header(session),
        ChargingSession=how,
        EVTerminationExplanation=fault[:_LONGEST_TEXT] or None,
    )


def _anew(session: Session) -> bool:
    """Whether the services are to be offered again; a wish to end comes first."""
    return terms(session).renegotiates_service and not session.stopping


def _take(session: Session, response: Any) -> Move:
    if _anew(session):
        terms(session).renegotiates_service = False
        session.renegotiation_asked = False
        return Go("ServiceDiscovery")
    return Done()


STEP: Final = Step(
    name="SessionStop",
    request="SessionStopReq",
    responses=(common.SessionStopResType,),
    ask=_ask,
    take=_take,
    leads_to=("ServiceDiscovery", ""),
    meaning="The session ends or pauses, and the connection is closed after the response; or the service is "
    "selected anew.",
    phase=Phase.CHARGE,
    stop="",
    sent=900,
)
