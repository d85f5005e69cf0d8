"""What image runs: ``/etc/chargectl-release``, written when the image is built."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

PATH: Final = Path("/etc/chargectl-release")


class ReleaseError(RuntimeError):
    """The file is missing or says nothing usable; the text is one clear line."""


@dataclass(frozen=True, slots=True)
class Release:
    """An image. ``build`` is the time of the build as ISO text, ``machine`` the board it is for."""

    version: str
    build: str
    machine: str
    development_keys: bool
    """It trusts the development keys: no release for the field."""


def read_release(path: Path = PATH) -> Release:
    """Read the file. Raises ReleaseError when it cannot be read or VERSION is missing."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "not UTF-8"
        raise ReleaseError(f"{path}: {reason}") from None
    return parse_release(text, str(path))


def parse_release(text: str, name: str = PATH.name) -> Release:
    """Read the file's text: lines ``KEY=value``, ``#`` begins a comment, unknown keys are passed over.

    ``name`` is for the message. Raises ReleaseError when VERSION is missing.
    """
    values = {}
    for line in text.splitlines():
        name, equals, value = line.strip().partition("=")
        if equals and not name.startswith("#"):
            values[name.strip()] = value.strip().strip('"')
    version = values.get("VERSION", "")
    if not version:
        raise ReleaseError(f"{name}: VERSION is missing")
    return Release(
        version=version,
        build=values.get("BUILD", ""),
        machine=values.get("MACHINE", ""),
        # What does not say that it has release keys is taken for a development image.
        development_keys=values.get("DEVELOPMENT_KEYS", "yes").lower() != "no",
    )
