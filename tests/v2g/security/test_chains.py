"""Certificate files and chains: what is read, and everything that can be wrong."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import given
from hypothesis import strategies as st

import v2gexi
from tests.v2g.security.rig import COMMON, DAY, DOMAIN, NOON, Pki, foreign_root, reissue, usage
from tests.v2gexi import josev_rig
from tests.v2gexi.vectors import load
from v2g.security.certificates import (
    Certificate,
    CertificateError,
    from_der,
    load_chain,
    load_key,
    matches,
    normal_emaid,
)
from v2g.security.chains import Problem, ProblemKind, check_chain, leaf_problems
from v2g.security.profiles import (
    CONTRACT_LEAF,
    CPS_LEAF,
    OEM_LEAF,
    SECC_LEAF,
    VEHICLE_LEAF,
    Generation,
    Profile,
)

CHAINS = [
    ("secc", "v2g-root", SECC_LEAF),
    ("cps", "v2g-root", CPS_LEAF),
    ("contract", "mo-root", CONTRACT_LEAF),
    ("oem", "oem-root", OEM_LEAF),
]


@pytest.mark.parametrize(("name", "root", "profile"), CHAINS)
def test_chains_of_the_test_pki_are_good(
    pki2: Pki, pki20: Pki, name: str, root: str, profile: Profile
) -> None:
    for pki, generation in ((pki2, Generation.ISO2), (pki20, Generation.ISO20)):
        roots = load_chain(pki.root(root))
        chain = pki.chain(name)
        assert len(chain) == 3
        found = check_chain(chain, roots, at=NOON, profile=profile, generation=generation)
        assert found == []
        assert check_chain([*chain, *roots], roots, at=NOON, profile=profile) == []
        other = Generation.ISO20 if generation is Generation.ISO2 else Generation.ISO2
        wrong = check_chain(chain, roots, at=NOON, generation=other)
        assert {each.kind for each in wrong} == {ProblemKind.ALGORITHM}
    vehicle = check_chain(
        pki20.chain("vehicle"), load_chain(pki20.root("oem-root")), at=NOON, profile=VEHICLE_LEAF
    )
    assert vehicle == []


def problems(pki: Pki, chain: list, root: str = "v2g-root", **options: Any) -> list[str]:
    roots = options.pop("roots", None) or load_chain(pki.root(root))
    return [str(each) for each in check_chain(chain, roots, **{"at": NOON, "profile": SECC_LEAF, **options})]


def test_time(pki2: Pki) -> None:
    chain = pki2.chain("secc")
    end, begin = chain[0].not_after, chain[0].not_before
    assert problems(pki2, chain, at=end) == []
    assert problems(pki2, chain, at=end + timedelta(seconds=1)) == [
        "CN=SECC: expired on 2028-11-19 12:00:00 UTC"
    ]
    early = problems(pki2, chain, at=begin - timedelta(seconds=1))
    assert "CN=SECC: not valid before 2026-11-20 12:00:00 UTC" in early
    assert "CN=V2G Root CA: not valid before 2026-11-20 12:00:00 UTC" in early
    assert len(early) == 4


def test_order_and_gaps(pki2: Pki) -> None:
    leaf, second, first = pki2.chain("secc")
    assert problems(pki2, [leaf, first, second]) == [
        "wrong order: it has to be CN=SECC, CN=CPO Sub-CA 2, CN=CPO Sub-CA 1"
    ]
    assert problems(pki2, [first, second, leaf]) == [
        "wrong order: it has to be CN=SECC, CN=CPO Sub-CA 2, CN=CPO Sub-CA 1"
    ]
    gap = problems(pki2, [leaf, first])
    assert gap[0] == "CN=CPO Sub-CA 1: does not belong to the chain of CN=SECC"
    assert "CN=SECC: its issuer DC=V2G,C=DE,O=v2g test,CN=CPO Sub-CA 2 is neither in the chain nor" in gap[1]
    assert "neither in the chain nor a trusted root" in problems(pki2, [leaf, second])[0]
    stranger = pki2.leaf("contract")
    assert problems(pki2, [leaf, second, first, stranger]) == [
        "CN=DEV2GC12345678X: does not belong to the chain of CN=SECC"
    ]
    assert problems(pki2, []) == ["there is no certificate"]
    assert problems(pki2, [leaf, second, first, leaf])  # once is enough


def test_roots(pki2: Pki) -> None:
    chain = pki2.chain("secc")
    root = pki2.leaf("v2g-root")
    assert problems(pki2, chain, "mo-root") == [
        "CN=CPO Sub-CA 1: its issuer " + root.subject + " is neither in the chain nor a trusted root"
    ]
    twin, _ = foreign_root(pki2.leaf("v2g-root"))
    assert problems(pki2, chain, roots=[twin]) == [
        "CN=CPO Sub-CA 1: not signed by the trusted root CN=V2G Root CA, but by another of that name"
    ]
    # Both of the same name are trusted during a change of roots.
    assert problems(pki2, chain, roots=[twin, pki2.leaf("v2g-root")]) == []
    untrusted = problems(pki2, [*chain, pki2.leaf("v2g-root")], "mo-root")
    assert untrusted == [
        "4 certificates below the root are more than 3",
        "CN=V2G Root CA: is no trusted root",
    ]
    kinds = [each.kind for each in check_chain(chain, load_chain(pki2.root("mo-root")), at=NOON)]
    assert kinds == [ProblemKind.UNTRUSTED]


def test_a_signature_by_another_key(pki2: Pki) -> None:
    leaf, second, first = pki2.chain("secc")
    forged = reissue(leaf, second, ec.generate_private_key(ec.SECP256R1()))
    assert problems(pki2, [forged, second, first]) == ["CN=SECC: its signature is not CN=CPO Sub-CA 2's"]
    found = check_chain([forged, second, first], load_chain(pki2.root()), at=NOON)
    assert found == [Problem(ProblemKind.CHAIN, "CN=SECC", "its signature is not CN=CPO Sub-CA 2's")]


SECC_CHANGES: list[tuple[str, dict[str, Any], str]] = [
    (
        "no domain component",
        {"names": {DOMAIN: None}},
        "CN=SECC: has no domain component; a station certificate has CPO",
    ),
    (
        "another domain component",
        {"names": {DOMAIN: "MO"}},
        "CN=SECC: domain component is MO; a station certificate has CPO",
    ),
    (
        "no digitalSignature",
        {"extensions": ((usage(key_agreement=True), True),)},
        "CN=SECC: keyUsage has no digitalSignature",
    ),
    ("no keyUsage", {"without": (x509.KeyUsage,)}, "CN=SECC: keyUsage has no digitalSignature"),
    (
        "keyUsage not critical",
        {"extensions": ((usage(digital_signature=True), False),)},
        "CN=SECC: keyUsage is not critical",
    ),
    (
        "for clients alone",
        {"extensions": ((x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), False),)},
        "CN=SECC: extendedKeyUsage has no serverAuth",
    ),
    (
        "a CA",
        {"extensions": ((x509.BasicConstraints(True, None), True),)},
        "CN=SECC: is a CA, not a leaf",
    ),
    (
        "a wrong curve",
        {"key": ec.generate_private_key(ec.SECP384R1())},
        "CN=SECC: its key is secp384r1, not secp256r1 or secp521r1 or ed448",
    ),
    (
        "the other standard's curve",
        {"key": ec.generate_private_key(ec.SECP521R1())},
        "the chain mixes secp256r1 and secp521r1",
    ),
    (
        "RSA",
        {"key": rsa.generate_private_key(65537, 2048)},
        "CN=SECC: its key is RSA 2048, not secp256r1 or secp521r1 or ed448",
    ),
    (
        "a wrong hash",
        {"algorithm": hashes.SHA384()},
        "CN=SECC: is signed with sha384, not sha256 or sha512 or ed448",
    ),
]


@pytest.mark.parametrize(
    ("change", "wanted"), [each[1:] for each in SECC_CHANGES], ids=[each[0] for each in SECC_CHANGES]
)
def test_wrong_leaves(pki2: Pki, change: dict[str, Any], wanted: str) -> None:
    leaf, second, first = pki2.chain("secc")
    wrong = reissue(leaf, second, pki2.key("cpo-sub-ca-2"), **change)
    assert problems(pki2, [wrong, second, first]) == [wanted]


def test_all_problems_at_once(pki2: Pki) -> None:
    leaf, second, first = pki2.chain("secc")
    wrong = reissue(
        leaf,
        second,
        pki2.key("cpo-sub-ca-2"),
        names={DOMAIN: "OEM"},
        valid=(NOON - 3 * DAY, NOON - DAY),
        extensions=((usage(), True),),
    )
    found = problems(pki2, [wrong, first, second], "mo-root")
    assert len(found) == 5
    for part in ("wrong order", "nor a trusted root", "expired on 2026-11-20", "keyUsage has no", "is OEM;"):
        assert any(part in each for each in found), part


SUB_CA_CHANGES: list[tuple[str, dict[str, Any], str]] = [
    (
        "no CA",
        {"extensions": ((x509.BasicConstraints(False, None), True),)},
        "CN=CPO Sub-CA 2: is no CA (basicConstraints)",
    ),
    (
        "no basicConstraints",
        {"without": (x509.BasicConstraints,)},
        "CN=CPO Sub-CA 2: is no CA (basicConstraints)",
    ),
    (
        "not critical",
        {"extensions": ((x509.BasicConstraints(True, 0), False),)},
        "CN=CPO Sub-CA 2: basicConstraints is not critical",
    ),
    (
        "no keyCertSign",
        {"extensions": ((usage(crl_sign=True), True),)},
        "CN=CPO Sub-CA 2: keyUsage has no keyCertSign",
    ),
]


@pytest.mark.parametrize(
    ("change", "wanted"), [each[1:] for each in SUB_CA_CHANGES], ids=[each[0] for each in SUB_CA_CHANGES]
)
def test_wrong_sub_cas(pki2: Pki, change: dict[str, Any], wanted: str) -> None:
    leaf, second, first = pki2.chain("secc")
    wrong = reissue(second, first, pki2.key("cpo-sub-ca-1"), **change)
    # Its issuer is not compared by key: the leaf's signature is still the sub-CA's.
    found = problems(pki2, [leaf, wrong, first])
    assert wanted in found


def test_ed448(pki20: Pki) -> None:
    """ISO 15118-20 has a second curve ([V2G20-2319])."""
    key = ed448.Ed448PrivateKey.generate()
    root = pki20.leaf("v2g-root")
    root = reissue(root, root, key, key=key)
    chain = [reissue(each, each, key, key=key) for each in pki20.chain("secc")]
    chain = [
        reissue(each, above, key, key=key) for each, above in zip(chain, [*chain[1:], root], strict=True)
    ]
    assert chain[0].curve == chain[0].signature_hash == "ed448"
    assert problems(pki20, chain, roots=[root], generation=Generation.ISO20) == []
    assert problems(pki20, chain, roots=[pki20.leaf("v2g-root")])
    wrong = problems(pki20, chain, roots=[root], generation=Generation.ISO2)
    assert "CN=SECC: its key is ed448, not secp256r1" in wrong


def test_path_length(pki2: Pki) -> None:
    leaf, second, first = pki2.chain("secc")
    key = pki2.key("v2g-root")
    root = pki2.leaf("v2g-root")
    short = reissue(first, root, key, extensions=((x509.BasicConstraints(True, 0), True),))
    assert problems(pki2, [leaf, second, short]) == ["CN=CPO Sub-CA 1: allows 0 CAs below it; there are 1"]


def test_a_certificate_may_not_be_too_long(pki2: Pki) -> None:
    leaf, second, first = pki2.chain("secc")
    extra = (x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), bytes(600)), False)
    long = reissue(leaf, second, pki2.key("cpo-sub-ca-2"), extensions=(extra,))
    found = problems(pki2, [long, second, first], generation=Generation.ISO2)
    assert found == [f"CN=SECC: {len(long.der)} bytes are more than 800"]
    assert problems(pki2, [long, second, first]) == []


def test_contracts(pki2: Pki) -> None:
    leaf, second, _ = pki2.chain("contract")
    assert leaf.emaid == "DEV2GC12345678X"
    key = pki2.key("mo-sub-ca-2")
    named = reissue(leaf, second, key, names={COMMON: "My car"})
    found = [str(each) for each in leaf_problems(named, CONTRACT_LEAF)]
    assert found == ["CN=My car: its CN 'My car' is no eMAID"]
    # Some operators leave DC out; of another party it must not be.
    assert leaf_problems(reissue(leaf, second, key, names={DOMAIN: None}), CONTRACT_LEAF) == []
    assert leaf_problems(reissue(leaf, second, key, names={DOMAIN: "CPO"}), CONTRACT_LEAF)
    assert leaf_problems(pki2.leaf("secc"), CONTRACT_LEAF)


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("DE-V2G-C12345678-X", "DEV2GC12345678X"),
        ("deV2Gc12345678", "DEV2GC12345678"),
        ("UKSWI123456789A", "UKSWI123456789A"),
        ("DE-V2G-C1234567", None),
        ("12-V2G-C12345678-X", None),
        ("DE*V2G*C12345678*X", None),
        ("", None),
    ],
)
def test_emaids(text: str, plain: str | None) -> None:
    assert normal_emaid(text) == plain


def test_what_a_certificate_says(pki2: Pki, pki20: Pki) -> None:
    leaf = pki2.leaf("secc")
    assert leaf.subject == "DC=CPO,C=DE,O=v2g test,CN=SECC"
    assert leaf.issuer == "DC=V2G,C=DE,O=v2g test,CN=CPO Sub-CA 2"
    assert (leaf.curve, leaf.signature_hash, leaf.ca, leaf.path_length) == (
        "secp256r1",
        "sha256",
        False,
        None,
    )
    assert leaf.key_usage == frozenset({"digitalSignature", "keyAgreement"})
    assert leaf.serial == leaf.x509.serial_number
    assert len(leaf.sha256) == 64
    assert not leaf.self_signed
    assert pki2.leaf("v2g-root").self_signed
    assert "x509" not in repr(leaf)
    assert "der" not in repr(leaf)
    other = pki20.leaf("contract")
    assert (other.curve, other.signature_hash) == ("secp521r1", "sha512")
    identifier = other.subject_key_identifier
    assert identifier is not None
    assert len(identifier) == 8
    assert identifier[0] >> 4 == 4


def error(call: Any, *arguments: Any) -> str:
    with pytest.raises(CertificateError) as caught:
        call(*arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_files_that_hold_none(tmp_path: Path, pki2: Pki) -> None:
    file = tmp_path / "x.pem"
    assert error(load_chain, file) == f"{file}: No such file or directory"
    assert error(load_chain, tmp_path) == f"{tmp_path}: Is a directory"
    file.write_bytes(b" \n")
    assert error(load_chain, file) == f"{file}: is empty"
    file.write_bytes(b"certificate")
    assert error(load_chain, file).startswith(f"{file}: no certificate: ")
    assert error(load_key, file).startswith(f"{file}: no private key: ")
    key = pki2.folder / "secc.key"
    assert error(load_chain, key) == f"{key}: holds no certificate"
    assert error(load_key, pki2.root()) == f"{pki2.root()}: holds no private key"
    good = pki2.root().read_text()
    file.write_text(good.replace("MII", "MIA", 1) + good)
    assert error(load_chain, file).startswith(f"{file}, certificate 1: no certificate: ")
    file.write_text(good + good.replace("MII", "M*I", 1))
    assert error(load_chain, file).startswith(f"{file}: certificate 2 is none: ")
    file.write_bytes(bytes(1 << 20) + b"x")
    assert error(load_chain, file) == f"{file}: larger than 1048576 bytes"


def test_der_and_pem_are_read(tmp_path: Path, pki2: Pki) -> None:
    leaf = pki2.leaf("secc")
    file = tmp_path / "secc.der"
    file.write_bytes(leaf.der)
    assert load_chain(file)[0].der == leaf.der
    assert from_der(leaf.der, "message").pem() == (pki2.folder / "secc.pem").read_bytes()
    key = pki2.key("secc")
    der = tmp_path / "key.der"
    der.write_bytes(key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()))
    assert matches(leaf, load_key(der))
    old = tmp_path / "sec1.pem"
    old.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()))
    assert matches(leaf, load_key(old))
    assert not matches(leaf, pki2.key("contract"))


def test_encrypted_keys(tmp_path: Path, pki2: Pki) -> None:
    file = tmp_path / "secret.key"
    key = pki2.key("secc")
    file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"12345")))
    assert error(load_key, file) == f"{file}: is encrypted: its password is needed"
    assert error(load_key, file, b"54321") == f"{file}: the password does not fit"
    assert matches(pki2.leaf("secc"), load_key(file, b"12345"))
    plain = pki2.folder / "secc.key"
    assert error(load_key, plain, b"12345") == f"{plain}: is not encrypted: no password, please"


def signed(certificate: Certificate) -> bytes:
    """The part of a certificate that its issuer vouches for."""
    return certificate.x509.tbs_certificate_bytes


@pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning")
@given(st.binary(max_size=200), st.integers(0, 700), st.integers(0, 255))
def test_damaged_certificates(pki2: Pki, noise: bytes, at: int, value: int) -> None:
    """Either an error that says so, or a certificate whose damage a chain shows; never another exception.

    What is damaged has to be signed: the count of unused bits of the signature itself means nothing, for one.
    """
    leaf, second, first = pki2.chain("secc")
    damaged = bytearray(leaf.der)
    damaged[at % len(damaged)] = value
    why: list[str] = []
    for data in (noise, bytes(damaged), leaf.der[:at]):
        try:
            found = from_der(data, "message")
        except CertificateError as wrong:
            why.append(str(wrong))
            continue
        if signed(found) != signed(leaf):
            assert check_chain([found, second, first], [pki2.leaf("v2g-root")], at=NOON, profile=SECC_LEAF)
    assert all(each.startswith("message: ") for each in why)


@pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning")
def test_every_damaged_bit_of_a_certificate(pki2: Pki) -> None:
    """No signed bit of a certificate can be wrong without an error or a problem of its chain."""
    leaf, second, first = pki2.chain("secc")
    roots = [pki2.leaf("v2g-root")]
    unseen = []
    for bit in range(len(leaf.der) * 8):
        damaged = bytearray(leaf.der)
        damaged[bit // 8] ^= 1 << bit % 8
        try:
            found = from_der(bytes(damaged), "message")
        except CertificateError:
            continue
        problems = check_chain([found, second, first], roots, at=NOON, profile=SECC_LEAF)
        if not problems and signed(found) != signed(leaf):
            unseen.append(bit)
    assert unseen == []


def test_a_name_of_an_unknown_string_type(pki2: Pki) -> None:
    leaf = pki2.leaf("secc")
    name = leaf.common_name.encode()
    for kind in (0, 3, 254):  # UTF8String is 12
        damaged = leaf.der.replace(bytes((12, len(name))) + name, bytes((kind, len(name))) + name)
        assert damaged != leaf.der
        why = error(from_der, damaged, "message")
        assert why == "message: no certificate: a value in it is of an unknown kind"


def test_certificates_of_other_stacks(tmp_path: Path) -> None:
    """The PKI that Josev's script makes, with its encrypted keys."""
    if josev_rig.missing():
        pytest.skip(josev_rig.missing())
    made = josev_rig.certificates(tmp_path / "pki") / "iso15118_2"
    for name, above, root, profile in (
        ("secc", "cpo", "v2g", SECC_LEAF),
        ("cps", "cps", "v2g", CPS_LEAF),
        ("contract", "mo", "mo", CONTRACT_LEAF),
        ("oem", "oem", "oem", OEM_LEAF),
    ):
        files = (f"{name}Leaf", f"{above}SubCA2", f"{above}SubCA1")
        chain = [load_chain(made / "certs" / f"{each}Cert.der")[0] for each in files]
        roots = load_chain(made / "certs" / f"{root}RootCACert.der")
        now = chain[0].not_before + timedelta(hours=1)
        assert check_chain(chain, roots, at=now, profile=profile, generation=Generation.ISO2) == []
        assert matches(chain[0], load_key(made / "private_keys" / f"{name}Leaf.key", b"12345"))


def test_contracts_that_cars_have_shown() -> None:
    """In interoperability runs; their roots were not recorded."""
    seen = []
    for vector in load():
        if vector.error or vector.message_set not in ("iso2", "iso20-common"):
            continue
        message = v2gexi.decode(vector.payload, vector.message_set)
        if vector.message_set == "iso2":
            body = message.Body.BodyElement
        else:
            body = getattr(message, "PnC_AReqAuthorizationMode", None)
        shown = getattr(body, "ContractSignatureCertChain", None) or getattr(
            body, "ContractCertificateChain", None
        )
        if shown is None or type(body).__name__ == "CertificateInstallationResType":
            continue
        chain = [from_der(each, "car") for each in (shown.Certificate, *shown.SubCertificates.Certificate)]
        found = check_chain(chain, [], at=chain[0].not_before + timedelta(hours=1), profile=CONTRACT_LEAF)
        seen.append([each.kind for each in found])
        assert chain[0].emaid is not None
    assert len(seen) == 16
    assert [each for each in seen if each != [ProblemKind.UNTRUSTED]] == [
        [ProblemKind.ORDER, ProblemKind.UNTRUSTED]
    ]
