"""What a station's sessions ask about contracts."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from pathlib import Path

import pytest

from tests.v2g.security.rig import COMMON, DAY, NOON, Pki, reissue
from tests.v2g.security.test_signatures import MESSAGES
from v2g.security import trust_store
from v2g.security.certificates import CertificateError
from v2g.security.chains import ProblemKind
from v2g.security.signatures import sign
from v2g.security.signed import signed_elements
from v2g.security.trust import Issue, Trust
from v2g.security.trust_store import TrustStore

UNIX = int(NOON.timestamp())


@pytest.fixture(scope="module")
def store(pki2: Pki) -> Trust:
    return TrustStore.from_files([pki2.root("mo-root")])


def test_contracts(store: Trust, pki2: Pki) -> None:
    chain = [each.der for each in pki2.chain("contract")]
    assert store.check_contract(chain, UNIX) == []
    assert store.contract_id(chain[0]) == "DEV2GC12345678X"

    def issues(chain: list[bytes], at: int = UNIX) -> list[Issue]:
        return [each.issue for each in store.check_contract(chain, at)]

    end = int(pki2.leaf("contract").not_after.timestamp())
    assert issues(chain, end + 1) == [Issue.EXPIRED]
    assert issues(chain, end - 1) == [Issue.EXPIRES_SOON]
    assert issues(chain, end - int(timedelta(days=14).total_seconds())) == []
    assert issues([chain[0], chain[2], chain[1]]) == []  # as some cars send it
    assert issues([]) == [Issue.NO_CERTIFICATE]
    assert issues([b"noise", *chain[1:]]) == [Issue.NO_CERTIFICATE]
    assert set(issues(chain[:1])) == {Issue.CHAIN}
    assert set(issues([each.der for each in pki2.chain("secc")])) == {Issue.CHAIN}


@pytest.mark.spec(340)
def test_the_worst_comes_first_and_no_log_has_the_contract(store: Trust, pki2: Pki) -> None:
    leaf, second, first = pki2.chain("contract")
    old = reissue(
        leaf,
        second,
        pki2.key("mo-sub-ca-2"),
        valid=(NOON - 3 * DAY, NOON - DAY),
        names={COMMON: leaf.common_name},
    )
    found = store.check_contract([old.der, second.der, first.der, leaf.der], UNIX)
    assert [each.issue for each in found] == [Issue.CHAIN, Issue.EXPIRED]
    hidden = "CN=[redacted] hash: " + hashlib.sha256(b"DEV2GC12345678X").hexdigest()[:15].upper()
    assert found[1].text.startswith(f"{hidden}: expired on ")
    assert found[0].text == f"{hidden}: does not belong to the chain of {hidden}"
    named = reissue(leaf, second, pki2.key("mo-sub-ca-2"), names={COMMON: "secret"})
    stranger = reissue(leaf, second, pki2.key("mo-sub-ca-1"))
    for chain in (
        [named, second, first],
        [stranger, second, first],
        [second, first, leaf, named],
        [leaf, first],
    ):
        for each in store.check_contract([one.der for one in chain], UNIX):
            assert "DEV2G" not in each.text
            assert "secret" not in each.text


def test_signatures(store: Trust, pki2: Pki) -> None:
    message = MESSAGES["iso2", "AuthorizationReqType"]()
    signature = sign(message, pki2.key("contract"))
    elements = [each for _, each in signed_elements(message)]
    leaf = pki2.leaf("contract").der
    assert store.verify(signature, elements, leaf) == ""
    other = store.verify(signature, elements, pki2.leaf("secc").der)
    assert other == "the signature was not made with the certificate's key"
    assert store.verify(None, elements, leaf) == "the message has no signature"
    assert store.verify(signature, [], leaf) == "there is nothing to verify"
    assert "no element that can be signed" in store.verify(signature, [object()], leaf)
    assert "no certificate" in store.verify(signature, elements, b"noise")
    assert store.contract_id(b"noise") == store.contract_id(pki2.leaf("secc").der) == ""


def test_files_that_hold_no_roots(tmp_path: Path) -> None:
    with pytest.raises(CertificateError, match="No such file"):
        TrustStore.from_files([tmp_path / "none.pem"])


@pytest.mark.parametrize("issue", list(Issue))
def test_every_issue_has_its_place(
    store: Trust, pki2: Pki, issue: Issue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody finds revocations and providers yet: whoever adds that must not find them without a place."""
    monkeypatch.setitem(trust_store._ISSUES, ProblemKind.EXPIRED, issue)
    chain = [each.der for each in pki2.chain("contract")]
    end = int(pki2.leaf("contract").not_after.timestamp())
    assert [each.issue for each in store.check_contract(chain, end + 1)] == [issue]
