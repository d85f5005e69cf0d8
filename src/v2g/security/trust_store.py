"""The roots that a station trusts: what its sessions ask (``v2g.security.trust``), answered with
cryptography."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from v2g.common.redact import redacted
from v2g.security.certificates import Certificate, CertificateError, from_der, load_chain
from v2g.security.chains import ProblemKind, check_chain
from v2g.security.profiles import CONTRACT_LEAF
from v2g.security.signatures import verify_elements
from v2g.security.signed import SignatureError, named
from v2g.security.trust import Issue, Problem

EXPIRES_SOON: Final = timedelta(days=14)
"""A contract certificate that ends within this time is used with a warning (ISO 15118-20:2022
[V2G20-2218])."""

_ISSUES: Final = {
    ProblemKind.EXPIRED: Issue.EXPIRED,
    ProblemKind.NOT_YET_VALID: Issue.EXPIRED,
    ProblemKind.UNTRUSTED: Issue.CHAIN,
    ProblemKind.CHAIN: Issue.CHAIN,
    ProblemKind.ALGORITHM: Issue.CHAIN,
    ProblemKind.PROFILE: Issue.CHAIN,
}
_WORST_FIRST: Final = (
    Issue.NO_CERTIFICATE,
    Issue.CHAIN,
    Issue.REVOKED,
    Issue.EXPIRED,
    Issue.NOT_ALLOWED,
    Issue.EXPIRES_SOON,
)


class TrustStore:
    """Roots of contracts: those of mobility operators, and V2G roots.

    Args:
        roots: certificates at which a contract's chain has to end.
    """

    __slots__ = ("_roots",)

    def __init__(self, roots: Iterable[Certificate]) -> None:
        self._roots = tuple(roots)

    @classmethod
    def from_files(cls, paths: Iterable[Path]) -> TrustStore:
        """The roots in some files, PEM or DER.

        Raises:
            CertificateError: a file cannot be read or holds no certificate.
        """
        return cls(root for path in paths for root in load_chain(path))

    def check_contract(self, chain: Sequence[bytes], unix_s: int) -> list[Problem]:
        """As ``Trust.check_contract``. Sub-CAs may come in any order, as cars in the field send them."""
        try:
            parsed = [from_der(der, f"certificate {number}") for number, der in enumerate(chain, 1)]
        except CertificateError as error:
            return [Problem(Issue.NO_CERTIFICATE, str(error))]
        if not parsed:
            return [Problem(Issue.NO_CERTIFICATE, "there is no contract certificate")]
        at = datetime.fromtimestamp(unix_s, UTC)
        found = [
            Problem(_ISSUES[each.kind], _without_names(str(each), parsed))
            for each in check_chain(parsed, self._roots, at=at, profile=CONTRACT_LEAF)
            if each.kind is not ProblemKind.ORDER
        ]
        if not found and parsed[0].not_after - at < EXPIRES_SOON:
            text = f"the contract certificate expires on {parsed[0].not_after:%Y-%m-%d}"
            found.append(Problem(Issue.EXPIRES_SOON, text))
        return sorted(found, key=lambda each: _WORST_FIRST.index(each.issue))

    def contract_id(self, leaf: bytes) -> str:
        """As ``Trust.contract_id``: without hyphens."""
        try:
            return from_der(leaf, "contract certificate").emaid or ""
        except CertificateError:
            return ""

    def verify(self, signature: Any, elements: Sequence[Any], leaf: bytes) -> str:
        """As ``Trust.verify``."""
        try:
            key = from_der(leaf, "certificate").public_key
            places = [named(element) for element in elements]
        except (CertificateError, SignatureError) as error:
            return str(error)
        if len({message_set for message_set, _ in places}) != 1:
            return "there is nothing to verify"
        pairs = [(name, element) for (_, name), element in zip(places, elements, strict=True)]
        return "; ".join(verify_elements(signature, pairs, places[0][0], key))


def _without_names(text: str, chain: Sequence[Certificate]) -> str:
    """A problem's text with no name of a certificate that is no CA: a contract's is the contract's
    identifier."""
    for each in chain:
        if each.common_name and not each.ca:
            text = text.replace(each.common_name, redacted(each.common_name))
    return text
