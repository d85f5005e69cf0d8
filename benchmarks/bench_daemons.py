"""Daemons: time to ready and resident memory, against a Python interpreter that does nothing."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.figure import Figure
from benchmarks.station import board, configuration, portd_command
from chargectl.sim.broker import PrivateBroker

ROUNDS = 5


def _interpreter() -> tuple[float, float]:
    """Start time (ms) and memory (KiB) of an interpreter that only says that it is there."""
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-c", "print(flush=True); input()"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    process.stdout.readline()
    took = (time.perf_counter() - started) * 1000
    memory = _resident_kib(process.pid)
    process.communicate(b"\n")
    return took, memory


def _resident_kib(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS:"):
            return float(line.split()[1])
    raise ValueError(f"process {pid} has no memory")


def _ready(folder: Path, command: list[str], *, in_board: bool, port: int) -> tuple[float, float]:
    """Start time (ms) and memory (KiB, five seconds later) of a daemon that says READY=1."""
    address = str(folder / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.bind(address)
        notify.settimeout(20)
        notify.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        os.environ["NOTIFY_SOCKET"] = address
        try:
            if in_board:
                with board(folder, [sys.executable, "-c", _TIMED, *command]):
                    return _measure(notify, folder)
            started = time.perf_counter()
            process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
            try:
                pid = _until_ready(notify)
                took = (time.perf_counter() - started) * 1000
                time.sleep(5)
                return took, _resident_kib(pid)
            finally:
                process.terminate()
                process.wait()
        finally:
            del os.environ["NOTIFY_SOCKET"]


_TIMED = """
import os, sys, time
open(os.environ["NOTIFY_SOCKET"] + ".started", "w").write(str(time.monotonic()))
os.execv(sys.argv[1], sys.argv[1:])
"""


def _until_ready(notify: socket.socket) -> int:
    """Wait for READY=1; return who sent it."""
    while True:
        message, ancillary, _flags, _address = notify.recvmsg(4096, 128)
        if b"READY=1" in message:
            return int.from_bytes(ancillary[0][2][:4], sys.byteorder)


def _measure(notify: socket.socket, folder: Path) -> tuple[float, float]:
    pid = _until_ready(notify)
    took = (time.monotonic() - float((folder / "notify.started").read_text())) * 1000
    time.sleep(5)
    return took, _resident_kib(pid)


def figures() -> Iterator[Figure]:
    """Measure both daemons and, in between, the bare interpreter."""
    bare = [_interpreter() for _ in range(ROUNDS)]
    bare_ms, bare_kib = min(took for took, _ in bare), min(memory for _, memory in bare)
    with tempfile.TemporaryDirectory() as name, PrivateBroker(Path(name)) as broker:
        for daemon in ("configd", "portd"):
            runs = []
            for _ in range(ROUNDS):
                with tempfile.TemporaryDirectory() as inner:
                    folder = Path(inner)
                    if daemon == "portd":
                        command = portd_command(folder, broker.port)
                    else:
                        command = [
                            sys.executable,
                            "-m",
                            "chargectl.daemons.configd",
                            *configuration(folder),
                            "--mqtt-port",
                            str(broker.port),
                            "--socket",
                            str(folder / "configd.sock"),
                        ]
                    runs.append(_ready(folder, command, in_board=daemon == "portd", port=broker.port))
            took, memory = min(run[0] for run in runs), min(run[1] for run in runs)
            yield Figure(f"{daemon} start to ready", took, "ms")
            yield Figure(f"{daemon} start", took / bare_ms, "x", "a bare interpreter's start")
            yield Figure(f"{daemon} resident memory", memory / 1024, "MiB")
            yield Figure(f"{daemon} memory", memory / bare_kib, "x", "a bare interpreter's memory")
