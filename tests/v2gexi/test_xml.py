"""Messages as XML: what EXIficient writes is what we write and read."""

from __future__ import annotations

import contextlib
import xml.etree.ElementTree as ET
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import v2gexi
from tests.v2gexi import vectors
from tests.v2gexi.messages import Builder
from tests.v2gexi.test_dicts import SETS, documents
from v2gexi import app, iso2, iso20_acdp, xmldsig
from v2gexi.message import AnyElement, Element

VECTORS = [vector for vector in vectors.load() if not vector.error]
APP = "urn:iso:15118:2:2010:AppProtocol"
DSIG = "http://www.w3.org/2000/09/xmldsig#"


def _tree(text: str) -> Any:
    """The content of a document: names, attributes, texts, children in their order."""

    def of(element: ET.Element) -> Any:
        children = [(of(child), child.tail or "") for child in element]
        return element.tag, sorted(element.attrib.items()), element.text or "", children

    return of(ET.fromstring(text.replace("<?empty?>", "")))


def test_every_vector_is_the_xml_of_exificient():
    differ = []
    for vector in VECTORS:
        message = v2gexi.decode(vector.payload, vector.message_set)
        if _tree(v2gexi.to_xml(message)) != _tree(vector.xml):
            differ.append(vector)
    assert differ == []
    assert len(VECTORS) > 3700


def test_every_vector_is_read_from_our_xml_and_from_that_of_exificient():
    for number, vector in enumerate(VECTORS):
        message = v2gexi.decode(vector.payload, vector.message_set)
        assert v2gexi.from_xml(vector.xml) == message
        if number % 5 == 0:
            assert v2gexi.from_xml(v2gexi.to_xml(message)) == message
            assert v2gexi.from_xml(v2gexi.to_xml(message, indent=2)) == message


@given(st.sampled_from(SETS), st.integers(0, 1 << 32), st.data())
def test_random_messages_there_and_back(message_set, seed, data):
    root = data.draw(st.sampled_from(documents(message_set)))
    message = Builder(Random(seed)).message(root.type)
    for indent in (None, 1):
        text = v2gexi.to_xml(message, root.name, indent=indent)
        assert v2gexi.from_xml(text) == message
        assert v2gexi.from_xml(text.encode("utf-16")) == message


def test_the_form():
    message = iso2.V2G_Message(
        Header=iso2.MessageHeaderType(SessionID=b"\x0a\x1b"),
        Body=iso2.BodyType(BodyElement=iso2.AuthorizationReqType(Id='a"<&\t', GenChallenge=bytes(2))),
    )
    assert v2gexi.to_xml(message, indent=2) == (
        '<msgdef:V2G_Message xmlns:msgdef="urn:iso:15118:2:2013:MsgDef"'
        ' xmlns:msgheader="urn:iso:15118:2:2013:MsgHeader" xmlns:msgbody="urn:iso:15118:2:2013:MsgBody">\n'
        "  <msgdef:Header>\n"
        "    <msgheader:SessionID>0A1B</msgheader:SessionID>\n"
        "  </msgdef:Header>\n"
        "  <msgdef:Body>\n"
        '    <msgbody:AuthorizationReq msgbody:Id="a&quot;&lt;&amp;&#9;">\n'
        "      <msgbody:GenChallenge>AAA=</msgbody:GenChallenge>\n"
        "    </msgbody:AuthorizationReq>\n"
        "  </msgdef:Body>\n"
        "</msgdef:V2G_Message>"
    )
    assert v2gexi.from_xml(v2gexi.to_xml(message)) == message


@given(
    st.text(
        st.characters(
            exclude_categories=["Cs"], exclude_characters="".join(map(chr, range(32))) + "\ufffe\uffff"
        )
    )
)
def test_any_text_stays_as_it_is(text):
    for inside in (text, f"{text}\t\n\r ]]> {text}"):
        message = app.AppProtocolType(
            ProtocolNamespace=inside, VersionNumberMajor=1, VersionNumberMinor=0, SchemaID=1, Priority=1
        )
        whole = app.supportedAppProtocolReq(AppProtocol=[message])
        assert v2gexi.from_xml(v2gexi.to_xml(whole)) == whole
        transform = xmldsig.TransformType(Algorithm=inside)
        assert v2gexi.from_xml(v2gexi.to_xml(transform), "xmldsig") == transform


