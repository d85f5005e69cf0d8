"""SessionStop: the last message; a session that is paused can be joined again."""

from __future__ import annotations

from typing import Any, Final

from v2g.common.terms import Phase
from v2g.evcc.protocol import Done, Move, Step
from v2g.evcc.session import Session
from v2gexi import iso2


def _ask(session: Session) -> Any:
    return iso2.SessionStopReqType(ChargingSession="Pause" if session.pausing else "Terminate")


def _take(session: Session, response: Any) -> Move:
    # Some chargers do not expect the end where the EV wants it; it is the end all the same, but no pause.
    if response.ResponseCode != "OK":
        session.log(f"SessionStopRes: {response.ResponseCode}")
        session.pausing = False
    return Done()


STEP: Final = Step(
    name="SessionStop",
    request="SessionStopReq",
    responses=(iso2.SessionStopResType,),
    ask=_ask,
    take=_take,
    leads_to=("",),
    meaning="The session ends or pauses; the connection is closed after the response.",
    phase=Phase.CHARGE,
    stop="",
    tolerates=("FAILED",),
    sent=900,
)
