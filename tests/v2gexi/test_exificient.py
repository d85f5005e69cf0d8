"""What EXIficient does where the EXI specification or the schemas leave a choice."""

from __future__ import annotations

import re

import pytest

from tests.v2gexi.exificient import Exificient
from tests.v2gexi.judge import judge
from tests.v2gexi.vectors import Vector, load

MSG = "urn:iso:15118:2:2013:Msg"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
SIGNATURE = (
    '<d:Signature xmlns:d="http://www.w3.org/2000/09/xmldsig#"><d:SignedInfo>'
    '<d:CanonicalizationMethod Algorithm="canonical"/><d:SignatureMethod Algorithm="b"/><d:Reference>'
    '<d:DigestMethod Algorithm="canonical"/><d:DigestValue>AAAA</d:DigestValue></d:Reference></d:SignedInfo>'
    "<d:SignatureValue>AAAA</d:SignatureValue>{more}</d:Signature>"
)


def message(body: str, *, session: str = "0194E1948D7B36FB", header: str = "") -> str:
    names = "".join(f' xmlns:{part[0].lower()}="{MSG}{part}"' for part in ("Def", "Header", "Body"))
    return (
        f'<d:V2G_Message{names} xmlns:t="{MSG}DataTypes" xmlns:xsi="{XSI}"><d:Header>'
        f"<h:SessionID>{session}</h:SessionID>{header}</d:Header><d:Body>{body}</d:Body></d:V2G_Message>"
    )


def there_and_back(exificient: Exificient, xml: str, name: str = "iso2") -> str:
    return exificient.decode(name, exificient.encode(name, xml).must()).text


def text_of(xml: str, element: str) -> list[str]:
    return re.findall(rf"<n\d:{element}[^>]*>(.*?)</", xml)


def test_recorded_verdicts_are_exificients(exificient: Exificient) -> None:
    recorded = load()
    assert len(recorded) == 3764
    said = list(judge(exificient, [(each.message_set, each.payload) for each in recorded]))
    assert said == recorded


def test_recorded_vectors_hold_what_their_readme_says() -> None:
    recorded = load()

    def count(holds: object) -> int:
        assert callable(holds)
        return sum(1 for each in recorded if holds(each))

    assert count(lambda each: each.error) == 4
    assert count(lambda each: each.unread) == 3
    assert count(lambda each: each.with_hits) == 59
    assert count(lambda each: each.violation) == 3
    assert not [each for each in recorded if bool(each.error) == bool(each.xml)]


def test_a_vector_is_saved_as_it_is(tmp_path) -> None:
    from tests.v2gexi.vectors import save

    one = Vector("din", b"\x80\x9a", "<a/>", "", 2, b"\x80", "v")
    save([one, Vector("app", b"\x80", error="e")], tmp_path / "file")
    assert load(tmp_path / "file") == [one, Vector("app", b"\x80", error="e")]


def test_hex_is_upper_case_and_booleans_are_words(exificient: Exificient) -> None:
    status = "<t:EVReady>1</t:EVReady><t:EVErrorCode>NO_ERROR</t:EVErrorCode><t:EVRESSSOC>+07</t:EVRESSSOC>"
    body = f"<b:CableCheckReq><b:DC_EVStatus>{status}</b:DC_EVStatus></b:CableCheckReq>"
    xml = there_and_back(exificient, message(body, session="ab01"))
    assert text_of(xml, "SessionID") == ["AB01"]
    assert text_of(xml, "EVReady") == ["true"]
    assert text_of(xml, "EVRESSSOC") == ["7"]


@pytest.mark.parametrize(
    ("element", "value"),
    [("SessionID", "AB" * 9), ("EVSEID", "ab"), ("EVSEID", "x" * 38)],
    ids=["too many bytes", "too few characters", "too many characters"],
)
def test_lengths_are_not_checked(exificient: Exificient, element: str, value: str) -> None:
    values = {"SessionID": "AB", "EVSEID": "DE*ABC*E1"} | {element: value}
    body = (
        f"<b:SessionSetupRes><b:ResponseCode>OK</b:ResponseCode><b:EVSEID>{values['EVSEID']}</b:EVSEID>"
        "</b:SessionSetupRes>"
    )
    xml = message(body, session=values["SessionID"])
    assert text_of(there_and_back(exificient, xml), element) == [value]
    assert "cvc-" in exificient.validate("iso2", xml)


def test_a_code_beyond_the_enumeration_is_refused(exificient: Exificient) -> None:
    # The last of 26 response codes, in five bits before the last two (end of the body's element; padding).
    body = "<b:SessionStopRes><b:ResponseCode>{}</b:ResponseCode></b:SessionStopRes>"
    first = exificient.encode("iso2", message(body.format("OK"))).must()
    last = exificient.encode("iso2", message(body.format("FAILED_CertificateRevoked"))).must()
    step = (int.from_bytes(last) - int.from_bytes(first)) // 25
    beyond = (int.from_bytes(first) + 26 * step).to_bytes(len(first))
    assert exificient.decode("iso2", last).data
    assert "ArrayIndexOutOfBounds" in exificient.decode("iso2", beyond).error


