"""EXIficient's verdict on payloads.

    python -m tests.v2gexi.judge WHEEL FILE.jsonl...

reads lines ``{"message_set": ..., "hex": ...}`` and writes vectors/recorded.jsonl.xz.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.v2gexi.exificient import Exificient
from tests.v2gexi.vectors import Vector, save


def judge(oracle: Exificient, payloads: Sequence[tuple[str, bytes]]) -> Iterator[Vector]:
    """What EXIficient makes of (message set, payload); the oracle knows the sets by their names."""
    decoded = list(oracle.ask_all(("decode", name, "document", payload) for name, payload in payloads))
    valid = list(
        oracle.ask_all(
            ("validate", name, each.data or b"") for (name, _), each in zip(payloads, decoded, strict=True)
        )
    )
    encoded = {}
    for use in (True, False):
        for name in {name for name, _ in payloads}:
            oracle.string_table(name, use=use)
        requests = (
            ("encode", name, "document", each.data or b"")
            for (name, _), each in zip(payloads, decoded, strict=True)
        )
        encoded[use] = list(oracle.ask_all(requests))
    for name in {name for name, _ in payloads}:
        oracle.string_table(name, use=True)
    for (name, payload), answer, verdict, hits, plain in zip(
        payloads, decoded, valid, encoded[True], encoded[False], strict=True
    ):
        if answer.data is None:
            yield Vector(name, payload, error=answer.error)
            continue
        document = payload[: len(payload) - answer.unread]
        if plain.data != document:
            raise AssertionError(f"{name}: {payload.hex()} is encoded as {plain.must().hex()}")
        with_hits = hits.data if hits.data != document else None
        yield Vector(name, payload, answer.text, "", answer.unread, with_hits, verdict.error)


def main() -> None:
    """Judge files."""
    from tests.v2gexi.wheel import open_oracle, unpacked

    lines = [json.loads(line) for file in sys.argv[2:] for line in Path(file).read_text().splitlines()]
    payloads = [(line["message_set"], bytes.fromhex(line["hex"])) for line in lines]
    with open_oracle(unpacked(Path(sys.argv[1]))) as oracle:
        save(list(judge(oracle, payloads)))


if __name__ == "__main__":
    main()
