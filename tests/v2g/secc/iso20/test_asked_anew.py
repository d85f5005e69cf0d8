"""Authorisation that is asked for more than once in a session: what was decided counts for what was asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from tests.v2g.secc.iso20 import requests as ev
from tests.v2g.secc.iso20.test_authorization import LEAF, FakeTrust, contract, rig
from v2g.common.terms import Payment
from v2g.secc import effects
from v2g.secc.station import Authorization, CertificateStatus
from v2g.security.trust import Problem


def asked(made: ev.Rig20) -> list[Payment]:
    return [each.payment for each in made.of(effects.AuthorizationWanted)]


@pytest.mark.parametrize("status", [None, *CertificateStatus])
def test_a_rejected_contract_says_nothing_of_the_customer(status: CertificateStatus | None) -> None:
    made, challenge = rig()
    made.ask(contract(challenge))
    made.changed(authorization=Authorization.REJECTED, contract_status=status)
    assert made.ask(contract(challenge)).ResponseCode.startswith("WARNING")
    answer = made.ask(ev.authorization)
    assert (answer.ResponseCode, answer.EVSEProcessing) == ("OK", "Ongoing")
    assert asked(made) == [Payment.CONTRACT, Payment.EXTERNAL]
    made.changed(authorization=Authorization.ACCEPTED)
    assert made.ask(ev.authorization).EVSEProcessing == "Finished"


def test_a_revoked_contract_does_not_let_the_customer_in() -> None:
    made, challenge = rig()
    made.ask(contract(challenge))
    made.changed(authorization=Authorization.ACCEPTED, contract_status=CertificateStatus.REVOKED)
    assert made.ask(contract(challenge)).ResponseCode == "WARNING_CertificateRevoked"
    assert made.station.contract_status is None
    assert made.ask(ev.authorization).EVSEProcessing == "Ongoing"
    assert made.state == "WaitForAuthorization"


@pytest.mark.parametrize(
    "decided", [Authorization.ACCEPTED, Authorization.REJECTED, Authorization.WAITING_FOR_CUSTOMER]
)
def test_an_answer_for_the_card_is_none_for_the_contract(decided: Authorization) -> None:
    """The EV changes its mind while it is told to wait."""
    made, challenge = rig()
    made.ask(ev.authorization)
    made.changed(authorization=decided)
    answer = made.ask(contract(challenge))
    assert (answer.ResponseCode, answer.EVSEProcessing) == ("OK", "Ongoing")
    assert made.station.authorization is Authorization.ONGOING
    assert asked(made) == [Payment.EXTERNAL, Payment.CONTRACT]


def test_an_answer_for_one_contract_is_none_for_another() -> None:
    class Trusting(FakeTrust):
        def check_contract(self, chain: Sequence[bytes], unix_s: int) -> Sequence[Problem]:
            return []

        def verify(self, signature: Any, elements: Sequence[Any], leaf: bytes) -> str:
            return ""

    made, challenge = rig(Trusting())
    made.ask(contract(challenge))
    made.changed(authorization=Authorization.ACCEPTED, contract_status=CertificateStatus.ACCEPTED)
    assert made.ask(contract(challenge, b"other")).EVSEProcessing == "Ongoing"
    assert made.station.contract_status is None
    assert [each.chain[0] for each in made.of(effects.AuthorizationWanted)] == [LEAF, b"other"]


def test_the_same_customer_with_another_card_between_two_requests() -> None:
    """The station is asked again, and what it has said meanwhile counts."""
    made, _ = rig()
    made.ask(ev.authorization)
    made.changed(authorization=Authorization.REJECTED)
    assert made.ask(ev.authorization).ResponseCode == "WARNING_EIMAuthorizationFailure"
    assert made.station.authorization is Authorization.ONGOING
    made.changed(authorization=Authorization.ACCEPTED)
    assert made.ask(ev.authorization).EVSEProcessing == "Finished"
    assert asked(made) == [Payment.EXTERNAL] * 2


def test_a_contract_that_was_refused_is_checked_again() -> None:
    trust = FakeTrust()
    made, challenge = rig(trust)
    made.ask(contract(challenge))
    made.changed(authorization=Authorization.REJECTED)
    made.ask(contract(challenge))
    assert made.ask(contract(challenge)).EVSEProcessing == "Ongoing"
    assert len(trust.verified) == 2
    assert asked(made) == [Payment.CONTRACT] * 2


@pytest.mark.parametrize("by_contract", [True, False])
def test_who_is_authorised_in_advance_need_not_wait(by_contract: bool) -> None:
    made, challenge = rig(authorization=Authorization.ACCEPTED)
    request = contract(challenge) if by_contract else ev.authorization
    assert made.ask(request).EVSEProcessing == "Finished"
