"""Certificates and signatures, made with the commands of the guide (10.2.3) word by word."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.rauc_rig import run


def make_ca(folder: Path, name: str) -> Path:
    """A self-signed certificate authority; returns its certificate, the key lies beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    certificate = folder / f"{name}.crt"
    run(
        *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"),
        *("-days", "30", "-subj", f"/O=chargectl test/CN={name}", "-addext", "keyUsage=critical,keyCertSign"),
        *("-keyout", folder / f"{name}.key", "-out", certificate),
    )
    return certificate


def make_certificate(
    folder: Path, name: str, ca: str, *, extensions: str = "", days: int = 30, key: str = ""
) -> Path:
    """A certificate under ``ca``; ``key`` reuses the key of another name (cross-signing)."""
    request, certificate = folder / f"{name}.csr", folder / f"{name}.crt"
    if key:
        run(
            *("openssl", "req", "-new", "-key", folder / f"{key}.key", "-out", request),
            *("-subj", f"/O=chargectl test/CN={name}"),
        )
    else:
        run(
            *("openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"),
            *("-keyout", folder / f"{name}.key", "-out", request, "-subj", f"/O=chargectl test/CN={name}"),
        )
    options: list[str | Path] = []
    if extensions:
        file = folder / f"{name}.ext"
        file.write_text(extensions + "\n")
        options = ["-extfile", file]
    run(
        *("openssl", "x509", "-req", "-in", request, "-days", str(days), "-CAcreateserial"),
        *("-CA", folder / f"{ca}.crt", "-CAkey", folder / f"{ca}.key", "-out", certificate, *options),
    )
    return certificate


def sign(file: Path, folder: Path, signer: str) -> Path:
    """Sign with the guide's command; returns the signature beside the file."""
    subprocess.run(
        f"openssl smime -sign -outform DER -binary -inkey {folder}/{signer}.key "
        f"-signer {folder}/{signer}.crt -in {file.name} -out {file.name}.p7s",
        shell=True,
        check=True,
        cwd=file.parent,
    )
    return file.with_name(file.name + ".p7s")


def guide_verifies(file: Path, ca: Path, environment: dict[str, str] | None = None) -> bool:
    """Whether the guide's command takes the signature that lies beside the file."""
    done = subprocess.run(
        f"openssl smime -verify -no_check_time -inform DER -CAfile {ca} "
        f"-content {file.name} -in {file.name}.p7s",
        shell=True,
        check=False,
        cwd=file.parent,
        capture_output=True,
        env=environment,
    )
    return done.returncode == 0
