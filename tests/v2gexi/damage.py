"""Damaged payloads through the whole of Python: ``python -m tests.v2gexi.damage SEED COUNT``.

Runs in a process of its own, which ends with 0 only if every payload was read or refused."""

from __future__ import annotations

import random
import sys

import v2gexi
from tests.v2gexi import vectors
from v2gexi import schema


def damaged(chance: random.Random, payloads: list[tuple[str, bytes]]) -> tuple[str, bytes]:
    """A payload that was cut, flipped or thrown together, and the message set it is taken for."""
    message_set, payload = chance.choice(payloads)
    if chance.random() < 0.2:
        message_set = chance.choice(list(schema.set_names()))
    kind = chance.random()
    if kind < 0.2:
        return message_set, payload[: chance.randrange(len(payload))]
    if kind < 0.5:
        return message_set, b"\x80" + chance.randbytes(chance.choice((3, 12, 60)))
    changed = bytearray(payload)
    for _ in range(chance.choice((1, 1, 2, 8))):
        changed[chance.randrange(min(len(changed), chance.choice((6, 30, 3000))))] ^= 1 << chance.randrange(8)
    return message_set, bytes(changed)


def main() -> None:
    """Read, show, write."""
    seed, count = map(int, sys.argv[1:])
    chance = random.Random(seed)
    payloads = [(vector.message_set, vector.payload) for vector in vectors.load()]
    read = 0
    for number in range(count):
        message_set, payload = damaged(chance, payloads)
        fragment = chance.random() < 0.3
        try:
            message = v2gexi.decode(payload, message_set, fragment=fragment, check=chance.random() < 0.3)
        except v2gexi.DecodeError as error:
            said = str(error)
            if "\n" in said:
                raise AssertionError(f"payload {number}: an error of several lines: {said!r}") from error
            continue
        read += 1
        repr(message)
        if not isinstance(message, v2gexi.Message):
            continue
        try:
            again = v2gexi.encode(message, message_set, fragment=fragment, lenient=True)
        except v2gexi.EncodeError:
            again = None
        if again is not None and not fragment:
            assert v2gexi.decode(again, message_set) == message, (number, payload.hex())
        try:
            v2gexi.to_xml(message)
        except ValueError:
            continue
    print(f"{read} of {count} could be read")


if __name__ == "__main__":
    main()
