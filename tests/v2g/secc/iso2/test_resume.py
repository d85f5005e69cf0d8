"""A paused session of a contract is resumed over TLS only."""

from __future__ import annotations

from typing import Any

import pytest

from tests.v2g.secc.iso2 import contracts
from tests.v2g.secc.iso2 import requests as ev
from tests.v2g.secc.rig import Rig
from v2g.common.terms import Payment


def paused(dc: bool) -> tuple[Rig, bytes]:
    rig = contracts.rig_at("WaitForCurrentDemand" if dc else "WaitForChargingStatus", dc=dc)
    assert rig.session.payment is Payment.CONTRACT
    rig.changed(contactor_closed=None)
    assert rig.ask(ev.power("Stop")).ResponseCode == "OK"
    identifier = rig.session.session_id
    assert rig.ask(ev.stop("Pause")).ResponseCode == "OK"
    rig._take(rig.core.disconnected(rig.now_ms))
    return rig, identifier


def come_back(rig: Rig, identifier: bytes, **connection: Any) -> Any:
    rig.connect(**connection)
    rig.handshake()
    return rig.ask(ev.setup(), session_id=identifier)


@pytest.mark.parametrize("dc", [True, False])
def test_over_tls_the_contract_goes_on_and_signs_again(dc: bool) -> None:
    rig, identifier = paused(dc)
    assert come_back(rig, identifier, tls=True).ResponseCode == "OK_OldSessionJoined"
    assert rig.ask(ev.discovery()).PaymentOptionList.PaymentOption == ["Contract"]
    rig.ask(ev.payment("Contract"))
    assert rig.state == "WaitForPaymentDetailsOrCertificate"


def test_a_paused_session_is_written_down_readably_and_without_its_contract() -> None:
    rig, identifier = paused(True)
    kept = rig.core._paused
    assert kept is not None
    assert repr(kept) == f"Paused({identifier.hex().upper()}, urn:iso:15118:2:2013:MsgDef)"


@pytest.mark.parametrize("dc", [True, False])
def test_over_plain_tcp_a_new_session_begins(dc: bool) -> None:
    rig, identifier = paused(dc)
    assert come_back(rig, identifier).ResponseCode == "OK_NewSessionEstablished"
    assert rig.session.session_id != identifier
    assert rig.ask(ev.discovery()).PaymentOptionList.PaymentOption == ["ExternalPayment"]


def test_a_decision_of_the_session_before_is_not_used_without_a_signature() -> None:
    rig, identifier = paused(False)
    come_back(rig, identifier, tls=True)
    rig.ask(ev.discovery())
    rig.ask(ev.payment("Contract"))
    rig.ask(ev.details(contracts.EMAID, contracts.contract().chain))
    assert rig.ask(ev.authorization()).ResponseCode == "FAILED_ChallengeInvalid"
