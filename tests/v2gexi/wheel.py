"""The wheel ``iso15118``: it carries the schemas and EXIficient's jar. Tests only; it is not installed.

Looked for at V2GEXI_WHEEL, then in the cache folder of this repository's tools, where ``make v2gexi-wheel``
puts it.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import zipfile
from pathlib import Path
from typing import Final

from tests.v2gexi.exificient import Exificient
from v2gexi.generate.sets import PUBLISHED

NAME: Final = "iso15118-0.31.0-py3-none-any.whl"
_CACHE: Final = Path(os.environ.get("CHARGECTL_CACHE") or Path.home() / ".cache/chargectl")


def find() -> Path | None:
    """The wheel, if it is there."""
    named = os.environ.get("V2GEXI_WHEEL")
    wheel = Path(named) if named else _CACHE / NAME
    return wheel if wheel.is_file() else None


def unpacked(wheel: Path) -> Path:
    """The folder ``iso15118/shared`` of the wheel, with EXICodec.jar and schemas/: unpacked into the cache,
    once."""
    folder = _CACHE / wheel.stem
    if not folder.is_dir():
        _CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=_CACHE) as temporary, zipfile.ZipFile(wheel) as archive:
            wanted = ("iso15118/shared/schemas/", "iso15118/shared/pki/", "iso15118/shared/EXICodec.jar")
            archive.extractall(temporary, [each for each in archive.namelist() if each.startswith(wanted)])
            try:
                os.rename(temporary, folder)
            except OSError:
                if not folder.is_dir():  # another test run was faster
                    raise
            else:
                os.mkdir(temporary)
    return folder / "iso15118/shared"


def open_oracle(shared: Path, *message_sets: str) -> Exificient:
    """EXIficient with the message sets (all, if none is named), each under its name."""
    oracle = Exificient(shared / "EXICodec.jar")
    for name in message_sets or PUBLISHED:
        oracle.schema(name, shared / "schemas" / PUBLISHED[name])
    return oracle


def missing() -> str:
    """What an oracle lacks here; empty if nothing."""
    if shutil.which("java") is None:
        return "EXIficient needs java (Debian: openjdk-17-jre-headless)"
    return "" if find() else f"EXIficient needs {NAME}: make v2gexi-wheel, or its path in V2GEXI_WHEEL"
