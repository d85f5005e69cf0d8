"""What the schemas leave open: foreign elements at wildcards, xsi:type, xsi:nil, and undeclared content.

EXIficient encodes XML; the payload is decoded, and encoding gives the same bytes again.
"""

# ruff: noqa: E501 -- XML as it stands

from __future__ import annotations

from typing import Any

import pytest

import v2gexi
from tests.v2gexi.exificient import Exificient
from v2gexi import AnyElement, DecodeError, Element, EncodeError

DS = "http://www.w3.org/2000/09/xmldsig#"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
MSG = "urn:iso:15118:2:2013:Msg"


def in_object(inside: str) -> str:
    """A document of xmldsig that is nothing but an Object."""
    return f'<d:Object xmlns:d="{DS}" xmlns:xsi="{XSI}">{inside}</d:Object>'


WILD = {
    "one": '<a xmlns="urn:x"/>',
    "no namespace": "<a/>",
    "text": "<a>hello</a>",
    "attribute": '<a b="c"/>',
    "attributes": '<a b="c" d="e" f="">x</a>',
    "qualified attributes": '<p:a xmlns:p="urn:x" p:b="1" b="2" p:c="3"/>',
    "attribute of a known namespace": '<a xmlns:d2="http://www.w3.org/2000/09/xmldsig#" d2:Id="1" d2:own="2" Id="3"/>',
    "xml:lang": '<a xml:lang="de" xml:own="x"/>',
    "twice": "<a>1</a><a>1</a>",
    "learned": '<a b="1">x</a><a b="2">y</a><a>z</a><a b="3" c="4">x</a><a/><a/><a>x</a>',
    "learned, order of attributes": '<a b="1" c="2"/><a c="2" b="1"/><a c="1"/><a b="1" c="2"/>',
    "learned elements": "<a><b/><c/><b>1</b><c>1</c></a><a><c/><b/></a><b/><c><a/></c>",
    "learned start and content": "<a><b/></a><a>x<b/>y</a><a>x</a><a><b/>y</a><a/>",
    "nested": "<a><a><a><a>x</a></a></a></a><a/>",
    "mixed": "one<a>two<b>three</b>four</a>five<a>six</a>",
    "namespaces": '<a xmlns="urn:1"/><a xmlns="urn:2"><b/></a><a xmlns="urn:1"><b xmlns="urn:2"/></a><a/>',
    "local hits": "<a>text</a><b>text</b><a>text</a><a>other</a><b>other</b><a>other</a>",
    "hits among attributes": '<a x="text">text</a><a x="text" y="text">text</a><b x="text"/>',
    "not ASCII": '<größe x="ü">Grüße 電気 🚗</größe><größe>🚗</größe><größe>🚗</größe><車 xmlns="urn:é"/><größe/>',
    "known local name in an unknown namespace": '<Object xmlns="urn:x" Id="1"/><Reference/>',
    "unknown local name in a known namespace": "<d:Nothing>1</d:Nothing><d:Nothing/>",
    "declared": "<d:DigestValue>AAAA</d:DigestValue>",
    "declared, complex": '<d:Transform Algorithm="x"><d:XPath>p</d:XPath></d:Transform>',
    "declared in unknown": '<a><d:DigestValue>AAAA</d:DigestValue>x<d:Object Id="a">y<a/></d:Object></a><a/>',
    "unknown in declared": "<d:KeyInfo><a>x</a><d:KeyName>x</d:KeyName><d:X509Data><b>x</b></d:X509Data></d:KeyInfo>",
    "many texts": "".join(f"<a>{number}</a>" for number in range(300)) + "<a>7</a><b>299</b><a>299</a>",
    "xsi:type that nobody knows": '<a xsi:type="d:Nothing" b="c">x</a><a b="c" xsi:type="q">x</a><a xsi:nil="true"/>',
    "twelve levels": "<a>" * 12 + "x" + "</a>" * 12,
}


@pytest.mark.parametrize("name", WILD)
def test_foreign_elements_come_and_go(exificient: Exificient, name: str) -> None:
    xml = in_object(WILD[name])
    payload = exificient.encode("xmldsig", xml).must()
    message = v2gexi.decode(payload, "xmldsig")
    assert v2gexi.encode(message, "xmldsig", literal=False).hex() == payload.hex()
    again = v2gexi.decode(v2gexi.encode(message, "xmldsig", literal=True), "xmldsig")
    assert again == message


def content(exificient: Exificient, inside: str) -> list[Any]:
    payload = exificient.encode("xmldsig", in_object(inside)).must()
    return list(v2gexi.decode(payload, "xmldsig").content)


