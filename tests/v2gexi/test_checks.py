"""All that is wrong with a message, at once."""

from __future__ import annotations

from random import Random
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

import v2gexi
from tests.v2gexi import vectors
from tests.v2gexi.messages import Builder
from tests.v2gexi.test_dicts import SETS, documents
from v2gexi import app, iso2, schema, xmldsig
from v2gexi.message import AnyElement, Element, Message


def _iso2(body: Message, session: object = b"12345678") -> iso2.V2G_Message:
    header = iso2.MessageHeaderType(SessionID=b"")
    setattr(header, "SessionID", session)  # noqa: B010 - whatever it is
    return iso2.V2G_Message(Header=header, Body=iso2.BodyType(BodyElement=body))


def test_vectors_have_a_problem_exactly_where_encoding_refuses_them():
    for vector in vectors.load():
        if vector.error:
            continue
        message = v2gexi.decode(vector.payload, vector.message_set)
        found = v2gexi.problems(message, vector.message_set)
        said = None
        try:
            v2gexi.encode(message, vector.message_set)
        except v2gexi.EncodeError as error:
            said = str(error)
        assert said in found if said else found == []


@given(st.sampled_from(SETS), st.integers(0, 1 << 32), st.data())
def test_random_messages_have_none(message_set, seed, data):
    root = data.draw(st.sampled_from(documents(message_set)))
    message = Builder(Random(seed)).message(root.type)
    v2gexi.encode(message, message_set, element=root.name)
    assert v2gexi.problems(message, message_set, element=root.name) == []


FOREIGN = app.AppProtocolType(
    ProtocolNamespace="x", VersionNumberMajor=1, VersionNumberMinor=0, SchemaID=1, Priority=1
)


def _objects(value: object) -> list[Message]:
    found = []
    if isinstance(value, Message):
        found.append(value)
        for name in value._slots:
            found += _objects(getattr(value, name))
    elif isinstance(value, list):
        for item in value:
            found += _objects(item)
    elif isinstance(value, Element):
        found += _objects(value.value)
    return found


@given(st.sampled_from(SETS), st.integers(0, 1 << 32), st.data())
def test_a_random_message_with_random_damage_has_some_where_encoding_says_so(message_set, seed, data):
    root = data.draw(st.sampled_from(documents(message_set)))
    message = Builder(Random(seed)).message(root.type)
    objects = [each for each in _objects(message) if each._slots]
    for _ in range(data.draw(st.integers(1, 3))):
        victim = data.draw(st.sampled_from(objects))
        slot = data.draw(st.sampled_from(victim._slots))
        setattr(
            victim,
            slot,
            data.draw(st.sampled_from([None, [], "x" * 3000, 1 << 70, -5, b"\xff" * 9, FOREIGN, True])),
        )
    try:
        v2gexi.encode(message, message_set, element=root.name)
    except v2gexi.EncodeError:
        assert v2gexi.problems(message, message_set, element=root.name) != []
    else:
        assert v2gexi.problems(message, message_set, element=root.name) == []


def test_every_kind_of_problem_is_named_with_its_path():
    many = [iso2.ParameterType(Name="c", boolValue=True)] * 17
    both = iso2.ParameterType(Name="b", boolValue=True, intValue=3)
    sets = [
        iso2.ParameterSetType(ParameterSetID=1, Parameter=[iso2.ParameterType(Name="a"), both]),
        iso2.ParameterSetType(ParameterSetID=1, Parameter=[]),
        iso2.ParameterSetType(ParameterSetID=40000, Parameter=many),
    ]
    body = iso2.ServiceDetailResType(
        ResponseCode="Fine",
        ServiceID="7",
        ServiceParameterList=iso2.ServiceParameterListType(ParameterSet=sets),
    )
    there = "ServiceDetailRes.ServiceParameterList.ParameterSet"
    values = "boolValue or byteValue or shortValue or intValue or physicalValue or stringValue"
    found = v2gexi.problems(_iso2(body, b"123456789"))
    assert found[1].startswith(
        "ServiceDetailRes.ResponseCode: 'Fine' is none of OK, OK_NewSessionEstablished, "
    )
    assert [found[0], *found[2:]] == [
        "V2G_Message.Header.SessionID: 9 bytes are more than 8",
        "ServiceDetailRes.ServiceID: '7' is a str, not an integer",
        f"{there}[0].Parameter[0]: {values} is missing",
        f"{there}[0].Parameter[1].intValue: it excludes, or is excluded by, what stands before it",
        f"{there}[1]: Parameter is missing",
        f"{there}[2].ParameterSetID: 40000 is above 32767",
        f"{there}[2].Parameter[16]: at most 16 are allowed",
    ]


@pytest.mark.parametrize(
    ("session", "says"),
    [
        (None, "V2G_Message.Header: SessionID is missing"),
        ("0A", "V2G_Message.Header.SessionID: '0A' is a str, not bytes"),
    ],
)
def test_one_problem_is_named_once_and_as_encoding_names_it(session, says):
    message = _iso2(iso2.SessionStopReqType(ChargingSession="Pause"), session)
    assert v2gexi.problems(message) == [says]
    with pytest.raises(v2gexi.EncodeError) as caught:
        v2gexi.encode(message)
    assert str(caught.value) == says


def test_content_of_signatures():
    data = xmldsig.X509DataType(
        content=[
            "text",
            Element("X509Certificate", "x"),
            Element("Foo", 1),
            cast(str, 5),
            AnyElement("a", "urn:x", {}, [Element("Bar", 1)]),
        ]
    )
    found = v2gexi.problems(data, "xmldsig")
    assert "X509Data.X509Certificate[1]: 'x' is a str, not bytes" in found
    assert "X509Data.content[2]: 'Foo' is not allowed here" in found
    assert "X509Data.content[3]: 5 is a int, not a text, an Element or an AnyElement" in found
    assert "X509Data.content[0]: it excludes, or is excluded by, what stands before it" in found
    assert "X509Data.a[4].content[0]: 'Bar' is not allowed here" in found


def test_what_is_no_message():
    assert v2gexi.problems(5) == ["5 is no message"]
    assert v2gexi.problems(app.AppProtocolType.__new__(app.AppProtocolType))
    broken = _iso2(iso2.SessionStopReqType(ChargingSession="Pause"))
    broken.Body.BodyElement = cast(iso2.BodyBaseType, broken.Header)
    (line,) = v2gexi.problems(broken)
    assert line.startswith("V2G_Message.Body.BodyElement: MessageHeaderType(")
    assert schema.type_of(iso2.BodyBaseType._type).name in line