def test_characters_that_xml_does_not_have_are_refused():
    message = xmldsig.TransformType(Algorithm="a\0b")
    with pytest.raises(
        ValueError, match=r"Transform.Algorithm: 'a\\x00b' has characters that XML cannot have"
    ):
        v2gexi.to_xml(message)


def test_signatures_keep_the_order_of_their_children():
    info = xmldsig.KeyInfoType(
        content=[
            " some text",
            Element("KeyName", "name"),
            AnyElement(
                "e", "urn:x", {"a": "1"}, ["t", AnyElement("f"), Element("DigestValue", b"\xff"), "u"]
            ),
            Element("X509Data", xmldsig.X509DataType(content=[Element("X509Certificate", b"\0\1")])),
        ]
    )
    text = v2gexi.to_xml(info)
    assert text == (
        f'<ds:KeyInfo xmlns:ds="{DSIG}" xmlns:x="urn:x"> some text<ds:KeyName>name</ds:KeyName>'
        '<x:e a="1">t<f/><ds:DigestValue>/w==</ds:DigestValue>u</x:e>'
        "<ds:X509Data><ds:X509Certificate>AAE=</ds:X509Certificate></ds:X509Data></ds:KeyInfo>"
    )
    assert v2gexi.from_xml(text) == info
    assert v2gexi.from_xml(v2gexi.to_xml(info, indent=4)) == info


def test_a_derived_type_is_named_by_xsi_type():
    service = iso2.ChargeServiceType(
        ServiceID=1,
        ServiceCategory="EVCharging",
        FreeService=True,
        SupportedEnergyTransferMode=iso2.SupportedEnergyTransferModeType(EnergyTransferMode=["DC_core"]),
    )
    response = iso2.ServiceDiscoveryResType(
        ResponseCode="OK",
        PaymentOptionList=iso2.PaymentOptionListType(PaymentOption=["ExternalPayment"]),
        ChargeService=service,
        ServiceList=iso2.ServiceListType(Service=[service]),
    )
    text = v2gexi.to_xml(response)
    assert text.count('xsi:type="msgdatatypes:ChargeServiceType"') == 1
    assert v2gexi.from_xml(text) == response
    with pytest.raises(
        v2gexi.XmlError, match=r"Service\[0\]: 'ds:ChargeServiceType' is no type of it, only Charge"
    ):
        v2gexi.from_xml(text.replace('"msgdatatypes:C', '"ds:C'))


def _res(inside: str, attributes: str = "") -> str:
    return f'<a:supportedAppProtocolRes xmlns:a="{APP}"{attributes}>{inside}</a:supportedAppProtocolRes>'


GOOD = "<ResponseCode>OK_SuccessfulNegotiation</ResponseCode>"


@pytest.mark.parametrize("number", ["7", " 7\n", "+7", "007", "<!-- x -->7", "<![CDATA[7]]>", "&#55;"])
def test_lexical_forms_of_numbers(number):
    text = _res(f"\n  {GOOD} <?pi x?> <SchemaID>{number}</SchemaID>\t")
    assert v2gexi.from_xml(text) == app.supportedAppProtocolRes(
        ResponseCode="OK_SuccessfulNegotiation", SchemaID=7
    )


