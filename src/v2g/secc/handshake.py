"""SupportedAppProtocol: which protocol a session speaks (ISO 15118-2 8.2, the same in all message sets)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from v2g.secc.protocol import Protocol
from v2gexi import app

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
