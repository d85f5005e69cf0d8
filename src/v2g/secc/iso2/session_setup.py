"""SessionSetup: the EV gets a session id, or takes up a session that it has paused."""

from __future__ import annotations

from typing import Any, Final

from v2g.secc.facts import EvFact
from v2g.secc.protocol import Exchange, Reply
from v2g.secc.session import SESSION_ID_BYTES, Session
from v2gexi import iso2


def answer(session: Session, request: Any) -> Reply:
    """Join the paused session if the EV names it, otherwise a new one: never the id that was asked for."""
    session.checkpoint(500)
    session.told(EvFact.EVCC_ID, ":".join(f"{byte:02X}" for byte in request.EVCCID))
    wanted = session.agreed.pop("requested_session_id", b"")
    paused = session.paused
    joined = (
        session.setup.pause
        and paused is not None
        and wanted == paused.session_id
        and session.may_resume(paused)
    )
    if paused is not None and joined:
        session.session_id = paused.session_id
        session.agreed = dict(paused.agreed)
    else:
        session.session_id = _new_id(session, wanted)
    session.paused = None
    session.log(f"session {session.session_id.hex().upper()}{', resumed' if joined else ''}")
    session.checkpoint(505)
    code: iso2.responseCodeType = "OK_OldSessionJoined" if joined else "OK_NewSessionEstablished"
    return Reply(response(session, code), "WaitForServiceDiscovery")


def _new_id(session: Session, wanted: bytes) -> bytes:
    new = session.random_bytes(SESSION_ID_BYTES)
    if new in (wanted, bytes(SESSION_ID_BYTES)):
        new = bytes((new[0] ^ 0xFF,)) + new[1:]
    return new


def response(session: Session, code: iso2.responseCodeType) -> Any:
    """The response with a code."""
    return iso2.SessionSetupResType(
        ResponseCode=code, EVSEID=session.setup.evse_id, EVSETimeStamp=session.unix_s()
    )


EXCHANGE: Final = Exchange(
    request=iso2.SessionSetupReqType,
    name="SessionSetupReq",
    answer=answer,
    refuse=response,
    leads_to=("WaitForServiceDiscovery",),
    codes=("OK_NewSessionEstablished", "OK_OldSessionJoined"),
    meaning="the EV tells its id and gets a session id, or comes back to a session that it has paused",
)
