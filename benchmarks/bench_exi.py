"""v2gexi in C: time, instructions and size, beside libcbv2g (where CHARGECTL_CBV2G says that it is)."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from shutil import which

from benchmarks.exi.driver import Driver, Peer, code_size, engine_library
from benchmarks.exi.messages import MESSAGES
from benchmarks.figure import Figure

ROUNDS = 500
OURS, PEER = "v2gexi", "libcbv2g"
ARM = "arm-linux-gnueabihf-gcc"
CORE = "-mcpu=cortex-a7"
"""Compiler and core of the Charge Control C."""


def figures() -> Iterator[Figure]:
    """All codecs on the same messages in one process; then what they take in memory."""
    peer = Peer.find()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        driver = Driver(folder, peer)
        yield from _compared(driver.times(ROUNDS), "ns", "time")
        yield from _compared(driver.instructions(), "instructions", "instructions")
        for codec, what, size in driver.sizes():
            yield Figure(f"memory of a message: {codec} {what}", size, "bytes")
        yield from _sizes(folder, peer)


def _compared(values: dict[tuple[str, str, str], float], unit: str, what: str) -> Iterator[Figure]:
    """Each message's values, and how many times ours the other's is."""
    ratios = []
    for message in MESSAGES:
        for operation in ("decode", "encode"):
            ours = values.get((OURS, operation, message.label))
            theirs = values.get((PEER, operation, message.label))
            if ours is None:
                continue
            yield Figure(f"{operation} {message.label}: {OURS}", ours, unit)
            if theirs is not None:
                yield Figure(f"{operation} {message.label}: {PEER}", theirs, unit)
                ratios.append(theirs / ours)
                yield Figure(f"{operation} {message.label}: {PEER}", ratios[-1], "x", f"{OURS}, {what}")
    if ratios:
        yield Figure(f"least of all messages: {PEER}", min(ratios), "x", f"{OURS}, {what}")


def _sizes(folder: Path, peer: Peer | None) -> Iterator[Figure]:
    ours = code_size(engine_library(folder))
    yield Figure(f"code and tables, all message sets: {OURS}", ours / 1000, "kB")
    if which(ARM):
        arm = code_size(engine_library(folder, ARM, CORE))
        yield Figure(f"code and tables, Cortex-A7: {OURS}", arm / 1000, "kB")
    if peer:
        theirs = code_size(peer.library)
        yield Figure(f"code and tables, all message sets: {PEER}", theirs / 1000, "kB")
        yield Figure(f"code and tables: {OURS}", ours / theirs, "x", PEER)
