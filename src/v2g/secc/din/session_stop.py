"""SessionStop: the end of a session."""

from __future__ import annotations

from typing import Any, Final

from v2g.common.terms import LinkWish
from v2g.secc.effects import Milestone
from v2g.secc.protocol import Exchange, Reply
from v2g.secc.session import Session
from v2gexi import din


def answer(session: Session, request: Any) -> Reply:
    """OK; DIN SPEC 70121 knows no pause."""
    session.checkpoint(900)
    session.reached(Milestone.SESSION_STOP)
    session.link = LinkWish.TERMINATE
    session.checkpoint(905)
    return Reply(response(session, "OK"), "")


def response(session: Session, code: din.responseCodeType) -> Any:
    """The response with a code."""
    return din.SessionStopResType(ResponseCode=code)


EXCHANGE: Final = Exchange(
    request=din.SessionStopType,
    name="SessionStopReq",
    answer=answer,
    refuse=response,
    leads_to=("",),
    codes=("OK",),
    meaning="the EV ends the session",
)