def test_foreign_elements_are_what_they_were(exificient: Exificient) -> None:
    inside = 'a<p:b xmlns:p="urn:x" c="1" p:c="2">d<e/>f</p:b><d:DigestValue>AAAA</d:DigestValue>'
    assert content(exificient, inside) == [
        "a",
        AnyElement("b", "urn:x", {"c": "1", "{urn:x}c": "2"}, ["d", AnyElement("e"), "f"]),
        Element("DigestValue", b"\0\0\0"),
    ]


def test_other_wildcards(exificient: Exificient) -> None:
    documents = [
        (
            f'<d:X509Data xmlns:d="{DS}"><d:X509SubjectName>x</d:X509SubjectName><a b="c"/>'
            "<d:X509CRL>AAAA</d:X509CRL></d:X509Data>"
        ),
        f'<d:Transform xmlns:d="{DS}" Algorithm="x">y<a>z</a></d:Transform>',
        f'<d:KeyValue xmlns:d="{DS}"><q>x</q></d:KeyValue>',
        (
            f'<d:SignatureMethod xmlns:d="{DS}" Algorithm="x"><d:HMACOutputLength>5</d:HMACOutputLength><a/>'
            "</d:SignatureMethod>"
        ),
        f'<d:SignatureProperty xmlns:d="{DS}" Target="x"><a>z</a><b/></d:SignatureProperty>',
        f'<d:PGPData xmlns:d="{DS}"><d:PGPKeyID>AAAA</d:PGPKeyID><a/></d:PGPData>',
        f'<d:SPKIData xmlns:d="{DS}"><d:SPKISexp>AAAA</d:SPKISexp><a/><d:SPKISexp>AAAA</d:SPKISexp></d:SPKIData>',
        (
            f'<d:CanonicalizationMethod xmlns:d="{DS}" Algorithm="x"><InclusiveNamespaces PrefixList="a b"/>'
            "</d:CanonicalizationMethod>"
        ),
    ]
    for xml in documents:
        payload = exificient.encode("xmldsig", xml).must()
        assert (
            v2gexi.encode(v2gexi.decode(payload, "xmldsig"), "xmldsig", literal=False).hex() == payload.hex()
        ), xml


def test_what_a_payload_can_have_from_us_exificient_reads(exificient: Exificient) -> None:
    from v2gexi import xmldsig

    message = xmldsig.ObjectType(
        content=[
            "x",
            AnyElement("a", "urn:a", {"b": "ü"}, ["x", AnyElement("c"), Element("DigestValue", b"123")]),
            AnyElement("a", "urn:a", {"b": "ü"}, ["x"]),
        ]
    )
    payload = v2gexi.encode(message, "xmldsig")
    xml = exificient.decode("xmldsig", payload).text
    assert exificient.encode("xmldsig", xml).must().hex() == payload.hex()
    assert v2gexi.decode(payload, "xmldsig") == message


def header(inside: str, attributes: str = "") -> str:
    return (
        f'<m:V2G_Message xmlns:m="{MSG}Def" xmlns:h="{MSG}Header" xmlns:b="{MSG}Body" xmlns:t="{MSG}DataTypes" '
        f'xmlns:xsi="{XSI}"><m:Header{attributes}><h:SessionID>AB</h:SessionID></m:Header>'
        f"<m:Body>{inside}</m:Body></m:V2G_Message>"
    )


CHARGING = (
    "<b:ChargeParameterDiscoveryRes{attributes}><b:ResponseCode>OK</b:ResponseCode>"
    "<b:EVSEProcessing>Ongoing</b:EVSEProcessing>{parameter}</b:ChargeParameterDiscoveryRes>"
)
VALUE = "<t:{0}><t:Multiplier>0</t:Multiplier><t:Unit>{1}</t:Unit><t:Value>1</t:Value></t:{0}>"
AC = (
    "<t:AC_EVSEStatus><t:NotificationMaxDelay>0</t:NotificationMaxDelay>"
    "<t:EVSENotification>None</t:EVSENotification><t:RCD>false</t:RCD></t:AC_EVSEStatus>"
    + VALUE.format("EVSENominalVoltage", "V")
    + VALUE.format("EVSEMaxCurrent", "A")
)


def test_a_type_that_xsi_type_names_is_taken(exificient: Exificient) -> None:
    from v2gexi import iso2

    parameter = f'<t:EVSEChargeParameter xsi:type="t:AC_EVSEChargeParameterType">{AC}</t:EVSEChargeParameter>'
    payload = exificient.encode("iso2", header(CHARGING.format(parameter=parameter, attributes=""))).must()
    message = v2gexi.decode(payload, "iso2")
    found = message.Body.BodyElement.EVSEChargeParameter
    assert type(found) is iso2.AC_EVSEChargeParameterType
    assert found.AC_EVSEStatus.EVSENotification == "None"


