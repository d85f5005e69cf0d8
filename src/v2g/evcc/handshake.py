"""SupportedAppProtocol: what an EV offers, and which protocol the charger took."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import v2gexi
from v2g.evcc.effects import MessageSeen, ProtocolSelected, Send
from v2g.evcc.protocol import Fail, Protocol
from v2g.evcc.session import Session
from v2g.evcc.vehicle import Setup
from v2gexi import app, v2gtp

AGREED: Final = ("OK_SuccessfulNegotiation", "OK_SuccessfulNegotiationWithMinorDeviation")


def offered(setup: Setup, protocols: Sequence[Protocol]) -> list[Protocol]:
    """The protocols that this program speaks, of those that an EV's set-up names, the favourite first.

    Those that do not have the EV's kind of current are left out."""
    fit = {each.namespace: each for each in protocols if each.dc is None or each.dc is setup.dc}
    return [fit[name] for name in setup.protocols if name in fit]


def encrypted(setup: Setup, offers: Sequence[Protocol], tls_version: str) -> list[Protocol]:
    """Those of the offers that a connection of this TLS version ("" without TLS) may carry."""
    return [each for each in offers if setup.iso20_without_tls or each.tls in ("", tls_version)]


def request(offers: Sequence[Protocol]) -> Any:
    """The ``supportedAppProtocolReq``: a protocol's SchemaID is its place, priority 1 the favourite's."""
    return app.supportedAppProtocolReq(
        AppProtocol=[
            app.AppProtocolType(
                ProtocolNamespace=protocol.namespace,
                VersionNumberMajor=protocol.version[0],
                VersionNumberMinor=protocol.version[1],
                SchemaID=place,
                Priority=place + 1,
            )
            for place, protocol in enumerate(offers)
        ]
    )


def ask(session: Session, offers: Sequence[Protocol]) -> None:
    """Tell the effects that send the request."""
    message = request(offers)
    payload = v2gexi.encode(message, "app", literal=True)
    session.checkpoint(400)
    session.tell(Send(v2gtp.pack(payload)))
    session.tell(MessageSeen("supportedAppProtocolReq", True, message, payload))


def agreed(response: Any, offers: Sequence[Protocol]) -> Protocol | None:
    """The protocol that a ``supportedAppProtocolRes`` names; None: it names none that was offered.

    Some chargers leave the SchemaID out where only one protocol was offered."""
    if response.ResponseCode not in AGREED:
        return None
    place = response.SchemaID
    if place is None:
        return offers[0] if len(offers) == 1 else None
    return offers[place] if place < len(offers) else None


def take(session: Session, offers: Sequence[Protocol], frame: v2gtp.Frame) -> Protocol | Fail | None:
    """The protocol that a frame agrees on, or why there is none; None: the frame is to be ignored."""
    if frame.payload_type != v2gtp.PayloadType.EXI:
        session.log(f"frame with payload type 0x{frame.payload_type:04x} ignored")
        return None
    try:
        response = v2gexi.decode(frame.payload, "app")
    except v2gexi.DecodeError as error:
        return Fail(f"no supportedAppProtocolRes: {error}")
    if not isinstance(response, app.supportedAppProtocolRes):
        return Fail("supportedAppProtocolRes has to come first")
    session.tell(MessageSeen("supportedAppProtocolRes", False, response, frame.payload))
    session.checkpoint(403)
    protocol = agreed(response, offers)
    session.tell(ProtocolSelected(protocol.namespace if protocol is not None else ""))
    return protocol or Fail(f"no protocol in common: {response.ResponseCode}")
