"""A bundle signed with a key that lies in a token (docs/how-to/build-the-image.md, "Sign with a token")."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.bundle.miniroot import REPOSITORY
from tests.rauc_rig import make_filesystem, require

PIN = "1234"
MODULES = ("/usr/lib/softhsm/libsofthsm2.so", *map(str, Path("/usr/lib").glob("*/softhsm/libsofthsm2.so")))


@pytest.fixture
def token(tmp_path: Path) -> dict[str, str]:
    """The environment in which a token with a signer's key is there; the keys' folder has the key no more."""
    require()
    module = next((path for path in MODULES if Path(path).exists()), None)
    if module is None or shutil.which("softhsm2-util") is None:
        pytest.skip("softhsm2 is not installed")
    if not list(Path("/usr/lib").glob("*/engines-3/pkcs11.so")):
        pytest.skip("OpenSSL's engine for tokens is not installed (libengine-pkcs11-openssl)")
    (tmp_path / "tokens").mkdir()
    settings = tmp_path / "softhsm.conf"
    settings.write_text(f"directories.tokendir = {tmp_path}/tokens\n")
    keys = tmp_path / "keys"
    environment = {**os.environ, "SOFTHSM2_CONF": str(settings)}

    def run(*words: str | Path) -> None:
        subprocess.run(words, env=environment, check=True, capture_output=True)

    run(REPOSITORY / "bundle/pki", keys)
    run("softhsm2-util", "--init-token", "--free", "--label", "signer", "--pin", PIN, "--so-pin", PIN)
    name = ("--label", "updates", "--id", "01")
    run("softhsm2-util", "--import", keys / "bundle.key", "--token", "signer", *name, "--pin", PIN)
    (keys / "bundle.key").unlink()
    return {**environment, "RAUC_PKCS11_MODULE": module, "RAUC_PKCS11_PIN": PIN}


def test_it_verifies_like_any_other(token: dict[str, str], tmp_path: Path) -> None:
    release = "VERSION=1.0\nBUILD=2026-01-01T00:00:00Z\nDEVELOPMENT_KEYS=yes\n"
    make_filesystem(tmp_path / "root.ext4", {"etc/chargectl-release": release}, 8, filler_bytes=300_000)
    keys, out = tmp_path / "keys", tmp_path / "out.image"
    words: list[str | Path] = ["--image", tmp_path / "root.ext4", "--version", "1.0", "--out", out]
    words += ["--cert", keys / "bundle.pem", "--ca", keys / "ca.pem"]
    words += ["--key", "pkcs11:token=signer;object=updates"]
    made = subprocess.run(
        [REPOSITORY / "bundle/make", *words], env=token, capture_output=True, text=True, check=False
    )
    assert made.returncode == 0, made.stdout + made.stderr
    subprocess.run(["rauc", "info", "--keyring", keys / "ca.pem", out], check=True, capture_output=True)
