"""Payloads of real cars, chargers and other stacks with EXIficient's verdict. README.md says where from."""

from __future__ import annotations

import json
import lzma
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

FILE: Final = Path(__file__).with_name("recorded.jsonl.xz")


@dataclass(frozen=True, slots=True)
class Vector:
    """One payload. Lines of the file are its fields by name, those with their default left out."""

    message_set: str
    payload: bytes
    xml: str = ""
    """What EXIficient decodes; empty if it refuses. ``<?empty?>`` stands for an empty string as content."""
    error: str = ""
    """Why EXIficient refuses it."""
    unread: int = 0
    """Bytes after the end of the document: EXIficient does not look at them."""
    with_hits: bytes | None = None
    """What EXIficient encodes with its value string table in use, where that differs from the payload.

    Without the table it encodes each payload's content to the same bytes, less the unread ones.
    """
    violation: str = ""
    """The first violation of the XSD: of a limit of it that EXI does not code."""

    @property
    def document(self) -> bytes:
        """The payload without unread bytes."""
        return self.payload[: len(self.payload) - self.unread]


def load(file: Path = FILE) -> list[Vector]:
    """All vectors, in the file's order."""
    lines = lzma.decompress(file.read_bytes()).decode().splitlines()
    return [from_line(json.loads(line)) for line in lines]


def save(vectors: list[Vector], file: Path = FILE) -> None:
    """Write them for load()."""
    text = "".join(json.dumps(to_line(each), separators=(",", ":")) + "\n" for each in vectors)
    file.write_bytes(lzma.compress(text.encode(), preset=9 | lzma.PRESET_EXTREME))


def to_line(vector: Vector) -> dict[str, Any]:
    """What a line of the file holds."""
    line: dict[str, Any] = {"message_set": vector.message_set, "payload": vector.payload.hex()}
    for name in ("xml", "error", "unread", "violation"):
        if getattr(vector, name):
            line[name] = getattr(vector, name)
    if vector.with_hits is not None:
        line["with_hits"] = vector.with_hits.hex()
    return line


def from_line(line: dict[str, Any]) -> Vector:
    """The opposite of to_line()."""
    binary = {name: bytes.fromhex(line[name]) for name in ("payload", "with_hits") if name in line}
    fields: dict[str, Any] = line | binary
    return Vector(**fields)
