"""A car's contract and a station that trusts its provider: a test PKI in memory."""

from __future__ import annotations

import base64
import dataclasses
import re
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import v2gexi
from tests.v2g.secc.iso2 import requests as ev
from tests.v2g.secc.rig import UNIX_S, Rig
from v2g.common.terms import Payment
from v2g.secc.iso2.protocol import PROTOCOL
from v2g.secc.station import Authorization, MeterReading, Setup, Station
from v2g.security.certificates import from_der
from v2g.security.pki.maker import Wishes, make
from v2g.security.signatures import sign
from v2g.security.trust_store import TrustStore
from v2gexi import iso2, v2gtp

EMAID = "DEV2GC12345678X"
METER = MeterReading("METER-1", 1234, status=1, unix_s=UNIX_S)


@dataclasses.dataclass(frozen=True)
class Contract:
    chain: tuple[bytes, ...]
    key: Any
    store: TrustStore


def _ders(pem: bytes) -> tuple[bytes, ...]:
    found = re.findall(rb"-----BEGIN CERTIFICATE-----(.*?)-----END", pem, re.DOTALL)
    return tuple(base64.b64decode(each) for each in found)


@cache
def contract(start_s: int = UNIX_S - 3600, days: int = 365, emaid: str = EMAID) -> Contract:
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    wishes = Wishes(emaid=emaid, start=datetime.fromtimestamp(start_s, UTC), days=days)
    files = {file.name: file.content for file in make(wishes)}
    root = from_der(_ders(files["mo-root.pem"])[0], "root")
    return Contract(
        _ders(files["contract-chain.pem"]),
        load_pem_private_key(files["contract.key"], None),
        TrustStore([root]),
    )


EXPIRED = UNIX_S - int(timedelta(days=30).total_seconds())


def station(*, dc: bool = False, **facts: Any) -> Station:
    setup: Setup = dataclasses.replace(
        ev.DC_SETUP if dc else ev.AC_SETUP,
        payments=(Payment.CONTRACT, Payment.EXTERNAL),
        certificate_service=True,
    )
    made = Station(setup=setup, authorization=Authorization.ACCEPTED, trust=contract().store)
    for name, value in facts.items():
        assert hasattr(made, name)
        setattr(made, name, value)
    return made


def rig_at(state: str, *, dc: bool = False, **facts: Any) -> Rig:
    """A Plug & Charge session in a state."""
    rig = Rig(PROTOCOL, station=station(dc=dc, **facts), tls=True)
    ev.walk(rig, "WaitForPaymentServiceSelection")
    if state == rig.state:
        return rig
    rig.ask(ev.payment("Contract"))
    if state == rig.state:
        return rig
    challenge = rig.ask(ev.details(EMAID, contract().chain)).GenChallenge
    if state == rig.state:
        return rig
    signed(rig, authorization(challenge))
    return ev.walk(rig, state)


def authorization(challenge: bytes | None, identifier: str | None = "id1") -> Any:
    return iso2.AuthorizationReqType(Id=identifier, GenChallenge=challenge)


def signed(rig: Rig, body: Any, key: Any = None, session_id: bytes | None = None) -> Any:
    """Send a request with a signature in its header; the response's body."""
    assert rig.core.session is not None
    message = iso2.V2G_Message(
        Header=iso2.MessageHeaderType(SessionID=session_id or rig.core.session.session_id),
        Body=iso2.BodyType(BodyElement=body),
    )
    message.Header.Signature = sign(message, key or contract().key)
    rig.data(v2gtp.pack(v2gexi.encode(message)))
    return rig.answer()
