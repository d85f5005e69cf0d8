"""Fragments, as signatures digest them: the elements that ISO 15118 signs, and all others that can be one.

What a message set declares with several types (eMAID of ISO 15118-2) has a grammar of its own in a fragment
(EXI 8.5.3)."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any, Final

import pytest

import v2gexi
from tests.v2gexi.exificient import Exificient
from tests.v2gexi.messages import Builder, can_be_made
from tests.v2gexi.own_package import PACKAGE, compile_with, package_with, run_with
from tests.v2gexi.test_differential import tree
from v2gexi import AnyElement, DecodeError, Element, EncodeError, _core, iso2, iso20_common, schema, xmldsig
from v2gexi._places import Path as Place
from v2gexi.xml import _Writer, to_xml

MSG: Final = "urn:iso:15118:2:2013:Msg"
FRAGMENT: Final = 1
XSI: Final = "http://www.w3.org/2001/XMLSchema-instance"


def chain(**more: Any) -> Any:
    subs = iso2.SubCertificatesType(Certificate=[b"sub 1", b"sub 2"])
    return iso2.CertificateChainType(Certificate=b"leaf", SubCertificates=subs, **more)


def roots() -> Any:
    root = xmldsig.X509IssuerSerialType(X509IssuerName="CN=Root", X509SerialNumber=1 << 90)
    return iso2.ListOfRootCertificateIDsType(RootCertificateID=[root])


def tariff() -> Any:
    cost = iso2.CostType(costKind="relativePricePercentage", amount=20)
    value = iso2.PhysicalValueType(Multiplier=0, Unit="W", Value=1)
    consumption = iso2.ConsumptionCostType(startValue=value, Cost=[cost])
    entries = [
        iso2.SalesTariffEntryType(
            TimeInterval=iso2.RelativeTimeIntervalType(start=0, duration=86400), EPriceLevel=1
        ),
        iso2.SalesTariffEntryType(
            TimeInterval=iso2.RelativeTimeIntervalType(start=1), ConsumptionCost=[consumption]
        ),
    ]
    return iso2.SalesTariffType(Id="t", SalesTariffID=1, NumEPriceLevels=1, SalesTariffEntry=entries)


def rational(value: int) -> Any:
    return iso20_common.RationalNumberType(Exponent=-2, Value=value)


def chain20() -> Any:
    subs = iso20_common.SubCertificatesType(Certificate=[b"sub"])
    return iso20_common.ContractCertificateChainType(Certificate=b"leaf", SubCertificates=subs)


def prices() -> Any:
    rule = iso20_common.PriceRuleType(EnergyFee=rational(30), PowerRangeStart=rational(0))
    stack = iso20_common.PriceRuleStackType(Duration=3600, PriceRule=[rule, rule])
    return iso20_common.AbsolutePriceScheduleType(
        Id="p",
        TimeAnchor=1,
        PriceScheduleID=1,
        Currency="EUR",
        Language="deu",
        PriceAlgorithm="urn:iso:std:iso:15118:-20:PriceAlgorithm:1-Power",
        PriceRuleStacks=iso20_common.PriceRuleStackListType(PriceRuleStack=[stack]),
    )


def levels() -> Any:
    entry = iso20_common.PriceLevelScheduleEntryType(Duration=60, PriceLevel=3)
    return iso20_common.PriceLevelScheduleType(
        Id="l",
        TimeAnchor=1,
        PriceScheduleID=1,
        NumberOfPriceLevels=3,
        PriceLevelScheduleEntries=iso20_common.PriceLevelScheduleEntryListType(
            PriceLevelScheduleEntry=[entry]
        ),
    )


def metering() -> Any:
    info = iso20_common.MeterInfoType(MeterID="meter", ChargedEnergyReadingWh=(1 << 64) - 1)
    return iso20_common.SignedMeteringDataType(
        Id="m",
        SessionID=bytes(8),
        MeterInfo=info,
        Dynamic_SMDTControlMode=iso20_common.Dynamic_SMDTControlModeType(),
    )


def signed_info() -> Any:
    canonical = "http://www.w3.org/TR/canonical-exi/"
    transform = xmldsig.TransformType(Algorithm=canonical)
    reference = xmldsig.ReferenceType(
        URI="#id1",
        Transforms=xmldsig.TransformsType(Transform=[transform]),
        DigestMethod=xmldsig.DigestMethodType(Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"),
        DigestValue=bytes(32),
    )
    return xmldsig.SignedInfoType(
        CanonicalizationMethod=xmldsig.CanonicalizationMethodType(Algorithm=canonical),
        SignatureMethod=xmldsig.SignatureMethodType(
            Algorithm="http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"
        ),
        Reference=[reference, reference],
    )


SIGNED: Final[dict[tuple[str, str], Callable[[], Any]]] = {
    ("iso2", "AuthorizationReq"): lambda: iso2.AuthorizationReqType(Id="a", GenChallenge=bytes(16)),
    ("iso2", "MeteringReceiptReq"): lambda: iso2.MeteringReceiptReqType(
        Id="a", SessionID=bytes(8), SAScheduleTupleID=1, MeterInfo=iso2.MeterInfoType(MeterID="m", TMeter=-1)
    ),
    ("iso2", "CertificateInstallationReq"): lambda: iso2.CertificateInstallationReqType(
        Id="a", OEMProvisioningCert=b"certificate", ListOfRootCertificateIDs=roots()
    ),
    ("iso2", "CertificateUpdateReq"): lambda: iso2.CertificateUpdateReqType(
        Id="a",
        ContractSignatureCertChain=chain(),
        eMAID="DE1ABCD2EF357A",
        ListOfRootCertificateIDs=roots(),
    ),
    ("iso2", "ContractSignatureCertChain"): lambda: chain(Id="id1"),
    ("iso2", "SAProvisioningCertificateChain"): chain,
    ("iso2", "eMAID"): lambda: iso2.EMAIDType(Id="id1", value="DE1ABCD2EF357A"),
    ("iso2", "ContractSignatureEncryptedPrivateKey"): lambda: iso2.ContractSignatureEncryptedPrivateKeyType(
        Id="id2", value=bytes(range(48))
    ),
    ("iso2", "DHpublickey"): lambda: iso2.DiffieHellmanPublickeyType(Id="id3", value=bytes(range(65))),
    ("iso2", "SalesTariff"): tariff,
    ("iso2", "SignedInfo"): signed_info,
    ("xmldsig", "SignedInfo"): signed_info,
    ("iso20-common", "SignedInfo"): signed_info,
    ("iso20-common", "AbsolutePriceSchedule"): prices,
    ("iso20-common", "PriceLevelSchedule"): levels,
    ("iso20-common", "SignedInstallationData"): lambda: iso20_common.SignedInstallationDataType(
        Id="d",
        ContractCertificateChain=chain20(),
        ECDHCurve="SECP521",
        DHPublicKey=bytes(133),
        SECP521_EncryptedPrivateKey=bytes(94),
    ),
    ("iso20-common", "OEMProvisioningCertificateChain"): lambda: iso20_common.SignedCertificateChainType(
        Id="o", Certificate=b"leaf", SubCertificates=iso20_common.SubCertificatesType(Certificate=[b"sub"])
    ),
    ("iso20-common", "PnC_AReqAuthorizationMode"): lambda: iso20_common.PnC_AReqAuthorizationModeType(
        Id="p", GenChallenge=bytes(16), ContractCertificateChain=chain20()
    ),
    ("iso20-common", "SignedMeteringData"): metering,
}


@pytest.mark.parametrize("place", SIGNED, ids="-".join)
def test_what_is_signed(place: tuple[str, str], exificient: Exificient) -> None:
    """The same bytes as EXIficient's from the XML, and each reads what the other has written."""
    message_set, name = place
    message = SIGNED[place]()
    xml = to_xml(message, name)
    theirs = exificient.encode(message_set, xml, "fragment").must()
    assert v2gexi.encode(message, message_set, element=name, fragment=True).hex() == theirs.hex()
    assert v2gexi.decode(theirs, message_set, fragment=True) == message
    answer = exificient.decode(message_set, theirs, "fragment")
    assert tree(answer.text) == tree(xml)
    # As peers digest it that cannot refer to earlier texts.
    exificient.string_table(message_set, use=False)
    try:
        literal = exificient.encode(message_set, xml, "fragment").must()
    finally:
        exificient.string_table(message_set, use=True)
    ours = v2gexi.encode(message, message_set, element=name, fragment=True, literal=True)
    assert ours.hex() == literal.hex()


