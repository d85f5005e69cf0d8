"""What a station's session asks about contract certificates and signatures.

Only the shape: sessions are pure and load no cryptography. :mod:`v2g.security.certificates` and
:mod:`v2g.security.signatures` do the work.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, unique
from typing import Any, Protocol


@unique
class Issue(Enum):
    """What can be wrong with a contract's certificates; each has its response code in ISO 15118."""

    NO_CERTIFICATE = "no certificate"
    """The chain is empty, or its leaf cannot be read."""
    CHAIN = "chain error"
    """The chain does not lead to a trusted root, or one of its certificates is not fit for its place."""
    EXPIRED = "expired"
    """Outside its validity: before or after."""
    REVOKED = "revoked"
    NOT_ALLOWED = "not allowed at this station"
    """In order, but not of a party whose contracts this station takes."""
    EXPIRES_SOON = "expires soon"
    """A warning: the contract can be used, and a new certificate should be fetched."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem with a certificate chain: its kind, and a line for the log (without the contract's id)."""

    issue: Issue
    text: str


class Trust(Protocol):
    """Roots of trust, and the checks that need them. Nothing here raises on what a peer sent."""

    def check_contract(self, chain: Sequence[bytes], unix_s: int) -> Sequence[Problem]:
        """What is wrong with a contract certificate chain, worst first.

        Args:
            chain: DER, leaf first, without the root.
            unix_s: the time of day to check validities against.
        """
        ...

    def contract_id(self, leaf: bytes) -> str:
        """The contract id (eMAID) in a contract certificate's subject; empty if there is none."""
        ...

    def verify(self, signature: Any, elements: Sequence[Any], leaf: bytes) -> str:
        """Why a message's signature does not hold; empty: it does.

        Args:
            signature: the header's ``SignatureType``.
            elements: all messages or parts with an ``Id`` that have to be signed.
            leaf: DER of the certificate whose key has signed.
        """
        ...
