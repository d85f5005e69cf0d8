"""v2gexi in Python: bytes to typed message and back, beside other ways; import time and memory."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from benchmarks.exi.by_cffi import Binding, build
from benchmarks.exi.by_py4j import Exificient
from benchmarks.exi.driver import Driver, say
from benchmarks.exi.messages import MESSAGES, Message, named
from benchmarks.figure import Figure

LOOP = tuple(named(f"{name}/CurrentDemand{kind}") for name in ("din", "iso2") for kind in ("Req", "Res"))
"""What a session is made of for all of its hour."""
ROUNDS = 200
BATCH = 50
JAVA_ROUNDS = 20
PROCESS_ROUNDS = 50
STARTS = 21
OURS = "v2gexi"

Ways = dict[tuple[str, Message, str], Callable[[], object]]
"""Operation, message and way: what to time."""
Times = dict[tuple[str, Message, str], float]
"""Microseconds of the same: within this process the median of processor time, elsewhere the least time."""


def figures() -> Iterator[Figure]:
    """All ways, one after the other in each round."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ways = _c_api() | _cffi(folder)
        times = _timed(ways)
        times |= _process_each(folder)
        started: list[Figure] = []
        times |= _java(started)
        yield from started
    for (operation, message, way), us in sorted(times.items(), key=lambda item: _order(*item[0])):
        label = f"{operation} {message.label}: {way}"
        yield Figure(label, us, "us")
        if way != OURS:
            yield Figure(label, us / times[operation, message, OURS], "x", OURS)
    yield from _start()


def _order(operation: str, message: Message, way: str) -> tuple[int, str, bool, str]:
    return MESSAGES.index(message), operation, way != OURS, way


def _c_api() -> Ways:
    """v2gexi itself. All messages, not only those of the loop."""
    import v2gexi

    ways: Ways = {}
    for message in MESSAGES:
        payload, message_set = message.payload, message.set
        value = v2gexi.decode(payload, message_set)
        if message in LOOP:
            _same(v2gexi.encode(value), payload, message)
        ways["decode", message, OURS] = partial(v2gexi.decode, payload, message_set)
        ways["encode", message, OURS] = partial(v2gexi.encode, value)
    return ways


def _cffi(folder: Path) -> Ways:
    """The same engine behind cffi."""
    try:
        module = build(folder)
    except ImportError as error:
        say(f"cffi left out: {error}")
        return {}
    ways: Ways = {}
    bindings = {message.set: Binding(module, message.set) for message in LOOP}
    for message in LOOP:
        binding, payload = bindings[message.set], message.payload
        value = binding.decode_tape(payload)
        _same(binding.encode_tape(value), payload, message)
        _same(binding.encode_tape(binding.decode_pull(payload)), payload, message)
        ways["decode", message, "cffi, a call a message"] = partial(binding.decode_tape, payload)
        ways["decode", message, "cffi, a call an event"] = partial(binding.decode_pull, payload)
        ways["encode", message, "cffi, a call a message"] = partial(binding.encode_tape, value)
    return ways


def _same(payload: bytes, seen: bytes, message: Message) -> None:
    if payload != seen:
        raise RuntimeError(f"{message.label} is encoded to {payload.hex()}")


def _timed(ways: Ways) -> Times:
    """All of them, one after the other in each round."""
    spent: dict[tuple[str, Message, str], list[float]] = {key: [] for key in ways}
    for _ in range(ROUNDS):
        for key, call in ways.items():
            start = time.thread_time_ns()
            for _ in range(BATCH):
                call()
            spent[key].append((time.thread_time_ns() - start) / BATCH / 1e3)
    return {key: statistics.median(each) for key, each in spent.items()}


def _process_each(folder: Path) -> Times:
    """A program in C, started for one message: it decodes it and encodes it again."""
    driver = Driver(folder, None)
    times = {}
    for message in LOOP:
        command = driver.one_message(message)
        spent = []
        for _ in range(PROCESS_ROUNDS):
            start = time.perf_counter_ns()
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            spent.append((time.perf_counter_ns() - start) / 1e3)
        for operation in ("decode", "encode"):
            times[operation, message, "a C program a message"] = min(spent)
    return times


def _java(started: list[Figure]) -> Times:
    """EXIficient through py4j; what its start takes goes to ``started``."""
    times: Times = {}
    began = time.perf_counter()
    try:
        java = Exificient()
    except (ImportError, FileNotFoundError) as error:
        say(f"EXIficient left out: {error}")
        return times
    with java:
        text = java.decode(LOOP[0].payload, LOOP[0].set)
        started.append(
            Figure("EXIficient by py4j: until its first message", time.perf_counter() - began, "s")
        )
        for message in LOOP:
            payload, message_set = message.payload, message.set
            text = java.decode(payload, message_set)
            calls: dict[str, Callable[[], object]] = {
                "decode": partial(java.decode, payload, message_set),
                "encode": partial(java.encode, text, message_set),
            }
            for operation, call in calls.items():
                for _ in range(JAVA_ROUNDS):
                    call()  # Java is slow until it is warm
                spent = []
                before = java.processor_time()
                for _ in range(JAVA_ROUNDS):
                    start = time.perf_counter_ns()
                    call()
                    spent.append((time.perf_counter_ns() - start) / 1e3)
                used = (java.processor_time() - before) * 1e6 / JAVA_ROUNDS
                times[operation, message, "EXIficient by py4j"] = min(spent)
                times[operation, message, "EXIficient by py4j, Java's processor time"] = used
        started.append(Figure("EXIficient by py4j: resident memory", java.resident / 1e6, "MB"))
    return times


def _start() -> Iterator[Figure]:
    """What `import v2gexi` takes, and what the first message of a set takes beyond that."""
    message = named("iso2/CurrentDemandReq")
    code = f"""\
import os, time
def resident():
    return int(open("/proc/self/statm").read().split()[1]) * os.sysconf("SC_PAGESIZE")
resident()
bare, start = resident(), time.process_time()
import v2gexi
took, imported = time.process_time() - start, resident()
start = time.process_time()
v2gexi.encode(v2gexi.decode(bytes.fromhex("{message.hex}"), "{message.set}"))
print(took, imported - bare, time.process_time() - start, resident() - bare, bare)
"""
    rows = [
        [float(word) for word in subprocess.check_output([sys.executable, "-c", code]).split()]
        for _ in range(STARTS)
    ]
    took, imported, first, with_first, bare = (
        statistics.median(column) for column in zip(*rows, strict=True)
    )
    yield Figure("import v2gexi: processor time", took * 1e3, "ms")
    yield Figure("import v2gexi: resident memory", imported / 1e6, "MB more than a bare interpreter")
    yield Figure("first message, decoded and encoded: processor time", first * 1e3, "ms")
    yield Figure(
        "after the first message: resident memory", with_first / 1e6, "MB more than a bare interpreter"
    )
    yield Figure("bare interpreter: resident memory", bare / 1e6, "MB")
