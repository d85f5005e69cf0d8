"""Detached signatures, checked by OpenSSL as the guide's command does it (guide 10.2.3).

    openssl smime -verify -no_check_time -inform DER -CAfile KEYRING -content FILE -in FILE.p7s

with one difference: without ``-no-CApath -no-CAstore`` OpenSSL would trust every authority in /etc/ssl/certs
beside the keyring. Time is not checked: the board may not know it when it is needed.
"""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Final

from chargectl.system.stick_mount import PATH

OPENSSL_S: Final = 60.0
"""The longest that one call may take; the board needs a second for 16 MiB."""
ONLY_THE_KEYRING: Final = ("-no-CApath", "-no-CAstore")
_LONGEST_REASON: Final = 200


class SignatureError(RuntimeError):
    """A file is not signed as it has to be; the text is OpenSSL's reason on one line."""


def verify(content: Path, signature: Path, keyring: Path) -> None:
    """Check that ``signature`` (DER, PKCS#7) signs ``content`` under a root certificate of ``keyring`` (PEM).

    What is to be used afterwards must be the very copy that was checked. Raises SignatureError.
    """
    problem = openssl(
        *("smime", "-verify", "-no_check_time", "-inform", "DER", "-CAfile", str(keyring)),
        *(*ONLY_THE_KEYRING, "-content", str(content), "-in", str(signature), "-out", "/dev/null"),
    )
    if problem:
        raise SignatureError(problem)


def openssl(*arguments: str) -> str:
    """Run OpenSSL; returns an empty text when it was content, else why not. Raises SignatureError."""
    try:
        done = subprocess.run(
            ["openssl", *arguments],
            env={"PATH": PATH, "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=OPENSSL_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise SignatureError(f"openssl: no result within {OPENSSL_S:g} s") from None
    except OSError as error:
        raise SignatureError(f"openssl cannot be run: {(error.strerror or str(error)).lower()}") from None
    if done.returncode == 0:
        return ""
    return _reason(done.stderr.decode("utf-8", "replace")) or f"openssl: exit code {done.returncode}"


def _reason(stderr: str) -> str:
    """The reason in OpenSSL's messages: ``NUMBER:error:CODE:library:function:reason:file:line:detail``."""
    reasons = []
    for line in stderr.splitlines():
        fields = line.split(":")
        if "error" in fields and len(fields) > fields.index("error") + 4:
            start = fields.index("error")
            detail = ":".join(fields[start + 7 :]).strip()
            reasons.append(fields[start + 4] + (f" ({detail})" if detail else ""))
    text = "; ".join(dict.fromkeys(reasons)) or " ".join(stderr.split())
    text = "".join(sign if sign.isprintable() else "?" for sign in text)
    return text if len(text) <= _LONGEST_REASON else text[: _LONGEST_REASON - 3] + "..."
