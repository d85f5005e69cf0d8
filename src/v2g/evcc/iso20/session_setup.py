"""SessionSetup: a new session, or one that was paused."""

from __future__ import annotations

from typing import Any, Final

from v2g.common.terms import Phase
from v2g.evcc.facts import ChargerFact
from v2g.evcc.iso20.terms import header, take_up
from v2g.evcc.protocol import Go, Move, Step
from v2g.evcc.session import Session
from v2g.evcc.shared.session_setup import join
from v2gexi import iso20_common as common


def _ask(session: Session) -> Any:
    return common.SessionSetupReqType(Header=header(session), EVCCID=session.setup.evcc_id)


def _take(session: Session, response: Any) -> Move:
    join(session, response.ResponseCode, session.header.SessionID)
    session.told(ChargerFact.EVSE_ID, response.EVSEID)
    if session.resumes is not None and take_up(session):
        return Go("ChargeParameterDiscovery")
    return Go("AuthorizationSetup")


STEP: Final = Step(
    name="SessionSetup",
    request="SessionSetupReq",
    responses=(common.SessionSetupResType,),
    ask=_ask,
    take=_take,
    leads_to=("AuthorizationSetup", "ChargeParameterDiscovery", ""),
    meaning="Session id 0 asks for a new session, another one for that which was paused: its service holds.",
    phase=Phase.INIT,
    stop="",
    sent=500,
    taken=506,
)
