"""Signatures by the guide's commands (10.2.3): what they sign is taken, and what is taken they verify."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from chargectl.system.signature import SignatureError, verify
from tests.rauc_rig import run
from tests.usb.device import ROOT, require
from tests.usb.pki import guide_verifies, make_ca, make_certificate, sign


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Authorities ``ca`` and ``other``, and certificates under them."""
    folder = tmp_path_factory.mktemp("pki")
    for name in ("ca", "other"):
        make_ca(folder, name)
    make_certificate(folder, "release", "ca")
    make_certificate(folder, "expired", "ca", days=-1)
    make_certificate(folder, "stranger", "other")
    make_certificate(folder, "mail", "ca", extensions="extendedKeyUsage=emailProtection")
    make_certificate(folder, "code", "ca", extensions="extendedKeyUsage=codeSigning")
    make_certificate(folder, "server", "ca", extensions="extendedKeyUsage=serverAuth")
    make_certificate(folder, "no-signing", "ca", extensions="keyUsage=critical,keyEncipherment")
    return folder


@pytest.fixture
def script(tmp_path: Path) -> Path:
    file = tmp_path / "autorun.sh"
    file.write_bytes(b"#!/bin/sh\r\necho 'line ends\xff are kept'\n\n")
    return file


def taken(script: Path, keyring: Path) -> bool:
    try:
        verify(script, script.with_name(script.name + ".p7s"), keyring)
    except SignatureError as error:
        reason = str(error)
    else:
        return True
    assert reason
    assert reason.isprintable()
    return False


@pytest.mark.spec(266)
@pytest.mark.spec(268)
@pytest.mark.spec(274)
@pytest.mark.parametrize(
    ("signer", "expected"),
    [
        ("release", True),
        ("mail", True),
        ("expired", True),  # without looking at the time
        ("stranger", False),
        ("code", False),  # a certificate that says what it is for is taken for nothing else
        ("server", False),
        ("no-signing", False),
    ],
)
def test_the_guides_commands_and_the_board_agree(
    pki: Path, script: Path, signer: str, expected: bool
) -> None:
    sign(script, pki, signer)
    assert guide_verifies(script, pki / "ca.crt") is expected
    assert taken(script, pki / "ca.crt") is expected


@pytest.mark.spec(266)
def test_changed_content_is_refused(pki: Path, script: Path) -> None:
    sign(script, pki, "release")
    original = script.read_bytes()
    for changed in (original + b"\n", original[:-1], original.replace(b"\r", b""), b""):
        script.write_bytes(changed)
        assert not taken(script, pki / "ca.crt")
    script.write_bytes(original)
    assert taken(script, pki / "ca.crt")


