"""The codec for ``iso15118`` says what EXIficient behind that package says, in both directions."""

from __future__ import annotations

import json
import lzma
import re
import sys
import types
from pathlib import Path
from typing import Any, Final

import pytest

import v2gexi
from tests.v2gexi.exificient import Exificient
from tests.v2gexi.vectors import load
from v2gexi.josev import MESSAGE_SETS, Codec

NAMESPACES: Final = {name: namespace for namespace, name in MESSAGE_SETS.items()}
ISO2: Final = NAMESPACES["iso2"]
COMMON: Final = NAMESPACES["iso20-common"]
SIGNATURE: Final = NAMESPACES["xmldsig"]
SAID: Final = Path(__file__).with_name("vectors") / "josev.jsonl.xz"

CHAIN: Final = {"Certificate": "QUJD", "SubCertificates": {"Certificate": ["QUJD", "REVG"]}}
ROOTS: Final = {
    "RootCertificateID": [{"X509IssuerName": "CN=Root", "X509SerialNumber": 12345678901234567890123}]
}
CANONICAL: Final = {"Algorithm": "http://www.w3.org/TR/canonical-exi/"}
REFERENCE: Final = {
    "URI": "#id1",
    "Transforms": {"Transform": [CANONICAL]},
    "DigestMethod": {"Algorithm": "http://www.w3.org/2001/04/xmlenc#sha256"},
    "DigestValue": "fRelkWJgCFLICKa1dbbryWOjlRpHnKahYdX+Jg3HdA0=",
}
# Whatever the package signs: what EXIficient makes of it, found with test_signed_parts_are_exificients.
SIGNED: Final = [
    (ISO2, {"ContractSignatureCertChain": {"Id": "id1", **CHAIN}}),
    (ISO2, {"ContractSignatureEncryptedPrivateKey": {"Id": "id2", "value": "QUJD"}}),
    (ISO2, {"DHpublickey": {"Id": "id3", "value": "QUJD"}}),
    (ISO2, {"eMAID": {"Id": "id4", "value": "UKSWI123456789A"}}),
    (ISO2, {"AuthorizationReq": {"Id": "id1", "GenChallenge": "AAAAAAAAAAAAAAAAAAAAAA=="}}),
    (
        ISO2,
        {
            "CertificateInstallationReq": {
                "Id": "id1",
                "OEMProvisioningCert": "QUJD",
                "ListOfRootCertificateIDs": ROOTS,
            }
        },
    ),
    (
        ISO2,
        {
            "MeteringReceiptReq": {
                "Id": "id1",
                "SessionID": "0102030405060708",
                "SAScheduleTupleID": 1,
                "MeterInfo": {
                    "MeterID": "A",
                    "MeterReading": 18446744073709551615,
                    "SigMeterReading": "QUJD",
                },
            }
        },
    ),
    (COMMON, {"OEMProvisioningCertificateChain": {"Id": "id1", **CHAIN}}),
    (
        COMMON,
        {
            "PnC_AReqAuthorizationMode": {
                "Id": "id1",
                "GenChallenge": "QUJD",
                "ContractCertificateChain": CHAIN,
            }
        },
    ),
    (
        SIGNATURE,
        {
            "SignedInfo": {
                "CanonicalizationMethod": CANONICAL,
                "SignatureMethod": {"Algorithm": "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"},
                "Reference": [REFERENCE, {**REFERENCE, "URI": "#id2"}],
            }
        },
    ),
]


def said() -> list[dict[str, Any]]:
    """What EXIficient behind the package said: namespace, payload (hex), message (its JSON text)."""
    return [json.loads(line) for line in lzma.decompress(SAID.read_bytes()).decode().splitlines()]


def shapes() -> list[tuple[str, bytes]]:
    """Recorded payloads that have different elements: namespace and document."""
    found: dict[tuple[str, ...], tuple[str, bytes]] = {}
    for each in load():
        if each.xml and not each.violation:
            names = (each.message_set, *re.findall(r"<[^>]*>", each.xml))
            found.setdefault(names, (NAMESPACES[each.message_set], each.document))
    return list(found.values())


def test_decodes_to_the_text_that_exificient_says() -> None:
    codec = Codec()
    recorded = said()
    assert len(recorded) > 200
    for line in recorded:
        assert codec.decode(bytes.fromhex(line["payload"]), line["namespace"]) == line["message"]


def test_encodes_to_the_payload_that_exificient_reads() -> None:
    codec = Codec()
    for line in said():
        assert codec.encode(line["message"], line["namespace"]).hex() == line["payload"]


def test_the_recorded_texts_are_exificients(exificient: Exificient) -> None:
    requests = [("json-decode", line["namespace"], bytes.fromhex(line["payload"])) for line in said()]
    for line, answer in zip(said(), exificient.ask_all(requests), strict=True):
        assert answer.text == line["message"]


