"""A message that came in answer to a step's request: what has to be true before the step may take it."""

from __future__ import annotations

import v2gexi
from v2g.evcc.effects import MessageSeen
from v2g.evcc.protocol import Fail, Move, Protocol, Step
from v2g.evcc.session import Session
from v2gexi import v2gtp


def take(session: Session, protocol: Protocol, step: Step, frame: v2gtp.Frame) -> Move | None:
    """What follows from a frame; None: it is to be ignored, and the response is still awaited.

    A frame of another payload type is ignored. All else that is wrong ends the session: what cannot be
    decoded, another message, a FAILED code (unless the step tolerates it), another session's id."""
    message_set = protocol.message_sets.get(frame.payload_type, "")
    if not message_set:
        session.log(f"frame with payload type 0x{frame.payload_type:04x} ignored")
        return None
    try:
        message = v2gexi.decode(frame.payload, message_set)
        session_id, body = protocol.read(message)
    except (v2gexi.DecodeError, AttributeError) as error:
        return Fail(f"the response to {step.request} is no {message_set} message: {error}")
    name = type(body).__name__.removesuffix("Type")
    session.tell(MessageSeen(name, False, message, frame.payload, frame.payload_type))
    if not isinstance(body, step.responses):
        return Fail(f"{name} is no response to {step.request}")
    if session.round == 0:
        session.checkpoint(step.taken)
    code = getattr(body, "ResponseCode", "") or ""
    if code.startswith("FAILED") and not code.startswith(step.tolerates):
        return Fail(f"{name}: {code}")
    if step.name != protocol.first and session_id != session.session_id:
        return Fail(f"{name} has session id {session_id.hex()}, not {session.session_id.hex()}")
    session.header = message.Header
    session.payload = frame.payload
    return step.take(session, body)
