"""Signatures: those of other stacks hold, ours hold for them, and no change goes unnoticed."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable
from functools import partial
from typing import Any, Final

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed448
from hypothesis import given
from hypothesis import strategies as st

import v2gexi
from tests.v2g.security.josev import ask
from tests.v2g.security.rig import Pki
from tests.v2gexi.test_fragments import SIGNED as FRAGMENTS
from tests.v2gexi.vectors import load
from v2g.security.certificates import from_der
from v2g.security.signatures import sign, verify, verify_elements
from v2g.security.signed import SIGNED, SignatureError, named, signed_elements
from v2g.security.suites import SUITES
from v2gexi import iso2, iso20_common, xmldsig

SESSION: Final = bytes.fromhex("0011223344556677")


def body2(element: Any) -> Any:
    header = iso2.MessageHeaderType(SessionID=SESSION)
    return iso2.V2G_Message(Header=header, Body=iso2.BodyType(BodyElement=element))


def header20() -> Any:
    return iso20_common.MessageHeaderType(SessionID=SESSION, TimeStamp=1)


def fragment_of(message_set: str, name: str) -> Any:
    return FRAGMENTS[message_set, name]()


def issued(kind: Any) -> Any:
    parts = {
        name: fragment_of("iso2", name)
        for name in (
            "ContractSignatureCertChain",
            "ContractSignatureEncryptedPrivateKey",
            "DHpublickey",
            "eMAID",
        )
    }
    parts["eMAID"].Id = "id4"
    chain = fragment_of("iso2", "SAProvisioningCertificateChain")
    more = {"RetryCounter": 0} if kind is iso2.CertificateUpdateResType else {}
    return kind(ResponseCode="OK", SAProvisioningCertificateChain=chain, **parts, **more)


def schedules() -> Any:
    value = iso2.PhysicalValueType(Multiplier=0, Unit="W", Value=11000)
    interval = iso2.RelativeTimeIntervalType(start=0)
    entry = iso2.PMaxScheduleEntryType(TimeInterval=interval, PMax=value)
    profile = iso2.PMaxScheduleType(PMaxScheduleEntry=[entry])
    tuples = []
    for number in (1, 2):
        tariff = fragment_of("iso2", "SalesTariff")
        tariff.Id = f"t{number}"
        tuples.append(
            iso2.SAScheduleTupleType(SAScheduleTupleID=number, PMaxSchedule=profile, SalesTariff=tariff)
        )
    status = iso2.AC_EVSEStatusType(NotificationMaxDelay=0, EVSENotification="None", RCD=False)
    current = iso2.PhysicalValueType(Multiplier=0, Unit="A", Value=16)
    nominal = iso2.PhysicalValueType(Multiplier=0, Unit="V", Value=230)
    return iso2.ChargeParameterDiscoveryResType(
        ResponseCode="OK",
        EVSEProcessing="Finished",
        SASchedules=iso2.SAScheduleListType(SAScheduleTuple=tuples),
        EVSEChargeParameter=iso2.AC_EVSEChargeParameterType(
            AC_EVSEStatus=status, EVSENominalVoltage=nominal, EVSEMaxCurrent=current
        ),
    )


def installation_request() -> Any:
    roots = iso20_common.ListOfRootCertificateIDsType(
        RootCertificateID=[xmldsig.X509IssuerSerialType(X509IssuerName="CN=Root", X509SerialNumber=1)]
    )
    return iso20_common.CertificateInstallationReqType(
        Header=header20(),
        OEMProvisioningCertificateChain=fragment_of("iso20-common", "OEMProvisioningCertificateChain"),
        ListOfRootCertificateIDs=roots,
        MaximumContractCertificateChains=1,
    )


def installation_response() -> Any:
    subs = iso20_common.SubCertificatesType(Certificate=[b"sub"])
    return iso20_common.CertificateInstallationResType(
        Header=header20(),
        ResponseCode="OK",
        EVSEProcessing="Finished",
        CPSCertificateChain=iso20_common.CertificateChainType(Certificate=b"cps", SubCertificates=subs),
        SignedInstallationData=fragment_of("iso20-common", "SignedInstallationData"),
        RemainingContractCertificateChains=0,
    )


def exchange() -> Any:
    return iso20_common.ScheduleExchangeResType(
        Header=header20(),
        ResponseCode="OK",
        EVSEProcessing="Finished",
        Dynamic_SEResControlMode=iso20_common.Dynamic_SEResControlModeType(
            AbsolutePriceSchedule=fragment_of("iso20-common", "AbsolutePriceSchedule")
        ),
    )


def whole(name: str) -> Any:
    return body2(fragment_of("iso2", name))


MESSAGES: Final[dict[tuple[str, str], Callable[[], Any]]] = {
    **{
        ("iso2", f"{name}Type"): partial(whole, name)
        for name in (
            "AuthorizationReq",
            "MeteringReceiptReq",
            "CertificateInstallationReq",
            "CertificateUpdateReq",
        )
    },
    ("iso2", "CertificateInstallationResType"): lambda: body2(issued(iso2.CertificateInstallationResType)),
    ("iso2", "CertificateUpdateResType"): lambda: body2(issued(iso2.CertificateUpdateResType)),
    ("iso2", "ChargeParameterDiscoveryResType"): lambda: body2(schedules()),
    ("iso20-common", "AuthorizationReqType"): lambda: iso20_common.AuthorizationReqType(
        Header=header20(),
        SelectedAuthorizationService="PnC",
        PnC_AReqAuthorizationMode=fragment_of("iso20-common", "PnC_AReqAuthorizationMode"),
    ),
    ("iso20-common", "CertificateInstallationReqType"): installation_request,
    ("iso20-common", "CertificateInstallationResType"): installation_response,
    ("iso20-common", "MeteringConfirmationReqType"): lambda: iso20_common.MeteringConfirmationReqType(
        Header=header20(), SignedMeteringData=fragment_of("iso20-common", "SignedMeteringData")
    ),
    ("iso20-common", "ScheduleExchangeResType"): exchange,
}


def keys() -> dict[str, Any]:
    return {
        "secp256r1": ec.generate_private_key(ec.SECP256R1()),
        "secp521r1": ec.generate_private_key(ec.SECP521R1()),
        "ed448": ed448.Ed448PrivateKey.generate(),
    }


KEYS: Final = keys()
STRANGERS: Final = keys()
CASES: Final = [(place, suite.curve) for place in SIGNED for suite in SUITES if place[0] in suite.sets]


def signed(place: tuple[str, str], curve: str) -> Any:
    """A signed message as its receiver has it."""
    message = MESSAGES[place]()
    message.Header.Signature = sign(message, KEYS[curve])
    return v2gexi.decode(v2gexi.encode(message, place[0]), place[0])


def test_every_kind_of_signed_message_is_tested() -> None:
    assert set(MESSAGES) == set(SIGNED)


@pytest.mark.parametrize(
    ("place", "curve"), CASES, ids=lambda each: each if isinstance(each, str) else "-".join(each)
)
def test_there_and_back(place: tuple[str, str], curve: str) -> None:
    message = signed(place, curve)
    key = KEYS[curve]
    assert verify(message, key.public_key()) == []
    other = STRANGERS[curve]
    assert verify(message, other.public_key()) == ["the signature was not made with the certificate's key"]
    elements = [each for _, each in signed_elements(message)]
    pairs = [(named(each)[1], each) for each in elements]
    assert [named(each)[0] for each in elements] == [place[0]] * len(elements)
    assert verify_elements(message.Header.Signature, pairs, place[0], key.public_key()) == []


@pytest.mark.parametrize(("curve", "size"), [("secp256r1", 64), ("secp521r1", 132), ("ed448", 114)])
def test_sizes_of_signature_values(curve: str, size: int) -> None:
    for _ in range(20):  # numbers with leading zeros too
        value = sign(MESSAGES["iso20-common", "AuthorizationReqType"](), KEYS[curve]).SignatureValue.value
        assert len(value) == size


def test_algorithms_are_the_standards() -> None:
    info = sign(MESSAGES["iso2", "AuthorizationReqType"](), KEYS["secp256r1"]).SignedInfo
    assert info.CanonicalizationMethod.Algorithm == "http://www.w3.org/TR/canonical-exi/"
    assert info.SignatureMethod.Algorithm == "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"
    assert info.Reference[0].DigestMethod.Algorithm == "http://www.w3.org/2001/04/xmlenc#sha256"
    assert info.Reference[0].URI == "#a"
    assert [each.Algorithm for each in info.Reference[0].Transforms.Transform] == [
        "http://www.w3.org/TR/canonical-exi/"
    ]
    message = MESSAGES["iso20-common", "AuthorizationReqType"]()
    info = sign(message, KEYS["secp521r1"]).SignedInfo
    assert info.SignatureMethod.Algorithm == "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512"
    assert info.Reference[0].DigestMethod.Algorithm == "http://www.w3.org/2001/04/xmlenc#sha512"
    info = sign(message, KEYS["ed448"]).SignedInfo
    assert info.SignatureMethod.Algorithm == "urn:iso:std:iso:15118:-20:Security:xmldsig#Ed448"
    assert info.Reference[0].DigestMethod.Algorithm == "urn:iso:std:iso:15118:-20:Security:xmlenc#SHAKE256"
    element = v2gexi.encode(
        message.PnC_AReqAuthorizationMode,
        "iso20-common",
        element="PnC_AReqAuthorizationMode",
        fragment=True,
        literal=True,
    )
    assert info.Reference[0].DigestValue == hashlib.shake_256(element).digest(64)


def recorded() -> list[tuple[str, Any, Any]]:
    """Signed messages of other stacks, with the certificate that was to sign them."""
    contracts, found = {}, []
    for vector in load():
        if vector.error or vector.message_set not in ("iso2", "iso20-common"):
            continue
        message = v2gexi.decode(vector.payload, vector.message_set)
        body = message.Body.BodyElement if vector.message_set == "iso2" else message
        kind = type(body).__name__
        if kind == "PaymentDetailsReqType":
            contracts[message.Header.SessionID] = body.ContractSignatureCertChain.Certificate
        if message.Header.Signature is None:
            continue
        leaf = None
        if vector.message_set == "iso20-common":
            leaf = body.PnC_AReqAuthorizationMode.ContractCertificateChain.Certificate
        elif kind == "CertificateInstallationReqType":
            leaf = body.OEMProvisioningCert
        elif kind == "CertificateInstallationResType":
            leaf = body.SAProvisioningCertificateChain.Certificate
        found.append((kind, message, leaf))
    return [(kind, message, leaf or contracts.get(message.Header.SessionID)) for kind, message, leaf in found]


def test_signatures_of_other_stacks_hold() -> None:
    """Josev with EXIficient and EVerest with libcbv2g, in interoperability runs."""
    with_leaf = [(kind, message, leaf) for kind, message, leaf in recorded() if leaf is not None]
    kinds = [kind for kind, _, _ in with_leaf]
    assert kinds.count("AuthorizationReqType") >= 15
    assert kinds.count("CertificateInstallationReqType") == 2
    assert kinds.count("CertificateInstallationResType") == 1
    for kind, message, leaf in with_leaf:
        assert verify(message, from_der(leaf, "message").public_key) == [], kind
        changed = copy.deepcopy(message)
        value = bytearray(changed.Header.Signature.SignatureValue.value)
        value[-1] ^= 1
        changed.Header.Signature.SignatureValue.value = bytes(value)
        assert verify(changed, from_der(leaf, "message").public_key)


def test_digests_of_other_stacks_hold() -> None:
    """Where the certificate was not recorded, what is signed is still what was digested."""
    without = [(kind, message) for kind, message, leaf in recorded() if leaf is None]
    assert {kind for kind, _ in without} >= {"MeteringReceiptReqType", "ChargeParameterDiscoveryResType"}
    for _, message in without:
        wrong = verify(message, KEYS["secp256r1"].public_key())
        assert wrong == ["the signature was not made with the certificate's key"]


@pytest.mark.parametrize("name", ["AuthorizationReq", "MeteringReceiptReq", "CertificateInstallationReq"])
def test_josev_takes_our_signatures(pki2: Pki, name: str) -> None:
    leaf = pki2.leaf("contract")
    message = body2(fragment_of("iso2", name))
    message.Header.Signature = sign(message, pki2.key("contract"))
    ((_, element),) = signed_elements(message)
    fragment = v2gexi.encode(element, "iso2", element=name, fragment=True, literal=True)
    question = {
        "ask": "verify",
        "namespace": "ISO_V2_MSG_DEF",
        "message": v2gexi.encode(message, "iso2", literal=True).hex(),
        "elements": [{"id": element.Id, "fragment": fragment.hex()}],
        "leaf": leaf.der.hex(),
    }
    assert ask(question) is True
    assert ask({**question, "leaf": pki2.leaf("secc").der.hex()}) is False


def changed(
    change: Callable[[Any], None], place: tuple[str, str] = ("iso2", "AuthorizationReqType")
) -> list[str]:
    message = signed(place, "secp256r1")
    change(message)
    return verify(message, KEYS["secp256r1"].public_key())


def set_(path: str, value: Any) -> Callable[[Any], None]:
    *steps, last = path.split(".")

    def change(message: Any) -> None:
        at = message.Header.Signature
        for step in steps:
            at = at[int(step)] if step.isdigit() else getattr(at, step)
        setattr(at, last, value)

    return change


ANOTHER: Final = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda message: setattr(message.Header, "Signature", None), "the message has no signature"),
        (
            lambda message: setattr(message.Body.BodyElement, "GenChallenge", bytes(15) + b"\1"),
            "AuthorizationReq #a: its digest differs, so it was changed after it was signed",
        ),
        (
            lambda message: setattr(message.Body.BodyElement, "Id", "b"),
            "reference #a is to no signed element of the message",
        ),
        (lambda message: setattr(message.Body.BodyElement, "Id", None), "AuthorizationReq has no Id"),
        (set_("SignedInfo.Reference.0.URI", None), "reference without URI is to no signed element"),
        (set_("SignedInfo.Reference.0.URI", ""), "reference without URI is to no signed element"),
        (set_("SignedInfo.Reference.0.URI", "a"), "reference a is to no signed element"),
        (set_("SignedInfo.Reference.0.Transforms", None), "its transform is not"),
        (set_("SignedInfo.Reference.0.Transforms.Transform.0.Algorithm", ANOTHER), "its transform is not"),
        (set_("SignedInfo.Reference.0.DigestMethod.Algorithm", "x"), "digest method x is not"),
        (set_("SignedInfo.Reference.0.DigestValue", b""), "its digest differs"),
        (set_("SignedInfo.Reference", []), "AuthorizationReq #a is not signed"),
        (set_("SignedInfo.SignatureMethod.Algorithm", "x"), "signature method x is not"),
        (set_("SignedInfo.SignatureMethod.content", ["1"]), "the signature method has parameters"),
        (set_("SignedInfo.CanonicalizationMethod.Algorithm", ANOTHER), f"canonicalisation {ANOTHER} is not"),
        (set_("SignatureValue.value", b""), "not made with the certificate's key"),
        (set_("SignatureValue.value", bytes(64)), "not made with the certificate's key"),
        (set_("SignatureValue.value", bytes(65)), "not made with the certificate's key"),
    ],
)
def test_changes_are_noticed(change: Callable[[Any], None], why: str) -> None:
    found = changed(change)
    assert any(why in each for each in found), found


def test_all_of_a_response_has_to_be_signed() -> None:
    place = ("iso2", "CertificateInstallationResType")
    message = MESSAGES[place]()
    message.Header.Signature = sign(message, KEYS["secp256r1"], ["id1", "id2", "id3"])
    assert verify(message, KEYS["secp256r1"].public_key()) == ["eMAID #id4 is not signed"]

    def twice(message: Any) -> None:
        message.Header.Signature.SignedInfo.Reference[3] = message.Header.Signature.SignedInfo.Reference[0]

    assert changed(twice, place) == ["two references to #id1", "eMAID #id4 is not signed"]

    def five(message: Any) -> None:
        message.Header.Signature.SignedInfo.Reference.append(message.Header.Signature.SignedInfo.Reference[0])

    assert "5 references are more than 4" in changed(five, place)

    def same(message: Any) -> None:
        message.Body.BodyElement.eMAID.Id = "id1"

    assert "two elements have Id id1" in changed(same, place)


def test_what_cannot_be_signed() -> None:
    def refused(*arguments: Any) -> str:
        with pytest.raises(SignatureError) as caught:
            sign(*arguments)
        return str(caught.value)

    setup = body2(iso2.SessionSetupReqType(EVCCID=bytes(6)))
    assert refused(setup, KEYS["secp256r1"]) == "SessionSetupReqType is not signed in iso2"
    assert verify(setup, KEYS["secp256r1"].public_key()) == ["SessionSetupReqType is not signed in iso2"]
    plain = body2(iso2.AuthorizationReqType())
    assert refused(plain, KEYS["secp256r1"]) == "AuthorizationReq has no Id, which a signature needs"
    message = MESSAGES["iso2", "AuthorizationReqType"]()
    assert (
        refused(message, KEYS["secp521r1"])
        == "a key of secp521r1 does not sign in iso2, but one of secp256r1"
    )
    assert "a key of secp384r1 does not sign" in refused(message, ec.generate_private_key(ec.SECP384R1()))
    assert refused(message, KEYS["secp256r1"], ["b"]) == "no element that can be signed has Id b"
    empty = MESSAGES["iso20-common", "AuthorizationReqType"]()
    empty.PnC_AReqAuthorizationMode = None
    assert refused(empty, KEYS["secp521r1"]) == "0 elements to sign; 1 to 4 are possible"
    assert "no message that can be signed" in refused(object(), KEYS["secp256r1"])
    assert "no message that can be signed" in verify(object(), KEYS["secp256r1"].public_key())[0]


@given(st.data())
def test_no_bit_of_a_signed_message_can_change(data: st.DataObject) -> None:
    """Whatever the damage, verification says so, and raises nothing."""
    payload = bytearray(v2gexi.encode(signed(("iso2", "AuthorizationReqType"), "secp256r1"), "iso2"))
    bit = data.draw(st.integers(16, len(payload) * 8 - 1))
    payload[bit // 8] ^= 0x80 >> bit % 8
    try:
        message = v2gexi.decode(bytes(payload), "iso2")
    except v2gexi.DecodeError:
        return
    whole = v2gexi.decode(
        v2gexi.encode(signed(("iso2", "AuthorizationReqType"), "secp256r1"), "iso2"), "iso2"
    )
    if message.Header.SessionID == whole.Header.SessionID and message.Header.Notification is None:
        assert verify(message, KEYS["secp256r1"].public_key())
    else:
        verify(message, KEYS["secp256r1"].public_key())  # the session's own business
