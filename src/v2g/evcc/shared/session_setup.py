"""SessionSetup: a new session, or one that was paused."""

from __future__ import annotations

from typing import Any

from v2g.common.terms import Phase
from v2g.evcc.facts import ChargerFact
from v2g.evcc.protocol import Go, Move, Step
from v2g.evcc.session import NEW_SESSION, Session


def join(session: Session, code: str, session_id: bytes) -> None:
    """Take over the session id of a response; what a paused session had agreed holds if it was joined."""
    resumes = session.resumes
    if resumes is not None:
        if code == "OK_OldSessionJoined" and session_id == resumes.session_id:
            session.agreed.update(resumes.agreed)
            session.log("the paused session goes on")
        else:
            session.log(f"the paused session cannot be joined again ({code}): a new one begins")
            session.forget_resumed()
    elif code == "OK_OldSessionJoined":
        session.log("the charger says that an old session goes on, though a new one was asked for")
    if session_id in (b"", NEW_SESSION):
        session.log("the charger gave no session id")
    session.session_id = session_id


def session_setup(module: Any) -> Step:
    """The step over a message set."""

    def ask(session: Session) -> Any:
        return module.SessionSetupReqType(EVCCID=session.setup.mac)

    def take(session: Session, response: Any) -> Move:
        join(session, response.ResponseCode, session.header.SessionID)
        evse_id = response.EVSEID
        session.told(ChargerFact.EVSE_ID, evse_id if isinstance(evse_id, str) else evse_id.hex())
        return Go("ServiceDiscovery")

    return Step(
        name="SessionSetup",
        request="SessionSetupReq",
        responses=(module.SessionSetupResType,),
        ask=ask,
        take=take,
        leads_to=("ServiceDiscovery", ""),
        meaning="Session id 0 asks for a new session, another one for that which was paused.",
        phase=Phase.INIT,
        stop="",
        sent=500,
        taken=506,
    )
