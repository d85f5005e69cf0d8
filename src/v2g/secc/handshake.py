"""SupportedAppProtocol: which protocol a session speaks (ISO 15118-2 8.2, the same in all message sets)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import v2gexi
from v2g.common.effects import Checkpoint
from v2g.secc.effects import Effect, MessageSeen, ProtocolSelected, ProtocolsOffered, Send
from v2g.secc.protocol import Protocol
from v2gexi import app, v2gtp

AGREED: Final = "OK_SuccessfulNegotiation"
MINOR: Final = "OK_SuccessfulNegotiationWithMinorDeviation"
NONE: Final = "Failed_NoNegotiation"


def choose(offers: Iterable[Any], protocols: Iterable[Protocol]) -> tuple[Protocol | None, Any]:
    """The protocol with the EV's best priority (lowest number) whose major version we speak.

    Returns:
        the protocol and the ``supportedAppProtocolRes``; no protocol if there is none in common.
    """
    by_namespace = {protocol.namespace: protocol for protocol in protocols}
    for offer in sorted(offers, key=lambda each: each.Priority):
        protocol = by_namespace.get(offer.ProtocolNamespace)
        if protocol is None or offer.VersionNumberMajor != protocol.version[0]:
            continue
        same = offer.VersionNumberMinor == protocol.version[1]
        return protocol, app.supportedAppProtocolRes(
            ResponseCode=AGREED if same else MINOR, SchemaID=offer.SchemaID
        )
    return None, app.supportedAppProtocolRes(ResponseCode=NONE)


def answer(payload: bytes, protocols: Iterable[Protocol]) -> tuple[Protocol | None, list[Effect]]:
    """The effects of a request, its response among them.

    Args:
        payload: the EXI document that came.
        protocols: those that may be agreed on.

    Returns:
        the protocol that both sides speak, None if there is none, and the effects.

    Raises:
        ValueError: it is no ``supportedAppProtocolReq``.
    """
    try:
        request = v2gexi.decode(payload, "app")
    except v2gexi.DecodeError as error:
        raise ValueError(f"no supportedAppProtocolReq: {error}") from error
    if not isinstance(request, app.supportedAppProtocolReq):
        raise ValueError("supportedAppProtocolReq has to come first")
    offers = sorted(request.AppProtocol, key=lambda each: each.Priority)
    offered = tuple(
        (o.ProtocolNamespace, o.VersionNumberMajor, o.VersionNumberMinor, o.SchemaID, o.Priority)
        for o in offers
    )
    protocol, response = choose(offers, protocols)
    answered = v2gexi.encode(response, "app")
    return protocol, [
        MessageSeen("supportedAppProtocolReq", True, request, payload),
        Checkpoint(401),
        ProtocolsOffered(offered),
        ProtocolSelected(protocol.namespace if protocol else ""),
        Checkpoint(402),
        Send(v2gtp.pack(answered)),
        MessageSeen("supportedAppProtocolRes", False, response, answered),
    ]
