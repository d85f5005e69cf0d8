"""How a message set is described to the engine: its steps, what each asks and takes, where it leads."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from v2g.common.terms import Phase
from v2g.common.timers import MessageTimes, SessionTimes

if TYPE_CHECKING:
    from v2g.evcc.session import Session


@dataclass(frozen=True, slots=True)
class Go:
    """On to a step; to the same one again after its pace."""

    step: str


@dataclass(frozen=True, slots=True)
class Stop:
    """An orderly end from here: the step's way to SessionStopReq is taken.

    ``ok`` tells whether that counts as a session without a fault."""

    reason: str
    ok: bool = False


@dataclass(frozen=True, slots=True)
class Fail:
    """The end at once: no further message, the connection closes, the power path opens."""

    reason: str


@dataclass(frozen=True, slots=True)
class Done:
    """The last message was answered: the session is over as it should."""


Move = Go | Stop | Fail | Done


@dataclass(frozen=True, slots=True)
class Wait:
    """Not yet: ask again when a fact has changed.

    Attributes:
        what: names the wait; time runs from the first call with it.
        within_ms: so long at most.
        otherwise: what follows when that time is over.
    """

    what: str
    within_ms: int
    otherwise: Move


Ask = Callable[["Session"], Any]
"""Gives the request, a :class:`Wait`, or a move if there is nothing to be asked."""
Take = Callable[["Session", Any], Move]
"""Takes a response (its code is no failure) and says what follows."""


@dataclass(frozen=True, slots=True)
class Step:
    """A request, its response, and what the EV has to be like meanwhile.

    Attributes:
        name: the session's state: "CableCheck".
        request: the request as the standard names it; its times are looked up by that.
        responses: classes that answer it.
        ask, take: see there.
        leads_to: steps that may follow besides itself; "" is the end.
        meaning: one sentence for the documents.
        phase: that the session is in.
        pilot: control pilot state that the EV shows here.
        power: the contactors may be closed here; elsewhere they are open before anything is asked.
        locked: the connector has to be locked before anything is asked.
        stop: where a wish to stop leads; "" where the session is ending anyway.
        pause: a wish to pause can be followed from here (by the way of ``stop``).
        renegotiate: where a wish to renegotiate leads; "" where that is not possible.
        limit: field of SessionTimes: how long the step may last, over all its requests.
        pace_ms: pause before the request is repeated.
        tolerates: FAILED codes, or what they begin with, that still are the step's to judge.
        payload_type: of the request's frame, where it is not the message set's own.
        sent, taken, again: checkpoints at the first request, the first response, the first repetition.
    """

    name: str
    request: str
    responses: tuple[type, ...]
    ask: Ask
    take: Take
    leads_to: tuple[str, ...]
    meaning: str
    phase: Phase
    pilot: str = "B"
    power: bool = False
    locked: bool = False
    stop: str = "SessionStop"
    pause: bool = False
    renegotiate: str = ""
    limit: str = ""
    pace_ms: int = 250
    tolerates: tuple[str, ...] = ()
    payload_type: int = 0
    sent: int = 0
    taken: int = 0
    again: int = 0


@dataclass(frozen=True, slots=True)
class Protocol:
    """A message set with its rules.

    Attributes:
        namespace: as the handshake names it.
        version: major and minor.
        steps: by name.
        first: the step after the handshake; the session is set up when its response is taken.
        times, messages: timers.
        message_sets: names for :mod:`v2gexi`, by the payload type of frames that come in.
        read: session id and body of a decoded message.
        wrap: a message ready to be encoded, from a session and what ``ask`` gave.
        payload_type: of a wrapped message's frame.
        pausable: sessions can be paused.
        dc: only for DC (True), only for AC (False), for both (None).
        kept: names of what a pause keeps of ``Session.agreed``.
        tls: TLS version that the standard demands; empty: none in particular.
    """

    namespace: str
    version: tuple[int, int]
    steps: Mapping[str, Step]
    first: str
    times: SessionTimes
    messages: Mapping[str, MessageTimes]
    message_sets: Mapping[int, str]
    read: Callable[[Any], tuple[bytes, Any]]
    wrap: Callable[[Session, Any], Any]
    payload_type: Callable[[Any], int]
    pausable: bool = True
    dc: bool | None = None
    kept: tuple[str, ...] = ()
    tls: str = ""


def table(*steps: Step) -> dict[str, Step]:
    """Steps by their name."""
    return {step.name: step for step in steps}