def test_a_number_beyond_its_range_in_few_bits_is_taken(exificient: Exificient) -> None:
    body = (
        "<b:CableCheckReq><b:DC_EVStatus><t:EVReady>true</t:EVReady><t:EVErrorCode>NO_ERROR</t:EVErrorCode>"
        "<t:EVRESSSOC>{}</t:EVRESSSOC></b:DC_EVStatus></b:CableCheckReq>"
    )
    zero, one = (exificient.encode("iso2", message(body.format(soc))).must() for soc in (0, 1))
    step = int.from_bytes(one) - int.from_bytes(zero)
    too_much = (int.from_bytes(zero) + 127 * step).to_bytes(len(zero))
    assert text_of(exificient.decode("iso2", too_much).text, "EVRESSSOC") == ["127"]


def test_what_the_type_cannot_code_is_written_as_text(exificient: Exificient) -> None:
    inside = "<b:ResponseCode>NOPE</b:ResponseCode><b:EVSEID>DE*ABC*E1</b:EVSEID>"
    body = f"<b:SessionSetupRes>{inside}</b:SessionSetupRes>"
    assert text_of(there_and_back(exificient, message(body)), "ResponseCode") == ["NOPE"]


def test_bytes_after_the_document_are_not_read(exificient: Exificient) -> None:
    payload = exificient.encode("iso2", message("<b:AuthorizationReq/>")).must()
    assert exificient.decode("iso2", payload).unread == 0
    assert exificient.decode("iso2", payload + b"abc").unread == 3


def test_no_content_and_an_empty_string_are_two_things(exificient: Exificient) -> None:
    nothing = exificient.encode("iso2", message("<b:AuthorizationReq/>", session="")).must()
    empty = exificient.encode("iso2", message("<b:AuthorizationReq/>", session="<?empty?>")).must()
    assert nothing != empty
    assert "SessionID/>" in exificient.decode("iso2", nothing).text
    assert "SessionID><?empty?><" in exificient.decode("iso2", empty).text


def test_xsi_type_is_kept(exificient: Exificient) -> None:
    charging = (
        '<t:EVSEChargeParameter xsi:type="t:AC_EVSEChargeParameterType"><t:AC_EVSEStatus>'
        "<t:NotificationMaxDelay>0</t:NotificationMaxDelay><t:EVSENotification>None</t:EVSENotification>"
        "<t:RCD>false</t:RCD></t:AC_EVSEStatus></t:EVSEChargeParameter>"
    )
    body = (
        "<b:ChargeParameterDiscoveryRes><b:ResponseCode>OK</b:ResponseCode>"
        f"<b:EVSEProcessing>Ongoing</b:EVSEProcessing>{charging}</b:ChargeParameterDiscoveryRes>"
    )
    xml = there_and_back(exificient, message(body))
    found = re.search(r'EVSEChargeParameter xsi:type="(n\d):AC_EVSEChargeParameterType"', xml)
    assert found
    assert f'xmlns:{found[1]}="{MSG}DataTypes"' in xml


def test_a_text_seen_before_is_referred_to(exificient: Exificient) -> None:
    xml = message("<b:AuthorizationReq/>", header=SIGNATURE.format(more=""))
    with_hits = exificient.encode("iso2", xml).must()
    exificient.string_table("iso2", use=False)
    try:
        without = exificient.encode("iso2", xml).must()
        refused = exificient.decode("iso2", with_hits)
    finally:
        exificient.string_table("iso2", use=True)
    assert len(with_hits) < len(without)
    assert exificient.decode("iso2", with_hits).text == exificient.decode("iso2", without).text
    # As the iso15118 package sets it up, it cannot read what it writes by default.
    assert "NullPointerException" in refused.error


@pytest.mark.parametrize(
    "more",
    [
        "<d:Object><d:DigestValue>AAAA</d:DigestValue></d:Object>",
        '<d:Object>te<foo xmlns="urn:x" a="1">bar<baz/></foo>xt</d:Object>',
        "<d:Object><q>a</q><q>a</q><q>b</q></d:Object>",
    ],
    ids=["declared", "unknown, mixed", "unknown, learnt"],
)
def test_wildcards_keep_their_content(exificient: Exificient, more: str) -> None:
    xml = there_and_back(exificient, message("<b:AuthorizationReq/>", header=SIGNATURE.format(more=more)))
    inside = re.sub(
        r"n\d:| xmlns(:\w+)?=\"[^\"]*\"|d:", "", re.search(r"<n\d:Object>.*</n\d:Object>", xml)[0]
    )
    assert inside == re.sub(r"d:| xmlns=\"[^\"]*\"", "", more)


@pytest.mark.parametrize("first", [0x81, 0x84, 0x8E], ids=hex)
def test_other_final_versions_are_taken(exificient: Exificient, first: int) -> None:
    payload = exificient.encode("iso2", message("<b:AuthorizationReq/>")).must()
    assert exificient.decode("iso2", bytes([first]) + payload[1:]).data


@pytest.mark.parametrize("first", [0x00, 0x40, 0xC0], ids=hex)
def test_other_distinguishing_bits_are_refused(exificient: Exificient, first: int) -> None:
    payload = exificient.encode("iso2", message("<b:AuthorizationReq/>")).must()
    assert "distinguishing bits" in exificient.decode("iso2", bytes([first]) + payload[1:]).error


def test_the_cookie_is_skipped(exificient: Exificient) -> None:
    payload = exificient.encode("iso2", message("<b:AuthorizationReq/>")).must()
    assert exificient.decode("iso2", b"$EXI" + payload).data == exificient.decode("iso2", payload).data
