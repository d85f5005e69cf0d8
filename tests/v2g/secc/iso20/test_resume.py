"""Who may come back to a paused session: the same EV over the same TLS, not whoever knows the id."""

from __future__ import annotations

from typing import Any

import pytest

from tests.v2g.secc.iso20 import requests as ev
from tests.v2g.secc.rig import ID
from v2g.common.terms import ISO_20_TLS, Payment
from v2g.secc import effects
from v2g.secc.iso20.protocol import DC_PROTOCOL
from v2g.secc.session import Paused

CAR, OTHER = b"the vehicle's certificate", b"another vehicle's"
TLS: dict[str, Any] = {"tls": True, "tls_version": ISO_20_TLS, "peer_certificate": CAR}
NEW, OLD = "OK_NewSessionEstablished", "OK_OldSessionJoined"


def paused(payment: Payment = Payment.EXTERNAL, **connection: Any) -> tuple[ev.Rig20, bytes]:
    """A rig whose session was paused on such a connection, and the session's id."""
    made = ev.Rig20(DC_PROTOCOL, station=ev.station(), **connection)
    made.handshake()
    ev.walk(made, "WaitForSessionStop")
    made.session.payment = payment
    identifier: bytes = made.ask(ev.stop("Pause")).Header.SessionID
    made._take(made.core.disconnected(made.now_ms))
    made.changed(pilot="B")
    return made, identifier


def come_back(made: ev.Rig20, identifier: bytes, **connection: Any) -> Any:
    made.connect(**connection)
    made.handshake()
    return made.ask(ev.setup, session_id=identifier)


@pytest.mark.spec(368)
@pytest.mark.parametrize("payment", list(Payment))
def test_the_same_vehicle_comes_back(payment: Payment) -> None:
    made, identifier = paused(payment, **TLS)
    answer = come_back(made, identifier, **TLS)
    assert (answer.ResponseCode, answer.Header.SessionID) == (OLD, identifier)
    assert made.session.payment is payment
    # Without being authorised anew: it goes straight to its parameters.
    assert made.ask(ev.dc_parameters()).ResponseCode == "OK"
    assert len(made.of(effects.AuthorizationWanted)) == 1


@pytest.mark.parametrize("payment", list(Payment))
@pytest.mark.parametrize(
    "connection",
    [
        pytest.param({}, id="plain TCP"),
        pytest.param(TLS | {"peer_certificate": OTHER}, id="another vehicle"),
        pytest.param(TLS | {"peer_certificate": None}, id="no certificate"),
        pytest.param(TLS | {"tls_version": "TLSv1.2"}, id="another TLS"),
        pytest.param({"peer_certificate": CAR}, id="a certificate without TLS"),
    ],
)
def test_nobody_else_does(payment: Payment, connection: dict[str, Any]) -> None:
    made, identifier = paused(payment, **TLS)
    answer = come_back(made, identifier, **connection)
    assert answer.ResponseCode == NEW
    assert answer.Header.SessionID != identifier
    assert made.session.payment is None
    assert made.ask(ev.dc_parameters()).ResponseCode == "FAILED_SequenceError"


def test_a_vehicle_that_showed_no_certificate_comes_back_over_plain_tcp() -> None:
    made, identifier = paused()
    assert come_back(made, identifier).ResponseCode == OLD
    made, identifier = paused()
    assert come_back(made, identifier, **TLS).ResponseCode == NEW


def test_a_contract_never_comes_back_over_plain_tcp() -> None:
    made, identifier = paused(Payment.CONTRACT)
    assert come_back(made, identifier).ResponseCode == NEW


def test_the_same_certificate_in_another_session_is_another_hash() -> None:
    hashes = set()
    for first in (1, 77):
        made = ev.Rig20(DC_PROTOCOL, station=ev.station(), **TLS)
        made.ids = iter(bytes([n]) * 8 for n in range(first, 200))
        made.handshake()
        ev.walk(made, "WaitForSessionStop")
        made.ask(ev.stop("Pause"))
        assert made.core._paused is not None
        hashes.add(made.core._paused.vehicle)
    assert len(hashes) == 2
    assert all(len(each) == 32 for each in hashes)


def test_nothing_secret_is_in_the_words_of_a_paused_session() -> None:
    found = Paused(ID, "urn:x", {"leaf": b"contract", "payment": Payment.CONTRACT}, ISO_20_TLS, b"hash")
    assert repr(found) == f"Paused({ID.hex().upper()}, urn:x)"
