"""XML signatures over EXI fragments: what cars, providers and stations sign in messages.

Each signed element of a message is encoded as an EXI fragment and digested; SignedInfo with all digests is
encoded as a fragment of the schema of XML signatures and signed; the signature goes into the message's
header (ISO 15118-2:2014, 7.9.2.4.2; ISO 15118-20:2022, 7.9.2.4). ``v2g.security.signed`` has the elements
that are signed, ``v2g.security.suites`` the algorithms. Nothing here reads or writes files or asks for the
time.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final

import v2gexi
from v2g.security.signed import SignatureError, body_of, signed_elements
from v2g.security.suites import Suite, signature_of, suite_of, verifies
from v2gexi import xmldsig

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes, PublicKeyTypes

CANONICAL_EXI: Final = "http://www.w3.org/TR/canonical-exi/"
"""The only transform and canonicalisation."""
MOST_REFERENCES: Final = 4
"""Signed elements in one message ([V2G2-909])."""


def sign(message: Any, private_key: PrivateKeyTypes, ids: Iterable[str] | None = None) -> Any:
    """The signature of a message, for its header. The message itself stays as it is.

    Args:
        message: a whole message of ISO 15118-2 (``V2G_Message``) or of ISO 15118-20's common messages.
        private_key: of secp256r1, secp521r1 or Ed448.
        ids: which of its elements, by their Id; None: all that can be signed.

    Raises:
        SignatureError: there is nothing to sign, an Id is missing, or the key is of another kind.
        v2gexi.EncodeError: the schema does not allow the message.
    """
    message_set, _ = body_of(message)
    suite = suite_of(private_key, message_set)
    wanted = None if ids is None else set(ids)
    references = []
    for name, element in signed_elements(message):
        if not element.Id:
            raise SignatureError(f"{name} has no Id, which a signature needs")
        if wanted is not None and element.Id not in wanted:
            continue
        digest = suite.hash(_fragment(element, message_set, name, True))
        references.append(_reference(element.Id, suite, digest))
    if wanted is not None:
        missing = wanted - {reference.URI[1:] for reference in references}
        if missing:
            raise SignatureError(f"no element that can be signed has Id {', '.join(sorted(missing))}")
    if not 1 <= len(references) <= MOST_REFERENCES:
        raise SignatureError(f"{len(references)} elements to sign; 1 to {MOST_REFERENCES} are possible")
    info = xmldsig.SignedInfoType(
        CanonicalizationMethod=xmldsig.CanonicalizationMethodType(Algorithm=CANONICAL_EXI),
        SignatureMethod=xmldsig.SignatureMethodType(Algorithm=suite.signature),
        Reference=references,
    )
    value = signature_of(suite, private_key, _fragment(info, "xmldsig", "SignedInfo", True))
    return xmldsig.SignatureType(SignedInfo=info, SignatureValue=xmldsig.SignatureValueType(value=value))


def verify(message: Any, public_key: PublicKeyTypes) -> list[str]:
    """What is wrong with a message's signature; nothing if all that has to be signed is, with that key.

    Peers differ in whether they write texts that repeat in full, and some encode SignedInfo as a fragment
    of the message's own schema: what they sign says the same, so all of these are taken. Whether the key's
    certificate can be trusted is ``v2g.security.chains``' business.

    Args:
        message: as for ``sign``.
        public_key: of the certificate that has to have signed.
    """
    try:
        message_set, _ = body_of(message)
        elements = signed_elements(message)
    except SignatureError as error:
        return [str(error)]
    return verify_elements(message.Header.Signature, elements, message_set, public_key)


def verify_elements(
    signature: Any, elements: list[tuple[str, Any]], message_set: str, public_key: PublicKeyTypes
) -> list[str]:
    """As ``verify``, with the signature and all that has to be signed (names and objects) given."""
    if signature is None:
        return ["the message has no signature"]
    try:
        suite = suite_of(public_key, message_set)
    except SignatureError as error:
        return [str(error)]
    info = signature.SignedInfo
    problems = _method_problems(info, suite)
    problems += _reference_problems(info.Reference, elements, message_set, suite)
    if not problems and not _verified(suite, public_key, signature, message_set):
        problems.append("the signature was not made with the certificate's key")
    return problems


def _fragment(element: Any, message_set: str, name: str, literal: bool) -> bytes:
    # Contract ids in the field are longer than the schema says.
    return v2gexi.encode(element, message_set, element=name, fragment=True, literal=literal, lenient=True)


def _fragments(element: Any, message_sets: Iterable[str], name: str) -> Iterator[bytes]:
    """An element as its sender may have encoded it."""
    for message_set in message_sets:
        for literal in (True, False):
            try:
                yield _fragment(element, message_set, name, literal)
            except v2gexi.EncodeError:
                break  # decoded, but nothing that can be written again: it has no digest
    if name == "eMAID":
        typed = _typed_emaid(element.Id, element.value)
        if typed is not None:
            yield typed


def _typed_emaid(identifier: str, value: str) -> bytes | None:
    """The fragment of eMAID as libcbv2g writes it; None if a text is too long or strange for that.

    The schema of ISO 15118-2 declares eMAID with two types, for which EXI has a grammar of its own;
    libcbv2g writes the type with an Id as it writes others: its code among the fragments, the attribute,
    the characters, the end (docs/exi-tables.md, "Elements with several types").
    """
    bits = "10000000" + "11101100"
    for text in (identifier, value):
        if not text.isascii() or len(text) > 125:
            return None
        bits += "0" + format(len(text) + 2, "08b") + "".join(format(code, "08b") for code in text.encode())
    bits += "0" + "11110100"
    bits += "0" * (-len(bits) % 8)
    return int(bits, 2).to_bytes(len(bits) // 8, "big")


def _reference(identifier: str, suite: Suite, digest: bytes) -> Any:
    transform = xmldsig.TransformType(Algorithm=CANONICAL_EXI)
    return xmldsig.ReferenceType(
        URI=f"#{identifier}",
        Transforms=xmldsig.TransformsType(Transform=[transform]),
        DigestMethod=xmldsig.DigestMethodType(Algorithm=suite.digest),
        DigestValue=digest,
    )


def _method_problems(info: Any, suite: Suite) -> list[str]:
    problems = []
    if info.CanonicalizationMethod.Algorithm != CANONICAL_EXI:
        problems.append(f"canonicalisation {info.CanonicalizationMethod.Algorithm} is not {CANONICAL_EXI}")
    if info.SignatureMethod.Algorithm != suite.signature:
        problems.append(f"signature method {info.SignatureMethod.Algorithm} is not {suite.signature}")
    if info.SignatureMethod.content:
        problems.append("the signature method has parameters, which [V2G2-771] forbids")
    if len(info.Reference) > MOST_REFERENCES:
        problems.append(f"{len(info.Reference)} references are more than {MOST_REFERENCES}")
    return problems


def _reference_problems(
    references: list[Any], elements: list[tuple[str, Any]], message_set: str, suite: Suite
) -> list[str]:
    """Whether each element that has to be signed is, and nothing else."""
    problems = []
    by_id: dict[str, tuple[str, Any]] = {}
    for name, element in elements:
        if not element.Id:
            problems.append(f"{name} has no Id")
        elif element.Id in by_id:
            problems.append(f"two elements have Id {element.Id}")
        else:
            by_id[element.Id] = name, element
    if not elements:
        problems.append("the message has no element that could be signed")
    covered = set()
    for reference in references[:MOST_REFERENCES]:
        uri = reference.URI or ""
        if not uri.startswith("#") or uri[1:] not in by_id:
            problems.append(f"reference {uri or 'without URI'} is to no signed element of the message")
            continue
        if uri in covered:
            problems.append(f"two references to {uri}")
            continue
        covered.add(uri)
        problems += _digest_problems(reference, *by_id[uri[1:]], message_set, suite)
    problems += [
        f"{name} #{identifier} is not signed"
        for identifier, (name, _) in by_id.items()
        if f"#{identifier}" not in covered
    ]
    return problems


def _digest_problems(reference: Any, name: str, element: Any, message_set: str, suite: Suite) -> list[str]:
    transforms = reference.Transforms.Transform if reference.Transforms is not None else []
    if [each.Algorithm for each in transforms] != [CANONICAL_EXI] or transforms[0].content:
        return [f"{name} {reference.URI}: its transform is not {CANONICAL_EXI} alone"]
    if reference.DigestMethod.Algorithm != suite.digest or reference.DigestMethod.content:
        return [
            f"{name} {reference.URI}: digest method {reference.DigestMethod.Algorithm} is not {suite.digest}"
        ]
    for fragment in _fragments(element, (message_set,), name):
        if hmac.compare_digest(suite.hash(fragment), reference.DigestValue):
            return []
    return [f"{name} {reference.URI}: its digest differs, so it was changed after it was signed"]


def _verified(suite: Suite, key: Any, signature: Any, message_set: str) -> bool:
    value = signature.SignatureValue.value
    forms = _fragments(signature.SignedInfo, ("xmldsig", message_set), "SignedInfo")
    return any(verifies(suite, key, value, data) for data in forms)