@pytest.mark.parametrize("holder", ["ordered", "unknown"])
def test_xsi_type_replaces_what_stands_in_content(exificient: Exificient, holder: str) -> None:
    """An ordered type and an unknown element hold what they have in a list: there is one of it afterwards."""
    element = '<d:Transform xsi:type="d:TransformType" Algorithm="x"/>'
    inside = element if holder == "ordered" else f"<a>{element}</a>"
    found = content(exificient, inside)
    if holder == "unknown":
        assert [type(each) for each in found] == [AnyElement]
        found = found[0].content
    assert [type(each) for each in found] == [Element]
    assert found[0].value.Algorithm == "x"


UNDECLARED = {
    "element in an ordered type": f'<d:Transform xmlns:d="{DS}" Algorithm="x"><d:XPath>a</d:XPath></d:Transform>',
    "text between elements": f'<d:X509Data xmlns:d="{DS}">x<d:X509CRL>AAAA</d:X509CRL>y</d:X509Data>',
}


@pytest.mark.parametrize("name", UNDECLARED)
def test_undeclared_content_needs_leave(exificient: Exificient, name: str) -> None:
    payload = exificient.encode("xmldsig", UNDECLARED[name]).must()
    message = v2gexi.decode(payload, "xmldsig")
    assert v2gexi.encode(message, "xmldsig", lenient=True, literal=False).hex() == payload.hex()
    if "text" in name:
        with pytest.raises(EncodeError, match=r"content\[0\]: the schema allows no characters here"):
            v2gexi.encode(message, "xmldsig")


@pytest.mark.parametrize(
    "inside",
    [
        CHARGING.format(parameter="", attributes=' own="x"'),
        CHARGING.format(parameter='<unknown a="b"><c>d</c></unknown>', attributes=""),
        CHARGING.format(parameter="characters", attributes=""),
    ],
    ids=["attribute", "element", "characters"],
)
def test_undeclared_content_elsewhere_is_passed_over(exificient: Exificient, inside: str) -> None:
    done = "Ongoing</b:EVSEProcessing>"
    xml = header(inside.replace(done, f"{done}<t:AC_EVSEChargeParameter>{AC}</t:AC_EVSEChargeParameter>"))
    message = v2gexi.decode(exificient.encode("iso2", xml).must(), "iso2")
    assert message.Body.BodyElement.ResponseCode == "OK"
    assert message.Body.BodyElement.EVSEChargeParameter.EVSENominalVoltage.Value == 1


def test_an_element_that_is_nil_is_refused(exificient: Exificient) -> None:
    """No element of the schemas is nillable: EXI can say it all the same, and nobody could rely on a message."""
    xml = header(CHARGING.format(parameter='<t:EVSEChargeParameter xsi:nil="true"/>', attributes=""))
    payload = exificient.encode("iso2", xml).must()
    with pytest.raises(v2gexi.DecodeError, match="EVSEChargeParameter: the element ends before"):
        v2gexi.decode(payload, "iso2")


def test_errors_name_the_place() -> None:
    from v2gexi import xmldsig

    def refused(*items: object) -> str:
        with pytest.raises(EncodeError) as caught:
            v2gexi.encode(xmldsig.ObjectType(content=list(items)), "xmldsig")
        return str(caught.value)

    assert refused("a", 5) == "Object.content[1]: 5 is a int, not a text, an Element or an AnyElement"
    assert "is no name" in refused(AnyElement("a\0b"))
    assert "attribute 1: 'x' is none" in refused(AnyElement("a", "", {1: "x"}))
    assert "attribute 'x': 1 is none" in refused(AnyElement("a", "", {"x": 1}))
    assert "content[0].content[1]: 3 is a int" in refused(AnyElement("a", "", {}, ["x", 3]))
    assert "DigestValue is declared" in refused(AnyElement("DigestValue", DS))
    assert "'Nothing' is not allowed here" in refused(Element("Nothing", 1))
    cycle = AnyElement("a")
    cycle.content.append(cycle)
    assert "nested too deep" in refused(cycle)


def test_more_names_than_there_is_room_for_are_an_error() -> None:
    from v2gexi import xmldsig

    message = xmldsig.ObjectType(content=[AnyElement(f"e{number}") for number in range(30)])
    with pytest.raises(EncodeError, match="more unknown elements, than there is room for"):
        v2gexi.encode(message, "xmldsig")


def test_an_endless_payload_of_unknown_elements_is_refused() -> None:
    from v2gexi import xmldsig

    deep = AnyElement("a")
    for _ in range(20):
        deep = AnyElement("a", content=[deep])
    payload = v2gexi.encode(xmldsig.ObjectType(content=[deep]), "xmldsig")
    assert v2gexi.decode(payload, "xmldsig").content == [deep]
    with pytest.raises(DecodeError):
        v2gexi.decode(payload[:-1], "xmldsig")
