"""A step's request on its way: wrapped, signed, encoded."""

from __future__ import annotations

from typing import Any

import v2gexi
from v2g.evcc.effects import MessageSeen, Send
from v2g.evcc.protocol import Protocol, Step
from v2g.evcc.session import Session
from v2gexi import v2gtp


def send(session: Session, protocol: Protocol, step: Step, body: Any) -> None:
    """Tell the effects that send a request.

    Raises:
        ValueError: it cannot be signed or encoded.
    """
    message = protocol.wrap(session, body)
    key, session.sign_with = session.sign_with, None
    if key is not None:
        if session.signer is None:
            raise ValueError("there is no contract to sign with")
        message.Header.Signature = session.signer.sign(message, key)
    payload_type = step.payload_type or protocol.payload_type(message)
    payload = v2gexi.encode(message, protocol.message_sets[payload_type], literal=True, lenient=True)
    if session.round == 0:
        session.checkpoint(step.sent)
    elif session.round == 1:
        session.checkpoint(step.again)
    session.tell(Send(v2gtp.pack(payload, payload_type)))
    session.tell(MessageSeen(step.request, True, message, payload, payload_type))
