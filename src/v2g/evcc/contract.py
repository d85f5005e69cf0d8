"""What Plug & Charge needs of the EV's contract: an interface, so that no key is ever seen by a session.

:mod:`v2g.security` has an implementation over certificate files.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum, unique
from typing import Any, Protocol


@unique
class SigningKey(Enum):
    """Whose key signs a message."""

    CONTRACT = "contract"
    PROVISIONING = "provisioning"
    """Of the OEM provisioning certificate: certificate installation."""


class ContractSigner(Protocol):
    """An EV's contract: certificates, and signatures with their keys."""

    @property
    def emaid(self) -> str:
        """The contract's id, 14 or 15 characters."""

    @property
    def contract_chain(self) -> Sequence[bytes]:
        """Contract certificates, DER, leaf first, without the root; empty without a contract."""

    @property
    def provisioning_chain(self) -> Sequence[bytes]:
        """OEM provisioning certificates, DER, leaf first; empty without."""

    @property
    def roots(self) -> Sequence[tuple[str, int]]:
        """Issuer (RFC 4514) and serial number of the V2G roots that the EV trusts."""

    def sign(self, message: Any, key: SigningKey) -> Any:
        """Sign a message.

        Args:
            message: the whole message, with the ``Id`` of what is to be signed, without a signature yet.
            key: the key to sign with.

        Returns:
            the ``SignatureType`` for the header.

        Raises:
            ValueError: it cannot be signed, with the reason.
        """

    def installed(self, payload: bytes, message_set: str) -> str:
        """Take over the certificates of an installation or update.

        Args:
            payload: the whole response, EXI.
            message_set: "iso2" or "iso20-common".

        Returns:
            "" if they are valid and will be used from now on, else why not.
        """
