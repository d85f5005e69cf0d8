"""An EV's certificates and keys in memory: what sessions sign with, and where issued contracts go.

Keys are objects of ``cryptography``, loaded by whoever makes the wallet (:mod:`v2g.security.certificates`
reads files). Nothing here reads or writes files; no key ever reaches a log.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import v2gexi
from v2g.evcc.contract import SigningKey

if TYPE_CHECKING:
    from v2g.security.certificates import Certificate


@dataclass
class Wallet:
    """Implements :class:`~v2g.evcc.contract.ContractSigner`.

    Attributes:
        unix_s: the time of day, to check issued certificates against.
        contract: chain, leaf first; empty without a contract.
        contract_key: its leaf's key.
        provisioning: OEM provisioning certificates, leaf first.
        provisioning_key: its leaf's key.
        trusted: V2G roots.
        issued: called after a new contract was taken over (to store it): chain as DER, and its key.
    """

    unix_s: Callable[[], int]
    contract: Sequence[Certificate] = ()
    contract_key: Any = field(default=None, repr=False)
    provisioning: Sequence[Certificate] = ()
    provisioning_key: Any = field(default=None, repr=False)
    trusted: Iterable[Certificate] = ()
    issued: Callable[[Sequence[bytes], Any], None] = field(default=lambda chain, key: None, repr=False)

    @property
    def emaid(self) -> str:
        """The contract's id, empty without a contract."""
        return (self.contract[0].emaid or "") if self.contract else ""

    @property
    def contract_chain(self) -> Sequence[bytes]:
        """Contract certificates, DER, leaf first, without the root."""
        return [each.der for each in self.contract if not each.self_signed]

    @property
    def provisioning_chain(self) -> Sequence[bytes]:
        """OEM provisioning certificates, DER, leaf first, without the root."""
        return [each.der for each in self.provisioning if not each.self_signed]

    @property
    def roots(self) -> Sequence[tuple[str, int]]:
        """Issuer and serial number of the V2G roots."""
        return [(each.issuer, each.serial) for each in self.trusted]

    def sign(self, message: Any, key: SigningKey) -> Any:
        """The signature of a message, for its header.

        Raises:
            ValueError: there is no such key, or nothing to sign.
        """
        from v2g.security.signatures import sign

        private = self.contract_key if key is SigningKey.CONTRACT else self.provisioning_key
        if private is None:
            raise ValueError(f"the {key.value} key is missing")
        return sign(message, private)

    def installed(self, payload: bytes, message_set: str) -> str:
        """Take over an issued contract; "" if it holds, else why it is refused.

        Checked are the provisioning service's chain, its signature, and that the key fits the certificate."""
        from v2g.security.certificates import CertificateError

        try:
            message = v2gexi.decode(payload, message_set)
            read = _issued_iso2 if message_set == "iso2" else _issued_iso20
            issuers, chain = (_parsed(each) for each in read(message))
            if why := self._untrusted(message, issuers):
                return why
            key = self._open(message, message_set, chain[0])
        except (CertificateError, ValueError, AttributeError) as error:
            return str(error)
        self.contract, self.contract_key = chain, key
        self.issued([each.der for each in chain], key)
        return ""

    def _untrusted(self, message: Any, issuers: Sequence[Certificate]) -> str:
        from v2g.security.chains import check_chain
        from v2g.security.profiles import CPS_LEAF
        from v2g.security.signatures import verify

        at = datetime.fromtimestamp(self.unix_s(), UTC)
        if problems := check_chain(issuers, self.trusted, at=at, profile=CPS_LEAF):
            return f"the provisioning service is not trusted: {problems[0]}"
        wrong = verify(message, issuers[0].public_key)
        return f"the provisioning service's signature: {wrong[0]}" if wrong else ""

    def _open(self, message: Any, message_set: str, leaf: Certificate) -> Any:
        """The issued contract's key.

        Raises:
            ValueError: it cannot be opened with the EV's key.
        """
        from v2g.security.contract_keys import Sealed, open_iso2, open_iso20

        public: Any = leaf.public_key
        if message_set == "iso2":
            body = message.Body.BodyElement
            update = type(body).__name__ == "CertificateUpdateResType"
            own = self.contract_key if update else self.provisioning_key
            sealed = Sealed(body.DHpublickey.value, body.ContractSignatureEncryptedPrivateKey.value)
            return open_iso2(sealed, own, public)
        data = message.SignedInstallationData
        if data.SECP521_EncryptedPrivateKey is None:
            raise ValueError("the contract's key is not encrypted for a P-521 key")
        sealed = Sealed(data.DHPublicKey, data.SECP521_EncryptedPrivateKey)
        identifier = leaf.subject_key_identifier or b""
        return open_iso20(sealed, self.provisioning_key, public, self.provisioning[0].common_name, identifier)


def _ders(chain: Any) -> list[bytes]:
    more = chain.SubCertificates.Certificate if chain.SubCertificates is not None else ()
    return [chain.Certificate, *more]


def _issued_iso2(message: Any) -> tuple[list[bytes], list[bytes]]:
    """Chains of the provisioning service and of the contract."""
    body = message.Body.BodyElement
    return _ders(body.SAProvisioningCertificateChain), _ders(body.ContractSignatureCertChain)


def _issued_iso20(message: Any) -> tuple[list[bytes], list[bytes]]:
    return _ders(message.CPSCertificateChain), _ders(message.SignedInstallationData.ContractCertificateChain)


def _parsed(ders: Sequence[bytes]) -> list[Certificate]:
    from v2g.security.certificates import from_der

    return [from_der(der, f"certificate {number}") for number, der in enumerate(ders, 1)]