def xml_of(element: schema.Element, message: Any) -> str:
    """XML of just that element: others of its name may have the same type."""
    writer = _Writer(None)
    writer.value(element.name, element.namespace, element.type, message, Place(element.name), 0)
    return writer.text()


@pytest.mark.parametrize("message_set", schema.set_names())
def test_everything_that_can_be_a_fragment(message_set: str, exificient: Exificient) -> None:
    of_set = schema.set_named(message_set)
    builder = Builder(Random(20261121))
    made = []
    for element in of_set.fragments:
        of_type = schema.type_of(element.type)
        if not of_type.flags & (schema.SIMPLE | schema.ABSTRACT) and can_be_made(element.type):
            made.append((element, builder.message(element.type)))
    assert made
    requests = [("encode", message_set, "fragment", xml_of(*each)) for each in made]
    answers = list(exificient.ask_all(requests))
    for (element, message), answer in zip(made, answers, strict=True):
        ours = _core.encode(message, of_set.number, element.name_number, FRAGMENT)
        # XML has nothing for a text that is there and empty.
        if "''" not in repr(message):
            assert ours.hex() == answer.must().hex(), (element.name, message)
        again = v2gexi.decode(ours, message_set, fragment=True)
        assert xml_of(element, again) == xml_of(element, message), element.name


