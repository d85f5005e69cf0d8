"""Tokens: what takes their place, and where they are looked for."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import v2gexi
from v2g.common import redact
from v2gexi import din, iso2, schema
from v2gexi import iso20_common as common


@pytest.mark.spec(340)
@given(st.one_of(st.text(), st.binary()))
def test_the_text_that_takes_a_tokens_place(value):
    shown = redact.redacted(value)
    assert re.fullmatch(r"\[redacted\] hash: [0-9A-F]{15}", shown)
    data = value.encode() if isinstance(value, str) else value
    assert hashlib.sha256(data).hexdigest().upper().startswith(shown[-15:])


@given(st.binary(max_size=300))
def test_stand_ins_have_the_same_length(value):
    for each in (value, value.hex()):
        found = redact.stand_in(each)
        assert (type(found), len(found)) == (type(each), len(each))
        assert found == redact.stand_in(each)
    if len(value) > 4:
        assert redact.stand_in(value) != value


def test_only_tokens_are_hidden():
    assert redact.shown("EVSEID", "DE*ABC") == "DE*ABC"
    assert redact.shown("EVTargetVoltage", 400.0) == 400.0
    assert redact.shown("EVCCID", "") == ""
    assert redact.shown("EVCCID", b"\1\2").startswith("[redacted] hash: ")
    assert redact.shown("NMK", bytes(16)).startswith("[redacted] hash: ")


def test_a_message_without_tokens_is_itself():
    message = din.V2G_Message(
        Header=din.MessageHeaderType(SessionID=bytes(8)), Body=din.BodyType(BodyElement=din.SessionStopType())
    )
    assert redact.message(message) is message
    empty = din.V2G_Message(
        Header=din.MessageHeaderType(SessionID=bytes(8)),
        Body=din.BodyType(BodyElement=din.SessionSetupReqType(EVCCID=b"")),
    )
    assert redact.message(empty) is empty


def _details() -> iso2.V2G_Message:
    chain = iso2.CertificateChainType(
        Id="id1",
        Certificate=b"leaf" * 30,
        SubCertificates=iso2.SubCertificatesType(Certificate=[b"sub1" * 20, b"sub2" * 25]),
    )
    body = iso2.PaymentDetailsReqType(eMAID="DE-8AA-1A2B3C4D5-9", ContractSignatureCertChain=chain)
    return iso2.V2G_Message(
        Header=iso2.MessageHeaderType(SessionID=bytes(8)), Body=iso2.BodyType(BodyElement=body)
    )


@pytest.mark.spec(340)
def test_every_place_of_a_contract():
    original = _details()
    changed = redact.message(original)
    assert original == _details()
    body = changed.Body.BodyElement
    chain = body.ContractSignatureCertChain
    assert chain.Id == "id1"
    assert body.eMAID == redact.stand_in("DE-8AA-1A2B3C4D5-9")
    assert chain.Certificate == redact.stand_in(b"leaf" * 30)
    assert chain.SubCertificates.Certificate == [redact.stand_in(b"sub1" * 20), redact.stand_in(b"sub2" * 25)]
    encoded = [v2gexi.encode(each, "iso2", lenient=True) for each in (original, changed)]
    assert len(encoded[0]) == len(encoded[1])
    for token in (b"leaf", b"sub1", b"sub2", b"8AA"):
        assert token not in repr(v2gexi.decode(encoded[1], "iso2")).encode()


@pytest.mark.spec(340)
def test_tokens_in_a_list():
    from v2g.capture.timeline import shown_value

    contracts = ["DEABCSECRET01", "DEABCSECRET02"]
    hidden = [redact.redacted(each) for each in contracts]
    assert redact.shown("EMAID", contracts) == hidden
    assert redact.shown("ServiceID", contracts) == contracts
    assert shown_value("EMAID", contracts, secrets=False) == f"EMAID {'; '.join(hidden)}"


def test_the_vehicles_identifier_of_iso_15118_20():
    header = common.MessageHeaderType(SessionID=bytes(8), TimeStamp=0)
    message = common.SessionSetupReq(Header=header, EVCCID="WMIV1234567890ABCDEX")
    found = redact.message(message)
    assert redact.stand_in("WMIV1234567890ABCDEX") == found.EVCCID


def test_every_name_is_an_elements_in_some_message_set():
    """A name that is written wrongly would protect nothing."""
    folder = Path(schema.__file__).parent
    stubs = ("din", "iso2", "iso20_common", "xmldsig")
    text = "".join((folder / f"{name}.pyi").read_text() for name in stubs)
    names = set(re.findall(r"^    (\w+): ", text, re.MULTILINE))
    assert redact.TOKEN_ELEMENTS - names == {"NMK"}
