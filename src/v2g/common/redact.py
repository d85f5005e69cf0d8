"""What must not be read in logs and recordings: tokens that identify a customer, keys and certificates.

A token's place is taken by ``[redacted] hash: `` and fifteen digits of its SHA-256: enough to see that two
are the same, too little to find out which. In recorded payloads it is taken by bytes of the same number, made
from the same hash, so that lengths and offsets stay what they were.
"""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Iterator
from typing import Any, TypeVar

import v2gexi
from v2gexi.errors import EncodeError
from v2gexi.message import Message

TOKEN_ELEMENTS = frozenset(
    (
        # Who charges: the car's address (stations take it for a token), the contract, the customer's wallbox.
        "EVCCID",
        "eMAID",
        "EMAID",
        "PrioritizedEMAIDs",
        # Certificates name the contract or the car in their subject.
        "Certificate",
        "SubCertificates",
        "ContractSignatureCertChain",
        "ContractCertificateChain",
        "OEMProvisioningCert",
        "OEMProvisioningCertificateChain",
        "SAProvisioningCertificateChain",
        # What XML signatures may carry beside themselves.
        "KeyInfo",
        # Keys, as they are sent for installation.
        "ContractSignatureEncryptedPrivateKey",
        "SECP521_EncryptedPrivateKey",
        "X448_EncryptedPrivateKey",
        "TPM_EncryptedPrivateKey",
        "DHpublickey",
        "DHPublicKey",
        # No element: the key of a HomePlug network, as frames carry it.
        "NMK",
    )
)
"""Elements of DIN SPEC 70121, ISO 15118-2 and ISO 15118-20 whose texts and bytes are secrets, with all that
stands in them."""
M = TypeVar("M", bound=Message)
_KEPT = frozenset(("Id",))
"""References within a message say nothing about a person, and signatures need them."""
HASH_DIGITS = 15


def redacted(value: str | bytes) -> str:
    """What is written in place of a token: texts are hashed as UTF-8, bytes as they are."""
    data = value.encode() if isinstance(value, str) else value
    return f"[redacted] hash: {hashlib.sha256(data).hexdigest()[:HASH_DIGITS].upper()}"


def stand_in(value: str | bytes) -> str | bytes:
    """A text or bytes of the same length, by which the value is not known but known again."""
    data = value.encode() if isinstance(value, str) else value
    digest = hashlib.sha256(data).digest()
    if isinstance(value, bytes):
        return (digest * (len(value) // len(digest) + 1))[: len(value)]
    digits = digest.hex().upper()
    return (digits * (len(value) // len(digits) + 1))[: len(value)]


def has_tokens(message: Message) -> bool:
    """Whether a message holds an element of :data:`TOKEN_ELEMENTS` that is not empty."""
    return next(_leaves(message, False), None) is not None


def message(original: M) -> M:
    """The message without its tokens: a copy with stand-ins, or itself if it has none."""
    if not has_tokens(original):
        return original
    result = copy.deepcopy(original)
    for owner, name, position in _leaves(result, False):
        if position is None:
            setattr(owner, name, stand_in(getattr(owner, name)))
        else:
            getattr(owner, name)[position] = stand_in(getattr(owner, name)[position])
    return result


def payload(original: Message, exi: bytes, message_set: str | None = None) -> bytes:
    """The EXI of a message without its tokens, of the same length.

    It is zeros if stand-ins take another length, as those of texts beyond ASCII may.

    Args:
        original: the message.
        exi: its payload.
        message_set: where several have the message's class, as :func:`v2gexi.encode` wants it.
    """
    if not has_tokens(original):
        return exi
    try:
        found = v2gexi.encode(message(original), message_set, lenient=True)
    except EncodeError:
        found = b""
    return found if len(found) == len(exi) else bytes(len(exi))


def _leaves(owner: Message, within: bool) -> Iterator[tuple[Message, str, int | None]]:
    """Where texts and bytes of tokens stand: the record, its slot, and the place in a list."""
    for name in owner._slots:
        value = getattr(owner, name)
        if value is None or name in _KEPT:
            continue
        secret = within or name in TOKEN_ELEMENTS
        if isinstance(value, list):
            for position, each in enumerate(value):
                if isinstance(each, Message):
                    yield from _leaves(each, secret)
                elif secret and isinstance(each, str | bytes) and each:
                    yield owner, name, position
        elif isinstance(value, Message):
            yield from _leaves(value, secret)
        elif secret and isinstance(value, str | bytes) and value:
            yield owner, name, None


def shown(name: str, value: Any) -> Any:
    """A value for a log: itself, or what takes its place if its element is a token's; of a list, of each."""
    if name not in TOKEN_ELEMENTS:
        return value
    if isinstance(value, list):
        return [shown(name, each) for each in value]
    return redacted(value) if isinstance(value, str | bytes) and value else value