def test_which_elements_have_several_types() -> None:
    found = set()
    for name in schema.set_names():
        numbers: dict[int, int] = {}
        for element in schema.set_named(name).fragments:
            numbers[element.name_number] = numbers.get(element.name_number, 0) + 1
            if numbers[element.name_number] == 2:
                found.add((name, element.name))
    assert found == {("iso2", "eMAID")}


def emaid(attributes: str, inside: str) -> str:
    names = f'xmlns:b="{MSG}Body" xmlns:t="{MSG}DataTypes" xmlns:xsi="{XSI}" xmlns:h="{MSG}Header"'
    names += ' xmlns:d="http://www.w3.org/2000/09/xmldsig#"'
    return f"<b:eMAID {names} {attributes}>{inside}</b:eMAID>"


RELAXED: Final = {
    "with an Id": ('t:Id="id1"', "DE1ABCD2EF357A"),
    "a text alone": ("", "DE1ABCD2EF357A"),
    "nothing": ("", ""),
    "an empty text": ("", "<?empty?>"),
    "Id of no namespace": ('Id="id1"', "DE1ABCD2EF357A"),
    "attributes, also undeclared": ('Algorithm="x" Id="y" URI="" own="c" d:q="x" t:Id="y"', "y"),
    "itself": ('t:Id="1"', '<b:eMAID t:Id="1">x<b:eMAID/></b:eMAID>y<b:eMAID>x</b:eMAID>'),
    "declared children": ("", '<b:DHpublickey t:Id="x">AAAA</b:DHpublickey><b:EVCCID>AB</b:EVCCID>'),
    "foreign children": ("", 'a<q r="s">t<q/></q>b<d:Object Id="r">z</d:Object><d:own/>'),
    "xsi:type of no schema": ('xsi:type="t:nothing" t:Id="x"', "y"),
    "xsi:nil": ('xsi:nil="true"', ""),
    "xsi:nil with attributes": ('xsi:nil="true" t:Id="x" own="y"', ""),
}


