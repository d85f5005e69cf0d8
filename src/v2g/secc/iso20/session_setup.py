"""SessionSetup: a session id for the EV, its old one if it comes back after a pause."""

from __future__ import annotations

from typing import Any, Final

from v2g.common.terms import Phase
from v2g.secc.facts import EvFact
from v2g.secc.iso20.services import offered
from v2g.secc.iso20.terms import header, take_up
from v2g.secc.protocol import Exchange, Reply
from v2g.secc.session import SESSION_ID_BYTES, Paused, Session
from v2gexi import iso20_common as common

_LONGEST_ID: Final = 255
"""Characters of EVSEID."""


def answer(session: Session, request: Any) -> Reply:
    """A new session, unless the EV comes with the id of the one that it has paused."""
    session.checkpoint(500)
    session.told(EvFact.EVCC_ID, request.EVCCID)
    paused = session.paused
    wanted = session.agreed.get("requested_session_id", b"")
    session.phase(Phase.AUTH)
    session.checkpoint(505)
    if paused is not None and _resumable(session, paused, wanted):
        session.session_id = wanted
        take_up(session, paused.agreed)
        session.log(f"session {wanted.hex().upper()} goes on")
        return Reply(response(session, "OK_OldSessionJoined"), "WaitForResumption")
    session.paused = None
    session.session_id = session.random_bytes(SESSION_ID_BYTES)
    session.log(f"session {session.session_id.hex().upper()}")
    return Reply(response(session, "OK_NewSessionEstablished"), "WaitForAuthorizationSetup")


def _resumable(session: Session, paused: Paused, wanted: bytes) -> bool:
    """Whether it is the paused session, of the same EV, and its service is still on offer."""
    return (
        paused.session_id == wanted
        and session.may_resume(paused)
        and paused.agreed["service"] in offered(session)
    )


def response(session: Session, code: common.responseCodeType) -> Any:
    """The response with a code."""
    return common.SessionSetupResType(
        Header=header(session), ResponseCode=code, EVSEID=session.setup.evse_id[:_LONGEST_ID]
    )


EXCHANGE: Final = Exchange(
    request=common.SessionSetupReqType,
    name="SessionSetupReq",
    answer=answer,
    refuse=response,
    leads_to=("WaitForAuthorizationSetup", "WaitForResumption"),
    codes=("OK_NewSessionEstablished", "OK_OldSessionJoined"),
    meaning="the EV tells its id and gets a session id, the old one after a pause",
)