def test_every_changed_byte_of_a_signature_is_refused_or_harmless(pki: Path, script: Path) -> None:
    """Some bytes of the container may not matter; the content always does."""
    sign(script, pki, "release")
    signature = script.with_name("autorun.sh.p7s")
    good = signature.read_bytes()
    other = script.with_name("other.sh")
    other.write_bytes(b"echo something else\n")
    for at in range(0, len(good), max(1, len(good) // 60)):
        changed = bytearray(good)
        changed[at] ^= 0x01
        signature.write_bytes(changed)
        with pytest.raises(SignatureError):
            verify(other, signature, pki / "ca.crt")


@pytest.mark.parametrize("content", [b"", b"-----BEGIN PKCS7-----\n", b"\x30\x80", os.urandom(2000)])
def test_what_is_no_signature_is_refused(pki: Path, script: Path, content: bytes) -> None:
    script.with_name("autorun.sh.p7s").write_bytes(content)
    assert not taken(script, pki / "ca.crt")


def test_a_container_without_a_signer_is_refused(pki: Path, script: Path) -> None:
    run(
        *("openssl", "crl2pkcs7", "-nocrl", "-certfile", pki / "release.crt", "-certfile", pki / "ca.crt"),
        *("-outform", "DER", "-out", script.with_name("autorun.sh.p7s")),
    )
    assert not taken(script, pki / "ca.crt")


def test_a_signature_that_carries_other_content_does_not_count(pki: Path, script: Path) -> None:
    inside = script.with_name("inside.sh")
    inside.write_text("echo what was signed\n")
    run(
        *("openssl", "smime", "-sign", "-outform", "DER", "-binary", "-nodetach", "-in", inside),
        *("-inkey", pki / "release.key", "-signer", pki / "release.crt"),
        *("-out", script.with_name("autorun.sh.p7s")),
    )
    assert not taken(script, pki / "ca.crt")


def test_a_second_signer_that_is_not_trusted_spoils_it(pki: Path, script: Path) -> None:
    run(
        *("openssl", "smime", "-sign", "-outform", "DER", "-binary", "-in", script),
        *("-inkey", pki / "release.key", "-signer", pki / "release.crt"),
        *("-inkey", pki / "stranger.key", "-signer", pki / "stranger.crt"),
        *("-out", script.with_name("autorun.sh.p7s")),
    )
    assert not taken(script, pki / "ca.crt")


@pytest.mark.spec(266)
def test_authorities_of_the_system_are_not_trusted(pki: Path, script: Path, tmp_path: Path) -> None:
    """The guide's command alone also trusts whatever lies in /etc/ssl/certs: any web authority."""
    require()
    system = Path(run("openssl", "version", "-d").split('"')[1]) / "certs"
    if not system.is_dir():
        pytest.skip(f"{system} does not exist: OpenSSL trusts no authority by itself here")
    store = tmp_path / "certs"
    store.mkdir()
    (store / "other.pem").write_bytes((pki / "other.crt").read_bytes())
    run("openssl", "rehash", store)
    sign(script, pki, "stranger")
    code = (
        "import sys; from pathlib import Path; sys.path[:0] = sys.argv[1:3]\n"
        "from tests.usb.test_signature import taken; from tests.usb.pki import guide_verifies\n"
        "script, keyring = map(Path, sys.argv[3:])\n"
        "print(guide_verifies(script, keyring), taken(script, keyring))"
    )
    # In a namespace in which the system trusts the stranger.
    enter = f'mount --bind {store} {system}; exec "$@"'
    answer = run(
        *("unshare", "--mount", "--propagation", "private", "sh", "-euc", enter, "sh"),
        *(sys.executable, "-c", code, ROOT, ROOT / "src", script, pki / "ca.crt"),
    )
    assert answer.split() == ["True", "False"]


def test_a_chain_over_an_intermediate_authority_is_found(pki: Path, script: Path) -> None:
    make_certificate(
        pki, "middle", "ca", extensions="basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign"
    )
    make_certificate(pki, "below", "middle")
    sign(script, pki, "below")
    assert not taken(script, pki / "ca.crt"), "the chain is not complete"
    both = script.with_name("both.pem")
    both.write_bytes((pki / "middle.crt").read_bytes() + (pki / "ca.crt").read_bytes())
    assert taken(script, both)
    assert guide_verifies(script, both)
    run(
        *("openssl", "smime", "-sign", "-outform", "DER", "-binary", "-in", script),
        *("-inkey", pki / "below.key", "-signer", pki / "below.crt", "-certfile", pki / "middle.crt"),
        *("-out", script.with_name("autorun.sh.p7s")),
    )
    assert taken(script, pki / "ca.crt")


def test_without_a_keyring_nothing_is_taken(pki: Path, script: Path, tmp_path: Path) -> None:
    sign(script, pki, "release")
    assert not taken(script, tmp_path / "missing.pem")
    (tmp_path / "empty.pem").write_bytes(b"")
    assert not taken(script, tmp_path / "empty.pem")


def test_without_openssl_nothing_is_taken(pki: Path, script: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sign(script, pki, "release")
    monkeypatch.setattr("chargectl.system.signature.PATH", "/nowhere")
    assert not taken(script, pki / "ca.crt")


def test_the_reason_is_one_short_line(pki: Path, script: Path) -> None:
    sign(script, pki, "stranger")
    with pytest.raises(SignatureError, match="certificate verify error") as caught:
        verify(script, script.with_name("autorun.sh.p7s"), pki / "ca.crt")
    assert "unable to get local issuer certificate" in str(caught.value)
    assert len(str(caught.value)) <= 200