@pytest.mark.parametrize("name", RELAXED)
def test_an_element_of_several_types_may_have_anything(name: str, exificient: Exificient) -> None:
    payload = exificient.encode("iso2", emaid(*RELAXED[name]), "fragment").must()
    message = v2gexi.decode(payload, "iso2", fragment=True)
    assert isinstance(message, iso2.EMAIDType if name == "with an Id" else AnyElement)
    assert v2gexi.encode(message, "iso2", fragment=True).hex() == payload.hex()
    assert v2gexi.encode(message, fragment=True).hex() == payload.hex()


def test_what_it_holds_is_what_was_there(exificient: Exificient) -> None:
    xml = emaid('t:Id="1" own="2"', "x<b:EVCCID>AB</b:EVCCID><b:eMAID>y</b:eMAID>")
    found = v2gexi.decode(exificient.encode("iso2", xml, "fragment").must(), "iso2", fragment=True)
    assert found == AnyElement(
        "eMAID",
        f"{MSG}Body",
        {"own": "2", f"{{{MSG}DataTypes}}Id": "1"},
        ["x", Element("EVCCID", b"\xab"), AnyElement("eMAID", f"{MSG}Body", {}, ["y"])],
    )


def test_its_type_may_be_said(exificient: Exificient) -> None:
    xml = emaid('xsi:type="t:EMAIDType" t:Id="id1"', "DE1ABCD2EF357A")
    payload = exificient.encode("iso2", xml, "fragment").must()
    assert v2gexi.decode(payload, "iso2", fragment=True) == SIGNED["iso2", "eMAID"]()


def test_a_class_stands_in_another_element_of_its_kind() -> None:
    outer = AnyElement("eMAID", f"{MSG}Body", {}, [Element("eMAID", SIGNED["iso2", "eMAID"]())])
    found = v2gexi.decode(v2gexi.encode(outer, fragment=True), "iso2", fragment=True)
    assert found.content[0].attributes == {f"{{{MSG}DataTypes}}Id": "id1"}


def test_real_contract_ids_are_longer_than_the_schema_says() -> None:
    message = iso2.EMAIDType(Id="id1", value="DE-1AB-CD2EF357-A")
    with pytest.raises(EncodeError, match=r"^eMAID: 17 characters are more than 15$"):
        v2gexi.encode(message, fragment=True)
    payload = v2gexi.encode(message, fragment=True, lenient=True)
    assert v2gexi.decode(payload, "iso2", fragment=True) == message


def refused(message: Any, **options: Any) -> str:
    with pytest.raises(EncodeError) as caught:
        v2gexi.encode(message, **{"fragment": True, **options})
    return str(caught.value)


def test_errors_name_the_place() -> None:
    message = SIGNED["iso2", "eMAID"]()
    message.Id = None
    assert refused(message) == "eMAID: Id is missing"
    assert refused(message, lenient=True) == "eMAID: Id is missing"
    message.Id = 5
    assert refused(message) == refused(message, lenient=True) == "eMAID.Id: 5 is a int, not a text"
    space = f"{MSG}Body"
    assert "eMAID.content[0]: 'Nothing' is not allowed here" in refused(
        AnyElement("eMAID", space, {}, [Element("Nothing", 1)])
    )
    assert "'SessionID' is an element of several namespaces" in refused(
        AnyElement("eMAID", space, {}, [Element("SessionID", b"")])
    )
    assert "is no EMAIDType or AnyElement of name eMAID" in refused(
        AnyElement("eMAID", space, {}, [Element("eMAID", chain())])
    )
    several = "has to be the fragment of an element that the schema declares with several types"
    assert several in refused(AnyElement("eMAID"))
    assert several in refused(AnyElement("eMAID", space), fragment=False)
    assert several in refused(AnyElement("eMAID", space), element="DHpublickey")
    assert several in refused(AnyElement("eMAID", space), message_set="din")
    assert several in refused(AnyElement("DHpublickey", space))