def test_all_shapes_of_recorded_payloads_are_among_them() -> None:
    known = {(line["namespace"], bytes.fromhex(line["payload"])) for line in said()}
    assert set(shapes()) <= known


@pytest.mark.parametrize(
    ("namespace", "message"), SIGNED, ids=lambda each: next(iter(each), "") if isinstance(each, dict) else ""
)
def test_signed_parts_are_exificients(
    namespace: str, message: dict[str, Any], exificient: Exificient
) -> None:
    text = json.dumps(message)
    assert Codec().encode(text, namespace) == exificient.ask("json-encode", namespace, text).must()


def test_signed_info_is_read_as_the_fragment_that_it_is() -> None:
    codec = Codec()
    namespace, message = SIGNED[-1]
    assert json.loads(codec.decode(codec.encode(json.dumps(message), namespace), namespace)) == message


def test_the_same_element_is_a_document_as_a_message_and_a_fragment_when_signed() -> None:
    codec = Codec()
    inside = {"AuthorizationReq": {"Id": "id1", "GenChallenge": "AAAAAAAAAAAAAAAAAAAAAA=="}}
    document = {"V2G_Message": {"Header": {"SessionID": "0102030405060708"}, "Body": inside}}
    assert json.loads(codec.decode(codec.encode(json.dumps(document), ISO2), ISO2)) == document
    assert codec.encode(json.dumps(inside), ISO2)[:2].hex() == "8004"


def test_texts_that_return_are_written_out() -> None:
    # The package's EXIficient has no string table: it could not read a reference.
    namespace, message = SIGNED[-1]
    once = json.loads(json.dumps(message))
    del once["SignedInfo"]["Reference"][1]
    codec = Codec()
    longer, shorter = (codec.encode(json.dumps(each), namespace) for each in (message, once))
    assert len(longer) - len(shorter) > len(CANONICAL["Algorithm"]) + len(
        REFERENCE["DigestMethod"]["Algorithm"]
    )


def test_limits_that_exi_does_not_code_are_the_packages_own() -> None:
    body = {"SessionSetupReq": {"EVCCID": "00" * 7}}
    text = json.dumps({"V2G_Message": {"Header": {"SessionID": "00" * 9}, "Body": body}})
    codec = Codec()
    assert json.loads(codec.decode(codec.encode(text, ISO2), ISO2)) == json.loads(text)


@pytest.mark.parametrize("namespace", ["urn:iso:15118:2:2013:MsgBody", ""])
def test_an_unknown_namespace_is_named(namespace: str) -> None:
    with pytest.raises(ValueError, match=f"no schema '{namespace}', only urn:iso"):
        Codec().encode("{}", namespace)
    with pytest.raises(ValueError, match=f"no schema '{namespace}', only urn:iso"):
        Codec().decode(b"\x80", namespace)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"V2G_Message": ', "Expecting value"),
        ('{"V2G_Message": {}}', "Header is missing"),
        ('{"V2G_Massage": {}}', "V2G_Massage"),
        ("{}", "one element"),
    ],
)
def test_what_is_no_message_is_refused_with_a_reason(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Codec().encode(text, ISO2)


def test_a_truncated_payload_is_refused() -> None:
    with pytest.raises(ValueError, match="ends within the message"):
        Codec().decode(bytes.fromhex("8098023c4d2f8f7d9ffcfe9010"), ISO2)


def test_an_element_that_is_no_message_is_refused(exificient: Exificient) -> None:
    simple = '<DigestValue xmlns="http://www.w3.org/2000/09/xmldsig#">AAAA</DigestValue>'
    payload = exificient.encode("iso2", simple).must()
    assert v2gexi.decode(payload, "iso2") == bytes(3)
    with pytest.raises(v2gexi.DecodeError, match=rf"^this element of {ISO2} is no message \(bit 0\)$"):
        Codec().decode(payload, ISO2)
    payload = exificient.encode("iso2", "<unknown><a/></unknown>").must()
    with pytest.raises(v2gexi.DecodeError, match=rf"^unknown: this element of {ISO2} is no message"):
        Codec().decode(payload, ISO2)


def test_it_is_one_of_the_packages_codecs_where_the_package_is(monkeypatch: pytest.MonkeyPatch) -> None:
    from abc import ABCMeta

    interface = ABCMeta("IEXICodec", (), {})
    module = types.ModuleType("iso15118.shared.iexi_codec")
    vars(module)["IEXICodec"] = interface
    monkeypatch.setitem(sys.modules, module.__name__, module)
    assert isinstance(Codec(), interface)


def test_it_says_its_version() -> None:
    assert re.fullmatch(r"v2gexi \d+\.\d+\.\d+", Codec().get_version())
