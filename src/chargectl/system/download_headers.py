"""The headers of a transfer as curl writes them down: what the server says of the file."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from chargectl.system.download_partial import Validator

MOST_BYTES: Final = 256 * 1024
"""Ten redirections with generous headers; more is not read."""

_STATUS: Final = re.compile(r"HTTP/[0-9.]+ ([0-9]{3})")
_RANGE: Final = re.compile(r"bytes [0-9]+-[0-9]+/([0-9]+)")


@dataclass(frozen=True, slots=True)
class Answer:
    """The last complete answer: its status (0 for FTP, which has none) and what identifies the file."""

    status: int
    validator: Validator


def last_answer(source: Path | bytes) -> Answer | None:
    """Read the last block of headers that is complete; None when there is none yet.

    Redirections and interim answers leave a block each.
    """
    if isinstance(source, Path):
        try:
            with source.open("rb") as file:
                data = file.read(MOST_BYTES)
        except FileNotFoundError:
            return None
    else:
        data = source[:MOST_BYTES]
    blocks = data.replace(b"\r\n", b"\n").split(b"\n\n")
    if not data.startswith(b"HTTP/"):
        # FTP: curl prints the lines of one block, and no empty line behind it.
        return _read(data.decode("latin-1")) if data.strip() else None
    complete = [block for block in blocks[:-1] if block.strip()]
    return _read(complete[-1].decode("latin-1")) if complete else None


def _read(text: str) -> Answer:
    first, _, _ = text.lstrip().partition("\n")
    status = _STATUS.match(first)
    fields: dict[str, str] = {}
    for line in text.replace("\r", "").splitlines():
        name, colon, value = line.partition(":")
        if colon:
            fields[name.strip().lower()] = value.strip()
    length = fields.get("content-length", "")
    whole = _RANGE.match(fields.get("content-range", ""))
    if whole is not None:
        length = whole[1]
    elif status is not None and status[1] == "206":
        length = ""
    return Answer(
        int(status[1]) if status is not None else 0,
        Validator(
            etag=fields.get("etag", ""),
            modified=fields.get("last-modified", ""),
            length=int(length) if re.fullmatch("[0-9]{1,15}", length) else None,
        ),
    )
