"""Headers and bodies of V2G_Message (DIN SPEC 70121, ISO 15118-2)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from v2g.evcc.session import Session
from v2gexi import v2gtp


def read(message: Any) -> tuple[bytes, Any]:
    """Session id and body of a message."""
    return message.Header.SessionID, message.Body.BodyElement


def wrapper(module: Any) -> Callable[[Session, Any], Any]:
    """Puts bodies into messages."""

    def wrap(session: Session, body: Any) -> Any:
        return module.V2G_Message(
            Header=module.MessageHeaderType(SessionID=session.session_id),
            Body=module.BodyType(BodyElement=body),
        )

    return wrap


def payload_type(message: Any) -> int:
    """All messages go with the same payload type."""
    return v2gtp.PayloadType.EXI