@pytest.mark.parametrize(("form", "value"), [("true", True), ("1", True), (" false ", False), ("0", False)])
def test_lexical_forms_of_booleans_and_bytes(form, value):
    message = next(
        each
        for each in (
            v2gexi.decode(vector.payload, "iso2") for vector in VECTORS if vector.message_set == "iso2"
        )
        if isinstance(each.Body.BodyElement, iso2.PreChargeReqType)
    )
    message.Body.BodyElement.DC_EVStatus.EVReady = value
    text = v2gexi.to_xml(message)
    head, _, rest = text.partition("EVReady>")
    text = head + "EVReady>" + form + rest[rest.index("<") :]
    session = message.Header.SessionID.hex()
    text = text.replace(session.upper(), f"\n {session} ")
    assert v2gexi.from_xml(text) == message


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "1:1: no element found"),
        ("<a>\n<b></a>", "2:6: mismatched tag"),
        ("<a/>", "1:1: a: there is no such element of namespace '' in any message set"),
        (_res(GOOD)[:-5] + "x>", "1:126: mismatched tag"),
        (_res(f"{GOOD}<SchemaID>x</SchemaID>"), "supportedAppProtocolRes.SchemaID: 'x' is no integer"),
        (_res("<ResponseCode>OK</ResponseCode>"), "'OK' is none of OK_SuccessfulNegotiation, "),
        (_res(f"{GOOD}<Foo/>"), "supportedAppProtocolRes.Foo: unknown; there is ResponseCode, SchemaID"),
        (_res(f"{GOOD}<a:SchemaID>1</a:SchemaID>"), f"its namespace is '', not '{APP}'"),
        (_res(f"{GOOD}{GOOD}"), "there already is a ResponseCode"),
        (_res(""), "supportedAppProtocolRes: ResponseCode is missing"),
        (_res(f"{GOOD} text"), "supportedAppProtocolRes: has no text such as 'text'"),
        (_res(GOOD, ' b="1"'), "supportedAppProtocolRes.b: there is no such attribute"),
        (
            _res(f"{GOOD}<SchemaID><b/></SchemaID>"),
            "supportedAppProtocolRes.SchemaID: has a value, no element b",
        ),
        (_res(f"{GOOD}&nbsp;"), "undefined entity"),
    ],
)
def test_what_is_no_message_is_named_with_line_and_column(text, says):
    with pytest.raises(v2gexi.XmlError) as caught:
        v2gexi.from_xml(text)
    assert says in str(caught.value)
    assert all(line.split(":")[0].isdigit() for line in caught.value.problems)


def test_all_that_is_wrong_is_named_at_once():
    text = _res("\n<ResponseCode>x</ResponseCode>\n  <SchemaID>y</SchemaID>\n <Foo><Bar/></Foo>")
    with pytest.raises(v2gexi.XmlError) as caught:
        v2gexi.from_xml(text)
    assert [problem.split(": ")[:2] for problem in caught.value.problems] == [
        ["2:16", "supportedAppProtocolRes.ResponseCode"],
        ["3:14", "supportedAppProtocolRes.SchemaID"],
        ["4:2", "supportedAppProtocolRes.Foo"],
    ]


def test_document_types_are_refused_before_anything_is_expanded():
    laughs = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12))
    text = f'<!DOCTYPE x [<!ENTITY a0 "ha">{laughs}]>{_res("&a11;")}'
    with pytest.raises(v2gexi.XmlError, match=r"^1:13: document types are not allowed$"):
        v2gexi.from_xml(text)
    with pytest.raises(v2gexi.XmlError, match="document types"):
        v2gexi.from_xml(f'<!DOCTYPE x SYSTEM "file:///etc/passwd">{_res(GOOD)}')


def test_depth_and_number_of_problems_are_bounded():
    with pytest.raises(v2gexi.XmlError, match="nested deeper than 200"):
        v2gexi.from_xml(f'<KeyInfo xmlns="{DSIG}">' + "<a>" * 300, "xmldsig")
    with pytest.raises(v2gexi.XmlError) as caught:
        v2gexi.from_xml(_res("<Foo/>" * 5000))
    assert len(caught.value.problems) == 101


def test_the_message_set():
    text = v2gexi.to_xml(app.supportedAppProtocolRes(ResponseCode="Failed_NoNegotiation"))
    assert type(v2gexi.from_xml(text, "app")) is app.supportedAppProtocolRes
    with pytest.raises(v2gexi.XmlError, match="in message set din"):
        v2gexi.from_xml(text, "din")
    with pytest.raises(ValueError, match="there is no message set 'foo'"):
        v2gexi.from_xml(text, "foo")


def test_a_type_of_two_elements_needs_the_name():
    header = iso20_acdp.MessageHeaderType(SessionID=bytes(8), TimeStamp=0)
    message = iso20_acdp.ACDP_ConnectReqType(Header=header, EVElectricalChargingDeviceStatus="State_A")
    with pytest.raises(ValueError, match="say which"):
        v2gexi.to_xml(message)
    text = v2gexi.to_xml(message, "ACDP_DisconnectReq")
    assert text.startswith("<acdp:ACDP_DisconnectReq ")
    assert v2gexi.from_xml(text) == message


@given(st.binary(max_size=60), st.integers(0, 400))
def test_damaged_text_is_refused_or_read(junk, at):
    text = v2gexi.to_xml(v2gexi.decode(VECTORS[0].payload, VECTORS[0].message_set)).encode()
    with contextlib.suppress(v2gexi.XmlError):
        v2gexi.from_xml(text[:at] + junk + text[at:])
