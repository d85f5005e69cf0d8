"""Which keyrings are taken, and how the new one comes to its place."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from chargectl.system.keyring import KeyringError, certificates, check, replace
from chargectl.system.signature import SignatureError
from tests.rauc_rig import run
from tests.usb.device import Device, Sticks
from tests.usb.pki import guide_verifies, make_ca, make_certificate, sign


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pki")
    for name in ("vendor", "owner"):
        make_ca(folder, name)
        make_certificate(folder, f"{name}-signer", name)
    make_certificate(folder, "cross", "vendor", extensions="basicConstraints=critical,CA:TRUE", key="owner")
    return folder


@pytest.fixture
def keyring(tmp_path: Path, pki: Path) -> Path:
    """A link to the shipped keyring, as in the image."""
    shipped = tmp_path / "shipped.pem"
    shipped.write_bytes((pki / "vendor.crt").read_bytes())
    path = tmp_path / "rauc" / "keyring.pem"
    path.parent.mkdir()
    path.symlink_to("../shipped.pem")
    return path


def candidate(tmp_path: Path, pki: Path, content: bytes, signer: str = "vendor-signer") -> tuple[Path, Path]:
    file = tmp_path / "fwupdate-keyring.pem"
    file.write_bytes(content)
    return file, sign(file, pki, signer)


@pytest.mark.spec(266)
@pytest.mark.spec(267)
def test_the_link_gives_way_to_the_content(tmp_path: Path, pki: Path, keyring: Path) -> None:
    new = b"a comment\n" + (pki / "owner.crt").read_bytes()
    file, signature = candidate(tmp_path, pki, new)
    assert guide_verifies(file, keyring)
    assert replace(file, signature, keyring) == 1
    assert not keyring.is_symlink()
    assert keyring.read_bytes() == new
    assert keyring.stat().st_mode & 0o7777 == 0o644
    assert (tmp_path / "shipped.pem").read_bytes() == (pki / "vendor.crt").read_bytes()
    assert [path.name for path in keyring.parent.iterdir()] == ["keyring.pem"]
    # The stick is still in at the next start: nothing to do, although the vendor counts for nothing now.
    assert replace(file, signature, keyring) is None
    # And from now on the owner decides.
    with pytest.raises(SignatureError):
        replace(*candidate(tmp_path, pki, new + b"\n"), keyring)
    assert replace(*candidate(tmp_path, pki, new + b"\n", "owner-signer"), keyring) == 1


@pytest.mark.spec(265)
@pytest.mark.parametrize(
    "content", [b"", b"hello\n", b"-----BEGIN CERTIFICATE-----\nMIIB\n", b"\x00\xff" * 500]
)
def test_without_a_certificate_it_is_no_keyring(
    tmp_path: Path, pki: Path, keyring: Path, content: bytes
) -> None:
    with pytest.raises(KeyringError, match=r"holds no X\.509 certificate"):
        replace(*candidate(tmp_path, pki, content), keyring)
    assert keyring.is_symlink()


@pytest.mark.spec(265)
def test_a_key_is_no_certificate(tmp_path: Path, pki: Path, keyring: Path) -> None:
    with pytest.raises(KeyringError, match=r"holds no X\.509 certificate"):
        replace(*candidate(tmp_path, pki, (pki / "owner.key").read_bytes()), keyring)


def test_one_unreadable_certificate_spoils_the_keyring(tmp_path: Path, pki: Path, keyring: Path) -> None:
    """RAUC and OpenSSL refuse the whole file then: the board would take no update any more."""
    good = (pki / "owner.crt").read_bytes()
    bad = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    with pytest.raises(KeyringError, match="certificate 2 of 2 cannot be read"):
        replace(*candidate(tmp_path, pki, good + bad), keyring)
    assert keyring.is_symlink()


def test_a_keyring_without_a_root_would_lock_everybody_out(tmp_path: Path, pki: Path, keyring: Path) -> None:
    cross = (pki / "cross.crt").read_bytes()
    with pytest.raises(KeyringError, match="holds no root certificate"):
        replace(*candidate(tmp_path, pki, cross), keyring)
    assert keyring.is_symlink()
    # With the owner's own certificate beside it, it is one.
    assert replace(*candidate(tmp_path, pki, cross + (pki / "owner.crt").read_bytes()), keyring) == 2


@pytest.mark.spec(266)
@pytest.mark.parametrize("signer", ["owner-signer"])
def test_an_owner_cannot_sign_for_himself(tmp_path: Path, pki: Path, keyring: Path, signer: str) -> None:
    with pytest.raises(SignatureError, match="certificate verify error"):
        replace(*candidate(tmp_path, pki, (pki / "owner.crt").read_bytes(), signer), keyring)
    assert keyring.is_symlink()


@pytest.mark.spec(266)
def test_the_signature_has_to_be_of_this_keyring(tmp_path: Path, pki: Path, keyring: Path) -> None:
    file, signature = candidate(tmp_path, pki, (pki / "owner.crt").read_bytes())
    file.write_bytes(file.read_bytes() + b"\n")
    with pytest.raises(SignatureError, match="digest failure"):
        replace(file, signature, keyring)
    assert keyring.is_symlink()


@pytest.mark.spec(266)
def test_expired_certificates_do_not_lock_out(tmp_path: Path, pki: Path, keyring: Path) -> None:
    run(
        *("openssl", "x509", "-in", pki / "owner.crt", "-signkey", pki / "owner.key", "-days", "-1"),
        *("-out", tmp_path / "old.crt"),
    )
    make_certificate(pki, "late", "vendor", days=-1)
    file, signature = candidate(tmp_path, pki, (tmp_path / "old.crt").read_bytes(), "late")
    assert guide_verifies(file, keyring)
    assert replace(file, signature, keyring) == 1


def test_a_folder_that_cannot_be_written_leaves_the_old_one(tmp_path: Path, pki: Path, keyring: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root: it mounts")
    file, signature = candidate(tmp_path, pki, (pki / "owner.crt").read_bytes())
    run("mount", "-t", "tmpfs", "-o", "size=4k,nr_inodes=3", "tmpfs", keyring.parent)
    try:
        keyring.symlink_to(tmp_path / "shipped.pem")
        (keyring.parent / "filler").write_bytes(bytes(4096))
        with pytest.raises(KeyringError, match=r"keyring\.pem: cannot be written: no space left on device"):
            replace(file, signature, keyring)
        assert keyring.is_symlink()
        assert sorted(path.name for path in keyring.parent.iterdir()) == ["filler", "keyring.pem"]
        run("mount", "-o", "remount,ro", keyring.parent)
        with pytest.raises(KeyringError, match="read-only file system"):
            replace(file, signature, keyring)
    finally:
        run("umount", keyring.parent)


def test_leftovers_of_a_power_cut_are_no_obstacle(tmp_path: Path, pki: Path, keyring: Path) -> None:
    (keyring.parent / ".keyring.pem.next").symlink_to("/nowhere")
    assert replace(*candidate(tmp_path, pki, (pki / "owner.crt").read_bytes()), keyring) == 1
    assert [path.name for path in keyring.parent.iterdir()] == ["keyring.pem"]


def test_all_usual_frames_are_certificates(pki: Path, tmp_path: Path) -> None:
    run("openssl", "x509", "-in", pki / "owner.crt", "-trustout", "-out", tmp_path / "trusted.pem")
    both = (tmp_path / "trusted.pem").read_bytes() + (pki / "vendor.crt").read_bytes()
    assert len(certificates(both)) == 2
    (tmp_path / "both.pem").write_bytes(both.replace(b"\n", b"\r\n"))
    assert check(tmp_path / "both.pem") == 2


@pytest.mark.spec(264)
@pytest.mark.spec(272)
def test_on_the_device_a_refused_keyring_is_one_line_in_the_log(device: Device, sticks: Sticks) -> None:
    content = sticks.folder()
    owner = (device.pki / "owner.crt").read_bytes()
    sticks.signed(content, "fwupdate-keyring.pem", owner, device.pki, "owner-signer")
    output = device.plug(sticks.ext(content))
    assert "'fwupdate-keyring.pem': ignored: certificate verify error" in output
    assert device.keyring.is_symlink()
    (content / "fwupdate-keyring.pem.p7s").unlink()
    output = device.plug(sticks.ext(content))
    assert "ignored: not signed: no 'fwupdate-keyring.pem.p7s' beside it" in output
    assert device.keyring.is_symlink()
