"""SessionSetup: the EV gets its session id (DIN SPEC 70121, session set-up)."""

from __future__ import annotations

from typing import Any, Final

from v2g.secc.facts import EvFact
from v2g.secc.protocol import Exchange, Reply
from v2g.secc.session import SESSION_ID_BYTES, Session
from v2gexi import din


def answer(session: Session, request: Any) -> Reply:
    """A new session, whatever id the EV comes with: DIN SPEC 70121 resumes none."""
    session.checkpoint(500)
    session.told(EvFact.EVCC_ID, ":".join(f"{byte:02X}" for byte in request.EVCCID))
    session.session_id = session.random_bytes(SESSION_ID_BYTES)
    session.log(f"session {session.session_id.hex().upper()}")
    session.checkpoint(505)
    return Reply(response(session, "OK_NewSessionEstablished"), "WaitForServiceDiscovery")


def response(session: Session, code: din.responseCodeType) -> Any:
    """The response with a code."""
    return din.SessionSetupResType(
        ResponseCode=code, EVSEID=session.setup.evse_id_din, DateTimeNow=session.unix_s()
    )


EXCHANGE: Final = Exchange(
    request=din.SessionSetupReqType,
    name="SessionSetupReq",
    answer=answer,
    refuse=response,
    leads_to=("WaitForServiceDiscovery",),
    codes=("OK_NewSessionEstablished",),
    meaning="the EV tells its id and gets a session id",
)
