"""Message sets are recognised: by the handshake, by the payload type, by trial."""

from __future__ import annotations

import pytest

import v2gexi
from tests.v2gexi import vectors
from v2gexi import app, sessions
from v2gexi.sessions import Sessions
from v2gexi.v2gtp import PayloadType

VECTORS = [vector for vector in vectors.load() if not vector.error]


def _request(*namespaces: str) -> bytes:
    offers = [
        app.AppProtocolType(
            ProtocolNamespace=each,
            VersionNumberMajor=2,
            VersionNumberMinor=0,
            SchemaID=10 + at,
            Priority=at + 1,
        )
        for at, each in enumerate(namespaces)
    ]
    return v2gexi.encode(app.supportedAppProtocolReq(AppProtocol=offers))


def _answer(schema_id: int | None, code: str = "OK_SuccessfulNegotiation") -> bytes:
    return v2gexi.encode(app.supportedAppProtocolRes(ResponseCode=code, SchemaID=schema_id))


def _first(message_set: str) -> bytes:
    return next(vector.payload for vector in VECTORS if vector.message_set == message_set)


# Of WPT and ACDP no payload was recorded.
@pytest.mark.parametrize("namespace", list(sessions.NAMESPACES)[:5])
def test_the_handshake_decides(namespace):
    message_set = sessions.NAMESPACES[namespace]
    reader = Sessions()
    assert reader.decode(_request("urn:other", namespace), PayloadType.EXI, 1).message_set == "app"
    assert reader.decode(_answer(11), PayloadType.EXI, 1).message_set == "app"
    found = reader.decode(_first(message_set), PayloadType.EXI, 1)
    assert (found.message_set, found.error, found.note) == (message_set, "", "")


def test_connections_are_apart_and_a_new_handshake_counts():
    reader = Sessions()
    for connection, namespace in ((1, "urn:din:70121:2012:MsgDef"), (2, "urn:iso:15118:2:2013:MsgDef")):
        reader.decode(_request(namespace), PayloadType.EXI, connection)
        reader.decode(_answer(10), PayloadType.EXI, connection)
    assert reader.decode(b"\x80\x9a\x00", PayloadType.EXI, 1).message_set == "din"
    assert reader.decode(b"\x80\x9a\x00", PayloadType.EXI, 2).message_set == "iso2"
    reader.decode(_request("urn:din:70121:2012:MsgDef"), PayloadType.EXI, 2)
    reader.decode(_answer(10), PayloadType.EXI, 2)
    assert reader.decode(b"\x80\x9a\x00", PayloadType.EXI, 2).message_set == "din"


def test_an_answer_without_number_takes_the_only_offer():
    reader = Sessions()
    reader.decode(_request("urn:din:70121:2012:MsgDef"), PayloadType.EXI)
    reader.decode(_answer(None), PayloadType.EXI)
    assert reader.decode(b"\x80\x9a\x00", PayloadType.EXI).message_set == "din"


def test_payload_types_of_iso_15118_20_say_it():
    for message_set, kind in (("iso20-common", 0x8002), ("iso20-ac", 0x8003), ("iso20-dc", 0x8004)):
        found = Sessions().decode(_first(message_set), kind)
        assert (found.message_set, found.error, found.note) == (message_set, "", "")


def test_without_handshake_the_set_is_found_by_trial_and_said():
    wrong = []
    for vector in VECTORS:
        found = Sessions().decode(vector.payload)
        assert bool(found.note) == (vector.message_set != "app")
        if found.message_set != vector.message_set:
            wrong.append(vector)
    assert wrong == []


def test_a_set_that_is_given_overrides_all_but_the_handshake():
    reader = Sessions("iso2")
    assert reader.decode(_request("urn:din:70121:2012:MsgDef"), PayloadType.EXI).message_set == "app"
    assert reader.decode(_answer(10), PayloadType.EXI).message_set == "app"
    assert reader.decode(_first("din"), PayloadType.EXI).message_set == "iso2"
    assert Sessions("din").decode(_request("x"), None).message_set == "din"
    with pytest.raises(ValueError, match="there is no message set 'iso3', only app, din"):
        Sessions("iso3")


def test_what_is_no_message_is_said():
    found = Sessions().decode(b"\x80\xff")
    assert found.message is None
    assert found.error.startswith("no message set decodes it; as ")
    assert Sessions().decode(b"", 0xA000).error == "payload type 0xa000 is none of EXI"


def test_a_protocol_that_nobody_knows_is_said():
    reader = Sessions()
    reader.decode(_request("urn:other"), PayloadType.EXI)
    reader.decode(_answer(10), PayloadType.EXI)
    found = reader.decode(_first("din"), PayloadType.EXI)
    assert found.message_set == "din"
    assert found.note.startswith("'urn:other' is no message set: ")


def test_the_root_of_a_type_that_two_elements_have():
    from v2gexi import iso20_acdp as acdp

    header = acdp.MessageHeaderType(SessionID=bytes(8), TimeStamp=0)
    for made in (acdp.ACDP_ConnectReq, acdp.ACDP_DisconnectReq):
        message, name = made(Header=header, EVElectricalChargingDeviceStatus="State_A"), made.__name__
        payload = v2gexi.encode(message)
        found = Sessions().decode(payload, PayloadType.ACDP)
        assert (found.element, found.message) == (name, message)
        assert sessions.name_of(found.message, found.element) == name
