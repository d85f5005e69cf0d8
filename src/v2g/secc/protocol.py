"""How a message set is described to the engine: exchanges, states, and how messages are wrapped."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from v2g.common.timers import MessageTimes, SessionTimes

if TYPE_CHECKING:
    from v2g.secc.session import Session
    from v2g.secc.station import Station


@dataclass(frozen=True, slots=True)
class Reply:
    """A response and what follows it.

    Attributes:
        response: the body (DIN SPEC 70121, ISO 15118-2), or the message without header (ISO 15118-20).
        state: name of the next state; "" ends the session.
        within_ms: the next request has to come by then; None: the message set's V2G_SECC_Sequence_Timeout.
    """

    response: Any
    state: str
    within_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Wait:
    """Not yet: ask again when a fact has changed, at the latest this long after the request came."""

    until_ms: int


Answer = Callable[["Session", Any], Reply | Wait]


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request and its response.

    Attributes:
        request: the request's class.
        name: the request as the standard names it.
        answer: what the station says; called again after :class:`Wait`.
        refuse: the response with a FAILED code, and whatever the schema wants besides.
        leads_to: states that may follow; "" is the end.
        codes: response codes that ``answer`` may give; the engine adds its own.
        meaning: one sentence for the documents.
    """

    request: type
    name: str
    answer: Answer
    refuse: Callable[[Session, Any], Any]
    leads_to: tuple[str, ...]
    codes: tuple[str, ...]
    meaning: str


@dataclass(frozen=True, slots=True)
class State:
    """What a session waits for.

    Attributes:
        name: "WaitForCableCheck".
        accepts: names of the requests that are in order here.
        power: the EV may be connected to the source here: the contactor may be wanted closed.
    """

    name: str
    accepts: tuple[str, ...]
    power: bool = False


@dataclass(frozen=True, slots=True)
class Protocol:
    """A message set with its rules.

    Attributes:
        namespace: as the handshake names it.
        version: major and minor.
        message_set: name for :mod:`v2gexi`; of ISO 15118-20 that of the common messages.
        states, exchanges: by name, and by the request's class.
        first: the state after the handshake.
        times, messages: timers.
        read: session id and body of a decoded message.
        wrap: a message ready to be encoded, from a session and a response.
        message_sets: by payload type, if not all are of ``message_set``.
        unknown_session, sequence_error: response codes of the engine's own refusals.
        fits: whether a station has something to offer by this protocol on a connection of this TLS version
            ("TLSv1.3"; "" without TLS); else the handshake leaves it out.
    """

    namespace: str
    version: tuple[int, int]
    message_set: str
    states: Mapping[str, State]
    exchanges: Mapping[type, Exchange]
    first: str
    times: SessionTimes
    messages: Mapping[str, MessageTimes]
    read: Callable[[Any], tuple[bytes, Any]]
    wrap: Callable[[Session, Any], Any]
    message_sets: Mapping[int, str] = field(default_factory=dict)
    unknown_session: str = "FAILED_UnknownSession"
    sequence_error: str = "FAILED_SequenceError"
    fits: Callable[[Station, str], bool] = lambda station, tls_version: True


def table(*exchanges: Exchange) -> dict[type, Exchange]:
    """Exchanges by their request's class."""
    return {exchange.request: exchange for exchange in exchanges}
