"""The keyring under which updates, scripts and the next keyring have to be signed (guide 10.2.1).

RAUC reads the file anew for each bundle: a new keyring holds from the moment it stands under the name.
"""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path
from typing import Final

from chargectl.config.store import sync_directory, write_atomic
from chargectl.system.signature import ONLY_THE_KEYRING, openssl, verify

KEYRING: Final = Path("/etc/rauc/keyring.pem")
"""As shipped a symbolic link to the distribution's own."""
MODE: Final = 0o644
"""Certificates are public."""

_CERTIFICATE: Final = re.compile(
    rb"-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----.*?-----END (?:X509 |TRUSTED )?CERTIFICATE-----",
    re.DOTALL,
)


class KeyringError(RuntimeError):
    """A keyring is not taken; the text says why."""


def certificates(pem: bytes) -> list[bytes]:
    """The certificates in a PEM file, each with its frame; whether they are any good is not looked at."""
    return _CERTIFICATE.findall(pem)


def check(candidate: Path) -> int:
    """Check that a file can serve as keyring; returns how many certificates it holds.

    It has to hold at least one X.509 certificate, every one has to be readable (RAUC refuses the whole file
    otherwise), and one has to verify under the file itself, which takes a root. With a keyring that holds no
    root nothing could ever be verified again, not even the next keyring. Raises KeyringError, SignatureError.
    """
    try:
        found = certificates(candidate.read_bytes())
    except OSError as error:
        raise KeyringError(f"cannot be read: {(error.strerror or str(error)).lower()}") from None
    if not found:
        raise KeyringError("holds no X.509 certificate")
    single = candidate.with_name(candidate.name + ".single")
    problem = ""
    complete = False
    try:
        for number, certificate in enumerate(found, 1):
            single.write_bytes(certificate + b"\n")
            unreadable = openssl("x509", "-noout", "-in", str(single))
            if unreadable:
                raise KeyringError(f"certificate {number} of {len(found)} cannot be read: {unreadable}")
            if not complete:
                problem = openssl(
                    *("verify", "-no_check_time", "-CAfile", str(candidate), *ONLY_THE_KEYRING, str(single))
                )
                complete = not problem
    except OSError as error:
        raise KeyringError(f"cannot be checked: {(error.strerror or str(error)).lower()}") from None
    finally:
        with contextlib.suppress(OSError):
            single.unlink()
    if not complete:
        raise KeyringError(
            f"holds no root certificate, so that nothing could be verified with it any more ({problem})"
        )
    return len(found)


def replace(candidate: Path, signature: Path, keyring: Path = KEYRING) -> int | None:
    """Make ``candidate`` the keyring if ``signature`` is valid under the present one.

    Both files must be private copies. A symbolic link gives way to the content. A power cut leaves the old
    keyring or the new one. Returns how many certificates it holds, None when it is the keyring already.
    Raises KeyringError, SignatureError; the keyring then is the old one.
    """
    try:
        new = candidate.read_bytes()
        # With the new keyring in place its own signature is, as a rule, not valid any more.
        if not keyring.is_symlink() and keyring.exists() and keyring.read_bytes() == new:
            return None
    except OSError as error:
        raise KeyringError(f"{keyring}: {(error.strerror or str(error)).lower()}") from None
    count = check(candidate)
    verify(candidate, signature, keyring)
    _install(new, keyring)
    return count


def _install(content: bytes, keyring: Path) -> None:
    beside = keyring.with_name(f".{keyring.name}.next")
    try:
        with contextlib.suppress(FileNotFoundError):
            beside.unlink()
        write_atomic(beside, content, MODE)
        os.replace(beside, keyring)
        sync_directory(keyring.parent)
    except OSError as error:
        with contextlib.suppress(OSError):
            beside.unlink()
        raise KeyringError(
            f"{keyring}: cannot be written: {(error.strerror or str(error)).lower()}"
        ) from None