def test_damaged_fragments_are_refused_or_read() -> None:
    payload = v2gexi.encode(SIGNED["iso2", "eMAID"](), fragment=True)
    for length in range(len(payload) - 1):
        with pytest.raises(DecodeError):
            v2gexi.decode(payload[:length], "iso2", fragment=True)
    for bit in range(16, len(payload) * 8):
        damaged = bytearray(payload)
        damaged[bit // 8] ^= 0x80 >> bit % 8
        try:
            message = v2gexi.decode(damaged, "iso2", fragment=True)
        except DecodeError:
            continue
        assert isinstance(message, iso2.EMAIDType | AnyElement)


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """several_types.c, with the engine."""
    source = Path(__file__).with_name("c") / "several_types.c"
    return compile_with(PACKAGE, tmp_path_factory.mktemp("c") / "several_types", "-pedantic", str(source))


def test_by_the_interface_for_c(program: Path, exificient: Exificient) -> None:
    done = subprocess.run([program], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    written, attribute, text, other = done.stdout.splitlines()
    first = emaid('t:Id="id1"', "DE1ABCD2EF357A")
    assert written == exificient.encode("iso2", first, "fragment").must().hex()
    assert (attribute, text) == ("id1", "DE1ABCD2EF357A")
    second = emaid('own="x"', "<b:eMAID/><h:SessionID>AB</h:SessionID><q/>end")
    assert other == exificient.encode("iso2", second, "fragment").must().hex()


TYPED: Final = {
    'count="7" good="true"><n>5</n><w>red</w><w>blue</w>': (
        "AType(count=7, good=True, n=5, w=['red', 'blue'])"
    ),
    'color="green" data="AB01" two="5">77': "BType(color='green', data=b'\\xab\\x01', two=5, value=77)",
    'two="x">': "AnyElement('x', 'urn:two', {'two': 'x'}, [])",
    'count="7" color="red">a': "AnyElement('x', 'urn:two', {'color': 'red', 'count': '7'}, ['a'])",
    'good="0"><w>red</w><n>5</n>': "AnyElement('x', 'urn:two', {'good': 'false'}, "
    "[Element('w', 'red'), Element('n', 5)])",
    'count="1"><x count="2"/><z two="q"/>': "AnyElement('x', 'urn:two', {'count': '1'}, "
    "[AnyElement('x', 'urn:two', {'count': '2'}, []), Element('z', CType(two='q'))])",
    'color="red">abc': "AnyElement('x', 'urn:two', {'color': 'red'}, ['abc'])",
    'count="300" color="black">': "attribute color: 'black' is not of its type\n"
    "AnyElement('x', 'urn:two', {'color': 'black', 'count': '300'}, [])",
}
"""What x holds, and what it is in Python: objects of two classes, or of neither."""
THERE_AND_BACK: Final = """
import sys
import v2gexi
for line in sys.stdin:
    message = v2gexi.decode(bytes.fromhex(line), "two", fragment=True)
    try:
        payload = v2gexi.encode(message, "two", element="x", fragment=True)
    except v2gexi.EncodeError as error:
        print(error.reason)
        payload = v2gexi.encode(message, "two", element="x", fragment=True, lenient=True)
    print(message, payload.hex(), sep="\\n")
"""


def test_attributes_have_their_types(tmp_path: Path, exificient: Exificient) -> None:
    """In a message set of one's own, as the published ones have no attributes but texts."""
    xsd = Path(__file__).with_name("data") / "several_types.xsd"
    package_with(tmp_path, two=xsd)
    exificient.schema("two", xsd)
    payloads = [
        exificient.encode("two", f'<x xmlns="urn:two" {each}</x>', "fragment").must().hex() for each in TYPED
    ]
    done = run_with(tmp_path, THERE_AND_BACK, "\n".join(payloads))
    wanted = [f"{shown}\n{payload}" for shown, payload in zip(TYPED.values(), payloads, strict=True)]
    assert done.splitlines() == "\n".join(wanted).splitlines()
