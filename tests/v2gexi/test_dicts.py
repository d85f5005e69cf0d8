"""Messages as dictionaries."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

import v2gexi
from tests.v2gexi import vectors
from tests.v2gexi.messages import Builder
from v2gexi import app, din, iso2, iso20_acdp, schema, xmldsig
from v2gexi.message import AnyElement, Element

VECTORS = [vector for vector in vectors.load() if not vector.error]
SETS = [name for name in schema.set_names() if name != "xmldsig"]


def documents(message_set: str) -> list[schema.Element]:
    """Elements that are documents: messages with a header, and the handshake."""
    roots = schema.set_named(message_set).roots
    return [
        root
        for root in roots
        if message_set == "app" or "Header" in [s.name for s in schema.type_of(root.type).slots]
    ]


def test_every_vector_there_and_back_through_json():
    for vector in VECTORS:
        message = v2gexi.decode(vector.payload, vector.message_set)
        data = json.loads(json.dumps(v2gexi.to_dict(message)))
        assert v2gexi.from_dict(vector.message_set, data) == message


@given(st.sampled_from(SETS), st.integers(0, 1 << 32), st.data())
def test_random_messages_there_and_back(message_set, seed, data):
    root = data.draw(st.sampled_from(documents(message_set)))
    message = Builder(Random(seed)).message(root.type)
    form = json.loads(json.dumps(v2gexi.to_dict(message, root.name)))
    assert list(form) == [root.name]
    assert v2gexi.from_dict(message_set, form) == message


def test_the_form():
    demand = iso2.CurrentDemandReqType(
        DC_EVStatus=iso2.DC_EVStatusType(EVReady=True, EVErrorCode="NO_ERROR", EVRESSSOC=50),
        EVTargetCurrent=iso2.PhysicalValueType(Multiplier=-1, Unit="A", Value=320),
        ChargingComplete=False,
        EVTargetVoltage=iso2.PhysicalValueType(Multiplier=0, Unit="V", Value=400),
    )
    message = iso2.V2G_Message(
        Header=iso2.MessageHeaderType(SessionID=bytes.fromhex("0a1b")), Body=iso2.BodyType(BodyElement=demand)
    )
    inside = {
        "DC_EVStatus": {"EVReady": True, "EVErrorCode": "NO_ERROR", "EVRESSSOC": 50},
        "EVTargetCurrent": {"Multiplier": -1, "Unit": "A", "Value": 320},
        "ChargingComplete": False,
        "EVTargetVoltage": {"Multiplier": 0, "Unit": "V", "Value": 400},
    }
    whole = {"V2G_Message": {"Header": {"SessionID": "0A1B"}, "Body": {"CurrentDemandReq": inside}}}
    assert v2gexi.to_dict(message) == message.to_dict() == whole
    assert v2gexi.to_dict(demand) == {"CurrentDemandReq": inside}
    assert v2gexi.to_dict(demand.EVTargetCurrent) == inside["EVTargetCurrent"]
    assert v2gexi.from_dict("iso2", whole) == message
    assert v2gexi.from_dict("iso2", {"CurrentDemandReq": inside}) == demand


def test_signatures_keep_the_order_of_their_children():
    info = xmldsig.KeyInfoType(
        Id="k",
        content=[
            "text",
            Element("KeyName", "name"),
            Element("X509Data", xmldsig.X509DataType(content=[Element("X509Certificate", b"\0\1")])),
            AnyElement("e", "urn:x", {"a": "1"}, ["t", AnyElement("f"), Element("DigestValue", b"\xff")]),
        ],
    )
    form = {
        "KeyInfo": {
            "Id": "k",
            "content": [
                "text",
                {"KeyName": "name"},
                {"X509Data": {"content": [{"X509Certificate": "AAE="}]}},
                {
                    "{urn:x}e": {
                        "attributes": {"a": "1"},
                        "content": ["t", {"{}f": {}}, {"DigestValue": "/w=="}],
                    }
                },
            ],
        }
    }
    assert v2gexi.to_dict(info) == form
    assert v2gexi.from_dict("xmldsig", form) == info


def test_a_derived_type_where_no_element_says_so():
    service = iso2.ChargeServiceType(
        ServiceID=1,
        ServiceCategory="EVCharging",
        FreeService=True,
        SupportedEnergyTransferMode=iso2.SupportedEnergyTransferModeType(EnergyTransferMode=["DC_core"]),
    )
    services = iso2.ServiceListType(Service=[service])
    response = iso2.ServiceDiscoveryResType(
        ResponseCode="OK",
        PaymentOptionList=iso2.PaymentOptionListType(PaymentOption=["ExternalPayment"]),
        ChargeService=service,
        ServiceList=services,
    )
    form = v2gexi.to_dict(response)["ServiceDiscoveryRes"]
    assert form["ServiceList"]["Service"][0]["xsi:type"] == "ChargeServiceType"
    assert "xsi:type" not in form["ChargeService"]
    assert v2gexi.from_dict("iso2", {"ServiceDiscoveryRes": form}) == response
    form["ServiceList"]["Service"][0]["xsi:type"] = "BodyType"
    with pytest.raises(
        v2gexi.DictError, match=r"Service\[0\]: 'BodyType' is no type of it, only ChargeServiceType, S"
    ):
        v2gexi.from_dict("iso2", {"ServiceDiscoveryRes": form})


def test_a_type_of_two_elements_needs_the_name():
    header = iso20_acdp.MessageHeaderType(SessionID=bytes(8), TimeStamp=0)
    message = iso20_acdp.ACDP_ConnectReqType(Header=header, EVElectricalChargingDeviceStatus="State_A")
    with pytest.raises(ValueError, match="can be ACDP_ConnectReq, ACDP_DisconnectReq: say which"):
        v2gexi.to_dict(message)
    assert list(v2gexi.to_dict(message, "ACDP_DisconnectReq")) == ["ACDP_DisconnectReq"]
    with pytest.raises(ValueError, match="there is no element 'V2G_Message' of type ACDP_ConnectReqType"):
        v2gexi.to_dict(message, "V2G_Message")


def test_all_that_is_wrong_is_named_at_once():
    data = {
        "V2G_Message": {
            "Header": {"SessionID": 12, "Foo": 1},
            "Body": {
                "CurrentDemandReq": {
                    "EVTargetCurrent": {"Multiplier": 1, "Unit": "Ampere", "Value": "x"},
                    "ChargingComplete": 0,
                    "DC_EVStatus": [],
                },
                "SessionStopReq": {},
            },
        }
    }
    with pytest.raises(v2gexi.DictError) as caught:
        v2gexi.from_dict("iso2", data)
    assert caught.value.problems == [
        "V2G_Message.Header.SessionID: 12 is a int, not a text of hexadecimal digits",
        "V2G_Message.Header.Foo: unknown; there is SessionID, Notification, Signature",
        "CurrentDemandReq.EVTargetCurrent.Unit: 'Ampere' is none of h, m, s, A, V, W, Wh",
        "CurrentDemandReq.EVTargetCurrent.Value: 'x' is a str, not an integer",
        "CurrentDemandReq.ChargingComplete: 0 is a int, not True or False",
        "CurrentDemandReq.DC_EVStatus: [] is a list, not a dictionary of elements",
        "CurrentDemandReq: EVTargetVoltage is missing",
        "SessionStopReq: there already is a BodyElement",
    ]


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ([], "a message is one element"),
        ({"a": 1, "b": 2}, "a message is one element"),
        ({"Foo": {}}, "Foo: message set din has no such element"),
        (
            {"V2G_Message": {"Header": {"SessionID": "0"}, "Body": {}}},
            "'0' is not pairs of hexadecimal digits",
        ),
        ({"KeyInfo": {"content": {}}}, "KeyInfo.content: {} is a dict, not a list"),
        ({"KeyInfo": {"content": [{"Foo": 1}]}}, r"KeyInfo.content\[0\]: there is no element 'Foo'"),
        ({"KeyInfo": {"content": [5]}}, r"KeyInfo.content\[0\]: 5 is no text"),
        ({"KeyInfo": {"content": [{"{x}y": 1}]}}, r"KeyInfo.content\[0\]: {x}y is no dictionary"),
        ({"DSAKeyValue": {"Y": "a-b"}}, "DSAKeyValue.Y: 'a-b' is not base64"),
    ],
)
def test_what_is_no_message(data, says):
    with pytest.raises(v2gexi.DictError, match=says):
        v2gexi.from_dict("din", data)


def test_values_of_a_wrong_kind_are_named():
    message = app.supportedAppProtocolRes(ResponseCode="OK_SuccessfulNegotiation", SchemaID="1")
    with pytest.raises(ValueError, match=r"supportedAppProtocolRes\.SchemaID: '1' is a str, not an integer"):
        v2gexi.to_dict(message)
    body = din.BodyType(BodyElement="x")
    with pytest.raises(ValueError, match="BodyElement: 'x' is none of BodyBaseType, "):
        v2gexi.to_dict(body)
    with pytest.raises(ValueError, match="5 is no message"):
        v2gexi.to_dict(5)


def test_importing_the_package_does_not_import_what_people_need():
    later = ("v2gexi.xml", "v2gexi.dicts", "v2gexi.checks", "json", "argparse")
    code = f"import sys, v2gexi; print([name for name in {later!r} if name in sys.modules])"
    command = [sys.executable, "-c", code]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, cwd=Path(v2gexi.__file__).parents[1]
    )
    assert done.stdout == "[]\n"
